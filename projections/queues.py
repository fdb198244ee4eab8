"""queues: which tickets are there to work on, who waits longest, and how many of which kind?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates.agent import skill_key
from aggregates.envelope import Recorded
from aggregates.text import shown
from aggregates.ticket.state import Ticket
from projections.batch import Table, columns, hidden
from projections.queues_fold import Line, QueueRow, Span, went_on, whole
from projections.sizes import MICROSECOND, size

SHARDS = 12

COLUMNS = """
stream version shard number requester subject channel category team assignee priority status level tags
opened_at updated_at waiting_since last_requester_message_at last_public_reply_at since late skill
"""
LOAD: LiteralString = """
SELECT stream, version, since, late, number, requester, subject, channel, category, team, assignee, priority, status,
       level, tags, opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at
  FROM queues WHERE stream = ANY (%(streams)s)
"""
LOAD_COURSES: LiteralString = """
SELECT stream, since, number, requester, subject, channel, category, team, assignee, priority, status, level, tags,
       opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at
  FROM queue_courses WHERE stream = ANY (%(streams)s)
"""
SAVE: LiteralString = """
WITH incoming AS MATERIALIZED (
    SELECT stream, version, shard, number, requester, subject, channel, category, team, assignee, priority, status,
           level, tags::text[], opened_at, updated_at, waiting_since,
           last_requester_message_at, last_public_reply_at, since, late, skill
      FROM unnest(
           %(stream)s::uuid[], %(version)s::bigint[], %(shard)s::smallint[], %(number)s::bigint[],
           %(requester)s::uuid[], %(subject)s::text[], %(channel)s::text[], %(category)s::text[], %(team)s::uuid[],
           %(assignee)s::uuid[], %(priority)s::text[], %(status)s::text[], %(level)s::int[], %(tags)s::text[],
           %(opened_at)s::timestamptz[], %(updated_at)s::timestamptz[], %(waiting_since)s::timestamptz[],
           %(last_requester_message_at)s::timestamptz[], %(last_public_reply_at)s::timestamptz[],
           %(since)s::bigint[], %(late)s::boolean[], %(skill)s::text[])
        AS r (stream, version, shard, number, requester, subject, channel, category, team, assignee, priority, status,
              level, tags, opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at,
              since, late, skill)
), moves AS (
    SELECT shard, team, status, priority, assignee IS NULL AS unassigned, 1 AS n
      FROM incoming WHERE status <> 'closed' AND opened_at IS NOT NULL
     UNION ALL
    SELECT q.shard, q.team, q.status, q.priority, q.assignee IS NULL, -1
      FROM queues q WHERE q.stream = ANY (%(stream)s::uuid[]) AND q.listed
), saved AS (
    INSERT INTO queues
        (stream, version, shard, number, requester, subject, channel, category, team, assignee, priority, status, level,
         tags, opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at, since, late,
         skill)
    SELECT * FROM incoming
        ON CONFLICT (stream) DO UPDATE SET
           (version, number, requester, subject, channel, category, team, assignee, priority, status, level, tags,
            opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at, since, late,
            skill)
         = (excluded.version, excluded.number, excluded.requester, excluded.subject, excluded.channel,
            excluded.category, excluded.team, excluded.assignee, excluded.priority, excluded.status, excluded.level,
            excluded.tags, excluded.opened_at, excluded.updated_at, excluded.waiting_since,
            excluded.last_requester_message_at, excluded.last_public_reply_at, excluded.since, excluded.late,
            excluded.skill)
)
INSERT INTO queue_counts AS c (shard, team, status, priority, unassigned, tickets)
SELECT shard, team, status, priority, unassigned, sum(n) FROM moves
 GROUP BY shard, team, status, priority, unassigned HAVING sum(n) <> 0
    ON CONFLICT (shard, team, status, priority, unassigned) DO UPDATE SET tickets = c.tickets + excluded.tickets
RETURNING shard, tickets
"""
ERASE: LiteralString = """
WITH spans AS (DELETE FROM queue_spans WHERE stream = ANY (%(streams)s)),
     courses AS (DELETE FROM queue_courses WHERE stream = ANY (%(streams)s)),
     gone AS (DELETE FROM queues WHERE stream = ANY (%(streams)s) RETURNING *)
