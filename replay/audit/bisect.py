"""Since when was it so? The stretches of a ticket's course in which an expression held.

No halving: what becomes true may become false again, and a course is folded once whichever way it is searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

from aggregates.envelope import Recorded
from aggregates.text import Erased
from aggregates.ticket.events import Channel, Priority, Status, TicketType
from replay.audit.course import Stage, course
from replay.audit.expressions import Expression, Words
from replay.phrases import Names

OF_TICKET: Mapping[str, Words] = {
    **dict.fromkeys(("number", "requester", "subject", "category", "team", "assignee")),
    "channel": get_args(Channel),
    "priority": get_args(Priority),
    "ticket_type": get_args(TicketType),
    "status": get_args(Status),
    **dict.fromkeys(("level", "spam", "tags", "watchers", "fields", "links", "follow_up_of", "follow_up")),
    **dict.fromkeys(("public_replies", "resolution_code", "time_spent", "source", "case")),
}
OF_COURSE = ("version", "event", "age", "messages", "notes", "requester_messages")
NAMED = ("team_name", "assignee_name", "policy")
NAMES: Mapping[str, Words] = {**OF_TICKET, **dict.fromkeys((*OF_COURSE, *NAMED))}
"""What an expression may name, and which words it can hold where only few can.

links    how it is linked: `"duplicates" in links`
event    what happened last: `escalated`
age      seconds from the opening to that
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """It held from one event on, up to another one or, if there is none, to the end."""

    since: Recorded
    until: Recorded | None = None


def stretches(events: Iterable[Recorded], expression: Expression, names: Names) -> Iterator[Stretch]:
    """In the order in which they are folded."""
    since: Recorded | None = None
    for stage in course(events):
        holds = expression.holds(values(stage, names))
        if holds and since is None:
            since = stage.event
        elif not holds and since is not None:
            yield Stretch(since, stage.event)
            since = None
    if since is not None:
        yield Stretch(since)


def values(stage: Stage, names: Names) -> Mapping[str, Any]:
    """What the names mean at one stage. Ids are text; what was erased is None."""
    ticket, event, opened = stage.ticket, stage.event, stage.opened
    return {
        **{name: _plain(getattr(ticket, name)) for name in OF_TICKET},
        "version": event.version,
        "event": event.fact.type_name.split(".")[1],
        "age": None if opened is None else (event.at - opened.at).total_seconds(),
        "messages": stage.messages,
        "notes": stage.notes,
        "requester_messages": stage.requester_messages,
        "team_name": names.get(str(ticket.team)),
        "assignee_name": names.get(str(ticket.assignee)),
        "policy": None if ticket.sla is None else names.get(str(ticket.sla.policy), str(ticket.sla.policy)),
    }


def _plain(value: Any) -> Any:
    match value:
        case UUID():
            return str(value)
        case Erased():
            return None
        case frozenset():
            return tuple(sorted({one[0] if isinstance(one, tuple) else str(one) for one in value}))
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case _:
            return value
