"""Which periods has a goal, by which version is each judged, and how does it stand by what was measured?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.goals.goals import GoalList, GoalListFact, GoalPublished, GoalRetired, Stretch, evolve
from aggregates.goals.terms import GoalTerms
from projections.metrics.goal_periods import Judged, judged, running
from projections.metrics.goal_standing import Measured, definition, needed, standing
from tests.aggregates.cast import GOLD

FAR = datetime(2100, 1, 1, tzinfo=UTC)
ZONES = ("UTC", "Europe/Stockholm", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "Asia/Kathmandu")
SHARE = {"kind": "share", "percent": 90, "within": 60}


def at(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def published(since: datetime, **more: Any) -> GoalPublished:
    terms = GoalTerms.model_validate({"name": "x", "metric": "resolution", "target": SHARE, **more})
    return GoalPublished(goal=GOLD, terms=terms, effective_from=since)


def stretches(*facts: GoalListFact) -> list[Stretch]:
    return list(reduce(evolve, facts, GoalList()).stretches(GOLD))


def told(found: Sequence[Judged]) -> list[tuple[int, str]]:
    return [(one.version.number, one.period.label) for one in found]


def test_a_period_is_judged_by_the_version_in_force_when_it_ends() -> None:
    goal = stretches(published(at("2026-01-10")), published(at("2026-02-20")), published(at("2026-03-31T23:59")))
    assert told(judged(goal, at("2026-01-01"), FAR, at("2026-05-05"))) == [
        (1, "2026-01"), (2, "2026-02"), (3, "2026-03"), (3, "2026-04"), (3, "2026-05"),
    ]  # fmt: skip


def test_what_is_not_in_force_yet_judges_nothing_yet() -> None:
    goal = stretches(published(at("2026-01-10")), published(at("2026-01-20")))
    assert told(judged(goal, at("2026-01-01"), FAR, at("2026-01-19"))) == [(1, "2026-01")]
    assert told(judged(goal, at("2026-01-01"), FAR, at("2026-01-20"))) == [(2, "2026-01")]
    assert running(goal, at("2026-01-09")) is None
    assert told([one for one in [running(goal, at("2026-02-01"))] if one]) == [(2, "2026-02")], "from its first instant"


def test_a_goal_that_ends_within_a_period_leaves_it_unjudged() -> None:
    retired = GoalRetired(goal=GOLD, effective_from=at("2026-03-15"))
    goal = stretches(published(at("2026-01-01")), retired, published(at("2026-06-01")))
    labels = told(judged(goal, at("2026-01-01"), FAR, at("2026-06-30")))
    assert labels == [(1, "2026-01"), (1, "2026-02"), (2, "2026-06")]
    assert running(goal, at("2026-04-01")) is None
    ends = stretches(published(at("2026-01-01"), until=at("2026-03-01")))
    assert told(judged(ends, at("2026-01-01"), FAR, at("2026-06-30"))) == [(1, "2026-01"), (1, "2026-02")]


def test_other_periods_begin_where_the_last_one_judged_has_ended() -> None:
    goal = stretches(published(at("2026-01-01"), period="week"), published(at("2026-03-13"), period="month"))
    found = judged(goal, at("2026-02-25"), FAR, at("2026-04-02"))
    assert told(found) == [
        (1, "2026-W09"), (1, "2026-W10"), (2, "2026-03-09 to 2026-03-31"), (2, "2026-04"),
    ]  # fmt: skip
    assert told([one for one in [running(goal, at("2026-03-20"))] if one]) == [(2, "2026-03-09 to 2026-03-31")]


facts = st.lists(
    st.builds(
        published,
        st.integers(0, 400).map(lambda hours: at("2011-11-20") + timedelta(hours=hours * 7)),
        period=st.sampled_from(("day", "week", "month", "quarter")),
        zone=st.sampled_from(ZONES),
    ),
    min_size=1,
    max_size=4,
)
instants = st.integers(0, 30_000).map(lambda tens: at("2011-11-20") + timedelta(minutes=tens * 10))


@given(facts, instants, instants, instants)
def test_periods_never_overlap_and_any_part_of_the_past_tells_the_same(
    facts: list[GoalListFact], one: datetime, other: datetime, now: datetime
) -> None:
    goal = stretches(*facts)
    whole = judged(goal, at("2011-01-01"), FAR, now)
    assert all(before.period.until <= after.period.since for before, after in pairwise(whole))
    assert all(j.period.since < j.period.until for j in whole)
    since, until = min(one, other), max(one, other)
    reach = [j for j in whole if j.period.since < until and since < j.period.until]
    assert judged(goal, since, until, now) == reach
    runs = running(goal, now)
    assert runs == next((j for j in whole if j.period.since <= now < j.period.until), None)


@given(st.sampled_from(ZONES), instants, st.integers(1, 200))
def test_days_begin_when_the_local_calendar_turns_across_every_change_of_clocks(
    zone: str, since: datetime, days: int
) -> None:
    until = since + timedelta(days=days)
    found = judged(stretches(published(at("2011-01-01"), period="day", zone=zone)), since, until, until)
    local, by_hand = ZoneInfo(zone), []
    day: date = since.astimezone(local).date()
    while (begins := datetime.combine(day, time(), local).astimezone(UTC)) < until:
        ends = datetime.combine(day + timedelta(days=1), time(), local).astimezone(UTC)
        by_hand += [(begins, ends)] if begins < ends else []
        day += timedelta(days=1)
    assert [(one.period.since, one.period.until) for one in found] == by_hand


def terms(**more: Any) -> GoalTerms:
    return published(at("2026-01-01"), **more).terms


@pytest.mark.parametrize(
    ("percent", "good", "measured", "running", "over", "more"),
    [
        (95, 0, 0, "nothing_measured", "nothing_measured", None),
        (95, 19, 20, "on_track", "reached", None),
        (95, 18, 20, "behind", "missed", 20),
        (99.9, 998, 1_000, "behind", "missed", 1_000),
        (99.9, 999, 1_000, "on_track", "reached", None),
        (100, 19, 20, "unreachable", "missed", None),
        (100, 20, 20, "on_track", "reached", None),
    ],
)
def test_how_a_share_stands(
    percent: float, good: int, measured: int, running: str, over: str, more: int | None
) -> None:
    goal, found = terms(target=SHARE | {"percent": percent}), Measured(measured, good)
    assert standing(goal, found, over=False) == running
    assert standing(goal, found, over=True) == over
    assert needed(goal, found) == more


@given(st.integers(1, 99), st.integers(0, 50), st.integers(1, 50))
def test_so_many_good_ones_are_needed_and_no_fewer(percent: int, good: int, bad: int) -> None:
    goal = terms(target=SHARE | {"percent": percent})
    more = needed(goal, Measured(good + bad, good)) or 0
    assert standing(goal, Measured(good + bad + more, good + more), over=True) == "reached"
    if more:
        assert standing(goal, Measured(good + bad + more - 1, good + more - 1), over=True) == "missed"


@pytest.mark.parametrize(
    ("more", "found", "expected"),
    [
        ({"statistic": "average", "value": 1.5}, Measured(2, total=3_000_000), "on_track"),
        ({"statistic": "average", "value": 1.5}, Measured(2, total=3_000_001), "behind"),
        ({"statistic": "p90", "value": 0.1}, Measured(2, rank=100_000), "on_track"),
        ({"statistic": "p90", "value": 0.1}, Measured(2, rank=100_001), "behind"),
    ],
)
def test_how_a_time_stands(more: dict[str, Any], found: Measured, expected: str) -> None:
    assert standing(terms(target={"kind": "figure", **more}), found, over=False) == expected


def test_how_scores_and_backlogs_stand() -> None:
    score = {"kind": "figure", "statistic": "average", "bound": "at_least"}
    happy = terms(metric="satisfaction", target=score | {"value": 4.2})
    assert standing(happy, Measured(5, total=21), over=True) == "reached"
    assert standing(happy, Measured(5, total=20), over=False) == "behind"
    best = terms(metric="satisfaction", target=score | {"value": 5})
    assert standing(best, Measured(5, total=24), over=False) == "unreachable"
    few = terms(metric="backlog", target={"kind": "figure", "statistic": "count", "value": 10})
    assert [standing(few, Measured(n), over=True) for n in (0, 10, 11)] == ["reached", "reached", "missed"]


def test_every_goal_is_defined_in_the_catalogue_of_metrics() -> None:
    figure = {"kind": "figure", "value": 1}
    goals = [
        terms(metric=metric, target=figure | {"statistic": statistic})
        for metric in ("resolution", "first_reply", "next_reply") for statistic in ("average", "p50", "p90", "p95")
    ]  # fmt: skip
    goals += [terms(metric=metric) for metric in ("resolution", "first_reply", "next_reply")]
    goals += [terms(metric="satisfaction", target=figure | {"statistic": "average"})]
    goals += [terms(metric="satisfaction", target={"kind": "share", "percent": 9, "score": 4})]
    goals += [terms(metric="backlog", target=figure | {"statistic": "count"})]
    goals += [
        terms(metric="sla_compliance", target={"kind": "share", "percent": 9}, promise=promise)
        for promise in (None, "first_reply", "ownership")
    ]
    assert all(definition(goal).words for goal in goals)
