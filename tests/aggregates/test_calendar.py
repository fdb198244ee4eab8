"""Calendars: which hours does a desk keep, and which versions of them were ever published?"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_any
from hypothesis import strategies as st
from pydantic import ValidationError

from aggregates import business_time
from aggregates.business_time import Hours, NoTimeZones, OtherHours, Span, YearlyHoliday
from aggregates.calendar import (
    Calendar,
    CalendarCreated,
    CalendarPublished,
    CalendarRenamed,
    CreateCalendar,
    ImportHolidays,
    PublishHours,
    RenameCalendar,
    Version,
    decide,
    evolve,
)
from aggregates.desk import Desk
from aggregates.errors import Unacceptable, UnknownReference
from tests.spec import given

SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def span(text: str) -> Span:
    opens, _, closes = text.partition("-")
    return Span.model_validate({"opens": opens, "closes": closes})


DAY, NIGHT = span("09:00-18:00"), span("22:00-06:00")
THURSDAY, FRIDAY, SATURDAY = date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 26)
CREATED = CalendarCreated(name="Office")
OFFICE, SHORTER = Hours(zone="Europe/Stockholm", monday=(DAY,)), Hours(zone="Europe/Stockholm", tuesday=(DAY,))
BARE = Hours(zone="Europe/Stockholm")
NEW_YEAR, MAY, LATER = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 5, 9))
SECOND = timedelta(seconds=1)
XMAS, EPIPHANY = YearlyHoliday(month=12, day=25), YearlyHoliday(month=1, day=6)
PUBLISHED = CalendarPublished(hours=OFFICE)


def test_a_calendar_is_created_without_hours() -> None:
    given().when(CreateCalendar(name="Office")).then(CREATED).becomes(name="Office", exists=True, latest=None)


def test_a_calendar_is_created_with_its_first_hours() -> None:
    given().when(CreateCalendar(name="Office", hours=OFFICE, effective_from=NEW_YEAR)).then(
        CREATED, CalendarPublished(hours=OFFICE, effective_from=NEW_YEAR)
    ).becomes(latest=Version(1, OFFICE, NEW_YEAR))


def test_a_calendar_is_created_once() -> None:
    given(CREATED).when(CreateCalendar(name="Office")).refused("calendar.already_created")


def test_a_calendar_is_renamed() -> None:
    renamed = CalendarRenamed(name="Head office")
    given(CREATED, PUBLISHED).when(RenameCalendar(name="Head office")).then(renamed).becomes(
        name="Head office", versions=(Version(1, OFFICE, None),)
    )
    given(CREATED).when(RenameCalendar(name="Office")).then()


def test_each_version_stays_as_it_was_published() -> None:
    given(CREATED, PUBLISHED).when(PublishHours(hours=SHORTER, effective_from=NEW_YEAR)).then(
        CalendarPublished(hours=SHORTER, effective_from=NEW_YEAR)
    ).becomes(versions=(Version(1, OFFICE, None), Version(2, SHORTER, NEW_YEAR)))


def test_the_same_hours_are_not_published_twice_in_a_row_but_may_come_back() -> None:
    given(CREATED, PUBLISHED).when(PublishHours(hours=OFFICE)).then()
    given(CREATED, PUBLISHED).when(PublishHours(hours=OFFICE, effective_from=NEW_YEAR)).then(
        CalendarPublished(hours=OFFICE, effective_from=NEW_YEAR)
    )
    given(CREATED, PUBLISHED, CalendarPublished(hours=SHORTER)).when(PublishHours(hours=OFFICE)).then(
        PUBLISHED
    ).becomes(latest=Version(3, OFFICE, None))


def test_the_same_hours_without_an_instant_are_so_already_whenever_they_hold_from() -> None:
    dated = CalendarPublished(hours=OFFICE, effective_from=NEW_YEAR)
    given(CREATED, dated).when(PublishHours(hours=OFFICE)).then()
    given(CREATED, dated).when(PublishHours(hours=OFFICE, effective_from=NEW_YEAR)).then()
    given(CREATED, dated).when(PublishHours(hours=OFFICE, effective_from=LATER)).then(
        CalendarPublished(hours=OFFICE, effective_from=LATER)
    )


def test_the_newest_version_that_holds_is_in_force() -> None:
    facts = (
        CREATED,
        CalendarPublished(hours=OFFICE, effective_from=NEW_YEAR),
        CalendarPublished(hours=SHORTER, effective_from=LATER),
        CalendarPublished(hours=BARE, effective_from=MAY),
    )
    calendar = Calendar()
    for fact in facts:
        calendar = evolve(calendar, fact)
    moments = (NEW_YEAR - SECOND, NEW_YEAR, MAY - SECOND, MAY, LATER, LATER + SECOND)
    assert [calendar.in_force(at) for at in moments] == [calendar.versions[n] for n in (0, 0, 0, 2, 2, 2)]


def test_a_version_that_begins_later_waits_for_its_time() -> None:
    calendar = evolve(evolve(Calendar(), PUBLISHED), CalendarPublished(hours=SHORTER, effective_from=LATER))
    assert [calendar.in_force(at) for at in (LATER - SECOND, LATER)] == list(calendar.versions)
    always = evolve(calendar, CalendarPublished(hours=BARE))
    assert always.in_force(NEW_YEAR) == always.latest
    assert Calendar().in_force(NEW_YEAR) is None


def test_hours_hold_from_a_time_that_calendars_reach() -> None:
    for beyond in (datetime(1899, 12, 31, tzinfo=UTC), datetime(2201, 1, 1, tzinfo=UTC)):
        given(CREATED).when(PublishHours(hours=OFFICE, effective_from=beyond)).refused(
            "calendar.beyond_calendars", "effective_from"
        )


def test_imported_holidays_join_the_latest_hours() -> None:
    had = OFFICE.model_copy(update={"holidays": (SATURDAY,), "yearly_holidays": (XMAS,)})
    both = had.model_copy(update={"holidays": (THURSDAY, SATURDAY), "yearly_holidays": (XMAS, EPIPHANY)})
    more = ImportHolidays(holidays=(SATURDAY, THURSDAY), yearly_holidays=(EPIPHANY, XMAS), effective_from=NEW_YEAR)
    given(CREATED, PUBLISHED, CalendarPublished(hours=had)).when(more).then(
        CalendarPublished(hours=both, effective_from=NEW_YEAR)
    )
    known = ImportHolidays(holidays=(SATURDAY,), yearly_holidays=(XMAS,))
    given(CREATED, CalendarPublished(hours=had, effective_from=NEW_YEAR)).when(known).then()


def test_holidays_are_not_imported_before_any_hours() -> None:
    given(CREATED).when(ImportHolidays(holidays=(FRIDAY,))).refused("calendar.nothing_published")


def test_a_calendar_takes_so_many_holidays() -> None:
    days = tuple(date.fromordinal(FRIDAY.toordinal() + n) for n in range(2_001))
    given(CREATED, PUBLISHED).when(ImportHolidays(holidays=days[1:])).then(
        CalendarPublished(hours=OFFICE.model_copy(update={"holidays": days[1:]}))
    )
    full = CalendarPublished(hours=OFFICE.model_copy(update={"holidays": days[1:]}))
    given(CREATED, full).when(ImportHolidays(holidays=days[:1])).refused("calendar.too_many_holidays")
    yearly = tuple(YearlyHoliday(month=m, day=d) for m in range(1, 13) for d in range(1, 32))
    given(CREATED, PUBLISHED).when(ImportHolidays(yearly_holidays=yearly)).refused("calendar.too_many_holidays")


def test_a_desk_names_calendars_that_have_hours() -> None:
    empty, open_ = evolve(Calendar(), CREATED), evolve(Calendar(), PUBLISHED)
    desk = Desk({UUID(int=1): empty, UUID(int=2): open_})
    assert desk.calendar(UUID(int=2), "calendar") is open_
    for id, code in ((1, "calendar.no_hours"), (3, "calendar.unknown")):
        with pytest.raises(UnknownReference) as refused:
            desk.calendar(UUID(int=id), "calendar")
        assert (refused.value.code, refused.value.field) == (code, "calendar")


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "CEST", "europe/stockholm", "../etc/passwd", "localtime"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    unknown = PublishHours(hours=OFFICE.model_copy(update={"zone": zone}))
    given(CREATED).when(unknown).refused("calendar.unknown_zone", "hours.zone")


def test_a_machine_without_time_zones_is_not_blamed_on_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(business_time, "available_timezones", set)
    business_time._zones.cache_clear()
    with pytest.raises(NoTimeZones, match="tzdata"):
        decide(Calendar(), CreateCalendar(name="Office", hours=OFFICE))


@pytest.mark.parametrize("empty", ["09:00-09:00", "00:00-00:00", "24:00-24:00", "24:00-06:00"])
def test_a_span_that_holds_no_time_is_refused(empty: str) -> None:
    given(CREATED).when(_publish(sunday=(span(empty),))).refused("calendar.empty_span", "hours.sunday")
    other = OtherHours(day=FRIDAY, spans=(span(empty),))
    given(CREATED).when(_publish(exceptions=(other,))).refused("calendar.empty_span", "hours.exceptions")


@pytest.mark.parametrize(
    "texts",
    [("09:00-12:00", "11:59-18:00"), ("09:00-18:00", "10:00-11:00"), ("09:00-12:00", "09:00-12:00"),
     ("22:00-06:00", "23:00-24:00"), ("18:00-00:00", "23:59-00:01")],
)  # fmt: skip
def test_spans_of_a_day_do_not_overlap(texts: tuple[str, ...]) -> None:
    given(CREATED).when(_publish(monday=tuple(map(span, texts)))).refused("calendar.overlapping_spans", "hours.monday")


def test_a_night_shift_does_not_run_into_the_next_mornings_hours() -> None:
    early = span("05:59-09:00")
    given(CREATED).when(_publish(monday=(NIGHT,), tuesday=(early,))).refused(
        "calendar.overlapping_spans", "hours.tuesday"
    )
    given(CREATED).when(_publish(sunday=(NIGHT,), monday=(early,))).refused(
        "calendar.overlapping_spans", "hours.monday"
    )


def test_spans_may_touch_in_any_order_and_over_midnight() -> None:
    touching = _publish(monday=(NIGHT, span("06:00-22:00")), tuesday=(span("06:00-24:00"),), wednesday=(DAY,))
    given(CREATED).when(touching).then(CalendarPublished(hours=touching.hours))


def test_an_exception_does_not_overlap_with_the_night_before_or_the_morning_after() -> None:
    night = OtherHours(day=FRIDAY, spans=(NIGHT,))
    early = OtherHours(day=FRIDAY, spans=(span("05:00-08:00"),))
    both = (night, OtherHours(day=SATURDAY, spans=(span("05:00-08:00"),)))
    for clash in (
        _publish(saturday=(span("05:00-08:00"),), exceptions=(night,)),
        _publish(thursday=(NIGHT,), exceptions=(early,)),
        _publish(exceptions=both),
        _publish(exceptions=both[::-1]),
    ):
        given(CREATED).when(clash).refused("calendar.overlapping_spans", "hours.exceptions")


def test_an_exception_beside_a_closed_day_overlaps_with_nothing() -> None:
    early = OtherHours(day=FRIDAY, spans=(span("05:00-08:00"),))
    for closed in (
        _publish(thursday=(NIGHT,), exceptions=(early,), holidays=(THURSDAY,)),
        _publish(thursday=(NIGHT,), exceptions=(early,), yearly_holidays=(YearlyHoliday(month=12, day=24),)),
        _publish(thursday=(NIGHT,), exceptions=(early, OtherHours(day=THURSDAY))),
    ):
        given(CREATED).when(closed).then(CalendarPublished(hours=closed.hours))


def test_a_date_has_one_exception() -> None:
    twice = _publish(exceptions=(OtherHours(day=FRIDAY), OtherHours(day=FRIDAY, spans=(DAY,))))
    given(CREATED).when(twice).refused("calendar.two_exceptions", "hours.exceptions")


def test_an_exception_may_lie_where_time_ends() -> None:
    ends = _publish(exceptions=(OtherHours(day=date.max, spans=(NIGHT,)), OtherHours(day=date.min, spans=(NIGHT,))))
    given(CREATED).when(ends).then(CalendarPublished(hours=ends.hours))


def test_a_yearly_holiday_is_a_day_that_comes() -> None:
    leap = _publish(yearly_holidays=(YearlyHoliday(month=2, day=29),))
    given(CREATED).when(leap).then(CalendarPublished(hours=leap.hours))
    for month, day in ((2, 30), (4, 31)):
        never = _publish(yearly_holidays=(YearlyHoliday(month=month, day=day),))
        given(CREATED).when(never).refused("calendar.no_such_day", "hours.yearly_holidays")


def test_holidays_read_the_same_in_any_order() -> None:
    assert Hours(zone="UTC", holidays=(FRIDAY, THURSDAY, FRIDAY)) == Hours(zone="UTC", holidays=(THURSDAY, FRIDAY))


def test_an_effective_instant_has_a_zone() -> None:
    with pytest.raises(ValidationError):
        PublishHours.model_validate({"hours": OFFICE, "effective_from": "2026-01-01T00:00:00"})
    stockholm = datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Stockholm"))
    assert PublishHours(hours=OFFICE, effective_from=stockholm).effective_from == stockholm


A_SPAN = st.builds(Span, opens=st.integers(0, 1_440), closes=st.integers(0, 1_440))
A_DAY = st.lists(A_SPAN, max_size=2).map(tuple)


@SOME
@for_any(monday=A_DAY, tuesday=A_DAY, sunday=A_DAY, exceptional=A_DAY)
def test_hours_are_published_just_when_no_minute_is_open_twice(
    monday: tuple[Span, ...], tuesday: tuple[Span, ...], sunday: tuple[Span, ...], exceptional: tuple[Span, ...]
) -> None:
    wednesday = OtherHours(day=date(2026, 6, 3), spans=exceptional)
    command = _publish(monday=monday, tuesday=tuesday, sunday=sunday, exceptions=(wednesday,))
    facts: tuple[object, ...] = ()
    with suppress(Unacceptable):
        facts = decide(evolve(Calendar(), CREATED), command)
    days = {6: sunday, 7: monday, 8: tuesday, 9: exceptional}
    minutes = [
        day * 1_440 + s.opens + passed for day, spans in days.items() for s in spans for passed in range(_length(s))
    ]
    empty = any(s.opens in (s.closes, 1_440) for spans in days.values() for s in spans)
    assert bool(facts) == (not empty and len(set(minutes)) == len(minutes))


def _length(span: Span) -> int:
    return span.closes - span.opens if span.opens < span.closes else span.closes + 1_440 - span.opens


def _publish(**hours: object) -> PublishHours:
    return PublishHours(hours=Hours.model_validate({"zone": "UTC", **hours}))
