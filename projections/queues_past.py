"""queues_past: what did a work list hold at a moment of the past, and how much of each kind was there?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from aggregates.moment import Moment
from projections.cursor import Page, bound, page, unbound
from projections.queues_queries import (
    LIMIT,
    ORDERS,
    Count,
    QueueCounts,
    QueueFilter,
    QueueItem,
    Sort,
    asked_for,
    summed,
)
from projections.sizes import before

SIZES = range(1, 63)

ITEMS: LiteralString = """
SELECT id, number, requester, subject, channel, category, team, assignee, priority, priority_rank, status, level, tags,
       opened_at, updated_at, waiting_since, waiting_key, last_requester_message_at, last_public_reply_at
"""
# Rows of the past look like those of read.queues, so that the same conditions and orders hold for them.
THEN: LiteralString = """
  FROM (SELECT *, coalesce(waiting_since, 'infinity') AS waiting_key,
               CASE priority WHEN 'urgent' THEN 1 WHEN 'high' THEN 2 WHEN 'normal' THEN 3 ELSE 4 END AS priority_rank
          FROM (
"""
SPANS: LiteralString = """
SELECT q.id, q.number, q.requester, q.subject, q.channel, q.opened_at, s.category, s.team, s.assignee, s.priority,
       s.status, s.level, s.tags, s.updated_at, s.waiting_since, s.last_requester_message_at, s.last_public_reply_at,
       s.listed
"""
OF_ROWS: LiteralString = """
SELECT id, number, requester, subject, channel, opened_at, category, team, assignee, priority,
       status, level, tags, updated_at, waiting_since, last_requester_message_at, last_public_reply_at, listed
"""
# OFFSET 0: each size is looked up in the index by itself; joined at will, the whole table would be read.
SPANS_AT_POSITION: LiteralString = """
  FROM unnest(%(sizes)s::smallint[], %(begins)s::bigint[]) AS w (size, begin)
 CROSS JOIN LATERAL (SELECT * FROM read.queue_spans
                      WHERE size = w.size AND size > 0 AND since > w.begin AND since <= %(position)s
                        AND until > %(position)s AND coalesce(basis, %(basis)s) = %(basis)s OFFSET 0) s
  JOIN read.queues q ON q.id = s.id
 UNION ALL
"""
SPANS_AT_INSTANT: LiteralString = """
  FROM unnest(%(sizes)s::smallint[], %(begins)s::timestamptz[]) AS w (size, begin)
 CROSS JOIN LATERAL (SELECT * FROM read.queue_spans
                      WHERE size_at = w.size AND size_at > 0 AND updated_at > w.begin AND updated_at <= %(by)s
                        AND until_at > %(by)s OFFSET 0) s
  JOIN read.queues q ON q.id = s.id
 UNION ALL
"""
# By which of the three sequences of a ticket of which a fact came late; all others have but one.
Course = Literal["recorded", "known", "happened"]
RECORDED: LiteralString = SPANS + SPANS_AT_POSITION + OF_ROWS + " FROM read.queues WHERE since <= %(position)s"
KNOWN: LiteralString = (
    SPANS + SPANS_AT_POSITION
    + OF_ROWS + " FROM read.queues WHERE since <= %(position)s AND NOT late UNION ALL"
    + OF_ROWS + " FROM read.queue_courses WHERE since <= %(position)s"
)  # fmt: skip
HAPPENED: LiteralString = (
    SPANS + SPANS_AT_INSTANT
    + OF_ROWS + " FROM read.queues WHERE updated_at <= %(by)s AND NOT late UNION ALL"
    + OF_ROWS + " FROM read.queue_courses WHERE updated_at <= %(by)s"
)  # fmt: skip
ROWS: Mapping[Course, LiteralString] = MappingProxyType({"recorded": RECORDED, "known": KNOWN, "happened": HAPPENED})
END: LiteralString = ") rows) past"
# The version is asked of the log, for the rows of a page alone: it changes without the row.
VERSIONED: LiteralString = """
SELECT id, number, requester, subject, channel, category, team, assignee, priority, status, level, tags, opened_at,
       updated_at, waiting_since, last_requester_message_at, last_public_reply_at, priority_rank,
       (SELECT e.originator_version FROM store.events e
              WHERE e.originator_id = p.id AND e.notification_id <= %(position)s
"""
BY_THEN: LiteralString = """
                AND coalesce((convert_from(e.state, 'UTF8')::json ->> 'occurred_at')::timestamptz, e.recorded_at)
                    <= %(by)s
"""
NEWEST: LiteralString = " ORDER BY e.originator_version DESC LIMIT 1) AS version FROM ("
COUNTED: LiteralString = "SELECT team, status, priority, assignee IS NULL AS unassigned, count(*) AS tickets"
GROUPED: LiteralString = " WHERE listed GROUP BY team, status, priority, assignee IS NULL"
OPEN: LiteralString = " WHERE listed ORDER BY id"


async def queue_page(
    connection: AsyncConnection[Any],
    moment: Moment,
    wanted: QueueFilter,
    limit: int,
    sort: Sort = "waiting",
    cursor: str | None = None,
) -> Page[QueueItem]:
    """One page of a work list as it was at `moment`. Raises InvalidCursor and UnsupportedList."""
    order = ORDERS[sort]
    conditions, parameters = asked_for(wanted, sort, unbound(cursor, moment.past))
    chosen = ITEMS + THEN + ROWS[_course(moment)] + END + conditions + order.by + LIMIT
    query = VERSIONED + (BY_THEN if moment.by else "") + NEWEST + chosen + ") p" + order.by
    async with connection.cursor(row_factory=class_row(QueueItem)) as rows:
        await rows.execute(query, parameters | _parameters(moment) | {"limit": limit + 1})
        return bound(page(await rows.fetchall(), limit, order.key, order.of), moment.past)


async def counts(connection: AsyncConnection[Any], moment: Moment, team: UUID | None = None) -> QueueCounts:
    """How many tickets were not closed at `moment`, of one team or of all."""
    async with connection.cursor(row_factory=class_row(Count)) as rows:
        await rows.execute(COUNTED + THEN + ROWS[_course(moment)] + END + GROUPED, _parameters(moment))
        return summed(await rows.fetchall(), team)


async def worked_on(connection: AsyncConnection[Any], moment: Moment) -> list[UUID]:
    """The tickets that were not closed at `moment`."""
    async with connection.cursor(row_factory=scalar_row) as rows:
        await rows.execute("SELECT id" + THEN + ROWS[_course(moment)] + END + OPEN, _parameters(moment))
        return await rows.fetchall()


def _course(moment: Moment) -> Course:
    if moment.by is not None:
        return "happened"
    return "recorded" if moment.basis == "recorded" else "known"


def _parameters(moment: Moment) -> dict[str, Any]:
    begins = [moment.position - (1 << size) if moment.by is None else before(moment.by, size) for size in SIZES]
    return {
        "sizes": list(SIZES), "begins": begins, "position": moment.position, "basis": moment.basis, "by": moment.by
    }  # fmt: skip
