"""table: what does an answered report say line by line, in words for people?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from projections.metrics.answer import Answer, Row, Total
from replay.report.panels import buckets_of
from replay.report.words import changed, drawable, said


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, and what became of it since the period before."""

    value: str
    change: str


@dataclass(frozen=True, slots=True)
class Line:
    """`names`: the bucket, then what it is grouped by."""

    names: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`names` and `figures` head the columns. Where nothing divides it there are no lines, but the total."""

    names: tuple[str, ...]
    figures: tuple[str, ...]
    lines: tuple[Line, ...]
    total: Line


def table(answer: Answer) -> Table:
    placed = any(row.rank is not None for row in answer.rows)
    names = tuple(_names(answer, placed))
    return Table(
        names or ("",),
        tuple(metric.title for metric in answer.metrics),
        tuple(Line(tuple(_named(answer, row, placed)), _cells(answer, row)) for row in answer.rows if names),
        Line(("all", *("" for _ in names[1:])), _cells(answer, answer.total)),
    )


def _names(answer: Answer, placed: bool) -> Iterator[str]:
    if placed:
        yield "place"
    if buckets_of(answer):
        yield answer.bucket or "period"
    yield from (dimension.replace("_", " ") for dimension in answer.group_by)


def _named(answer: Answer, row: Row, placed: bool) -> Iterator[str]:
    if placed:
        yield "" if row.rank is None else str(row.rank)
    if row.bucket is not None:
        yield row.bucket.label
    yield from (drawable(row.labels[dimension]) for dimension in answer.group_by)


def _cells(answer: Answer, of: Row | Total) -> tuple[Cell, ...]:
    business, before = answer.time == "business", of.previous or {}
    return tuple(
        Cell(
            said(of.values[one.name], one.unit, business),
            changed(of.values[one.name], before.get(one.name), one.unit, business),
        )
        for one in answer.metrics
    )
