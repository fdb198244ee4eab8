"""What was a ticket after each of its events, and which of its parts did each change?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, cast

from aggregates.envelope import Recorded
from aggregates.ticket.events import MessageReceived, NoteAdded, Opened, ReplyAdded, TicketFact
from aggregates.ticket.state import Ticket, evolve


class Part(NamedTuple):
    """A field, or one element of it: a tag, a watcher, a link, a custom field."""

    field: str
    element: str | None = None

    def __str__(self) -> str:
        return self.field if self.element is None else f"{self.field}[{self.element}]"


Parts = Mapping[Part, Any]
WHOLE = tuple(field.name for field in fields(Ticket) if field.name not in ("tags", "watchers", "links", "fields"))


@dataclass(frozen=True, slots=True)
class Stage:
    """A ticket after one of its events; `messages` counts the whole thread, internal notes too.

    order   its place among the events in the order in which they were folded, from 1
    """

    event: Recorded
    ticket: Ticket
    before: Ticket | None = None
    order: int = 1
    messages: int = 0
    notes: int = 0
    requester_messages: int = 0
    opened: Recorded | None = None


def course(events: Iterable[Recorded]) -> Iterator[Stage]:
    """One stage an event, folded once."""
    stage: Stage | None = None
    for event in events:
        stage = _after(stage, event)
        yield stage


def parts(ticket: Ticket | None) -> Parts:
    """All that it holds. Before its first event that is nothing."""
    if ticket is None:
        return {}
    found: dict[Part, Any] = {Part(name): getattr(ticket, name) for name in WHOLE}
    found |= {Part("tags", tag): tag for tag in sorted(ticket.tags)}
    found |= {Part("watchers", str(watcher)): watcher for watcher in sorted(ticket.watchers)}
    found |= {Part("links", f"{relation} {other}"): (relation, other) for relation, other in sorted(ticket.links)}
    found |= {Part("fields", name): value for name, value in sorted(ticket.fields.items())}
    return found


def changed(before: Parts, after: Parts) -> list[Part]:
    """Those that differ; what is not there and what is None are the same."""
    both = dict.fromkeys((*after, *before))
    return [part for part in both if not same(before.get(part), after.get(part))]


def same(one: object, other: object) -> bool:
    """1, 1.0 and True are three values."""
    return type(one) is type(other) and one == other


def _after(stage: Stage | None, event: Recorded) -> Stage:
    fact = cast(TicketFact, event.fact)
    ticket = evolve(Ticket() if stage is None else stage.ticket, fact)
    begun = Stage(event, Ticket(), order=0) if stage is None else stage
    opened = event if isinstance(fact, Opened) and begun.opened is None else begun.opened
    return replace(
        begun,
        event=event,
        ticket=ticket,
        before=None if stage is None else stage.ticket,
        order=begun.order + 1,
        messages=begun.messages + isinstance(fact, MessageReceived | ReplyAdded | NoteAdded),
        notes=begun.notes + isinstance(fact, NoteAdded),
        requester_messages=begun.requester_messages + isinstance(fact, MessageReceived),
        opened=opened,
    )
