"""How much business time lies between two instants, in any zone, and when has so much of it passed?"""

from __future__ import annotations

import gc
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aggregates import business_time
from aggregates.business_time import (
    BeyondCalendars,
    Hours,
    NoTimeZones,
    OtherHours,
    Span,
    UnknownZone,
    YearlyHoliday,
    add_business_seconds,
    business_seconds,
    prepared,
)

MINUTE, HOUR = timedelta(minutes=1), 3_600
SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Days around which clocks change (in Morocco for Ramadan, by half an hour on Lord Howe), a leap day and a new year.
DAYS = {
    "Europe/Stockholm": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Asia/Kathmandu": (date(1986, 1, 1), date(2024, 2, 29)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "Africa/Casablanca": (date(2025, 2, 23), date(2025, 4, 6)),
    "Pacific/Apia": (date(2011, 12, 30), date(2011, 9, 24)),
    "UTC": (date(2024, 2, 29), date(2025, 1, 1)),
}


def spans(*texts: str) -> tuple[Span, ...]:
    return tuple(Span.model_validate(dict(zip(("opens", "closes"), text.split("-"), strict=True))) for text in texts)


def at(zone: str, text: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def weekly(zone: str, *texts: str) -> Hours:
    """The same every day of the week."""
    day = spans(*texts)
    return Hours(zone=zone, monday=day, tuesday=day, wednesday=day, thursday=day, friday=day, saturday=day, sunday=day)


SPLIT_DAY = spans("09:00-12:00", "13:00-18:00")
OFFICE = Hours(
    zone="Europe/Stockholm",
    monday=SPLIT_DAY,
    tuesday=SPLIT_DAY,
    wednesday=SPLIT_DAY,
    thursday=SPLIT_DAY,
    friday=SPLIT_DAY,
)
STHLM = "Europe/Stockholm"


def slow_count(hours: Hours, start: datetime, end: datetime) -> int:
    """Minute by minute: does the wall clock read a time inside a span? Only for zones that differ by whole minutes."""
    zone, total = ZoneInfo(hours.zone), 0
    minute = start.replace(second=0, microsecond=0)
    while minute < end:
        if _reads_open(hours, minute.astimezone(zone)):
            total += int((min(minute + MINUTE, end) - max(minute, start)).total_seconds())
        minute += MINUTE
    return total


def _reads_open(hours: Hours, wall: datetime) -> bool:
    now = wall.hour * 60 + wall.minute
    today = any(s.opens <= now and (now < s.closes or s.closes <= s.opens) for s in _begun(hours, wall.date()))
    yesterday = _begun(hours, wall.date() - timedelta(days=1))
    return today or any(s.closes <= s.opens and now < s.closes for s in yesterday)


def _begun(hours: Hours, day: date) -> tuple[Span, ...]:
    for other in hours.exceptions:
        if other.day == day:
            return other.spans
    if day in hours.holidays or any((day.month, day.day) == (h.month, h.day) for h in hours.yearly_holidays):
        return ()
    return tuple(getattr(hours, day.strftime("%A").lower()))


LATE = st.integers(0, 1_440)
A_SPAN = st.builds(Span, opens=st.integers(0, 1_439), closes=LATE)
USUAL = st.sampled_from(
    [
        (),
        spans("09:00-18:00"),
        spans("09:00-12:00", "13:00-18:00"),
        spans("22:00-06:00"),
        spans("00:00-24:00"),
        spans("01:30-02:30", "02:45-04:00"),
        spans("18:00-00:00", "00:00-02:15"),
    ]
)
A_DAY = st.one_of(USUAL, st.lists(A_SPAN, max_size=3).map(tuple))


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Hours, date]:
    """Any hours, overlapping ones too, and a day of interest in their zone, around which the irregular days lie."""
    zone = draw(st.sampled_from(sorted(DAYS)))
    middle = draw(st.sampled_from(DAYS[zone]))
    near = st.integers(-4, 4).map(lambda days: middle + timedelta(days=days))
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    exceptions = draw(st.dictionaries(near, A_DAY, max_size=2))
    hours = Hours(
        zone=zone,
        holidays=tuple(draw(st.lists(near, max_size=2))),
        yearly_holidays=tuple(YearlyHoliday(month=d.month, day=d.day) for d in draw(st.lists(near, max_size=1))),
        exceptions=tuple(OtherHours(day=day, spans=others) for day, others in exceptions.items()),
        **{name: draw(A_DAY) for name in names},
    )
    return hours, middle


@st.composite
def instants_near(draw: st.DrawFn, middle: date, days: int = 3) -> datetime:
    midnight = datetime(middle.year, middle.month, middle.day, tzinfo=UTC)
    return midnight + timedelta(seconds=draw(st.integers(-days * 86_400, days * 86_400)))


@SOME
@given(data=st.data())
def test_it_is_what_a_minute_by_minute_count_says(data: st.DataObject) -> None:
    hours, middle = data.draw(calendars())
    start, end = sorted((data.draw(instants_near(middle)), data.draw(instants_near(middle))))
    assert business_seconds(hours, start, end) == slow_count(hours, start, end)


