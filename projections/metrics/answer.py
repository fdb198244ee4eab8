"""answer: what does an answered report hold? Its JSON is these fields, `since` and `until` as `from` and `to`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

Value = int | float | None
"""Null: nothing to tell, such as a share of nothing. Seconds have 6 decimals at most, shares go from 0 to 1."""
Unit = Literal["tickets", "events", "seconds", "share", "score", "money", "points", "number"]
Every = Literal["hour", "day", "week", "month", "quarter", "year"]
TimeKind = Literal["calendar", "business"]
Since = Annotated[datetime, Field(serialization_alias="from")]
Until = Annotated[datetime, Field(serialization_alias="to", description="not included")]


@dataclass(frozen=True, slots=True)
class MetricShown:
    name: str
    title: str
    unit: Unit
    definition: str
    version: int


@dataclass(frozen=True, slots=True)
class Period:
    """[from, to), called `label`: `2012-03-26`, `2012-W13`, `2012-03`, `2012-Q1`, `2012-03-25T03:00+02:00`."""

    since: Since
    until: Until
    label: str


@dataclass(frozen=True, slots=True)
class AsOf:
    """Nothing behind this position of the log counts; `at`: when its event was recorded."""

    position: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Grounds:
    """Versions of the policies and calendars that the figures stand on."""

    policies: tuple[Version, ...] = ()
    calendars: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """`previous`: of the period before, null where none was compared with; `change`: by how much it grew since."""

    values: Mapping[str, Value]
    previous: Mapping[str, Value] | None = None
    change: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One bucket and group. `labels` are for people, and never null; `rank` is 1 for the first, in leaderboards."""

    bucket: Period | None
    group: Mapping[str, str | None]
    labels: Mapping[str, str]
    values: Mapping[str, Value]
    previous: Mapping[str, Value] | None = None
    change: Mapping[str, Value] | None = None
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows in order of bucket, then group; empty buckets are there. `compared_with`: the period before, if any."""

    report: str
    title: str
    since: Since
    until: Until
    tz: str
    bucket: Every | None
    time: TimeKind
    group_by: tuple[str, ...]
    as_of: AsOf
    metrics: tuple[MetricShown, ...]
    grounds: Grounds
    compared_with: Period | None
    rows: tuple[Row, ...]
    total: Total


ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)


def as_json(answer: Answer) -> bytes:
    """The same bytes for the same answer."""
    return ANSWER.dump_json(answer, by_alias=True)