INSERT INTO queue_counts AS c (shard, team, status, priority, unassigned, tickets)
SELECT shard, team, status, priority, assignee IS NULL, -count(*) FROM gone WHERE listed
 GROUP BY shard, team, status, priority, assignee IS NULL
    ON CONFLICT (shard, team, status, priority, unassigned) DO UPDATE SET tickets = c.tickets + excluded.tickets
RETURNING shard, tickets
"""
COURSE_COLUMNS = """
stream number requester subject channel category team assignee priority status level tags opened_at updated_at
waiting_since last_requester_message_at last_public_reply_at since
"""
SAVE_COURSES: LiteralString = """
INSERT INTO queue_courses
SELECT stream, number, requester, subject, channel, category, team, assignee, priority, status, level, tags::text[],
       opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at, since
  FROM unnest(
       %(stream)s::uuid[], %(number)s::bigint[], %(requester)s::uuid[], %(subject)s::text[], %(channel)s::text[],
       %(category)s::text[], %(team)s::uuid[], %(assignee)s::uuid[], %(priority)s::text[], %(status)s::text[],
       %(level)s::int[], %(tags)s::text[], %(opened_at)s::timestamptz[], %(updated_at)s::timestamptz[],
       %(waiting_since)s::timestamptz[], %(last_requester_message_at)s::timestamptz[],
       %(last_public_reply_at)s::timestamptz[], %(since)s::bigint[])
    AS r (stream, number, requester, subject, channel, category, team, assignee, priority, status, level, tags,
          opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at, since)
    ON CONFLICT (stream) DO UPDATE SET
       (number, requester, subject, channel, category, team, assignee, priority, status, level, tags, opened_at,
        updated_at, waiting_since, last_requester_message_at, last_public_reply_at, since)
     = (excluded.number, excluded.requester, excluded.subject, excluded.channel, excluded.category, excluded.team,
        excluded.assignee, excluded.priority, excluded.status, excluded.level, excluded.tags, excluded.opened_at,
        excluded.updated_at, excluded.waiting_since, excluded.last_requester_message_at,
        excluded.last_public_reply_at, excluded.since)
"""
SPAN_COLUMNS = """
stream basis since until size updated_at until_at size_at category team assignee priority status level tags
waiting_since last_requester_message_at last_public_reply_at
"""
SAVE_SPANS: LiteralString = """
INSERT INTO queue_spans
SELECT stream, basis, since, until, size, updated_at, until_at, size_at, category, team, assignee, priority, status,
       level, tags::text[], waiting_since, last_requester_message_at, last_public_reply_at
  FROM unnest(
       %(stream)s::uuid[], %(basis)s::text[], %(since)s::bigint[], %(until)s::bigint[], %(size)s::smallint[],
       %(updated_at)s::timestamptz[], %(until_at)s::timestamptz[], %(size_at)s::smallint[], %(category)s::text[],
       %(team)s::uuid[], %(assignee)s::uuid[], %(priority)s::text[], %(status)s::text[], %(level)s::int[],
       %(tags)s::text[], %(waiting_since)s::timestamptz[], %(last_requester_message_at)s::timestamptz[],
       %(last_public_reply_at)s::timestamptz[])
    AS r (stream, basis, since, until, size, updated_at, until_at, size_at, category, team, assignee, priority, status,
          level, tags, waiting_since, last_requester_message_at, last_public_reply_at)
"""
TOTAL: LiteralString = """
INSERT INTO queue_counts (shard, team, status, priority, unassigned, tickets)
SELECT shard, team, status, priority, assignee IS NULL, count(*) FROM queues WHERE listed
 GROUP BY shard, team, status, priority, assignee IS NULL
