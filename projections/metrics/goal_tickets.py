"""goal_tickets: which tickets counted for a goal in one of its periods, and which against it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import AwareDatetime, TypeAdapter

from projections.cursor import Page, decode, page
from projections.metrics.goal_periods import Judged
from projections.metrics.goals import ASKED, COUNTED, EVENTS, OPEN, asked_of, parameters

Counted = Literal["for", "against"]
KEY: TypeAdapter[tuple[AwareDatetime, UUID, int]] = TypeAdapter(tuple[AwareDatetime, UUID, int])

TICKETS: LiteralString = (
    """
SELECT m.* """
    + ASKED
    + """ CROSS JOIN LATERAL (
SELECT f.stream AS ticket, f.number, f.version, f.at, f.place, v.value, v.value BETWEEN p.least AND p.most AS good
"""
    + EVENTS
    + """) m
 WHERE (%(good)s::boolean IS NULL OR m.good = %(good)s)
       AND (%(k0)s::timestamptz IS NULL OR (m.at, m.ticket, m.place) < (%(k0)s, %(k1)s::uuid, %(k2)s))
 ORDER BY m.at DESC, m.ticket DESC, m.place DESC LIMIT %(limit)s
"""
)
TICKETS_OPEN: LiteralString = (
    """
SELECT m.* """
    + ASKED
    + """ CROSS JOIN LATERAL (
SELECT f.stream AS ticket, f.number, f.from_version AS version, f.from_at AS at, f.place, NULL::bigint AS value,
       NULL::boolean AS good
"""
    + OPEN
    + COUNTED
    + """) m
 WHERE (%(k0)s::timestamptz IS NULL OR (m.at, m.ticket, m.place) < (%(k0)s, %(k1)s::uuid, %(k2)s))
 ORDER BY m.at DESC, m.ticket DESC, m.place DESC LIMIT %(limit)s
"""
)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one ticket gave: `at` its version, microseconds or a score; `good`: as the goal wants it, of a share."""

    ticket: UUID
    number: int
    version: int
    at: datetime
    place: int
    value: int | None
    good: bool | None


async def tickets(
    connection: AsyncConnection[Any],
    asked: Judged,
    position: int,
    at: datetime,
    counted: Counted | None,
    limit: int,
    cursor: str | None = None,
) -> Page[Ticket]:
    """What was measured in a period, newest first; `counted`: only what counts so. Raises InvalidCursor."""
    k0, k1, k2 = (None, None, None) if cursor is None else decode(KEY, cursor)
    key = {"k0": k0, "k1": k1, "k2": k2, "limit": limit + 1, "good": None if counted is None else counted == "for"}
    query = TICKETS_OPEN if asked.version.terms.metric == "backlog" else TICKETS
    async with connection.cursor(row_factory=class_row(Ticket)) as rows:
        await rows.execute(query, parameters([asked_of(0, asked)], position, at) | key)
        return page(await rows.fetchall(), limit, KEY, lambda row: (row.at, row.ticket, row.place))
