"""tickets: what is a ticket's state now, and what does its thread say?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Literal, LiteralString, cast
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates.envelope import Recorded
from aggregates.text import Erased, FieldValue, shown
from aggregates.ticket.events import (
    MessageReceived,
    NoteAdded,
    Opened,
    ReplyAdded,
    SatisfactionRated,
    Status,
    TicketFact,
)
from aggregates.ticket.state import NOTHING, Changes, Ticket, amended, changes, renewed
from projections.batch import Table, dumped, hidden

NEW = Ticket()
UNKEPT = frozenset({SatisfactionRated})
"""Who asks for ratings reads them from the log: a row that was saved and loaded again would hold none."""
FACE = frozenset({"number", "requester", "subject", "channel", "follow_up_of", "follow_up"})
"""What read.customer_tickets shows of the state, beside the status."""
WRITTEN = frozenset({MessageReceived, ReplyAdded, NoteAdded})
Write = Callable[[Ticket, Changes], Ticket]
"""`renewed` where somebody holds the ticket as it was, `amended` where nobody does."""
SAFE_INTEGER = 2**53
COLUMNS = """
stream version position number requester subject channel category team assignee priority ticket_type status level spam
tags watchers fields links follow_up_of follow_up public_replies resolution_code time_spent source source_case
opened_at updated_at public_messages thread_version thread_updated_at
"""
MESSAGE_COLUMNS = """
ticket version audience kind author_kind author_id body at channel automatic public_number
"""
LOAD: LiteralString = """
SELECT stream, version, position, number, requester, subject, channel, category, team, assignee, priority, ticket_type,
       status, level, spam, tags, watchers, fields, links, follow_up_of, follow_up, public_replies, resolution_code,
       time_spent, source, source_case, opened_at, updated_at, public_messages, thread_version, thread_updated_at
  FROM tickets WHERE stream = ANY (%(streams)s)
"""
SAVE: LiteralString = """
INSERT INTO tickets AS t
    (stream, version, position, number, requester, subject, channel, category, team, assignee, priority, ticket_type,
     status, level, spam, tags, watchers, fields, links, follow_up_of, follow_up, public_replies, resolution_code,
     time_spent, source, source_case, opened_at, updated_at, public_messages, thread_version, thread_updated_at)
SELECT stream, version, position, number, requester, subject, channel, category, team, assignee, priority, ticket_type,
       status, level, spam, tags::text[], watchers::uuid[], fields::jsonb, links::jsonb, follow_up_of, follow_up,
       public_replies, resolution_code, time_spent, source, source_case, opened_at, updated_at, public_messages,
       thread_version, thread_updated_at
  FROM unnest(
       %(stream)s::uuid[], %(version)s::bigint[], %(position)s::bigint[], %(number)s::bigint[], %(requester)s::uuid[],
       %(subject)s::text[], %(channel)s::text[], %(category)s::text[], %(team)s::uuid[], %(assignee)s::uuid[],
       %(priority)s::text[], %(ticket_type)s::text[], %(status)s::text[], %(level)s::int[], %(spam)s::boolean[],
       %(tags)s::text[], %(watchers)s::text[], %(fields)s::text[], %(links)s::text[], %(follow_up_of)s::uuid[],
       %(follow_up)s::uuid[], %(public_replies)s::int[], %(resolution_code)s::text[], %(time_spent)s::bigint[],
       %(source)s::text[], %(source_case)s::text[], %(opened_at)s::timestamptz[], %(updated_at)s::timestamptz[],
       %(public_messages)s::int[], %(thread_version)s::int[], %(thread_updated_at)s::timestamptz[])
    AS r (stream, version, position, number, requester, subject, channel, category, team, assignee, priority,
          ticket_type, status, level, spam, tags, watchers, fields, links, follow_up_of, follow_up, public_replies,
          resolution_code, time_spent, source, source_case, opened_at, updated_at, public_messages, thread_version,
          thread_updated_at)
    ON CONFLICT (stream) DO UPDATE SET
       (version, position, number, requester, subject, channel, category, team, assignee, priority, ticket_type,
        status, level, spam, tags, watchers, fields, links, follow_up_of, follow_up, public_replies, resolution_code,
        time_spent, source, source_case, opened_at, updated_at, public_messages, thread_version, thread_updated_at)
     = (excluded.version, excluded.position, excluded.number, excluded.requester, excluded.subject, excluded.channel,
        excluded.category, excluded.team, excluded.assignee, excluded.priority, excluded.ticket_type, excluded.status,
        excluded.level, excluded.spam, excluded.tags, excluded.watchers, excluded.fields, excluded.links,
        excluded.follow_up_of, excluded.follow_up, excluded.public_replies, excluded.resolution_code,
        excluded.time_spent, excluded.source, excluded.source_case, excluded.opened_at, excluded.updated_at,
        excluded.public_messages, excluded.thread_version, excluded.thread_updated_at)