@pytest.mark.parametrize("zone", DAYS)
@pytest.mark.parametrize(
    "texts", [("09:00-17:00",), ("22:00-06:00",), ("00:00-24:00",), ("01:45-02:15", "02:30-03:30")]
)
def test_it_is_so_over_each_change_of_clocks(zone: str, texts: tuple[str, ...]) -> None:
    for day in DAYS[zone]:
        start = datetime(day.year, day.month, day.day, 7, 13, 11, tzinfo=UTC) - timedelta(days=1)
        end = start + timedelta(days=2, seconds=7)
        hours = weekly(zone, *texts)
        assert business_seconds(hours, start, end) == slow_count(hours, start, end) > 0


@SOME
@given(data=st.data())
def test_adding_is_the_inverse_and_the_earliest_instant(data: st.DataObject) -> None:
    hours, middle = data.draw(calendars())
    start, seconds = data.draw(instants_near(middle)), data.draw(st.integers(1, 5 * 86_400))
    due = add_business_seconds(hours, start, seconds)
    if due is None:
        far = datetime(2199, 1, 1, tzinfo=UTC)
        assert not any(hours.week)
        assert business_seconds(hours, start, far) < seconds
    else:
        assert business_seconds(hours, start, due) == seconds
        assert business_seconds(hours, start, due - timedelta(seconds=1)) == seconds - 1


@SOME
@given(data=st.data())
def test_what_is_split_anywhere_adds_up(data: st.DataObject) -> None:
    hours, middle = data.draw(calendars())
    moment = instants_near(middle, days=900).map(lambda instant: instant + timedelta(microseconds=data.draw(LATE)))
    start, between, end = data.draw(moment), data.draw(moment), data.draw(moment)
    parts = business_seconds(hours, start, between) + business_seconds(hours, between, end)
    assert parts == business_seconds(hours, start, end) == -business_seconds(hours, end, start)


@SOME
@given(data=st.data())
def test_in_whichever_order_it_is_asked_the_answer_is_the_same(data: st.DataObject) -> None:
    """The blocks grow both ways, by other steps for another first question."""
    hours, middle = data.draw(calendars())
    asked = data.draw(st.lists(st.tuples(instants_near(middle, 2_000), st.integers(1, 10**7)), min_size=2, max_size=6))
    fresh = [add_business_seconds(hours.model_copy(), *question) for question in asked]
    assert [add_business_seconds(hours, *question) for question in asked] == fresh


def test_a_lunch_break_and_a_night_stop_the_clock() -> None:
    friday, monday = at(STHLM, "2026-06-05T17:59:30"), at(STHLM, "2026-06-08T13:00:01")
    assert business_seconds(OFFICE, friday, monday) == 30 + 3 * HOUR + 1
    assert add_business_seconds(OFFICE, friday, 31) == at(STHLM, "2026-06-08T09:00:01")


def test_time_is_up_when_the_desk_closes_and_not_when_it_opens_again() -> None:
    assert add_business_seconds(OFFICE, at(STHLM, "2026-06-05T17:00"), HOUR) == at(STHLM, "2026-06-05T18:00")


def test_no_time_has_passed_at_once() -> None:
    sunday = at(STHLM, "2026-06-07T10:00")
    assert add_business_seconds(OFFICE, sunday, 0) == sunday


@pytest.mark.parametrize(
    ("texts", "day", "hours"),
    [
        (("00:00-06:00",), "2026-03-29", 5.0),
        (("00:00-06:00",), "2026-10-25", 7.0),
        (("02:00-03:00",), "2026-03-29", 0.0),
        (("02:00-03:00",), "2026-10-25", 2.0),
        (("01:00-02:30",), "2026-10-25", 2.0),
        (("02:30-04:00",), "2026-10-25", 2.0),
        (("02:30-04:00",), "2026-03-29", 1.0),
        (("09:00-18:00",), "2026-03-29", 9.0),
    ],
)
def test_a_span_over_a_change_of_clocks_is_what_the_wall_clock_reads(
    texts: tuple[str, ...], day: str, hours: float
) -> None:
    start = at(STHLM, f"{day}T00:00")
    assert business_seconds(weekly(STHLM, *texts), start, at(STHLM, f"{day}T23:00")) == hours * HOUR


def test_the_hour_that_passes_twice_tells_its_two_passes_apart() -> None:
    hours = weekly(STHLM, "01:00-04:00")
    first, second = at(STHLM, "2026-10-25T02:30"), at(STHLM, "2026-10-25T02:30", fold=1)
    assert business_seconds(hours, first, second) == HOUR
    assert add_business_seconds(hours, first, HOUR) == second


def test_a_holiday_closes_what_begins_that_day_and_not_last_nights_shift() -> None:
    hours = weekly("UTC", "22:00-06:00").model_copy(update={"holidays": (date(2026, 12, 25),)})
    start, end = datetime(2026, 12, 24, 12, tzinfo=UTC), datetime(2026, 12, 26, 12, tzinfo=UTC)
    assert business_seconds(hours, start, end) == 8 * HOUR


