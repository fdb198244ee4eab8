"""Goals: what may be wanted, and which version holds when?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from aggregates.goals.goals import (
    GoalList,
    GoalListFact,
    GoalPublished,
    GoalRetired,
    PublishGoal,
    RetireGoal,
    evolve,
)
from aggregates.goals.terms import GoalTerms
from tests.aggregates.cast import ADA, DISSOLVED, GOLD, GONE, NOBODY, NOON, OTHER, SUPPORT
from tests.spec import When, given

LATER = NOON + timedelta(days=300)


def terms(name: str = "Soon", **more: Any) -> GoalTerms:
    target = {"kind": "share", "percent": 95, "within": 86_400}
    return GoalTerms.model_validate({"name": name, "metric": "resolution", "target": target, **more})


def published(name: str = "Soon", since: datetime = NOON, **more: Any) -> GoalPublished:
    return GoalPublished(goal=GOLD, terms=terms(name, **more), effective_from=since)


def test_a_goal_is_published_changed_and_retired() -> None:
    given().when(PublishGoal(terms=terms())).then(published())
    given(published()).when(PublishGoal(terms=terms("Sooner"), effective_from=LATER)).then(published("Sooner", LATER))
    retired = GoalRetired(goal=GOLD, effective_from=NOON)
    given(published()).when(RetireGoal()).then(retired)
    given(published(), retired).when(PublishGoal(terms=terms())).then(published())


def test_what_is_so_already_is_not_written_again() -> None:
    given(published()).when(PublishGoal(terms=terms())).then()
    given(published()).when(PublishGoal(terms=terms(), effective_from=NOON)).then()
    given(published(), GoalRetired(goal=GOLD, effective_from=NOON)).when(RetireGoal()).then()


def test_a_goal_that_is_not_there_cannot_be_retired() -> None:
    given().when(RetireGoal()).refused("goal.not_found")


def test_a_desk_has_no_more_goals_than_somebody_can_pursue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregates.goals.goals.MOST", 1)
    other = GoalPublished(goal=OTHER, terms=terms(), effective_from=NOON)
    given(other).when(PublishGoal(terms=terms())).refused("goal.too_many")
    given(published()).when(PublishGoal(terms=terms("Sooner"))).then(published("Sooner"))


def asked(**more: Any) -> When:
    return given().when(PublishGoal(terms=terms(**more)))


def share(**more: Any) -> dict[str, Any]:
    return {"kind": "share", "percent": 90, **more}


def figure(statistic: str) -> dict[str, Any]:
    return {"kind": "figure", "statistic": statistic, "value": 1}


def test_a_goal_is_somebodys_who_is_there() -> None:
    asked(team=SUPPORT, agent=ADA).refused("goal.two_owners", "terms.agent")
    asked(team=NOBODY).refused("team.unknown", "terms.team")
    asked(team=DISSOLVED).refused("team.disabled", "terms.team")
    asked(agent=GONE).refused("agent.disabled", "terms.agent")


def test_a_goals_time_makes_sense() -> None:
    long_ago = datetime(1800, 1, 1, tzinfo=UTC)
    asked(zone="Europe/Atlantis").refused("goal.zone_unknown", "terms.zone")
    asked(until=long_ago).refused("goal.until", "terms.until")
    asked(metric="satisfaction", target=share(score=4), time="business").refused("goal.time", "terms.time")
    given().when(PublishGoal(terms=terms(), effective_from=long_ago)).refused("goal.since", "effective_from")


def test_a_target_is_one_that_the_metric_has() -> None:
    asked(promise="first_reply").refused("goal.no_promise", "terms.promise")
    for metric, statistic in (("resolution", "count"), ("backlog", "p90"), ("sla_compliance", "average")):
        asked(metric=metric, target=figure(statistic)).refused("goal.statistic", "terms.target.statistic")
    asked(metric="backlog", target=share()).refused("goal.no_share", "terms.target.kind")
    asked(target=share()).refused("goal.within", "terms.target.within")
    asked(metric="sla_compliance", target=share(within=1)).refused("goal.within", "terms.target.within")
    asked(metric="satisfaction", target=share()).refused("goal.score", "terms.target.score")
    asked(target=share(within=1, score=4)).refused("goal.score", "terms.target.score")


days = st.integers(0, 40).map(lambda day: NOON + timedelta(days=day))
steps = st.lists(
    st.builds(published, since=days, until=st.none() | days)
    | st.builds(GoalRetired, goal=st.just(GOLD), effective_from=days),
    max_size=8,
)


@drawn(steps, days)
def test_stretches_say_for_every_instant_which_version_holds(steps: list[GoalListFact], at: datetime) -> None:
    listed = reduce(evolve, steps, GoalList())
    stretches = list(listed.stretches(GOLD))
    holding = [s.version for s in stretches if s.begins <= at and (s.ends is None or at < s.ends)]
    version = listed.in_force(GOLD, at)
    assert holding == ([] if version is None else [version])
    assert all(s.ends is None or s.begins < s.ends for s in stretches)
    assert [s.begins for s in stretches] == sorted(s.begins for s in stretches)


def test_other_goals_are_left_alone() -> None:
    other = GoalPublished(goal=OTHER, terms=terms("Other"), effective_from=NOON)
    told: list[GoalListFact] = [published(), other, GoalRetired(goal=GOLD, effective_from=LATER)]
    listed = reduce(evolve, told, GoalList())
    assert (listed.kept, len(listed.versions(GOLD)), listed.version) == ((OTHER,), 1, 3)
    assert [version.listed for version in listed.versions(OTHER)] == [2]