"""
SAVE_MESSAGES: LiteralString = """
INSERT INTO messages
    (ticket, version, audience, kind, author_kind, author_id, body, at, channel, automatic, public_number)
SELECT * FROM unnest(
       %(ticket)s::uuid[], %(version)s::bigint[], %(audience)s::text[], %(kind)s::text[], %(author_kind)s::text[],
       %(author_id)s::text[], %(body)s::text[], %(at)s::timestamptz[], %(channel)s::text[], %(automatic)s::boolean[],
       %(public_number)s::int[])
    ON CONFLICT DO NOTHING
"""
ERASE: LiteralString = """
WITH thread AS (DELETE FROM messages WHERE ticket = ANY (%(streams)s))
DELETE FROM tickets WHERE stream = ANY (%(streams)s)
"""

TICKETS = Table("tickets", COLUMNS, SAVE)
MESSAGES = Table("messages", MESSAGE_COLUMNS, SAVE_MESSAGES)


@dataclass(frozen=True, slots=True)
class Message:
    """One piece of the thread. `public_number` is None exactly for what no customer may see."""

    version: int
    kind: Literal["message", "reply", "note"]
    author_kind: str
    author_id: str
    body: str | Erased
    at: datetime
    channel: str | None = None
    automatic: bool = False
    public_number: int | None = None


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Messages that no table holds yet, newest first: a chain, so that a long thread is not copied per message."""

    message: Message
    before: Unsaved | None


@dataclass(slots=True)
class TicketRow:
    """Written to while it is folded, and by nobody else.

    thread_version counts what the requester can see change: it is the ETag of the customer's own page.
    """

    stream: UUID
    version: int = 0
    position: int = 0
    ticket: Ticket = NEW
    opened_at: datetime | None = None
    updated_at: datetime | None = None
    public_messages: int = 0
    thread_version: int = 0
    thread_updated_at: datetime | None = None
    unsaved: Unsaved | None = field(default=None, compare=False, repr=False)


class Tickets:
    """A row is saved once: whoever goes on after `save` loads it again, or its messages are sent a second time."""

    name: ClassVar[str] = "tickets"
    version: ClassVar[int] = 1
    kinds: ClassVar[frozenset[str]] = frozenset({"ticket"})

    def load(self, connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, TicketRow]:
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            cursor.execute(LOAD, {"streams": list(streams)}, prepare=True)
            return {values[0]: _loaded(values) for values in cursor}

    def fold(self, row: TicketRow | None, event: Recorded) -> TicketRow:
        return _told(TicketRow(event.stream) if row is None else replace(row), event, renewed)

    def refold(self, history: Sequence[Recorded]) -> TicketRow:
        row = TicketRow(history[0].stream, ticket=Ticket())
        for event in history:
            row = _told(row, event, amended)
        return row

    def save(self, connection: Connection[Any], rows: Sequence[TicketRow]) -> None:
        TICKETS.save(connection, [_values(row) for row in rows])
        MESSAGES.save(connection, _messages(rows))

    def copy(self, connection: Connection[Any], rows: Sequence[TicketRow]) -> None:
        TICKETS.copy(connection, [_values(row) for row in rows])
        MESSAGES.copy(connection, _messages(rows))

    def total(self, connection: Connection[Any]) -> None:
        """Nothing is summed."""

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        connection.execute(ERASE, {"streams": list(streams)})


def status_for_customer(status: Status) -> Status:
    """That we wait for somebody else is our own business."""
    return "open" if status == "on_hold" else status


