"""test_sla_report: do months, the worst breaches and their spans say what the tickets say, as of any day?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chronodesk.sla_shown import span
from replay.sla_report import Kept, Report, Reporting
from replay.tickets import Period
from tests.databases import Database
from tests.replay.judging import GOLD, judge, publish
from tests.replay.logs import Desk, desk_on, event, write_xes

HOUR = 3_600
NOW = datetime(2012, 7, 1, tzinfo=UTC)
TEN = datetime(2012, 5, 1, 8, 0, tzinfo=UTC)
JUNE = datetime(2012, 6, 1, tzinfo=UTC)
CASES = {
    "soon": [event("work"), event("resolve", 30)],
    "late": [event("work"), event("resolve", 90)],
    "waited": [event("work"), event("wait_user", 30), event("work", 90), event("resolve", 150)],
    "june": [
        event("work") | {"time:timestamp": "2012-06-04T10:00:00.000+02:00"},
        event("resolve") | {"time:timestamp": "2012-06-04T10:10:00.000+02:00"},
    ],
    "open": [event("work") | {"time:timestamp": "2012-05-31T23:30:00.000+00:00"}],
}


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Iterator[Desk]:
    with desk_on(database) as one:
        assert one.take(write_xes(tmp_path / "log.xes", CASES), now=NOW).whole
        publish(one, GOLD, {"normal": HOUR})
        judge(one)
        yield one


def report(desk: Desk, period: Period | None = None, worst: int = 9) -> Report:
    return Reporting(desk.reading, NOW, period or Period(), worst).run()


def test_each_outcome_counts_in_the_month_in_which_it_came(desk: Desk) -> None:
    """What was opened in May and fell due in June is June's."""
    found = report(desk)
    assert found.months == {("resolution", "2012-05"): Kept(1, 2), ("resolution", "2012-06"): Kept(1, 1)}
    assert found.total("resolution") == Kept(2, 3)
    assert Kept(2, 3).ratio == pytest.approx(0.4)
    assert (found.tickets, found.events > 15) == (5, True)


def test_a_period_takes_what_came_in_it_and_nothing_later(desk: Desk) -> None:
    assert report(desk, Period(end=JUNE)).months == {("resolution", "2012-05"): Kept(1, 2)}
    assert report(desk, Period(JUNE)).months == {("resolution", "2012-06"): Kept(1, 1)}


def test_the_worst_comes_first_and_only_as_many_as_asked_for(desk: Desk) -> None:
    elapsed = [worst.account.elapsed for worst in report(desk).worst]
    assert elapsed[1:] == [timedelta(minutes=90), timedelta(minutes=90)]
    assert elapsed[0] == NOW - datetime(2012, 5, 31, 23, 30, tzinfo=UTC)
    assert [worst.over for worst in report(desk, worst=1).worst] == [elapsed[0] - timedelta(hours=1)]
    assert report(desk, worst=0).worst == []


def test_spans_say_when_it_ran_and_why_not_and_add_up(desk: Desk) -> None:
    (waited,) = [worst for worst in report(desk).worst if len(worst.account.steps) > 2]
    told = [(step.why, step.running, step.seconds, step.sum) for step in waited.account.steps]
    half, whole = timedelta(minutes=30), timedelta(minutes=60)
    assert told == [
        ("open", True, half, half),
        ("pending", False, timedelta(0), half),
        ("open", True, whole, half + whole),
        ("resolved", False, timedelta(0), half + whole),
    ]
    assert waited.account.breached_at == TEN + timedelta(minutes=120)
    assert waited.over == half


def test_as_of_a_moment_in_its_past_a_ticket_is_what_it_was_then(desk: Desk) -> None:
    """An hour after the opening of `late`, half an hour before it was resolved."""
    found = report(desk, Period(end=TEN + timedelta(minutes=80)))
    assert found.months == {("resolution", "2012-05"): Kept(1, 1)}
    (late,) = found.worst
    assert (late.over, late.account.state) == (timedelta(minutes=20), "breached")


def test_what_is_not_due_yet_is_neither_kept_nor_broken(desk: Desk) -> None:
    found = Reporting(desk.reading, TEN + timedelta(minutes=40), Period()).run()
    assert (found.months, found.worst) == ({("resolution", "2012-05"): Kept(1, 0)}, [])


def test_lengths_are_told_to_the_second_and_beyond_where_there_is_more() -> None:
    assert span(timedelta(hours=4_908, minutes=10, seconds=14)) == "4,908:10:14"
    assert span(timedelta(seconds=-61.5)) == "-0:01:01.500000"
    assert span(timedelta(0)) == "0:00:00"
