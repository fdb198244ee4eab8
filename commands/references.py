"""Which configuration does a command name, and so stand on?"""

from __future__ import annotations

from uuid import UUID

from aggregates.customer import ChangeCustomer, RegisterCustomer
from aggregates.envelope import Actor
from aggregates.fact import Command
from aggregates.goals.goals import PublishGoal
from aggregates.rates import PublishRates
from aggregates.sla.checks import named, teams_in_conditions
from aggregates.sla.policies import PublishDefaults, PublishPolicy
from aggregates.surveys.surveys import PublishSurvey
from aggregates.team import ChangeTeam, CreateTeam
from aggregates.ticket.commands import (
    Assign,
    Claim,
    DeEscalate,
    Escalate,
    LogTime,
    OpenTicket,
    ReceiveMessage,
    Resolve,
    Route,
    Watch,
)


def references(command: Command, actor: Actor) -> tuple[UUID, ...]:
    """Ids of the teams, agents, customers, organisations and calendars that deciding will look up."""
    return tuple(dict.fromkeys(id for id in _named(command, actor) if id is not None))


def _named(command: Command, actor: Actor) -> tuple[UUID | None, ...]:
    match command:
        case OpenTicket():
            return (command.requester, command.team, command.assignee)
        case ReceiveMessage():
            return (command.author,)
        case Route():
            return (command.team,)
        case Assign():
            return (command.agent,)
        case Claim() | Resolve():
            return (actor.agent,)
        case Escalate() | DeEscalate():
            return (command.team, command.agent)
        case Watch():
            return (command.watcher or actor.agent,)
        case LogTime():
            return (command.agent or actor.agent,)
        case CreateTeam():
            return (command.leader, *command.members)
        case ChangeTeam():
            return (command.leader, *command.add_members)
        case RegisterCustomer() | ChangeCustomer():
            return (command.organisation,)
        case PublishPolicy():
            return named(command.terms)
        case PublishDefaults():
            return (command.calendar,)
        case PublishSurvey():
            return teams_in_conditions(command.terms)
        case PublishGoal():
            return (command.terms.team, command.terms.agent)
        case PublishRates():
            return tuple(command.rates.teams)
        case _:
            return ()