def test_a_yearly_holiday_comes_every_year_and_an_exception_overrules_it() -> None:
    eve = OtherHours(day=date(2027, 12, 24), spans=spans("10:00-12:00"))
    hours = OFFICE.model_copy(update={"yearly_holidays": (YearlyHoliday(month=12, day=24),), "exceptions": (eve,)})
    open_on = {
        year: business_seconds(hours, at(STHLM, f"{year}-12-24T00:00"), at(STHLM, f"{year}-12-25T00:00"))
        for year in (2025, 2026, 2027)
    }
    assert open_on == {2025: 0, 2026: 0, 2027: 2 * HOUR}


def test_a_copy_with_other_hours_is_calculated_anew() -> None:
    start, end = at(STHLM, "2026-06-05T00:00"), at(STHLM, "2026-06-06T00:00")
    assert business_seconds(OFFICE, start, end) == 8 * HOUR
    assert business_seconds(OFFICE.model_copy(update={"friday": ()}), start, end) == 0


def test_a_version_is_prepared_once_and_forgotten_with_it() -> None:
    hours = OFFICE.model_copy()
    timeline, key = prepared(hours), id(hours)
    assert prepared(hours) is timeline
    del hours
    gc.collect()
    assert key not in business_time._PREPARED


def test_what_was_prepared_for_other_hours_is_not_used() -> None:
    hours, others = OFFICE.model_copy(), weekly("UTC", "00:00-24:00")
    prepared(others)
    business_time._PREPARED[id(hours)] = business_time._PREPARED[id(others)]
    assert prepared(hours) is not prepared(others)


def test_a_span_that_closes_when_it_opens_closes_the_next_day() -> None:
    """None is published, but what was stored is counted by the one rule."""
    monday, hours = datetime(2026, 6, 1, tzinfo=UTC), Hours(zone="UTC", monday=spans("09:00-09:00"))
    assert business_seconds(hours, monday, monday + timedelta(days=3)) == 24 * HOUR


def test_a_calendar_without_hours_never_gets_there() -> None:
    start = datetime(2026, 6, 5, tzinfo=UTC)
    assert add_business_seconds(Hours(zone="UTC"), start, 1) is None
    assert business_seconds(Hours(zone="UTC"), start, start + timedelta(days=700)) == 0
    once = Hours(zone="UTC", exceptions=(OtherHours(day=date(2031, 1, 1), spans=spans("23:00-01:00")),))
    assert add_business_seconds(once, start, 2 * HOUR) == datetime(2031, 1, 1, 1, tzinfo=UTC) + timedelta(days=1)
    assert add_business_seconds(once, start, 2 * HOUR + 1) is None


def test_fractions_of_a_second_are_cut_off_at_both_ends() -> None:
    hours, noon = weekly("UTC", "00:00-24:00"), datetime(2026, 6, 5, 12, tzinfo=UTC)
    almost = timedelta(microseconds=999_999)
    assert business_seconds(hours, noon, noon + almost) == 0
    assert business_seconds(hours, noon + almost, noon + timedelta(seconds=1)) == 1
    assert add_business_seconds(hours, noon + almost, 1) == noon + timedelta(seconds=1)


def test_what_makes_no_sense_is_an_error_and_not_a_figure() -> None:
    now = datetime(2026, 6, 5, tzinfo=UTC)
    with pytest.raises(ValueError, match="forward"):
        add_business_seconds(OFFICE, now, -1)
    with pytest.raises(ValueError, match="needs a time zone"):
        business_seconds(OFFICE, now, now.replace(tzinfo=None))
    for year in (1, 1899, 2201, 9999):
        with pytest.raises(BeyondCalendars):
            business_seconds(OFFICE, now, now.replace(year=year))


@pytest.mark.parametrize("name", ["Europe/Atlantis", "Europe", "../etc/passwd", "localtime", "posix/UTC", ""])
def test_an_unknown_zone_is_an_error(name: str) -> None:
    with pytest.raises(UnknownZone):
        business_time.zone_of(name)


def test_a_machine_without_time_zones_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(business_time, "available_timezones", set)
    business_time._zones.cache_clear()
    with pytest.raises(NoTimeZones, match="tzdata"):
        business_time.zone_of("UTC")


@pytest.mark.parametrize(
    "text", ["9:00", "09.00", "24:01", "23:60", "25:00", "\u0660\u0669:00", "", "morning", 9.5, None]
)
def test_what_is_no_time_of_day_is_refused(text: object) -> None:
    with pytest.raises(ValidationError):
        Span.model_validate({"opens": text, "closes": "24:00"})


def test_times_of_day_are_written_as_people_write_them() -> None:
    (span,) = spans("09:05-24:00")
    assert (span.opens, span.closes, str(span)) == (545, 1_440, "09:05-24:00")
    assert span.model_dump_json() == '{"opens":"09:05","closes":"24:00"}'
    assert Span.model_validate_json(span.model_dump_json()) == span
