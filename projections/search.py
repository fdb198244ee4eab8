"""search: by which words is each subject, message and note found, and whose is it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, ClassVar, Literal, LiteralString, cast
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates.envelope import Recorded
from aggregates.text import Erased, shown
from aggregates.ticket.events import MessageReceived, NoteAdded, Opened, ReplyAdded, TicketFact
from aggregates.ticket.state import Changes, Ticket, amended, changes, renewed
from projections.batch import Table, array, hidden
from projections.search_words import Index

Kind = Literal["subject", "public", "internal"]
Write = Callable[[Ticket, Changes], Ticket]
"""`renewed` where somebody holds the ticket as it was, `amended` where nobody does."""
NEW = Ticket()
TICKET_COLUMNS = """
stream version position number requester subject channel category team assignee priority status tags resolution_code
spam opened_at public_messages first_message
"""
KEPT = frozenset(field.name for field in fields(Ticket)) & frozenset(TICKET_COLUMNS.split())
TEXT_COLUMNS = "stream version position kind public_number at author_kind author_id language words"
LOAD: LiteralString = """
SELECT stream, version, position, number, requester, subject, channel, category, team, assignee, priority, status, tags,
       resolution_code, spam, opened_at, public_messages, first_message
  FROM search_tickets WHERE stream = ANY (%(streams)s)
"""
SAVE: LiteralString = """
INSERT INTO search_tickets
    (stream, version, position, number, requester, subject, channel, category, team, assignee, priority, status, tags,
     resolution_code, spam, opened_at, public_messages, first_message)
SELECT stream, version, position, number, requester, subject, channel, category, team, assignee, priority, status,
       tags::text[], resolution_code, spam, opened_at, public_messages, first_message
  FROM unnest(
       %(stream)s::uuid[], %(version)s::bigint[], %(position)s::bigint[], %(number)s::bigint[], %(requester)s::uuid[],
       %(subject)s::text[], %(channel)s::text[], %(category)s::text[], %(team)s::uuid[], %(assignee)s::uuid[],
       %(priority)s::text[], %(status)s::text[], %(tags)s::text[], %(resolution_code)s::text[], %(spam)s::boolean[],
       %(opened_at)s::timestamptz[], %(public_messages)s::int[], %(first_message)s::bigint[])
    AS r (stream, version, position, number, requester, subject, channel, category, team, assignee, priority, status,
          tags, resolution_code, spam, opened_at, public_messages, first_message)
    ON CONFLICT (stream) DO UPDATE SET
       (version, position, number, requester, subject, channel, category, team, assignee, priority, status, tags,
        resolution_code, spam, opened_at, public_messages, first_message)
     = (excluded.version, excluded.position, excluded.number, excluded.requester, excluded.subject, excluded.channel,
        excluded.category, excluded.team, excluded.assignee, excluded.priority, excluded.status, excluded.tags,
        excluded.resolution_code, excluded.spam, excluded.opened_at, excluded.public_messages, excluded.first_message)
"""
SAVE_TEXTS: LiteralString = """
INSERT INTO search_texts
    (stream, version, position, kind, public_number, at, author_kind, author_id, language, words)
SELECT stream, version, position, kind, public_number, at, author_kind, author_id, language, words::tsvector
  FROM unnest(
       %(stream)s::uuid[], %(version)s::bigint[], %(position)s::bigint[], %(kind)s::text[], %(public_number)s::int[],
       %(at)s::timestamptz[], %(author_kind)s::text[], %(author_id)s::text[], %(language)s::text[], %(words)s::text[])
    AS r (stream, version, position, kind, public_number, at, author_kind, author_id, language, words)
    ON CONFLICT DO NOTHING