def _told(row: TicketRow, event: Recorded, write: Write) -> TicketRow:
    """The same row after one more event."""
    fact, first = cast(TicketFact, event.fact), row.version == 0
    row.version, row.position = event.version, event.position
    if fact.bookkeeping and not first:
        return row
    row.updated_at = at = event.at
    if isinstance(fact, Opened):
        row.opened_at = at
    changed = NOTHING if fact.bookkeeping or type(fact) in UNKEPT else changes(row.ticket, fact)
    news = _said(row, fact, event) + any(_shows(row.ticket, name, value) for name, value in changed.items())
    if news:
        row.thread_version, row.thread_updated_at = row.thread_version + news, at
    row.ticket = write(row.ticket, changed)
    return row


def _shows(ticket: Ticket, name: str, value: Any) -> bool:
    """Whether read.customer_tickets shows that this became of a field."""
    if name == "status":
        return status_for_customer(ticket.status) != status_for_customer(value)
    return name in FACE and bool(getattr(ticket, name) != value)


def _said(row: TicketRow, fact: TicketFact, event: Recorded) -> bool:
    """Adds to the thread what was written; whether the requester may read it."""
    message = _message(fact, event, row.public_messages + 1) if type(fact) in WRITTEN else None
    if message is None:
        return False
    row.unsaved = Unsaved(message, row.unsaved)
    public = message.public_number is not None
    row.public_messages += public
    return public


def _message(fact: TicketFact, event: Recorded, number: int) -> Message | None:
    match fact:
        case MessageReceived():
            author = str(fact.author)
            return Message(
                event.version, "message", "customer", author, fact.body, event.at, fact.channel, False, number
            )
        case ReplyAdded():
            actor = event.actor
            return Message(
                event.version, "reply", actor.kind, actor.id, fact.body, event.at, None, fact.automatic, number
            )
        case NoteAdded():
            return Message(event.version, "note", event.actor.kind, event.actor.id, fact.body, event.at)
        case _:
            return None


def _unsaved(row: TicketRow) -> Iterator[Message]:
    link = row.unsaved
    while link is not None:
        yield link.message
        link = link.before


def _messages(rows: Sequence[TicketRow]) -> list[tuple[Any, ...]]:
    return [_message_values(row.stream, message) for row in rows for message in _unsaved(row)]


def _message_values(ticket: UUID, m: Message) -> tuple[Any, ...]:
    audience = "internal" if m.public_number is None else "public"
    author = (m.author_kind, m.author_id)
    return (ticket, m.version, audience, m.kind, *author, shown(m.body), m.at, m.channel, m.automatic, m.public_number)


def _values(row: TicketRow) -> tuple[Any, ...]:
    t = row.ticket
    return (
        *(row.stream, row.version, row.position, t.number, t.requester, shown(t.subject), t.channel, t.category),
        *(t.team, t.assignee, t.priority, t.ticket_type, t.status, t.level, t.spam),
        sorted(t.tags),
        sorted(t.watchers),
        dumped(dict(t.fields)) if t.fields else "{}",
        dumped([{"relation": r, "other": other} for r, other in sorted(t.links)]) if t.links else "[]",
        *(t.follow_up_of, t.follow_up, t.public_replies, t.resolution_code, t.time_spent, t.source, t.case),
        *(row.opened_at, row.updated_at, row.public_messages, row.thread_version, row.thread_updated_at),
    )


def _loaded(values: tuple[Any, ...]) -> TicketRow:
    stream, version, position, number, requester, subject, *plain = values[:15]
    tags, watchers, fields, links, *rest = values[15:26]
    state: tuple[Any, ...] = (
        *(number, requester, hidden(subject), *plain, frozenset(tags), frozenset(watchers)),
        MappingProxyType({name: _field(value) for name, value in fields.items()}),
        frozenset((link["relation"], UUID(link["other"])) for link in links),
        *rest,
    )
    return TicketRow(stream, version, position, Ticket(*state), *values[26:])


def _field(value: Any) -> FieldValue:
    """What jsonb kept of a field: beyond 2**53 it writes a float without its point."""
    if isinstance(value, dict):
        return Erased()
    if type(value) is int and abs(value) > SAFE_INTEGER:
        return float(value)
    return cast(FieldValue, value)