"""
# A count of nothing would tell a rebuild from the build it is compared with.
DROP_EMPTY: LiteralString = "DELETE FROM queue_counts WHERE shard = ANY (%(shards)s) AND tickets = 0"
SHOWN = f"int8 uuid text text text uuid uuid text text int4 text[] {'timestamptz ' * 5}"
QUEUES = Table("queues", COLUMNS, SAVE, f"uuid int8 int2 {SHOWN} int8 bool text")
COURSES = Table("queue_courses", COURSE_COLUMNS, SAVE_COURSES, f"uuid {SHOWN} int8")
SPAN_TYPES = """
uuid text int8 int8 int2 timestamptz timestamptz int2 text uuid uuid text text int4 text[] timestamptz timestamptz
timestamptz
"""
SPANS = Table("queue_spans", SPAN_COLUMNS, SAVE_SPANS, SPAN_TYPES)


class Queues:
    """A row is saved once: whoever goes on after `save` loads it again, or its spans are sent a second time."""

    name: ClassVar[str] = "queues"
    version: ClassVar[int] = 3
    kinds: ClassVar[frozenset[str]] = frozenset({"ticket"})

    def load(self, connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, QueueRow]:
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            cursor.execute(LOAD, {"streams": list(streams)}, prepare=True)
            found = cursor.fetchall()
            rows = {stream: QueueRow(stream, version, _line(rest), since) for stream, version, since, _, *rest in found}
            late = [values[0] for values in found if values[3]]
            if late:
                cursor.execute(LOAD_COURSES, {"streams": late}, prepare=True)
                for stream, since, *rest in cursor:
                    rows[stream] = replace(rows[stream], course=_line(rest), course_since=since)
        return rows

    def fold(self, row: QueueRow | None, event: Recorded) -> QueueRow | None:
        return went_on(row or QueueRow(event.stream), event)

    def refold(self, history: Sequence[Recorded]) -> QueueRow:
        return whole(history)

    def save(self, connection: Connection[Any], rows: Sequence[QueueRow]) -> None:
        if rows:
            _count(connection, SAVE, columns(COLUMNS, map(_values, rows)))
            COURSES.save(connection, _courses(rows))
            SPANS.save(connection, _spans(rows))

    def copy(self, connection: Connection[Any], rows: Sequence[QueueRow]) -> None:
        QUEUES.copy(connection, [_values(row) for row in rows])
        COURSES.copy(connection, _courses(rows))
        SPANS.copy(connection, _spans(rows))

    def total(self, connection: Connection[Any]) -> None:
        connection.execute(TOTAL)

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        _count(connection, ERASE, {"streams": list(streams)})


def shard_of(stream: UUID) -> int:
    """The same for all tickets of a partition's own worker."""
    return (stream.int >> 96) % SHARDS


def _count(connection: Connection[Any], statement: LiteralString, parameters: dict[str, Any]) -> None:
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        emptied = {shard for shard, tickets in cursor if tickets == 0}
        if emptied:
            cursor.execute(DROP_EMPTY, {"shards": sorted(emptied)})


def _values(row: QueueRow) -> tuple[Any, ...]:
    skill = skill_key(row.line.ticket.category) if row.line.ticket.category else None
    return (
        *(row.stream, row.version, shard_of(row.stream), *_shown(row.line)),
        *(row.since, row.course is not None, skill),
    )


def _courses(rows: Sequence[QueueRow]) -> list[tuple[Any, ...]]:
    return [(row.stream, *_shown(row.course), row.course_since) for row in rows if row.course is not None]


def _spans(rows: Sequence[QueueRow]) -> list[tuple[Any, ...]]:
    return [_span(row.stream, span) for row in rows for span in row.spans]


def _shown(line: Line) -> tuple[Any, ...]:
    t = line.ticket
    return (
        *(t.number, t.requester, shown(t.subject), t.channel, t.category, t.team, t.assignee, t.priority, t.status),
        *(t.level, sorted(t.tags), line.opened_at, line.updated_at),
        *(line.waiting_since, line.last_requester_message_at, line.last_public_reply_at),
    )


def _span(stream: UUID, span: Span) -> tuple[Any, ...]:
    """What never changes of a ticket stands in its row."""
    basis, since, until, until_at, line = span
    t, updated_at = line.ticket, line.updated_at
    return (
        *(stream, basis, since, until, None if since is None or until is None else size(until - since)),
        *(updated_at, until_at, _size_at(updated_at, until_at)),
        *(t.category, t.team, t.assignee, t.priority, t.status, t.level, sorted(t.tags)),
        *(line.waiting_since, line.last_requester_message_at, line.last_public_reply_at),
    )


def _size_at(updated_at: datetime | None, until_at: datetime | None) -> int | None:
    return None if updated_at is None or until_at is None else size((until_at - updated_at) // MICROSECOND)


def _line(values: Sequence[Any]) -> Line:
    number, requester, subject, channel, category, team, assignee, priority, status, level, tags = values[:11]
    opened_at, updated_at, *waiting = values[11:]
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
    return Line(updated_at, ticket, opened_at, *waiting)
