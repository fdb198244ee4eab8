"""Holidays from iCalendar files: what files of public holidays hold, what else is allowed, and what is none."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from time import process_time

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.business_time import YearlyHoliday
from aggregates.errors import Unacceptable
from commands.ical import MOST_BYTES, Found, holidays

TODAY = date(2026, 2, 28)
NEAR = [datetime.combine(date(year, month, day), time.min) for year, month, day in ((2011, 1, 1), (2041, 12, 31))]
XMAS = "DTSTART;VALUE=DATE:20261225"
# As public calendars write it: folded lines, CRLF, free time, a day that moves, two days in one event.
SWEDEN = """BEGIN:VCALENDAR
PRODID:-//Example//Holidays 2.0//EN
VERSION:2.0
X-WR-CALNAME:Helgdagar i Sverige
BEGIN:VTIMEZONE
TZID:Europe/Stockholm
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:nationaldagen@example.org
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:19830606
DTEND;VALUE=DATE:19830607
RRULE:FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=6
SUMMARY:Sveriges
  nationaldag
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
UID:midsommar@example.org
DTSTART;VALUE=DATE:20250620
RRULE:FREQ=YEARLY;BYMONTH=6;BYDAY=FR;BYMONTHDAY=19,20,21,22,23,24,25;COUNT=3
SUMMARY:Midsommarafton
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:jul@example.org
DTSTART;VALUE=DATE:20261224
DTEND;VALUE=DATE:20261227
SUMMARY:Jul
END:VEVENT
BEGIN:VEVENT
UID:langfredag@example.org
DTSTART;VALUE=DATE:20260403
SUMMARY:Långfredagen
END:VEVENT
BEGIN:VEVENT
UID:fika@example.org
DTSTART;TZID=Europe/Stockholm:20260406T150000
DTEND;TZID=Europe/Stockholm:20260406T153000
SUMMARY:Fika
END:VEVENT
BEGIN:VEVENT
UID:installt@example.org
DTSTART;VALUE=DATE:20260501
STATUS:CANCELLED
SUMMARY:Inställt
END:VEVENT
END:VCALENDAR
"""


def calendar(*events: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *events, "END:VCALENDAR", ""]).encode()


def event(*lines: str, uid: str = "1") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT"])


def found(*lines: str) -> Found:
    return holidays(calendar(event(*lines)), TODAY)


def days(*lines: str) -> list[str]:
    return [day.isoformat() for day in sorted(found(*lines).dates)]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_file_of_public_holidays(ends: str, mark: str) -> None:
    read = holidays((mark + SWEDEN.replace("\n", ends)).encode(), TODAY)
    assert [day.isoformat() for day in read.command.holidays] == [
        "2025-06-20", "2026-04-03", "2026-06-19", "2026-12-24", "2026-12-25", "2026-12-26", "2027-06-25",
    ]  # fmt: skip
    assert read.command.yearly_holidays == (YearlyHoliday(month=6, day=6),)
    assert (read.timed, read.cancelled, read.beyond) == (1, 1, 0)


def test_a_plain_yearly_day_recurs_for_ever() -> None:
    for rule in ("FREQ=YEARLY", "FREQ=YEARLY;INTERVAL=1;BYMONTH=12;BYMONTHDAY=25", "freq=yearly;WKST=SU"):
        read = found(XMAS, f"RRULE:{rule}")
        assert (read.yearly, read.dates) == ({(12, 25)}, set()), rule
    monthly = found(XMAS, "RRULE:FREQ=YEARLY;BYMONTHDAY=25")
    assert (monthly.yearly, len(monthly.dates)) == (set(), 15 * 12 + 1)


@pytest.mark.parametrize(
    ("rule", "years"),
    [
        ("FREQ=YEARLY;COUNT=2", [2026, 2027]),
        ("FREQ=YEARLY;UNTIL=20281225", [2026, 2027, 2028]),
        ("FREQ=YEARLY;UNTIL=20281224T235959Z", [2026, 2027]),
        ("FREQ=YEARLY;INTERVAL=10", [2026, 2036]),
        ("FREQ=MONTHLY;BYMONTH=12;BYMONTHDAY=25;UNTIL=20270101", [2026]),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25;BYHOUR=9;BYMINUTE=0,30;COUNT=2", [2026, 2027]),
        ("FREQ=YEARLY;UNTIL=99991231", list(range(2026, 2042))),
    ],
)
def test_other_rules_become_dates_fifteen_years_ahead(rule: str, years: list[int]) -> None:
    read = found(XMAS, f"RRULE:{rule}")
    assert (sorted(read.dates), read.yearly) == ([date(year, 12, 25) for year in years], set())


def test_a_rule_from_long_ago_reaches_fifteen_years_back() -> None:
    read = found("DTSTART;VALUE=DATE:19500904", "RRULE:FREQ=YEARLY;BYMONTH=9;BYDAY=1MO")
    assert {day.year for day in read.dates} == set(range(2011, 2042))
    assert all(day.weekday() == 0 and day.day <= 7 for day in read.dates)
    assert days("DTSTART;VALUE=DATE:19500904", "RRULE:FREQ=DAILY;UNTIL=19990101") == []


def test_a_leap_day_comes_when_it_comes() -> None:
    assert found("DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY").yearly == {(2, 29)}
    assert days("DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY;COUNT=2") == ["2024-02-29", "2028-02-29"]


@given(
    start=st.dates(date(1990, 1, 1), date(2035, 12, 31)),
    frequency=st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"]),
    interval=st.integers(6, 40),
    more=st.sampled_from(["", ";BYMONTH=2,9", ";BYDAY=MO,TU", ";BYMONTHDAY=-1", ";COUNT=7", ";UNTIL=20300101"]),
)
@settings(deadline=None, max_examples=60)
def test_a_rule_means_what_it_means_centuries_from_now(start: date, frequency: str, interval: int, more: str) -> None:
    rule = f"FREQ={frequency};INTERVAL={interval}{'' if frequency == 'DAILY' and ';BY' in more else more};WKST=MO"
    moments = rrulestr(rule, dtstart=datetime.combine(start, time.min)).between(NEAR[0], NEAR[1], inc=True)
    first = {start} if start.year >= 2011 else set()
    read = found(f"DTSTART;VALUE=DATE:{start:%Y%m%d}", f"RRULE:{rule}").dates
    assert read == {moment.date() for moment in moments} | first


def test_days_left_out_put_in_and_moved() -> None:
    left = ("RRULE:FREQ=YEARLY;COUNT=4", "EXDATE;VALUE=DATE:20261225,20271225", "EXDATE:20281225T000000Z")
    assert days(XMAS, *left) == ["2029-12-25"]
    put = ("RDATE;VALUE=DATE:20270101,20270102", "RDATE;VALUE=PERIOD:20280101T000000Z/PT1H")
    assert days(XMAS, *put) == ["2026-12-25", "2027-01-01", "2027-01-02", "2028-01-01"]
    series = event(XMAS, "RRULE:FREQ=YEARLY", uid="a")
    instead = event("RECURRENCE-ID;VALUE=DATE:20271225", "DTSTART;VALUE=DATE:20271227", uid="a")
    gone = event("RECURRENCE-ID;VALUE=DATE:20281225", "DTSTART;VALUE=DATE:20281225", "STATUS:CANCELLED", uid="a")
    other = event("RECURRENCE-ID;VALUE=DATE:20291225", "DTSTART;VALUE=DATE:20291231", uid="b")
    read = holidays(calendar(series, instead, gone, other), date(2015, 1, 1))
    assert sorted(day.isoformat() for day in read.dates) == [
        "2026-12-25", "2027-12-27", "2029-12-25", "2029-12-31", "2030-12-25",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "last"),
    [
        ("", "2026-12-25"),
        ("DTEND;VALUE=DATE:20261225", "2026-12-25"),
        ("DTEND;VALUE=DATE:20261226", "2026-12-25"),
        ("DTEND;VALUE=DATE:20261228", "2026-12-27"),
        ("DURATION:P2D", "2026-12-26"),
        ("DURATION:P1W", "2026-12-31"),
        ("DURATION:PT1H", "2026-12-25"),
    ],
)
def test_the_day_of_the_end_is_not_part_of_it(ends: str, last: str) -> None:
    named = days(XMAS, *([ends] if ends else []))
    assert (named[0], named[-1], len(named)) == ("2026-12-25", last, int(last[-2:]) - 24)


def test_dates_out_of_reach_are_counted() -> None:
    assert found("DTSTART;VALUE=DATE:18991231", "DURATION:P2D").beyond == 1
    assert found("DTSTART;VALUE=DATE:21991231", "DURATION:P2D").beyond == 1


NONSENSE = {
    "nothing": b"", "a word": b"hello", "a file's name": b"pyproject.toml", "no calendar": event(XMAS).encode(),
    "cut off": calendar(event(XMAS))[:-20], "latin-1": b"\xe9",
    "no beginning": calendar(event("SUMMARY:x")), "no date": calendar(event("DTSTART;VALUE=DATE:2026122")),
    "two beginnings": calendar(event(XMAS, XMAS)), "backwards": calendar(event(XMAS, "DTEND;VALUE=DATE:20261224")),
    "backwards by far": calendar(event(XMAS, "DURATION:-P2D")), "past all time": calendar(
        event("DTSTART;VALUE=DATE:99991231", "DURATION:P3D")), "no rule": calendar(event(XMAS, "RRULE:nonsense")),
    "no weekday": calendar(event(XMAS, "RRULE:FREQ=YEARLY;BYDAY=XX")),
    "every hour": calendar(event(XMAS, "RRULE:FREQ=HOURLY")),
    "standing still": calendar(event(XMAS, "RRULE:FREQ=YEARLY;INTERVAL=0")),
    "another calendar's rule": calendar(event(XMAS, "RRULE:FREQ=YEARLY;RSCALE=HEBREW;BYWEEKNO=1")),
    "a daily rule with conditions": calendar(event(XMAS, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")),
    "too many rules": calendar(*[event(XMAS, "RRULE:FREQ=YEARLY;COUNT=1")] * 101),
    "too large": calendar(event(XMAS, "X-A:" + "x" * MOST_BYTES)),
    "deep": b"BEGIN:VCALENDAR\r\n" * 10_000,
}  # fmt: skip


@pytest.mark.parametrize("what", NONSENSE)
def test_what_cannot_be_read_is_refused(what: str) -> None:
    with pytest.raises(Unacceptable) as refused:
        holidays(NONSENSE[what], TODAY)
    assert refused.value.code == "calendar.bad_ical"


@pytest.mark.parametrize("lines", [("DURATION:P2001D",), ("RRULE:FREQ=DAILY",), ("DTEND;VALUE=DATE:99991231",)])
def test_too_many_days_are_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(Unacceptable) as refused:
        found(XMAS, *lines)
    assert refused.value.code == "calendar.too_many_holidays"
    assert len(found(XMAS, "DURATION:P2000D").dates) == 2_000


def test_a_rule_that_never_comes_true_keeps_nobody_busy() -> None:
    never = event(XMAS, "RRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30")
    began = process_time()
    assert holidays(calendar(*[never] * 20), TODAY).dates == {date(2026, 12, 25)}
    # Searched to the year 9999, each would take a third of a second.
    assert process_time() - began < 3


def test_whatever_is_spoiled_is_read_or_refused() -> None:
    chance, read = random.Random(4), 0
    for _ in range(400):
        body = bytearray(SWEDEN.encode())
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(body))
            if chance.random() < 0.5:
                body[place] = chance.choice(b"0123456789=;:,\r\nABYZ\x00\xff")
            else:
                del body[place : place + chance.randint(1, 9)]
        try:
            read += bool(holidays(bytes(body), TODAY))
        except Unacceptable:
            continue
    assert 0 < read < 400


def test_expansion_follows_the_day_it_is_read_on() -> None:
    read = holidays(calendar(event(XMAS, "RRULE:FREQ=YEARLY;INTERVAL=5")), TODAY + timedelta(days=3_653))
    assert max(read.dates) == date(2051, 12, 25)
