"""Calendar: which hours does a desk keep, and which versions of them were ever published?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import assert_never

from pydantic import AwareDatetime

from aggregates.business_time import (
    DAY,
    FIRST,
    LAST,
    MOST_HOLIDAYS,
    MOST_YEARLY,
    Days,
    Hours,
    OtherHours,
    Span,
    UnknownZone,
    YearlyHoliday,
    zone_of,
)
from aggregates.errors import Unacceptable, require
from aggregates.fact import Command, Fact
from aggregates.text import Name, SafeText, distinct


class CalendarCreated(Fact, type_name="calendar.created.v1"):
    name: SafeText


class CalendarRenamed(Fact, type_name="calendar.renamed.v1"):
    name: SafeText


class CalendarPublished(Fact, type_name="calendar.published.v1"):
    """A whole version of the hours: its number is how many were published. Without `effective_from`, from then on."""

    hours: Hours
    effective_from: AwareDatetime | None = None


CalendarFact = CalendarCreated | CalendarRenamed | CalendarPublished


class CreateCalendar(Command):
    """Without hours it is never open until some are published."""

    name: Name
    hours: Hours | None = None
    effective_from: AwareDatetime | None = None


class RenameCalendar(Command):
    name: Name


class PublishHours(Command):
    hours: Hours
    effective_from: AwareDatetime | None = None


class ImportHolidays(Command):
    """These, and the ones that the latest hours have already."""

    holidays: tuple[date, ...] = ()
    yearly_holidays: tuple[YearlyHoliday, ...] = ()
    effective_from: AwareDatetime | None = None


CalendarCommand = CreateCalendar | RenameCalendar | PublishHours | ImportHolidays


@dataclass(frozen=True, slots=True)
class Version:
    number: int
    hours: Hours
    effective_from: AwareDatetime | None

    def holds(self, at: datetime) -> bool:
        return self.effective_from is None or self.effective_from <= at


@dataclass(frozen=True, slots=True)
class Calendar:
    """`versions` in the order of their numbers, from 1."""

    name: str = ""
    versions: tuple[Version, ...] = ()

    @property
    def exists(self) -> bool:
        return self.name != ""

    @property
    def latest(self) -> Version | None:
        return self.versions[-1] if self.versions else None

    def in_force(self, at: datetime) -> Version | None:
        """The newest version that holds `at` this instant. Before any does, the first one; None if there is none."""
        held = (version for version in reversed(self.versions) if version.holds(at))
        return next(held, self.versions[0] if self.versions else None)


def evolve(calendar: Calendar, fact: CalendarFact) -> Calendar:
    """Apply one fact. Total and silent."""
    match fact:
        case CalendarCreated() | CalendarRenamed():
            return replace(calendar, name=fact.name)
        case CalendarPublished():
            version = Version(len(calendar.versions) + 1, fact.hours, fact.effective_from)
            return replace(calendar, versions=(*calendar.versions, version))
        case _:
            assert_never(fact)


def decide(calendar: Calendar, command: CalendarCommand) -> tuple[CalendarFact, ...]:
    """Say what happens next. Raises RuleBroken or Unacceptable; NoTimeZones if this machine knows no zones at all."""
    match command:
        case CreateCalendar():
            require(not calendar.exists, "calendar.already_created", "This calendar exists already.")
            return (CalendarCreated(name=command.name), *_first_hours(calendar, command))
        case RenameCalendar():
            return (CalendarRenamed(name=command.name),) if command.name != calendar.name else ()
        case PublishHours():
            return _published(calendar, command)
        case ImportHolidays():
            return _imported(calendar, command)
        case _:
            assert_never(command)


def _first_hours(calendar: Calendar, command: CreateCalendar) -> tuple[CalendarFact, ...]:
    if command.hours is None:
        return ()
    return _published(calendar, PublishHours(hours=command.hours, effective_from=command.effective_from))


def _published(calendar: Calendar, command: PublishHours) -> tuple[CalendarFact, ...]:
    """Nothing, if the latest version says the same, whenever it holds from if the command does not say."""
    _check(command.hours)
    _check_effective(command.effective_from)
    latest = calendar.latest
    if latest is not None and latest.hours == command.hours and command.effective_from in (None, latest.effective_from):
        return ()
    return (CalendarPublished(hours=command.hours, effective_from=command.effective_from),)


def _imported(calendar: Calendar, command: ImportHolidays) -> tuple[CalendarFact, ...]:
    require(calendar.latest is not None, "calendar.nothing_published", "Publish hours before their holidays.")
    hours = calendar.versions[-1].hours
    holidays = distinct((*hours.holidays, *command.holidays))
    yearly = tuple(dict.fromkeys((*hours.yearly_holidays, *command.yearly_holidays)))
    if len(holidays) > MOST_HOLIDAYS or len(yearly) > MOST_YEARLY:
        detail = f"A calendar has up to {MOST_HOLIDAYS:,} holidays, and {MOST_YEARLY} that recur every year."
        raise Unacceptable("calendar.too_many_holidays", detail)
    merged = hours.model_copy(update={"holidays": holidays, "yearly_holidays": yearly})
    return _published(calendar, PublishHours(hours=merged, effective_from=command.effective_from))


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _check(hours: Hours) -> None:
    try:
        zone_of(hours.zone)
    except UnknownZone as error:
        raise Unacceptable("calendar.unknown_zone", "There is no such time zone.", field="hours.zone") from error
    for name, spans in zip(WEEKDAYS, hours.week, strict=True):
        _check_spans(spans, f"hours.{name}")
    for other in hours.exceptions:
        _check_spans(other.spans, "hours.exceptions")
    _check_week(hours)
    _check_dates(hours)
    _check_exceptions(hours)


def _check_effective(at: datetime | None) -> None:
    if at is not None and not FIRST <= at <= LAST:
        detail = f"Calendars reach from {FIRST:%Y} to {LAST:%Y}."
        raise Unacceptable("calendar.beyond_calendars", detail, field="effective_from")


def _check_spans(spans: tuple[Span, ...], field: str) -> None:
    """A span from 09:00 to 09:00 would be nothing to one reader and 24 hours to another."""
    for span in spans:
        if span.opens == span.closes or span.opens == DAY:
            raise Unacceptable("calendar.empty_span", f"{span} holds no time; a whole day is 00:00-24:00.", field=field)


def _check_week(hours: Hours) -> None:
    """Sunday's night shift runs into Monday."""
    for day, name in enumerate(WEEKDAYS):
        _check_overlap(hours.week[day - 1], hours.week[day], f"hours.{name}")


