"""What does a ticket remember? One fold, for deciding, for views and for time travel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from types import MappingProxyType
from typing import Any, assert_never
from uuid import UUID

from aggregates.text import Erased, FieldValue
from aggregates.ticket.events import (
    Assigned,
    CategoryChanged,
    Channel,
    Closed,
    DeEscalated,
    Escalated,
    FieldChanged,
    FollowedUp,
    Imported,
    Linked,
    MarkedSpam,
    Merged,
    MessageReceived,
    NoteAdded,
    Notified,
    Opened,
    Priority,
    PriorityChanged,
    PutOnHold,
    PutPending,
    Relation,
    Reopened,
    ReplyAdded,
    Resolved,
    Routed,
    SatisfactionRated,
    SatisfactionRequested,
    SlaApplied,
    SlaBreached,
    SlaBreachWithdrawn,
    SlaMet,
    SlaMetWithdrawn,
    SlaWarned,
    Status,
    Tagged,
    TicketFact,
    TicketType,
    TimeLogged,
    TypeChanged,
    Unassigned,
    Unlinked,
    Untagged,
    WatcherAdded,
    WatcherRemoved,
)

ACTIVE: frozenset[Status] = frozenset({"new", "open", "pending", "on_hold"})


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as of one version.

    number            0 before it is opened
    public_replies    answers by people; a bot's answer is no answer
    resolution_code   how it was resolved, while it is
    time_spent        in seconds
    sla               which policy and calendar hold
    asked, rated      how satisfied the requester is: the last question and what they answer to it
    """

    number: int = 0
    requester: UUID | None = None
    subject: str | Erased = ""
    channel: Channel = "api"
    category: str | None = None
    team: UUID | None = None
    assignee: UUID | None = None
    priority: Priority = "normal"
    ticket_type: TicketType = "question"
    status: Status = "new"
    level: int = 1
    spam: bool = False
    tags: frozenset[str] = frozenset()
    watchers: frozenset[UUID] = frozenset()
    fields: Mapping[str, FieldValue] = field(default_factory=lambda: MappingProxyType({}))
    links: frozenset[tuple[Relation, UUID]] = frozenset()
    follow_up_of: UUID | None = None
    follow_up: UUID | None = None
    public_replies: int = 0
    resolution_code: str | None = None
    time_spent: int = 0
    source: str | None = None
    case: str | None = None
    sla: SlaApplied | None = None
    asked: SatisfactionRequested | None = None
    rated: SatisfactionRated | None = None

    @property
    def exists(self) -> bool:
        return self.number != 0

    @property
    def active(self) -> bool:
        return self.status in ACTIVE


_values = attrgetter(*(field.name for field in fields(Ticket)))
Changes = Mapping[str, Any]
"""Fields of a ticket, by name, and what they become."""
NOTHING: Changes = MappingProxyType({})


def replay(facts: Iterable[TicketFact]) -> Ticket:
    ticket = Ticket()
    for fact in facts:
        ticket = amended(ticket, changes(ticket, fact))
    return ticket


def evolve(ticket: Ticket, fact: TicketFact) -> Ticket:
    """Apply one fact. Total and silent: history is never rejected."""
    return renewed(ticket, changes(ticket, fact))


def renewed(ticket: Ticket, changes: Changes) -> Ticket:
    """Another ticket, if anything changes. `replace` would take twice as long."""
    return amended(Ticket(*_values(ticket)), changes) if changes else ticket


def amended(ticket: Ticket, changes: Changes) -> Ticket:
    """The same ticket, for a fold that made it and that nobody has seen yet: a copy an event took most of its time."""
    for name, value in changes.items():
        object.__setattr__(ticket, name, value)
    return ticket


def changes(ticket: Ticket, fact: TicketFact) -> Changes:
    """What one fact changes. The most frequent facts come first: each case before its own costs time."""
    match fact:
        case FieldChanged():
            return {"fields": _with_field(ticket.fields, fact)}
        case Assigned():
            return {"assignee": fact.agent, "status": _worked_on(ticket)}
        case MessageReceived() | NoteAdded() | ReplyAdded(automatic=True):
            return NOTHING
        case ReplyAdded():
            return {"public_replies": ticket.public_replies + 1, "status": _worked_on(ticket)}
        case SlaApplied():
            return {"sla": fact}
        case SlaWarned() | SlaBreached() | SlaMet() | SlaBreachWithdrawn() | SlaMetWithdrawn() | Notified():
            return NOTHING
        case Opened():
            return _opened(fact)
        case Resolved():
            return {"status": "resolved", "resolution_code": fact.code}
        case Closed():
            return {"status": "closed"}
        case Unassigned():
            return {"assignee": None}
        case Routed():
            return {"team": fact.team}
        case Reopened():
            return {"status": "open", "spam": False, "resolution_code": None}
        case PutPending():
            return {"status": "pending"}
        case PutOnHold():
            return {"status": "on_hold"}
        case Escalated() | DeEscalated():
            status = ticket.status if fact.to_agent is None else _worked_on(ticket)
            return {"level": fact.to_level, "team": fact.to_team, "assignee": fact.to_agent, "status": status}
        case PriorityChanged():
            return {"priority": fact.priority}
        case CategoryChanged():
            return {"category": fact.category}
        case TypeChanged():
            return {"ticket_type": fact.ticket_type}
        case Tagged():
            return {"tags": ticket.tags | set(fact.tags)}
        case Untagged():
            return {"tags": ticket.tags - set(fact.tags)}
        case Imported():
            return {"source": fact.source, "case": fact.case}
        case MarkedSpam():
            return {"status": "closed", "spam": True}
        case Merged():
            return {"status": "closed", "follow_up": fact.into}
        case WatcherAdded():
            return {"watchers": ticket.watchers | {fact.watcher}}
        case WatcherRemoved():
            return {"watchers": ticket.watchers - {fact.watcher}}
        case Linked():
            return {"links": ticket.links | {(fact.relation, fact.other)}}
        case Unlinked():
            return {"links": ticket.links - {(fact.relation, fact.other)}}
        case FollowedUp():
            return {"follow_up": fact.follow_up}
        case TimeLogged():
            return {"time_spent": ticket.time_spent + fact.seconds}
        case SatisfactionRequested():
            return {"asked": fact, "rated": None}
        case SatisfactionRated():
            return {"rated": fact}
        case _:
            assert_never(fact)


def _opened(fact: Opened) -> Changes:
    return {
        "number": fact.number,
        "requester": fact.requester,
        "subject": fact.subject,
        "channel": fact.channel,
        "category": fact.category,
        "team": fact.team,
        "priority": fact.priority,
        "ticket_type": fact.ticket_type,
        "level": fact.level,
        "tags": frozenset(fact.tags),
        "fields": MappingProxyType(dict(fact.fields)),
        "follow_up_of": fact.follow_up_of,
    }


def _worked_on(ticket: Ticket) -> Status:
    return "open" if ticket.status == "new" else ticket.status


def _with_field(fields: Mapping[str, FieldValue], fact: FieldChanged) -> Mapping[str, FieldValue]:
    rest = {name: value for name, value in fields.items() if name != fact.name}
    return MappingProxyType(rest if fact.value is None else rest | {fact.name: fact.value})
