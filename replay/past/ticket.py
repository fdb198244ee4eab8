"""What was a ticket at a moment of the past, and what did its thread say, to us and to its requester?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from aggregates.envelope import Recorded
from aggregates.moment import Moment, by_occurrence
from aggregates.sla.clocks import instant
from aggregates.text import Erased, FieldValue, shown
from projections.tickets import Message, TicketRow, Tickets, status_for_customer
from projections.tickets_queries import CustomerMessageView, CustomerTicketView, MessageView, TicketView
from replay.audit.addressed import NotKnownThen


@dataclass(frozen=True, slots=True)
class Past:
    """A ticket then.

    history   all of it, in order of version
    facts     the events that counted, as they are folded
    row       what the view of tickets would have held, and `messages` its thread
    """

    moment: Moment
    history: Sequence[Recorded]
    facts: Sequence[Recorded]
    row: TicketRow
    messages: Sequence[Message]

    @property
    def version(self) -> int:
        return self.row.version


def past(history: Sequence[Recorded], moment: Moment) -> Past:
    """Of a ticket whose whole history is given. Raises NotKnownThen."""
    facts = moment.facts(history)
    row = Tickets().refold(facts) if facts else TicketRow(history[0].stream)
    if not row.ticket.exists:
        raise NotKnownThen(history[0], min(history, key=by_occurrence).at, moment)
    newest = max(facts, key=lambda event: event.version)
    return Past(moment, history, facts, replace(row, version=newest.version, position=newest.position), _thread(row))


def promised(history: Iterable[Recorded], moment: Moment) -> list[Recorded]:
    """What counts for its clocks: a policy that was applied later to what had happened by then, too."""
    known = replace(moment, by=None)
    return [event for event in history if event in known and (moment.by is None or instant(event) <= moment.by)]


def ticket_then(past: Past) -> TicketView:
    row, t = past.row, past.row.ticket
    return TicketView(
        id=row.stream,
        version=row.version,
        position=row.position,
        number=t.number,
        requester=t.requester,
        subject=shown(t.subject),
        channel=t.channel,
        category=t.category,
        team=t.team,
        assignee=t.assignee,
        priority=t.priority,
        ticket_type=t.ticket_type,
        status=t.status,
        level=t.level,
        spam=t.spam,
        tags=sorted(t.tags),
        watchers=sorted(t.watchers),
        fields={name: _value(value) for name, value in t.fields.items()},
        links=[{"relation": relation, "other": str(other)} for relation, other in sorted(t.links)],
        follow_up_of=t.follow_up_of,
        follow_up=t.follow_up,
        public_replies=t.public_replies,
        resolution_code=t.resolution_code,
        time_spent=t.time_spent,
        source=t.source,
        source_case=t.case,
        opened_at=row.opened_at,  # type: ignore[arg-type]
        updated_at=row.updated_at,  # type: ignore[arg-type]
    )


def thread_then(past: Past, after: int, limit: int) -> list[MessageView]:
    """In the order of the fold, what came after the message of that version."""
    versions = [message.version for message in past.messages]
    begin = versions.index(after) + 1 if after in versions else sum(version <= after for version in versions)
    return [
        MessageView(
            version=m.version,
            audience="internal" if m.public_number is None else "public",
            kind=m.kind,
            author_kind=m.author_kind,  # type: ignore[arg-type]
            author_id=m.author_id,
            body=shown(m.body),
            at=m.at,
            channel=m.channel,  # type: ignore[arg-type]
            automatic=m.automatic,
            public_number=m.public_number,
        )
        for m in past.messages[begin : begin + limit]
    ]


def own_ticket_then(past: Past) -> CustomerTicketView:
    """What its requester saw."""
    row, t = past.row, past.row.ticket
    return CustomerTicketView(
        id=row.stream,
        number=t.number,
        subject=shown(t.subject),
        channel=t.channel,
        status=status_for_customer(t.status),  # type: ignore[arg-type]
        follow_up_of=t.follow_up_of,
        follow_up=t.follow_up,
        opened_at=row.opened_at,  # type: ignore[arg-type]
        updated_at=row.thread_updated_at,  # type: ignore[arg-type]
        thread_version=row.thread_version,
    )


def own_thread_then(past: Past, after: int, limit: int) -> list[CustomerMessageView]:
    """Its public messages beyond number `after`."""
    public = [m for m in past.messages if m.public_number is not None and m.public_number > after]
    return [_own_message(m, past.row.ticket.requester) for m in public[:limit]]


def _own_message(m: Message, requester: UUID | None) -> CustomerMessageView:
    by_customer = m.author_kind == "customer"
    return CustomerMessageView(
        number=m.public_number,  # type: ignore[arg-type]
        author="customer" if by_customer else "support",
        own=by_customer and m.author_id == str(requester),
        automatic=m.automatic,
        body=shown(m.body),
        at=m.at,
        channel=m.channel,  # type: ignore[arg-type]
    )


def _thread(row: TicketRow) -> list[Message]:
    found, link = [], row.unsaved
    while link is not None:
        found.append(link.message)
        link = link.before
    return found[::-1]


def _value(value: FieldValue) -> Any:
    """As the view's jsonb gives it back: a float that JSON writes with an exponent loses it, and is whole."""
    if isinstance(value, Erased):
        return value.model_dump()
    return int(Decimal(repr(value))) if isinstance(value, float) and "e+" in repr(value) else value
