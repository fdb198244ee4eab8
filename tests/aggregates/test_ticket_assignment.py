"""Who has the ticket: routing, assigning, claiming, giving back."""

from __future__ import annotations

from aggregates.desk import Desk
from aggregates.team import Team
from aggregates.ticket.commands import Assign, Claim, Route, Unassign
from aggregates.ticket.events import Assigned, Closed, PutPending, ReplyAdded, Resolved, Routed, Unassigned
from tests.aggregates.cast import (
    ADA,
    AS_BEN,
    AS_GONE,
    AS_NOBODY,
    AS_RULE,
    AS_SCRIPT,
    BEN,
    DESK,
    DISSOLVED,
    GONE,
    NETWORK,
    NOBODY,
    OPENED,
    SUPPORT,
)
from tests.spec import given

HAS_ADA = Assigned(agent=ADA)
RESOLVED = (HAS_ADA, ReplyAdded(body="Done."), Resolved(was="open", code="solved"))


def test_assigning_opens_a_new_ticket() -> None:
    given(OPENED).when(Assign(agent=BEN)).then(Assigned(agent=BEN)).becomes(status="open", assignee=BEN)


def test_assigning_somebody_else_says_who_had_it() -> None:
    given(OPENED, HAS_ADA).when(Assign(agent=BEN)).then(Assigned(agent=BEN, from_agent=ADA)).becomes(assignee=BEN)


def test_assigning_whoever_has_it_writes_nothing() -> None:
    given(OPENED, HAS_ADA).when(Assign(agent=ADA)).then()


def test_assigning_a_waiting_ticket_leaves_it_waiting() -> None:
    given(OPENED, PutPending(was="new")).when(Assign(agent=BEN)).then(Assigned(agent=BEN)).becomes(status="pending")


def test_assigning_a_resolved_ticket_leaves_it_resolved() -> None:
    assigned = Assigned(agent=BEN, from_agent=ADA)
    given(OPENED, *RESOLVED).when(Assign(agent=BEN)).then(assigned).becomes(status="resolved", assignee=BEN)


def test_nobody_unknown_or_disabled_is_assigned() -> None:
    given(OPENED).when(Assign(agent=NOBODY)).refused("agent.unknown", "agent")
    given(OPENED).when(Assign(agent=SUPPORT)).refused("agent.unknown", "agent")
    given(OPENED).when(Assign(agent=GONE)).refused("agent.disabled", "agent")


def test_an_agent_claims_a_ticket_that_nobody_has() -> None:
    given(OPENED).when(Claim()).then(Assigned(agent=ADA, claimed=True)).becomes(status="open", assignee=ADA)


def test_of_two_who_claim_the_second_is_refused() -> None:
    given(OPENED, HAS_ADA, actor=AS_BEN).when(Claim()).refused("ticket.already_assigned")


def test_claiming_again_writes_nothing() -> None:
    given(OPENED, HAS_ADA).when(Claim()).then()


def test_only_an_enabled_agent_claims() -> None:
    given(OPENED, actor=AS_RULE).when(Claim()).refused("ticket.not_an_agent")
    given(OPENED, actor=AS_SCRIPT).when(Claim()).refused("ticket.not_an_agent")
    given(OPENED, actor=AS_NOBODY).when(Claim()).refused("agent.unknown", "agent")
    given(OPENED, actor=AS_GONE).when(Claim()).refused("agent.disabled", "agent")


def test_a_ticket_given_back_is_nobodys_and_stays_open() -> None:
    unassigned = Unassigned(from_agent=ADA, reason="Holiday")
    given(OPENED, HAS_ADA).when(Unassign(reason="Holiday")).then(unassigned).becomes(assignee=None, status="open")


def test_what_nobody_has_cannot_be_given_back() -> None:
    given(OPENED).when(Unassign()).refused("ticket.not_assigned")


def test_routing_says_from_where_and_why() -> None:
    given(OPENED, Routed(team=SUPPORT)).when(Route(team=NETWORK, reason="It is the switch")).then(
        Routed(team=NETWORK, from_team=SUPPORT, reason="It is the switch")
    ).becomes(team=NETWORK)


def test_routing_takes_the_ticket_from_whoever_is_not_of_the_new_team() -> None:
    given(OPENED, HAS_ADA).when(Route(team=NETWORK)).then(Routed(team=NETWORK), Unassigned(from_agent=ADA)).becomes(
        team=NETWORK, assignee=None
    )


def test_routing_to_ones_own_team_keeps_the_ticket() -> None:
    desk = Desk({**DESK.entries, NETWORK: Team(name="Network", members=frozenset({ADA}))})
    given(OPENED, HAS_ADA, desk=desk).when(Route(team=NETWORK)).then(Routed(team=NETWORK)).becomes(assignee=ADA)


def test_routing_a_new_ticket_leaves_it_new() -> None:
    given(OPENED).when(Route(team=SUPPORT)).then(Routed(team=SUPPORT)).becomes(status="new", team=SUPPORT)


def test_routing_to_where_it_is_writes_nothing() -> None:
    given(OPENED, Routed(team=SUPPORT)).when(Route(team=SUPPORT)).then()


def test_nothing_is_routed_to_an_unknown_or_disabled_team() -> None:
    given(OPENED).when(Route(team=NOBODY)).refused("team.unknown", "team")
    given(OPENED).when(Route(team=ADA)).refused("team.unknown", "team")
    given(OPENED).when(Route(team=DISSOLVED)).refused("team.disabled", "team")


def test_a_closed_ticket_goes_to_nobody() -> None:
    closed = Closed(was="resolved", cause="agent")
    given(OPENED, *RESOLVED, closed).when(Assign(agent=BEN)).refused("ticket.closed")
    given(OPENED, *RESOLVED, closed).when(Route(team=SUPPORT)).refused("ticket.closed")
