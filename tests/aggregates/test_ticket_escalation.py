"""Up and down the lines: to the next level, another team or another person."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.fact import Fact
from aggregates.ticket.commands import DeEscalate, Escalate
from aggregates.ticket.events import Assigned, Closed, DeEscalated, Escalated, Resolved, Routed
from tests.aggregates.cast import ADA, BEN, DISSOLVED, GONE, NETWORK, NOBODY, OPENED, SUPPORT
from tests.spec import given

WORKED_ON = (OPENED, Routed(team=SUPPORT), Assigned(agent=ADA))
RESOLVED = Resolved(was="open", code="solved")
HERE: dict[str, Any] = {"from_level": 1, "from_team": SUPPORT, "from_agent": ADA}
SECOND: dict[str, Any] = {"from_level": 2, "from_team": NETWORK, "from_agent": BEN}
ON_SECOND = (*WORKED_ON, Escalated(**HERE, to_level=2, to_team=NETWORK, to_agent=BEN))


def at(level: int) -> tuple[Fact, ...]:
    return OPENED, Escalated(from_level=1, to_level=level)


def test_escalating_goes_to_the_next_level_with_its_reason_and_waits_for_a_new_agent() -> None:
    escalated = Escalated(**HERE, to_level=2, to_team=SUPPORT, reason="Beyond me")
    given(*WORKED_ON).when(Escalate(reason="Beyond me")).then(escalated).becomes(
        level=2, team=SUPPORT, assignee=None, status="open"
    )


def test_escalating_may_skip_a_level() -> None:
    escalated = Escalated(**HERE, to_level=3, to_team=SUPPORT, reason="VIP")
    given(*WORKED_ON).when(Escalate(level=3, reason="VIP")).then(escalated)


def test_escalating_to_another_team_stays_on_the_level_and_waits_for_a_new_agent() -> None:
    escalated = Escalated(**HERE, to_level=1, to_team=NETWORK, reason="Theirs")
    given(*WORKED_ON).when(Escalate(team=NETWORK, reason="Theirs")).then(escalated).becomes(
        level=1, team=NETWORK, assignee=None
    )


def test_escalating_to_another_person_stays_in_the_team() -> None:
    escalated = Escalated(**HERE, to_level=1, to_team=SUPPORT, to_agent=BEN, reason="Knows it")
    given(*WORKED_ON).when(Escalate(agent=BEN, reason="Knows it")).then(escalated).becomes(
        level=1, team=SUPPORT, assignee=BEN
    )


def test_escalating_to_level_team_and_person_at_once() -> None:
    escalated = Escalated(**HERE, to_level=2, to_team=NETWORK, to_agent=BEN, reason="All")
    given(*WORKED_ON).when(Escalate(level=2, team=NETWORK, agent=BEN, reason="All")).then(escalated)


def test_escalating_a_new_ticket_to_a_person_opens_it_and_to_a_level_does_not() -> None:
    to_ben = Escalated(from_level=1, to_level=1, to_agent=BEN, reason="r")
    given(OPENED).when(Escalate(agent=BEN, reason="r")).then(to_ben).becomes(status="open", assignee=BEN)
    given(OPENED).when(Escalate(reason="r")).then(Escalated(from_level=1, to_level=2, reason="r")).becomes(status="new")


def test_escalating_to_where_it_is_is_refused() -> None:
    given(*WORKED_ON).when(Escalate(agent=ADA, reason="r")).refused("ticket.already_there")
    given(*WORKED_ON).when(Escalate(team=SUPPORT, reason="r")).refused("ticket.already_there")


def test_escalating_never_goes_down() -> None:
    given(*ON_SECOND).when(Escalate(level=2, reason="r")).refused("ticket.level_not_higher")
    given(*ON_SECOND).when(Escalate(level=1, reason="r")).refused("ticket.level_not_higher")
    given(*ON_SECOND).when(Escalate(level=1, team=SUPPORT, reason="r")).refused("ticket.level_not_higher")


def test_above_the_top_level_there_is_nothing_but_other_teams_and_people() -> None:
    top = Escalated(from_level=1, to_level=9)
    given(OPENED, top).when(Escalate(reason="r")).refused("ticket.top_level")
    given(OPENED, top).when(Escalate(agent=BEN, reason="r")).then(
        Escalated(from_level=9, to_level=9, to_agent=BEN, reason="r")
    )


@pytest.mark.parametrize("command", [Escalate, DeEscalate])
def test_nobody_unknown_or_disabled_gets_it(command: type[Escalate | DeEscalate]) -> None:
    given(*ON_SECOND).when(command(team=NOBODY, reason="r")).refused("team.unknown", "team")
    given(*ON_SECOND).when(command(team=DISSOLVED, reason="r")).refused("team.disabled", "team")
    given(*ON_SECOND).when(command(agent=NOBODY, reason="r")).refused("agent.unknown", "agent")
    given(*ON_SECOND).when(command(agent=GONE, reason="r")).refused("agent.disabled", "agent")


def test_de_escalating_goes_one_level_down_in_the_same_team_and_waits_for_a_new_agent() -> None:
    down = DeEscalated(**SECOND, to_level=1, to_team=NETWORK, reason="A simple one")
    given(*ON_SECOND).when(DeEscalate(reason="A simple one")).then(down).becomes(level=1, team=NETWORK, assignee=None)


def test_de_escalating_may_name_level_team_and_person() -> None:
    third = Escalated(**SECOND, to_level=3, to_team=NETWORK)
    down = DeEscalated(from_level=3, to_level=1, from_team=NETWORK, to_team=SUPPORT, to_agent=ADA)
    given(*ON_SECOND, third).when(DeEscalate(level=1, team=SUPPORT, agent=ADA)).then(down).becomes(
        level=1, team=SUPPORT, assignee=ADA
    )


def test_de_escalating_a_new_ticket_to_a_person_opens_it() -> None:
    down = DeEscalated(from_level=2, to_level=1, to_agent=ADA)
    given(*at(2)).when(DeEscalate(agent=ADA)).then(down).becomes(status="open")


def test_de_escalating_never_goes_up_nor_below_the_first_level() -> None:
    given(*ON_SECOND).when(DeEscalate(level=2)).refused("ticket.level_not_lower")
    given(*ON_SECOND).when(DeEscalate(level=3)).refused("ticket.level_not_lower")
    given(*WORKED_ON).when(DeEscalate()).refused("ticket.lowest_level")


@pytest.mark.parametrize("command", [Escalate(reason="r"), DeEscalate()])
def test_what_is_resolved_is_reopened_before_it_moves(command: Escalate | DeEscalate) -> None:
    given(*ON_SECOND, RESOLVED).when(command).refused("ticket.already_resolved")
    given(*ON_SECOND, RESOLVED, Closed(was="resolved", cause="auto")).when(command).refused("ticket.closed")
