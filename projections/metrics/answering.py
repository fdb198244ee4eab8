"""answering: how do the rows of a few scans become an answer that is the same whenever it is asked for again?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from aggregates.errors import Unacceptable
from projections.metrics.answer import Answer, Grounds, MetricShown, Period, Row, Total, Value, Version
from projections.metrics.dimensions import DIMENSIONS
from projections.metrics.goal_answer import goals_answer
from projections.metrics.measure import Got, Metric, Part, Source, grown, value
from projections.metrics.question import Question
from projections.metrics.reports import GOALS
from projections.metrics.statements import MOST_ROWS, Statement, grounds, source_of, statements

Group = tuple[str | None, ...]
Cells = defaultdict[tuple[Group, int], dict[Part, Got]]
NONE = "none"
GENEROUS: LiteralString = """
SELECT set_config('work_mem', '32MB', true), set_config('jit', 'off', true),
       set_config('parallel_setup_cost', '50', true), set_config('parallel_tuple_cost', '0.01', true)
"""
NAMES: Mapping[str, LiteralString] = {
    "team": "SELECT id::text, name FROM read.teams WHERE id = ANY (%(ids)s::uuid[])",
    "assignee": "SELECT id::text, name FROM read.agents WHERE id = ANY (%(ids)s::uuid[])",
    "agent": "SELECT id::text, name FROM read.agents WHERE id = ANY (%(ids)s::uuid[])",
}
Labels = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Counted:
    """What each source's scan gave, and from which each metric has it. `totals`: whether of the period before."""

    sources: Mapping[str, Source]
    cells: dict[Source, Cells] = field(default_factory=lambda: defaultdict(lambda: defaultdict(dict)))
    totals: dict[Source, dict[bool, dict[Part, Got]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )


async def answered(connection: AsyncConnection[Any], asked: Question) -> Answer:
    """Raises Unacceptable where there are too many rows."""
    if asked.report == GOALS.name:
        return await goals_answer(connection, asked)
    async with connection.transaction():
        # Percentiles sort: in memory. Compiling a query would take longer than answering it; a helper pays from some
        # ten thousand rows on.
        await connection.execute(GENEROUS)
        return await _answered(connection, asked)


async def _answered(connection: AsyncConnection[Any], asked: Question) -> Answer:
    counted = Counted({metric.name: source_of(asked, metric) for metric in asked.metrics})
    for statement in statements(asked):
        _keep(counted, asked, statement, await _rows(connection, statement))
    _add_up(asked, counted.cells["levels"], counted.totals["levels"])
    groups = list({group for cells in counted.cells.values() for group, _ in cells})
    _check(len(groups) * len(asked.buckets))
    labels = await _labels(connection, asked, groups)
    rows = _all_rows(asked, counted, groups, labels)
    return Answer(
        report=asked.report,
        title=asked.title,
        since=asked.since,
        until=asked.until,
        tz=asked.zone.key,
        bucket=asked.bucket,
        time=asked.time,
        group_by=asked.group_by,
        as_of=asked.as_of,
        metrics=tuple(shown(metric) for metric in asked.metrics),
        grounds=await _grounds(connection, asked),
        compared_with=asked.before,
        rows=tuple(_ordered(asked, rows)),
        total=_total(asked, counted),
    )


def shown(metric: Metric) -> MetricShown:
    return MetricShown(metric.name, metric.title, metric.unit, metric.words, metric.version)


async def _rows(connection: AsyncConnection[Any], statement: Statement) -> Sequence[tuple[Any, ...]]:
    # Never prepared: how it is best read depends on the period.
    cursor = await connection.execute(statement.query, statement.parameters, prepare=False)
    rows = await cursor.fetchall()
    _check(len(rows))
    return rows


def _check(rows: int) -> None:
    if rows > MOST_ROWS:
        detail = f"More than {MOST_ROWS} rows: group by less, filter, or ask for longer buckets."
        raise Unacceptable("report.too_many_rows", detail, field="group_by")


def _keep(counted: Counted, asked: Question, statement: Statement, rows: Iterable[tuple[Any, ...]]) -> None:
    cells, totals = counted.cells[statement.source], counted.totals[statement.source]
    width = 3 + len(asked.group_by)
    sums: dict[bool, dict[Part, Got]] = defaultdict(dict)
    for row in rows:
        total, earlier, bucket = row[:3]
        parts = dict(zip(statement.parts, row[width:], strict=True))
        if total:
            totals[earlier] |= parts
        else:
            cells[row[3:width], bucket] |= parts
            if statement.summed:
                sums[earlier] = _sum(sums[earlier], parts)
    for earlier, parts in sums.items():
        totals[earlier] |= parts


def _add_up(asked: Question, cells: Cells, totals: dict[bool, dict[Part, Got]]) -> None:
    """How many came and went becomes how many are there; a group that none was in at any bucket's end is none."""
    for group in {group for group, _ in cells}:
        standing: dict[Part, Got] = {}
        for bucket in range(len(asked.periods)):
            standing = _sum(standing, cells.pop((group, bucket), {}))
            cells[group, bucket] = standing
        if not any(count for bucket in range(len(asked.periods)) for count in cells[group, bucket].values()):
            for bucket in range(len(asked.periods)):
                del cells[group, bucket]
    if True in totals:
        totals[False] = _sum(totals[True], totals.get(False, {}))


def _sum(one: Mapping[Part, Got], other: Mapping[Part, Got]) -> dict[Part, Got]:
    return {part: int(one.get(part) or 0) + int(other.get(part) or 0) for part in {**one, **other}}


def _all_rows(asked: Question, counted: Counted, groups: Sequence[Group], labels: Labels) -> list[Row]:
    if not asked.group_by:
        groups = [()]
    if asked.bucket is None and not asked.group_by:
        total = _total(asked, counted)
        return [Row(None, {}, {}, total.values, total.previous, total.change)]
    ranked = sorted(groups, key=lambda group: _place(asked, group, labels))
    return [
        _row(asked, counted, place, period, group, labels)
        for place, period in enumerate(asked.buckets)
        for group in ranked
    ]


def _row(asked: Question, counted: Counted, place: int, period: Period, group: Group, labels: Labels) -> Row:
    values = _values(asked, counted, group, len(asked.earlier) + place)
    previous = change = None
    if asked.before is not None:
        # A longer month has days that the one before has not.
        known = place < len(asked.earlier)
        previous = _values(asked, counted, group, place) if known else dict.fromkeys(values)
        change = {name: grown(values[name], previous[name]) for name in values}
    named = dict(zip(asked.group_by, group, strict=True))
    told = {name: _label(labels, name, key) for name, key in named.items()}
    return Row(None if asked.bucket is None else period, named, told, values, previous, change)


def _values(asked: Question, counted: Counted, group: Group, bucket: int) -> dict[str, Value]:
    nothing: dict[Part, Got] = {}
    return {
        metric.name: value(metric, counted.cells[counted.sources[metric.name]].get((group, bucket), nothing))
        for metric in asked.metrics
    }


def _total(asked: Question, counted: Counted) -> Total:
    def of(earlier: bool) -> dict[str, Value]:
        return {m.name: value(m, counted.totals[counted.sources[m.name]].get(earlier, {})) for m in asked.metrics}

    values = of(False)
    if asked.before is None:
        return Total(values)
    previous = of(True)
    return Total(values, previous, {name: grown(values[name], previous[name]) for name in values})


def _ordered(asked: Question, rows: list[Row]) -> list[Row]:
    """Largest first, those without a value last; equals share a rank."""
    name = asked.order
    if name is None:
        return rows[: asked.limit]

    def largest(row: Row) -> tuple[bool, float]:
        found = row.values[name]
        return found is None, -(found or 0)

    ranked = sorted(rows, key=largest)
    ranks: dict[tuple[bool, float], int] = {}
    for place, row in enumerate(ranked, 1):
        ranks.setdefault(largest(row), place)
    return [replace(row, rank=ranks[largest(row)]) for row in ranked[: asked.limit]]


def _place(asked: Question, group: Group, labels: Labels) -> tuple[tuple[bool, int, str, str], ...]:
    """In their own order where they have one, else by name; none comes last."""
    return tuple(_key_place(name, key, labels) for name, key in zip(asked.group_by, group, strict=True))


def _key_place(name: str, key: str | None, labels: Labels) -> tuple[bool, int, str, str]:
    if key is None:
        return True, 0, "", ""
    values = DIMENSIONS[name].values
    return False, values.index(key) if key in values else 0, _label(labels, name, key).casefold(), key


def _label(labels: Labels, name: str, key: str | None) -> str:
    return NONE if key is None else labels.get(name, {}).get(key, key)


async def _labels(connection: AsyncConnection[Any], asked: Question, groups: Sequence[Group]) -> Labels:
    """Names as they are today: they are for people, and no part of a figure."""
    found: dict[str, Mapping[str, str]] = {}
    for place, name in enumerate(asked.group_by):
        if name in NAMES:
            ids = [UUID(key) for key in {group[place] for group in groups} if key is not None]
            rows = await connection.execute(NAMES[name], {"ids": ids})
            found[name] = dict(await rows.fetchall())
    return found


async def _grounds(connection: AsyncConnection[Any], asked: Question) -> Grounds:
    policies: set[tuple[UUID, int]] = set()
    calendars: set[tuple[UUID, int]] = set()
    for statement in grounds(asked):
        cursor = await connection.execute(statement.query, statement.parameters)
        for policy, policy_version, calendar, calendar_version in await cursor.fetchall():
            policies |= {(policy, policy_version)} if policy is not None else set()
            calendars |= {(calendar, calendar_version)} if calendar is not None else set()
    return Grounds(_versions(policies), _versions(calendars))


def _versions(found: Iterable[tuple[UUID, int]]) -> tuple[Version, ...]:
    return tuple(Version(id, version) for id, version in sorted(found))
