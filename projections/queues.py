"""queues: which tickets are there to work on, who waits longest, and how many of which kind?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, LiteralString, cast
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates.agent import skill_key
from aggregates.envelope import Recorded
from aggregates.text import shown
from aggregates.ticket.events import (
    Assigned,
    CategoryChanged,
    Closed,
    DeEscalated,
    Escalated,
    MarkedSpam,
    Merged,
    MessageReceived,
    Opened,
    PriorityChanged,
    PutOnHold,
    PutPending,
    Reopened,
    ReplyAdded,
    Resolved,
    Routed,
    Tagged,
    TicketFact,
    Unassigned,
    Untagged,
)
from aggregates.ticket.state import Ticket, evolve
from projections.batch import Table, array, columns, hidden

NEW = Ticket()
SHARDS = 12
SEEN = (
    *(Opened, ReplyAdded, Assigned, Unassigned, Routed, Escalated, DeEscalated, PriorityChanged, CategoryChanged),
    *(Tagged, Untagged, PutPending, PutOnHold, Reopened, Resolved, Closed, MarkedSpam, Merged),
)
"""The facts that change what a work list shows of a ticket."""
PEOPLE = frozenset({"agent", "import"})

COLUMNS = """
stream version shard number requester subject channel category team assignee priority status level tags
opened_at updated_at waiting_since last_requester_message_at last_public_reply_at settled_at skill
"""
LOAD: LiteralString = """
SELECT stream, version, number, requester, subject, channel, category, team, assignee, priority, status, level, tags,
       opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at, settled_at
  FROM queues WHERE stream = ANY (%(streams)s)
"""
SAVE: LiteralString = """
WITH incoming AS MATERIALIZED (
    SELECT stream, version, shard, number, requester, subject, channel, category, team, assignee, priority, status,
           level, tags::text[], opened_at, updated_at, waiting_since,
           last_requester_message_at, last_public_reply_at, settled_at, skill
      FROM unnest(
           %(stream)s::uuid[], %(version)s::bigint[], %(shard)s::smallint[], %(number)s::bigint[],
           %(requester)s::uuid[], %(subject)s::text[], %(channel)s::text[], %(category)s::text[], %(team)s::uuid[],
           %(assignee)s::uuid[], %(priority)s::text[], %(status)s::text[], %(level)s::int[], %(tags)s::text[],
           %(opened_at)s::timestamptz[], %(updated_at)s::timestamptz[], %(waiting_since)s::timestamptz[],
           %(last_requester_message_at)s::timestamptz[], %(last_public_reply_at)s::timestamptz[],
           %(settled_at)s::timestamptz[], %(skill)s::text[])
        AS r (stream, version, shard, number, requester, subject, channel, category, team, assignee, priority, status,
              level, tags, opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at,
              settled_at, skill)
), moves AS (
    SELECT shard, team, status, priority, assignee IS NULL AS unassigned, 1 AS n
      FROM incoming WHERE status <> 'closed' AND opened_at IS NOT NULL
     UNION ALL
    SELECT q.shard, q.team, q.status, q.priority, q.assignee IS NULL, -1
      FROM queues q WHERE q.stream = ANY (%(stream)s::uuid[]) AND q.listed
), saved AS (
    INSERT INTO queues
        (stream, version, shard, number, requester, subject, channel, category, team, assignee, priority, status, level,
         tags, opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at, settled_at,
         skill)
    SELECT * FROM incoming
        ON CONFLICT (stream) DO UPDATE SET
           (version, number, requester, subject, channel, category, team, assignee, priority, status, level, tags,
            opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at, settled_at,
            skill)
         = (excluded.version, excluded.number, excluded.requester, excluded.subject, excluded.channel,
            excluded.category, excluded.team, excluded.assignee, excluded.priority, excluded.status, excluded.level,
            excluded.tags, excluded.opened_at, excluded.updated_at, excluded.waiting_since,
            excluded.last_requester_message_at, excluded.last_public_reply_at, excluded.settled_at,
            excluded.skill)
)
INSERT INTO queue_counts AS c (shard, team, status, priority, unassigned, tickets)
SELECT shard, team, status, priority, unassigned, sum(n) FROM moves
 GROUP BY shard, team, status, priority, unassigned HAVING sum(n) <> 0
    ON CONFLICT (shard, team, status, priority, unassigned) DO UPDATE SET tickets = c.tickets + excluded.tickets
RETURNING shard, tickets
"""
ERASE: LiteralString = """
WITH gone AS (DELETE FROM queues WHERE stream = ANY (%(streams)s) RETURNING *)
INSERT INTO queue_counts AS c (shard, team, status, priority, unassigned, tickets)
SELECT shard, team, status, priority, assignee IS NULL, -count(*) FROM gone WHERE listed
 GROUP BY shard, team, status, priority, assignee IS NULL
    ON CONFLICT (shard, team, status, priority, unassigned) DO UPDATE SET tickets = c.tickets + excluded.tickets
RETURNING shard, tickets
"""
TOTAL: LiteralString = """
INSERT INTO queue_counts (shard, team, status, priority, unassigned, tickets)
SELECT shard, team, status, priority, assignee IS NULL, count(*) FROM queues WHERE listed
 GROUP BY shard, team, status, priority, assignee IS NULL
