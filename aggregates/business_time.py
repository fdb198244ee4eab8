"""When is a desk open, and how much of its time lies between two instants?

The one rule: a second is business time if, while it passes, the wall clock of the zone reads a time inside a span. So
a span over a spring gap is an hour shorter, one over an autumn fold an hour longer, and an hour that passes twice
counts twice.

A span belongs to the local date it begins on: a holiday or an exception replaces what begins that day, while last
night's shift still runs to its end. An exception overrules a holiday.
"""

from __future__ import annotations

import weakref
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from aggregates.text import Name, distinct

DAY = 24 * 60


class UnknownZone(ValueError):
    """No such IANA time zone."""


class NoTimeZones(RuntimeError):
    """This machine has no IANA time zone database."""


class BeyondCalendars(ValueError):
    """An instant outside FIRST and LAST: a slip of the pen rather than a ticket."""


def _minutes(value: object) -> object:
    """09:30 is 570. What does not read as a time is left for pydantic to refuse."""
    hour, colon, minute = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not (colon and len(hour) == len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdigit()):
        return None if isinstance(value, str) else value
    return int(hour) * 60 + int(minute) if int(minute) < 60 else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _dates(values: tuple[date, ...]) -> tuple[date, ...]:
    return distinct(values)


# A number of minutes here, 09:00 to 24:00 wherever it is written.
LocalTime = Annotated[
    int,
    Field(ge=0, le=DAY, strict=True),
    BeforeValidator(_minutes),
    PlainSerializer(_clock, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", "examples": ["09:00"]}),
]


class Span(BaseModel):
    """Local wall times. A span that closes no later than it opens closes the next day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    opens: LocalTime
    closes: LocalTime

    @property
    def length(self) -> int:
        """Minutes on a day without a change of clocks."""
        return self.closes - self.opens if self.closes > self.opens else self.closes - self.opens + DAY

    def __str__(self) -> str:
        return f"{_clock(self.opens)}-{_clock(self.closes)}"


class YearlyHoliday(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]


# These bounds may grow and never shrink: published hours must load for ever.
MOST_HOLIDAYS, MOST_YEARLY = 2_000, 366
Spans = Annotated[tuple[Span, ...], Field(max_length=48)]


class OtherHours(BaseModel):
    """What begins on one date, instead of its weekday's spans; none: closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    spans: Spans = ()


class Hours(BaseModel):
    """When a desk is open, in one IANA zone. `yearly_holidays` recur every year, `exceptions` overrule all else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: Name
    monday: Spans = ()
    tuesday: Spans = ()
    wednesday: Spans = ()
    thursday: Spans = ()
    friday: Spans = ()
    saturday: Spans = ()
    sunday: Spans = ()
    holidays: Annotated[tuple[date, ...], Field(max_length=MOST_HOLIDAYS), AfterValidator(_dates)] = ()
    yearly_holidays: Annotated[tuple[YearlyHoliday, ...], Field(max_length=MOST_YEARLY)] = ()
    exceptions: Annotated[tuple[OtherHours, ...], Field(max_length=2_000)] = ()

    @property
    def week(self) -> tuple[tuple[Span, ...], ...]:
        """Monday first."""
        return (self.monday, self.tuesday, self.wednesday, self.thursday, self.friday, self.saturday, self.sunday)


def business_seconds(hours: Hours, start: datetime, end: datetime) -> int:
    """Seconds of business time from `start` to `end`, both cut to the whole second; negative if `end` comes first.

    Raises UnknownZone, NoTimeZones, BeyondCalendars, and ValueError for an instant without a zone.
    """
    return prepared(hours).seconds(start, end)


def add_business_seconds(hours: Hours, start: datetime, seconds: int) -> datetime | None:
    """The earliest instant, in UTC, by which `seconds` of business time have passed since `start`, cut to the second.

    None: the calendar has not so many left before LAST. No seconds pass at once: the answer is `start`. Raises as
    above, and ValueError for a negative number.
    """
    return prepared(hours).after(start, seconds)


_PREPARED: dict[int, tuple[weakref.ref[Hours], Timeline]] = {}


def prepared(hours: Hours) -> Timeline:
    """What is worked out once per version of a calendar; keep it for a loop over many tickets."""
    # By identity: to hash published hours takes longer than the whole calculation.
    known = _PREPARED.get(id(hours))
    if known is not None and known[0]() is hours:
        return known[1]
    key, timeline = id(hours), Timeline(hours)
    _PREPARED[key] = weakref.ref(hours, lambda _: _PREPARED.pop(key, None)), timeline
    return timeline


def zone_of(name: str) -> ZoneInfo:
    """Only names of the IANA database, and not `localtime`, which is another zone on another machine."""
    if name in _zones():
        return ZoneInfo(name)
    raise UnknownZone(f"there is no time zone {name!r}")


@cache
def _zones() -> frozenset[str]:
    zones = frozenset(available_timezones()) - {"localtime", "Factory"}
    if not zones:
        raise NoTimeZones("no IANA time zone database: install the system's tzdata, or the Python package tzdata")
    return zones


Interval = tuple[int, int]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY_SECONDS = 86_400
FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
BLOCK = 366 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class _Table:
    """The open intervals of [since, until), in seconds since 1970, and the business time passed by the end of each.

    Business time is counted from an arbitrary zero: only differences mean something. `base` is the count at `since`.
    """

    since: int
    until: int
    base: int
    starts: list[int]
    ends: list[int]
    passed: list[int]

    @property
    def total(self) -> int:
        return self.passed[-1] if self.passed else self.base

    def count(self, instant: int) -> int:
        place = bisect_right(self.starts, instant) - 1
        if place < 0:
            return self.base
        left = self.ends[place] - instant
        return self.passed[place] - left if left > 0 else self.passed[place]

    def reached(self, count: int) -> int:
        """The first instant with this count, which lies beyond `base` and within `total`."""
        place = bisect_left(self.passed, count)
        return self.ends[place] - (self.passed[place] - count)


class Timeline:
    """One version's open intervals in UTC, worked out in blocks as instants are asked for; then a binary search each.

    A block more makes a new table, so threads that share a timeline see the old one or the new one, both right.
    """

    def __init__(self, hours: Hours) -> None:
        self._days = Days(hours)
        self._zone = zone_of(hours.zone)
        self._first, self._last = _epoch(FIRST), _epoch(LAST)
        # Without weekly hours nothing comes after the last exception.
        self._end = self._last if any(hours.week) else min(self._last, self._days.last_exception + 3 * DAY_SECONDS)
        self._table = _Table(0, 0, 0, [], [], [])

    def seconds(self, start: datetime, end: datetime) -> int:
        """As `business_seconds`."""
        since, until = _epoch(start), _epoch(end)
        table = self._covering(since, until) if since <= until else self._covering(until, since)
        return table.count(until) - table.count(since)

    def after(self, start: datetime, seconds: int) -> datetime | None:
        """As `add_business_seconds`."""
        if seconds < 0:
            raise ValueError("business time runs forward only")
        since = _epoch(start)
        table, step = self._covering(since, since), BLOCK
        if seconds == 0:
            return start.astimezone(UTC)
        count = table.count(since) + seconds
        while count > table.total:
            if table.until >= self._end:
                return None
            # `count` is relative to the same zero: growing forward leaves it alone.
            table, step = self._grown(table, table.since, min(table.until + step, self._last)), step * 2
        self._table = table
        return EPOCH + table.reached(count) * SECOND

    def _covering(self, since: int, until: int) -> _Table:
        table = self._table
        if table.since <= since and until <= table.until and table.since < table.until:
            return table
        if since < self._first or until > self._last:
            raise BeyondCalendars(f"calendars reach from {FIRST:%Y} to {LAST:%Y}")
        if table.since == table.until:
            table = _Table(since, since, 0, [], [], [])
        lower = max(self._first, since - since % BLOCK) if since < table.since else table.since
        upper = min(self._last, until - until % BLOCK + BLOCK) if until >= table.until else table.until
        self._table = self._grown(table, lower, upper)
        return self._table

    def _grown(self, table: _Table, since: int, until: int) -> _Table:
        before, later = self._open(since, table.since), self._open(table.until, until)
        base = table.base - sum(end - start for start, end in before)
        return _Table(
            since,
            until,
            base,
            [*(start for start, _ in before), *table.starts, *(start for start, _ in later)],
            [*(end for _, end in before), *table.ends, *(end for _, end in later)],
            [*_passed(before, base), *table.passed, *_passed(later, table.total)],
        )

    def _open(self, since: int, until: int) -> list[Interval]:
        """The open intervals of [since, until): between two changes of clocks, wall time is UTC and a constant."""
        until = min(until, self._end)
        if since >= until:
            return []
        spans = self._days.spans(since // DAY_SECONDS - 3, until // DAY_SECONDS + 3)
        closes = [close for _, close in spans]
        found: list[Interval] = []
        for begin, end, offset in _constant_offsets(self._zone, since, until):
            for place in range(bisect_right(closes, begin + offset), len(spans)):
                opened, closed = spans[place]
                if opened - offset >= end:
                    break
                found.append((max(opened - offset, begin), min(closed - offset, end)))
        return found


class Days:
    """What begins on a local date? Day numbers and wall-time seconds count from 1970-01-01, as if it were UTC."""

    def __init__(self, hours: Hours) -> None:
        self._week = hours.week
        self._holidays = frozenset(hours.holidays)
        self._yearly = {(holiday.month, holiday.day) for holiday in hours.yearly_holidays}
        self._exceptions = {other.day: other.spans for other in hours.exceptions}
        self.last_exception = (max(self._exceptions, default=date.min).toordinal() - _EPOCH_ORDINAL) * DAY_SECONDS

    def spans(self, first: int, last: int) -> list[Interval]:
        """Wall-time intervals that begin in [first, last], in order; what overlaps or touches is one."""
        merged: list[Interval] = []
        for opened, closed in sorted(self._each(first, last)):
            if merged and opened <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], closed))
            else:
                merged.append((opened, closed))
        return merged

    def _each(self, first: int, last: int) -> Iterator[Interval]:
        for day in range(first, last + 1):
            for span in self.beginning(date.fromordinal(day + _EPOCH_ORDINAL)):
                opened = day * DAY_SECONDS + span.opens * 60
                yield opened, opened + span.length * 60

    def beginning(self, day: date) -> tuple[Span, ...]:
        if day in self._exceptions:
            return self._exceptions[day]
        closed = day in self._holidays or (day.month, day.day) in self._yearly
        return () if closed else self._week[day.weekday()]


_EPOCH_ORDINAL = EPOCH.toordinal()
# No zone has changed its clocks twice within so little.
_STEP = 3 * 3_600


def _constant_offsets(zone: ZoneInfo, since: int, until: int) -> Iterator[tuple[int, int, int]]:
    """(from, to, seconds ahead of UTC), in order and without gaps. zoneinfo does not tell when clocks change."""
    begin, offset = since, _offset(zone, since)
    for instant in range(since, until, _STEP):
        upper = min(instant + _STEP, until)
        if _offset(zone, upper) != offset:
            change = _change(zone, instant, upper, offset)
            yield begin, change, offset
            begin, offset = change, _offset(zone, upper)
    if begin < until:
        yield begin, until, offset


def _change(zone: ZoneInfo, lower: int, upper: int, offset: int) -> int:
    """The first second in (lower, upper] at which the offset is another."""
    while upper - lower > 1:
        middle = (lower + upper) // 2
        lower, upper = (middle, upper) if _offset(zone, middle) == offset else (lower, middle)
    return upper


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = (EPOCH + timedelta(seconds=instant)).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // SECOND


def _passed(intervals: list[Interval], base: int) -> list[int]:
    return list(accumulate((end - start for start, end in intervals), initial=base))[1:]


def _epoch(instant: datetime) -> int:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (instant - EPOCH) // SECOND
