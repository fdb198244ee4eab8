"""Which holidays does an iCalendar file (RFC 5545) name?

An all-day event is a holiday, whether or not it is marked as busy: files of public holidays are mostly marked free. A
plain yearly event on one date becomes a holiday that recurs for ever; any other rule becomes its dates, fifteen years
back and ahead. A cancelled event is none. Timed events are not holidays either; they are counted, so that nobody
thinks they were taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event, vRecur

from aggregates.business_time import FIRST, LAST, MOST_HOLIDAYS, YearlyHoliday
from aggregates.calendar import ImportHolidays
from aggregates.errors import Unacceptable

MOST_BYTES = 256 * 1024
MOST_RULES = 100
YEARS = 15
DAY = timedelta(days=1)
# Holiday files have no use for hours of a day, and dates have none.
TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")
PLAIN = {"FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "WKST"}


@dataclass(slots=True)
class Found:
    """`timed`: events with a time of day; `cancelled`: events that do not take place; `beyond`: dates out of reach."""

    dates: set[date] = field(default_factory=set)
    yearly: set[tuple[int, int]] = field(default_factory=set)
    timed: int = 0
    cancelled: int = 0
    beyond: int = 0
    rules: int = 0

    @property
    def command(self) -> ImportHolidays:
        yearly = tuple(YearlyHoliday(month=month, day=day) for month, day in sorted(self.yearly))
        return ImportHolidays(holidays=tuple(sorted(self.dates)), yearly_holidays=yearly)

    def add(self, days: Iterable[date]) -> None:
        """Raises Unacceptable once they are more than a calendar takes."""
        for day in days:
            if FIRST.date() <= day < LAST.date():
                self.dates.add(day)
            else:
                self.beyond += 1
            if len(self.dates) > MOST_HOLIDAYS or self.beyond > MOST_HOLIDAYS:
                raise Unacceptable("calendar.too_many_holidays", f"A calendar has up to {MOST_HOLIDAYS:,} holidays.")


def holidays(body: bytes, today: date) -> Found:
    """What the file says, expanded around `today`. Takes up to a second of CPU. Raises Unacceptable."""
    if len(body) > MOST_BYTES:
        raise _bad(f"The file is larger than {MOST_BYTES // 1024} KiB.")
    try:
        return _found(_events(body), today)
    # The library says with all of these that something is not as the RFC wants it.
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise _bad("This is not an iCalendar file that can be read.") from error


def _bad(detail: str) -> Unacceptable:
    return Unacceptable("calendar.bad_ical", detail)


def _events(body: bytes) -> list[Event]:
    """Raises ValueError."""
    # Always bytes: the library takes a short text for the name of a file, and would read it.
    body.decode("utf-8-sig")
    calendars = Calendar.from_ical(body.removeprefix(b"\xef\xbb\xbf"), multiple=True)
    if not calendars or any(calendar.name != "VCALENDAR" for calendar in calendars):
        raise ValueError("no calendar, or one that does not end")
    return [part for calendar in calendars for part in calendar.subcomponents if isinstance(part, Event)]


def _found(events: list[Event], today: date) -> Found:
    found, moved = Found(), _moved(events)
    for event in events:
        first = _value(event, "DTSTART")
        if isinstance(first, datetime):
            found.timed += 1
        elif str(event.get("STATUS", "")).strip().upper() == "CANCELLED":
            found.cancelled += 1
        elif isinstance(first, date):
            _take(found, event, first, moved.get(str(event.get("UID", "")), set()), today)
        else:
            raise ValueError("an event without a beginning")
    return found


def _moved(events: list[Event]) -> dict[str, set[date]]:
    """Occurrences that an event of its own replaces or cancels, by the UID of their series."""
    moved: dict[str, set[date]] = {}
    for event in events:
        if "RECURRENCE-ID" in event:
            moved.setdefault(str(event.get("UID", "")), set()).add(_day(_value(event, "RECURRENCE-ID")))
    return moved


def _take(found: Found, event: Event, first: date, moved: set[date], today: date) -> None:
    length = _length(event, first)
    if "RECURRENCE-ID" in event:
        return found.add(_days(first, length))
    rules, extra = _several(event, "RRULE"), set(_listed(event, "RDATE"))
    without = set(_listed(event, "EXDATE")) | moved
    found.rules += len(rules)
    if found.rules > MOST_RULES:
        raise _bad(f"The file has more than {MOST_RULES} rules.")
    if len(rules) == 1 and length == 1 and not extra and not without and _plain(rules[0], first):
        found.yearly.add((first.month, first.day))
        return None
    begins = {day for rule in rules for day in _expanded(rule, first, today)} | extra
    if not rules or first.year >= today.year - YEARS:
        begins.add(first)
    for begin in sorted(begins - without):
        found.add(_days(begin, length))


def _length(event: Event, first: date) -> int:
    """In days; DTEND is the day after. One that ends as it begins, as some programs write, is a day long."""
    if "DTEND" in event:
        length = _day(_value(event, "DTEND")) - first
    else:
        length = _value(event, "DURATION") if "DURATION" in event else DAY
    if length < timedelta(0):
        raise ValueError("it ends before it begins")
    return max(1, -(-length // DAY))


def _days(first: date, length: int) -> Iterator[date]:
    # One more than any calendar takes is enough to be refused.
    return (first + n * DAY for n in range(min(length, MOST_HOLIDAYS + 1)))


def _plain(rule: vRecur, first: date) -> bool:
    """Every year on the day of its beginning, for ever."""
    said = {name: rule[name] for name in rule}
    return (
        said.keys() <= PLAIN
        and _words(said["FREQ"]) == ["YEARLY"]
        and [int(n) for n in said.get("INTERVAL", [1])] == [1]
        and [int(n) for n in said.get("BYMONTH", [first.month])] == [first.month]
        and [int(n) for n in said.get("BYMONTHDAY", [first.day])] == [first.day]
        and ("BYMONTHDAY" not in said or "BYMONTH" in said)
    )


def _expanded(rule: vRecur, first: date, today: date) -> list[date]:
    """The rule's dates within reach of `today`, and no more than any calendar takes."""
    frequency = _words(rule.get("FREQ", []))
    if frequency not in (["YEARLY"], ["MONTHLY"], ["WEEKLY"], ["DAILY"]):
        raise ValueError("a rule that is not about days")
    if frequency == ["DAILY"] and any(name.startswith("BY") for name in rule if name not in TIMES):
        raise _bad("A daily rule with conditions is not supported.")
    if any(int(n) < 1 for name in ("INTERVAL", "COUNT") for n in rule.get(name, [1])) or first.year < FIRST.year:
        raise ValueError("a rule that leads nowhere")
    last = min([today.replace(month=12, day=31, year=today.year + YEARS), *map(_day, rule.get("UNTIL", []))])
    if last.year < today.year - YEARS:
        return []
    kept = vRecur({name: rule[name] for name in rule if name not in (*TIMES, "UNTIL")})
    text = kept.to_ical().decode()  # type: ignore[no-untyped-call]
    # The library looks for the next date until the year 9999. Moved there (the calendar repeats every 400 years), a
    # rule that never comes true takes it milliseconds instead of seconds.
    ahead = (9999 - max(first.year, last.year)) // 400 * 400
    dates = rrulestr(text, dtstart=datetime.combine(first.replace(year=first.year + ahead), time.min))
    reached = (_day(moment).replace(year=moment.year - ahead) for moment in dates)
    near = (day for day in takewhile(lambda day: day <= last, reached) if day.year >= today.year - YEARS)
    return list(islice(near, MOST_HOLIDAYS + 1))


def _words(values: Iterable[Any]) -> list[str]:
    return [str(value).upper() for value in values]


def _value(event: Event, name: str) -> Any:
    """Raises ValueError, or AttributeError, where there is not just one that can be read."""
    several = _several(event, name)
    if len(several) > 1:
        raise ValueError(f"{name} comes twice")
    return several[0].dt if several else None


def _several(event: Event, name: str) -> list[Any]:
    value = event.get(name, [])
    return value if isinstance(value, list) else [value]


def _listed(event: Event, name: str) -> Iterator[date]:
    for values in _several(event, name):
        yield from (_day(value.dt) for value in values.dts)


def _day(value: Any) -> date:
    """Some programs write a time where a date belongs; a period counts from its beginning."""
    first = value[0] if isinstance(value, tuple) else value
    if isinstance(first, datetime):
        return first.date()
    if not isinstance(first, date):
        raise TypeError("no date")
    return first
