"""test_metrics_periods: are days, hours and the period before those of the local clock, also where it is changed?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.errors import Unacceptable
from projections.metrics.answer import Every
from projections.metrics.periods import MOST_BUCKETS, buckets, midnight, named, previous

STOCKHOLM = ZoneInfo("Europe/Stockholm")
ZONES = ("UTC", "Europe/Stockholm", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu",
         "Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "Asia/Pyongyang")  # fmt: skip
HOUR = timedelta(hours=1)


def local(zone: ZoneInfo, *at: int) -> datetime:
    return datetime(*at, tzinfo=zone).astimezone(UTC)  # type: ignore[misc,arg-type]


def hours(*day: int) -> list[timedelta]:
    since = midnight(date(*day), STOCKHOLM)
    until = midnight(date(*day) + timedelta(days=1), STOCKHOLM)
    return [bucket.until - bucket.since for bucket in buckets(since, until, "hour", STOCKHOLM)]


def test_the_days_on_which_the_clock_is_changed_have_23_and_25_hours() -> None:
    assert hours(2012, 3, 25) == [HOUR] * 23
    assert hours(2012, 10, 28) == [HOUR] * 25
    since, until = local(STOCKHOLM, 2012, 10, 28), local(STOCKHOLM, 2012, 10, 29)
    told = [bucket.label for bucket in buckets(since, until, "hour", STOCKHOLM)]
    assert told[2:4] == ["2012-10-28T02:00+02:00", "2012-10-28T02:00+01:00"]
    (day,) = buckets(since, until, "day", STOCKHOLM)
    assert day.until - day.since == 25 * HOUR


def test_a_clock_changed_by_half_an_hour_makes_a_bucket_of_half_an_hour() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    since, until = local(zone, 2012, 4, 1), local(zone, 2012, 4, 1, 4)
    told = [(bucket.label[11:], bucket.until - bucket.since) for bucket in buckets(since, until, "hour", zone)]
    assert told[1:4] == [("01:00+11:00", HOUR), ("01:30+10:30", HOUR / 2), ("02:00+10:30", HOUR)]


def test_a_clock_changed_within_an_hour_ends_a_bucket_then() -> None:
    pyongyang = ZoneInfo("Asia/Pyongyang")
    since = datetime(2018, 5, 4, 14, 30, tzinfo=UTC)
    found = buckets(since, since + 2 * HOUR, "hour", pyongyang)
    assert [(bucket.label[11:], bucket.until - bucket.since) for bucket in found] == [
        ("23:00+08:30", HOUR / 2), ("00:00+09:00", HOUR), ("01:00+09:00", HOUR / 2),
    ]  # fmt: skip


def test_a_day_that_was_never_there_has_no_bucket() -> None:
    apia = ZoneInfo("Pacific/Apia")
    told = [bucket.label for bucket in buckets(local(apia, 2011, 12, 29), local(apia, 2012, 1, 1), "day", apia)]
    assert told == ["2011-12-29", "2011-12-31"]


@pytest.mark.parametrize(
    ("every", "labels"),
    [
        ("day", ["2011-12-31", "2012-01-01", "2012-01-02"]), ("week", ["2011-W52", "2012-W01"]),
        ("month", ["2011-12", "2012-01"]), ("quarter", ["2011-Q4", "2012-Q1"]), ("year", ["2011", "2012"]),
    ],
)  # fmt: skip
def test_what_reaches_into_a_period_only_in_part_is_cut(every: Every, labels: list[str]) -> None:
    since, until = local(STOCKHOLM, 2011, 12, 31, 12), local(STOCKHOLM, 2012, 1, 2, 12)
    found = buckets(since, until, every, STOCKHOLM)
    assert [bucket.label for bucket in found] == labels
    assert (found[0].since, found[-1].until) == (since, until)


@given(
    st.sampled_from(ZONES),
    st.sampled_from(["hour", "day", "week", "month"]),
    st.timedeltas(timedelta(0), timedelta(days=50_000)).map(datetime(1900, 1, 2, tzinfo=UTC).__add__),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=9)),
)
def test_buckets_follow_each_other_and_within_each_the_local_label_is_one(
    name: str, every: Every, since: datetime, length: timedelta
) -> None:
    zone = ZoneInfo(name)
    found = buckets(since, since + length, every, zone)
    assert (found[0].since, found[-1].until) == (since, since + length)
    assert all(one.until == next.since for one, next in pairwise(found))
    assert len({bucket.label for bucket in found}) == len(found)
    for bucket in found:
        first, last = bucket.since.astimezone(zone), (bucket.until - timedelta(microseconds=1)).astimezone(zone)
        if every == "hour":
            assert (first.date(), first.hour, first.utcoffset()) == (last.date(), last.hour, last.utcoffset())
        elif every == "day":
            assert first.date() == last.date()
        elif every == "week":
            assert first.isocalendar()[:2] == last.isocalendar()[:2]
        else:
            assert (first.year, first.month) == (last.year, last.month)


@pytest.mark.parametrize(
    ("since", "until", "label"),
    [
        ((2012, 3, 1), (2012, 4, 1), "2012-02"),
        ((2012, 1, 1), (2012, 4, 1), "2011-Q4"),
        ((2012, 1, 1), (2013, 1, 1), "2011"),
        ((2012, 3, 26), (2012, 4, 2), "2012-W12"),
        ((2012, 3, 25), (2012, 3, 26), "2012-03-24"),
        ((2012, 3, 11), (2012, 3, 14), "2012-03-08 to 2012-03-10"),
        ((2012, 3, 25, 12), (2012, 3, 25, 13), "2012-03-25T11:00+02:00 to 2012-03-25T12:00+02:00"),
    ],
)
def test_the_period_before_has_as_many_whole_months_or_days_or_as_much_time(
    since: tuple[int, ...], until: tuple[int, ...], label: str
) -> None:
    before = previous(local(STOCKHOLM, *since), local(STOCKHOLM, *until), STOCKHOLM)
    assert (before.label, before.until) == (label, local(STOCKHOLM, *since))


def test_a_period_is_called_as_people_call_it() -> None:
    assert named(local(STOCKHOLM, 2012, 1, 1), local(STOCKHOLM, 2012, 3, 1), STOCKHOLM) == "2012-01-01 to 2012-02-29"


def test_there_are_never_more_buckets_than_can_be_read() -> None:
    since = datetime(2012, 1, 1, tzinfo=UTC)
    assert len(buckets(since, since + MOST_BUCKETS * HOUR, "hour", STOCKHOLM)) == MOST_BUCKETS
    with pytest.raises(Unacceptable, match="1000 buckets at most"):
        buckets(since, since + (MOST_BUCKETS + 1) * HOUR, "hour", STOCKHOLM)