def _check_dates(hours: Hours) -> None:
    for holiday in hours.yearly_holidays:
        # 2024: the 29th of February comes, if not every year.
        if not _exists(2024, holiday.month, holiday.day):
            detail = f"There is no day {holiday.day} in month {holiday.month}."
            raise Unacceptable("calendar.no_such_day", detail, field="hours.yearly_holidays")
    days = [other.day for other in hours.exceptions]
    if len(set(days)) < len(days):
        raise Unacceptable("calendar.two_exceptions", "A date has one exception.", field="hours.exceptions")


def _exists(year: int, month: int, day: int) -> bool:
    try:
        return bool(date(year, month, day))
    except ValueError:
        return False


def _check_exceptions(hours: Hours) -> None:
    """Neither with the night before nor with the morning after, be they exceptions, holidays or days of the week."""
    days = Days(hours)
    for other in hours.exceptions:
        for first, second in pairwise(_around(other)):
            _check_overlap(days.beginning(first), days.beginning(second), "hours.exceptions")


def _around(other: OtherHours) -> Iterator[date]:
    """The day before, the day and the day after, where time has such."""
    for days in (-1, 0, 1):
        ordinal = other.day.toordinal() + days
        if date.min.toordinal() <= ordinal <= date.max.toordinal():
            yield other.day + timedelta(days=days)


def _check_overlap(before: tuple[Span, ...], spans: tuple[Span, ...], field: str) -> None:
    """Spans of one day among themselves, and with those of the day before that run past midnight."""
    nights = [(span.opens - DAY, span.opens - DAY + span.length, span) for span in before if span.closes < span.opens]
    ordered = sorted([*nights, *((span.opens, span.opens + span.length, span) for span in spans)], key=lambda s: s[:2])
    for (_, closes, span), (opens, _, following) in pairwise(ordered):
        if opens < closes:
            raise Unacceptable("calendar.overlapping_spans", f"{span} and {following} overlap.", field=field)