"""
ERASE: LiteralString = """
WITH texts AS (DELETE FROM search_texts WHERE stream = ANY (%(streams)s))
DELETE FROM search_tickets WHERE stream = ANY (%(streams)s)
"""
TICKETS = Table("search_tickets", TICKET_COLUMNS, SAVE)
TEXTS = Table("search_texts", TEXT_COLUMNS, SAVE_TEXTS)


@dataclass(frozen=True, slots=True)
class Text:
    """Something that was written. `subject`: the ticket's, as it was then; `body` is None where it is all there is."""

    version: int
    position: int
    kind: Kind
    at: datetime
    author_kind: str
    author_id: str
    number: int
    subject: str | Erased
    body: str | None = None
    public_number: int | None = None


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Texts that no table holds yet, newest first: a chain, so that a long thread is not copied per message."""

    text: Text
    before: Unsaved | None


@dataclass(slots=True)
class SearchRow:
    """Written to while it is folded, and by nobody else."""

    stream: UUID
    version: int = 0
    position: int = 0
    ticket: Ticket = NEW
    opened_at: datetime | None = None
    public_messages: int = 0
    first_message: int | None = None
    unsaved: Unsaved | None = field(default=None, compare=False, repr=False)


class Search:
    """A row is saved once: whoever goes on after `save` loads it again, or its texts are sent a second time.

    Other dictionaries or stems than those of before, and `version` must rise: texts are found by them.
    """

    name: ClassVar[str] = "search"
    version: ClassVar[int] = 1
    kinds: ClassVar[frozenset[str]] = frozenset({"ticket"})

    def load(self, connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, SearchRow]:
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            cursor.execute(LOAD, {"streams": list(streams)}, prepare=True)
            return {values[0]: _loaded(values) for values in cursor}

    def fold(self, row: SearchRow | None, event: Recorded) -> SearchRow:
        return _told(SearchRow(event.stream) if row is None else replace(row), event, renewed)

    def refold(self, history: Sequence[Recorded]) -> SearchRow:
        row = SearchRow(history[0].stream, ticket=Ticket())
        for event in history:
            row = _told(row, event, amended)
        return row

    def save(self, connection: Connection[Any], rows: Sequence[SearchRow]) -> None:
        TICKETS.save(connection, [_values(row) for row in rows])
        TEXTS.save(connection, _texts(rows))

    def copy(self, connection: Connection[Any], rows: Sequence[SearchRow]) -> None:
        TICKETS.copy(connection, [_values(row) for row in rows])
        TEXTS.copy(connection, _texts(rows))

    def total(self, connection: Connection[Any]) -> None:
        """Nothing is summed."""

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        connection.execute(ERASE, {"streams": list(streams)})


def _told(row: SearchRow, event: Recorded, write: Write) -> SearchRow:
    """The same row after one more event."""
    fact = cast(TicketFact, event.fact)
    row.version, row.position = event.version, event.position
    if fact.bookkeeping:
        return row
    changed = {name: value for name, value in changes(row.ticket, fact).items() if name in KEPT}
    row.ticket = write(row.ticket, changed)
    match fact:
        case Opened():
            row.opened_at = event.at
            _wrote(row, event, "subject", None)
        case MessageReceived():
            if row.first_message is None:
                row.first_message = event.version
            row.public_messages += 1
            _wrote(row, event, "public", fact.body)
        case ReplyAdded():
            row.public_messages += 1
            _wrote(row, event, "public", fact.body)
        case NoteAdded():
            _wrote(row, event, "internal", fact.body)
    return row


def _wrote(row: SearchRow, event: Recorded, kind: Kind, body: str | Erased | None) -> None:
    subject = row.ticket.subject
    if isinstance(subject if kind == "subject" else body, Erased):
        return
    author_kind, author_id = event.actor.kind, event.actor.id
    if isinstance(event.fact, MessageReceived):
        author_kind, author_id = "customer", str(event.fact.author)
    public_number = row.public_messages if kind == "public" else None
    written = (kind, event.at, author_kind, author_id, row.ticket.number, subject, shown(body), public_number)
    row.unsaved = Unsaved(Text(event.version, event.position, *written), row.unsaved)


def _unsaved(row: SearchRow) -> Iterator[Text]:
    link = row.unsaved
    while link is not None:
        yield link.text
        link = link.before


def _texts(rows: Sequence[SearchRow]) -> list[tuple[Any, ...]]:
    return [_text_values(row.stream, text) for row in rows for text in _unsaved(row)]


def _text_values(stream: UUID, text: Text) -> tuple[Any, ...]:
    index = Index()
    language = index.add(shown(text.subject) or "", "A")
    if text.body is not None:
        language = index.add(text.body, "D")
    else:
        # A ticket is found by its number, too.
        index.add(f"T-{text.number}", "A")
    who = (text.author_kind, text.author_id)
    return (stream, text.version, text.position, text.kind, text.public_number, text.at, *who, language, index.vector())


def _values(row: SearchRow) -> tuple[Any, ...]:
    t = row.ticket
    return (
        *(row.stream, row.version, row.position, t.number, t.requester, shown(t.subject), t.channel, t.category),
        *(t.team, t.assignee, t.priority, t.status, array(sorted(t.tags)), t.resolution_code, t.spam),
        *(row.opened_at, row.public_messages, row.first_message),
    )


def _loaded(values: tuple[Any, ...]) -> SearchRow:
    stream, version, position, number, requester, subject, channel, category, team, assignee = values[:10]
    priority, status, tags, resolution_code, spam, *rest = values[10:]
    ticket = Ticket(
        number=number,
        requester=requester,
        subject=hidden(subject),
        channel=channel,
        category=category,
        team=team,
        assignee=assignee,
        priority=priority,
        status=status,
        tags=frozenset(tags),
        resolution_code=resolution_code,
        spam=spam,
    )
    return SearchRow(stream, version, position, ticket, *rest)
