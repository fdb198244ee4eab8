"""Which configuration does a command name, and so stand on?"""

from __future__ import annotations

from uuid import UUID

from aggregates.customer import ChangeCustomer, RegisterCustomer
from aggregates.envelope import Actor
from aggregates.fact import Command
from aggregates.team import ChangeTeam, CreateTeam
from aggregates.ticket.commands import (
    Assign,
    Claim,
    DeEscalate,
    Escalate,
    LogTime,
    OpenTicket,
    Resolve,
    Route,
    Watch,
)


def references(command: Command, actor: Actor) -> tuple[UUID, ...]:
    """Ids of the teams, agents, customers and organisations that deciding will look up."""
    return tuple(dict.fromkeys(id for id in _named(command, actor) if id is not None))


def _named(command: Command, actor: Actor) -> tuple[UUID | None, ...]:
    match command:
        case OpenTicket():
            return (command.requester, command.team, command.assignee)
        case Route():
            return (command.team,)
        case Assign():
            return (command.agent,)
        case Claim() | Resolve():
            return (_acting(actor),)
        case Escalate() | DeEscalate():
            return (command.team, command.agent)
        case Watch():
            return (command.watcher or _acting(actor),)
        case LogTime():
            return (command.agent or _acting(actor),)
        case CreateTeam():
            return (command.leader, *command.members)
        case ChangeTeam():
            return (command.leader, *command.add_members)
        case RegisterCustomer() | ChangeCustomer():
            return (command.organisation,)
        case _:
            return ()


def _acting(actor: Actor) -> UUID | None:
    return UUID(actor.id) if actor.kind == "agent" else None