"""
# A count of nothing would tell a rebuild from the build it is compared with.
DROP_EMPTY: LiteralString = "DELETE FROM queue_counts WHERE shard = ANY (%(shards)s) AND tickets = 0"
QUEUES = Table("queues", COLUMNS, SAVE)


@dataclass(frozen=True, slots=True)
class QueueRow:
    """`ticket` holds no more than a work list shows of it.

    waiting_since   the oldest requester message that nobody answered, by occurrence
    settled_at      the newest instant that answered everything before it: a person's public reply, or an end
    """

    stream: UUID
    version: int = 0
    ticket: Ticket = NEW
    opened_at: datetime | None = None
    updated_at: datetime | None = None
    waiting_since: datetime | None = None
    last_requester_message_at: datetime | None = None
    last_public_reply_at: datetime | None = None
    settled_at: datetime | None = None


class Queues:
    name: ClassVar[str] = "queues"
    version: ClassVar[int] = 2
    kinds: ClassVar[frozenset[str]] = frozenset({"ticket"})

    def load(self, connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, QueueRow]:
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            cursor.execute(LOAD, {"streams": list(streams)}, prepare=True)
            return {values[0]: _loaded(values) for values in cursor}

    def fold(self, row: QueueRow | None, event: Recorded) -> QueueRow | None:
        row = row or QueueRow(event.stream)
        after = _folded(row, event)
        return None if _split(row, event) else _waited(after, event)

    def refold(self, history: Sequence[Recorded]) -> QueueRow:
        """The state in order of version, the waiting in order of occurrence."""
        row = QueueRow(history[0].stream)
        for event in history:
            row = _folded(row, event)
        for event in sorted(history, key=lambda event: (event.at, event.version)):
            row = _waited(row, event)
        return row

    def save(self, connection: Connection[Any], rows: Sequence[QueueRow]) -> None:
        if rows:
            _count(connection, SAVE, columns(COLUMNS, map(_values, rows)))

    def copy(self, connection: Connection[Any], rows: Sequence[QueueRow]) -> None:
        QUEUES.copy(connection, [_values(row) for row in rows])

    def total(self, connection: Connection[Any]) -> None:
        connection.execute(TOTAL)

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        _count(connection, ERASE, {"streams": list(streams)})


def shard_of(stream: UUID) -> int:
    """The same for all tickets of a partition's own worker."""
    return (stream.int >> 96) % SHARDS


def _folded(row: QueueRow, event: Recorded) -> QueueRow:
    fact, ticket = cast(TicketFact, event.fact), row.ticket
    if fact.bookkeeping and row.version:
        return replace(row, version=event.version)
    return QueueRow(
        row.stream,
        event.version,
        _narrowed(evolve(ticket, fact)) if isinstance(fact, SEEN) else ticket,
        event.at if isinstance(fact, Opened) else row.opened_at,
        event.at,
        row.waiting_since,
        row.last_requester_message_at,
        row.last_public_reply_at,
        row.settled_at,
    )


def _narrowed(t: Ticket) -> Ticket:
    """What the table keeps of it, and so what a row that was saved and loaded again would hold."""
    return Ticket(
        number=t.number,
        requester=t.requester,
        subject=t.subject,
        channel=t.channel,
        category=t.category,
        team=t.team,
        assignee=t.assignee,
        priority=t.priority,
        status=t.status,
        level=t.level,
        tags=t.tags,
    )


def _waited(row: QueueRow, event: Recorded) -> QueueRow:
    """The row's waiting after an event that splits nothing."""
    fact, at = event.fact, event.at
    if isinstance(fact, MessageReceived):
        waiting = row.waiting_since
        if row.settled_at is None or at >= row.settled_at:
            waiting = at if waiting is None else min(waiting, at)
        return replace(row, waiting_since=waiting, last_requester_message_at=_later(row.last_requester_message_at, at))
    if not _settles(event):
        return row
    answered = row.last_requester_message_at is None or at >= row.last_requester_message_at
    replied = _later(row.last_public_reply_at, at) if isinstance(fact, ReplyAdded) else row.last_public_reply_at
    return replace(
        row,
        waiting_since=None if answered else row.waiting_since,
        last_public_reply_at=replied,
        settled_at=_later(row.settled_at, at),
    )


def _split(row: QueueRow, event: Recorded) -> bool:
    """Whether a late answer lies between messages: which of them it left unanswered only the history knows."""
    since, last = row.waiting_since, row.last_requester_message_at
    return since is not None and last is not None and _settles(event) and since <= event.at < last


def _settles(event: Recorded) -> bool:
    match event.fact:
        case ReplyAdded(automatic=automatic):
            return not automatic and event.actor.kind in PEOPLE
        case Resolved() | Closed() | MarkedSpam() | Merged():
            return True
        case _:
            return False


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)


def _count(connection: Connection[Any], statement: LiteralString, parameters: dict[str, Any]) -> None:
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        emptied = {shard for shard, tickets in cursor if tickets == 0}
        if emptied:
            cursor.execute(DROP_EMPTY, {"shards": sorted(emptied)})


def _values(row: QueueRow) -> tuple[Any, ...]:
    t = row.ticket
    return (
        *(row.stream, row.version, shard_of(row.stream), t.number, t.requester, shown(t.subject), t.channel),
        *(t.category, t.team, t.assignee, t.priority, t.status, t.level),
        array(sorted(t.tags)),
        *(row.opened_at, row.updated_at, row.waiting_since, row.last_requester_message_at, row.last_public_reply_at),
        *(row.settled_at, skill_key(t.category) if t.category else None),
    )


def _loaded(values: tuple[Any, ...]) -> QueueRow:
    stream, version, number, requester, subject, channel, category, team, assignee = values[:9]
    priority, status, level, tags, *rest = values[9:]
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
        level=level,
        tags=frozenset(tags),
    )
    return QueueRow(stream, version, ticket, *rest)
