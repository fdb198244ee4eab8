"""given(past).when(command).then(future), without a database, for tickets and the desk's configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pytest

from aggregates import agent, calendar, customer, rates, reportable, team
from aggregates.agent import AgentCommand
from aggregates.calendar import CalendarCommand
from aggregates.customer import CustomerCommand, OrganisationCommand
from aggregates.desk import Desk
from aggregates.envelope import Actor
from aggregates.errors import Refusal
from aggregates.fact import Command, Fact
from aggregates.goals import goals
from aggregates.goals.goals import GoalCommand
from aggregates.kinds import KINDS, evolved
from aggregates.rates import PublishRates
from aggregates.reportable import ReportableCommand
from aggregates.sla import policies
from aggregates.sla.policies import PolicyCommand
from aggregates.surveys import surveys
from aggregates.surveys.surveys import SurveyCommand
from aggregates.team import TeamCommand
from aggregates.ticket.commands import Link, Merge, OpenTicket, ReceiveMessage, TicketCommand, Unlink
from aggregates.ticket.decide import decide, open_ticket
from aggregates.ticket.pairs import follow_up, link, merge, unlink
from aggregates.ticket.rating import Rate, rate
from tests.aggregates.cast import AS_ADA, CSAT, DESK, FOLLOW_UP, GOLD, NOON, NUMBER, TICKET

Facts = tuple[Fact, ...]


def given(*facts: Fact, there: Iterable[Fact] = (), desk: Desk = DESK, actor: Actor = AS_ADA) -> Given:
    """What happened to this stream so far, and `there` to the other ticket that a link names."""
    return Given(facts, tuple(there), desk, actor)


@dataclass(frozen=True)
class Given:
    facts: Facts
    there: Facts
    desk: Desk
    actor: Actor

    def when(self, command: Command) -> When:
        return When(self, command)

    def when_followed_up_by(self, message: ReceiveMessage) -> When:
        """The handler asks this of a closed ticket; `there` are the follow-up's facts."""
        return When(self, message, follows_up=True)


@dataclass(frozen=True)
class When:
    given: Given
    command: Command
    follows_up: bool = False

    def then(self, *facts: Fact, there: Iterable[Fact] = ()) -> Then:
        """Exactly these facts, in this order; none means that it was so already."""
        ours, theirs = self._decided()
        assert (ours, theirs) == (facts, tuple(there))
        return Then(state_of(self.command, (*self.given.facts, *ours)))

    def refused(self, code: str, field: str | None = None) -> None:
        with pytest.raises(Refusal) as refusal:
            self._decided()
        assert (refusal.value.code, refusal.value.field) == (code, field)
        assert refusal.value.detail, "a refusal says why"

    def _decided(self) -> tuple[Facts, Facts]:
        if self.follows_up:
            assert isinstance(self.command, ReceiveMessage)
            state = state_of(self.command, self.given.facts)
            return follow_up(state, TICKET, self.command, FOLLOW_UP, NUMBER + 1, self.given.desk)
        return decided(self.given, self.command)


@dataclass(frozen=True)
class Then:
    state: Any

    def becomes(self, **expected: object) -> None:
        assert {name: getattr(self.state, name) for name in expected} == expected


def state_of(command: Command, facts: Facts) -> Any:
    """The stream's state; before its first fact, the initial one of the kind that the command is for."""
    return reduce(evolved, facts, KINDS[_kind(command)].initial)


def decided(given: Given, command: Command) -> tuple[Facts, Facts]:
    """The facts of the stream, and those of the other one where two are written at once."""
    state = state_of(command, given.facts)
    match command:
        case OpenTicket() if not given.facts:
            return open_ticket(command, NUMBER, given.actor, given.desk), ()
        case Link():
            return link(state, TICKET, state_of(command, given.there), command)
        case Merge():
            return merge(state, TICKET, state_of(command, given.there), command)
        case Unlink():
            return unlink(state, TICKET, state_of(command, given.there), command)
        case Rate():
            return rate(state, command, NOON), ()
    if isinstance(command, TicketCommand):
        return decide(state, command, given.actor, given.desk), ()
    if isinstance(command, PolicyCommand):
        return policies.decide(state, command, GOLD, given.desk, NOON), ()
    if isinstance(command, PublishRates):
        return rates.decide(state, command, given.desk, NOON), ()
    if isinstance(command, GoalCommand):
        return goals.decide(state, command, GOLD, given.desk, NOON), ()
    if isinstance(command, SurveyCommand):
        return surveys.decide(state, command, CSAT, given.desk), ()
    if isinstance(command, ReportableCommand):
        return reportable.decide(state, command), ()
    return _configured(state, command), ()


def _configured(state: Any, command: Command) -> Facts:
    if isinstance(command, TeamCommand):
        return team.decide(state, command)
    if isinstance(command, AgentCommand):
        return agent.decide(state, command)
    if isinstance(command, CustomerCommand):
        return customer.decide(state, command)
    if isinstance(command, CalendarCommand):
        return calendar.decide(state, command)
    assert isinstance(command, OrganisationCommand)
    return customer.decide_organisation(state, command)


def _kind(command: Command) -> str:
    kinds = {
        "ticket": TicketCommand | Rate,
        "team": TeamCommand,
        "agent": AgentCommand,
        "customer": CustomerCommand,
        "organisation": OrganisationCommand,
        "calendar": CalendarCommand,
        "policy_list": PolicyCommand,
        "rate_card": PublishRates,
        "goal_list": GoalCommand,
        "survey_list": SurveyCommand,
        "reportable_fields": ReportableCommand,
    }
    return next(kind for kind, commands in kinds.items() if isinstance(command, commands))
