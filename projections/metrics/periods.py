"""periods: into which hours, days, weeks or months of a time zone does a stretch fall, and which one came before it?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from aggregates.errors import Unacceptable
from projections.metrics.answer import Every, Period

EveryDay = Literal["day", "week", "month", "quarter", "year"]
MOST_BUCKETS = 1_000
MONTHS = {"month": 1, "quarter": 3, "year": 12}
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def buckets(since: datetime, until: datetime, every: Every | None, zone: ZoneInfo) -> list[Period]:
    """[since, until) cut where the local clock says so, the first and the last one as far as they reach into it.

    Raises Unacceptable where there are too many.
    """
    if every is None:
        return [Period(since, until, named(since, until, zone))]
    begun: list[tuple[datetime, str]] = []
    for begins, label in _hours(since, until, zone) if every == "hour" else _labelled(since, until, every, zone):
        if len(begun) == MOST_BUCKETS:
            detail = f"Ask for {MOST_BUCKETS} buckets at most: for a shorter time, or longer buckets."
            raise Unacceptable("report.too_many_buckets", detail, field="bucket")
        begun.append((max(begins, since), label))
    ends = [begins for begins, _ in begun[1:]] + [until]
    return [Period(b, end, label) for (b, label), end in zip(begun, ends, strict=True) if b < end]


def days(since: datetime, until: datetime, every: EveryDay, zone: ZoneInfo) -> Iterator[tuple[date, datetime]]:
    """Each day, week or month that reaches into [since, until): its first local day, and the instant it begins."""
    day = _first(since.astimezone(zone).date(), every)
    while (begins := midnight(day, zone)) < until:
        yield day, begins
        day = _next(day, every)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When the local day begins: where the clock skips midnight, as it is changed."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def previous(since: datetime, until: datetime, zone: ZoneInfo) -> Period:
    """As many whole local months before, or as many whole local days, or as much time: whichever it is made of."""
    first, last = _local_day(since, zone), _local_day(until, zone)
    if first is None or last is None:
        before = since - (until - since)
    elif first.day == last.day == 1:
        months = (last.year - first.year) * 12 + last.month - first.month
        before = midnight(_months_on(first, -months), zone)
    else:
        before = midnight(first - (last - first), zone)
    return Period(before, since, named(before, since, zone))


def named(since: datetime, until: datetime, zone: ZoneInfo) -> str:
    """`2012-03`, if it is a whole month, likewise a day, week, quarter or year; else from when to when."""
    first, last = _local_day(since, zone), _local_day(until, zone)
    if first is None or last is None:
        return f"{_to_the_minute(since, zone)} to {_to_the_minute(until, zone)}"
    spans: tuple[EveryDay, ...] = ("day", "week", "month", "quarter", "year")
    for every in spans:
        if first == _first(first, every) and last == _next(first, every):
            return _label(first, every)
    return f"{first} to {last - timedelta(days=1)}"


def _labelled(since: datetime, until: datetime, every: EveryDay, zone: ZoneInfo) -> Iterator[tuple[datetime, str]]:
    return ((begins, _label(day, every)) for day, begins in days(since, until, every, zone))


def _hours(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, str]]:
    """A new one with each full local hour, and whenever the clock is changed: one that is repeated makes two."""
    local = since.astimezone(zone)
    begins = since - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    while begins < until:
        yield begins, _to_the_minute(begins, zone)
        begins = _next_hour(begins, zone)


def _next_hour(begins: datetime, zone: ZoneInfo) -> datetime:
    local = begins.astimezone(zone)
    full = begins + HOUR - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    if full.astimezone(zone).utcoffset() == local.utcoffset():
        return full
    low, high = begins, full
    while high - low > SECOND:
        middle = low + (high - low) // SECOND // 2 * SECOND
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == local.utcoffset() else (low, middle)
    return high


def _local_day(instant: datetime, zone: ZoneInfo) -> date | None:
    """The day that begins at this instant, if one does."""
    day = instant.astimezone(zone).date()
    return day if midnight(day, zone) == instant else None


def _first(day: date, every: EveryDay) -> date:
    match every:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case "year":
            return day.replace(month=1, day=1)


def _next(day: date, every: EveryDay) -> date:
    if every in MONTHS:
        return _months_on(day, MONTHS[every])
    return day + timedelta(days=7 if every == "week" else 1)


def _months_on(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _label(day: date, every: EveryDay) -> str:
    match every:
        case "day":
            return day.isoformat()
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02}"
        case "month":
            return f"{day:%Y-%m}"
        case "quarter":
            return f"{day.year}-Q{(day.month + 2) // 3}"
        case "year":
            return str(day.year)


def _to_the_minute(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).isoformat(timespec="minutes")
