"""jobs: what was asked for that takes longer than a request may, how far is it, and what came of it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg.types.json import Json

MOST_WAITING = 20

ASK: LiteralString = """
INSERT INTO consumers.jobs (id, kind, asked_by, request)
SELECT %(id)s, %(kind)s, %(by)s, %(request)s
 WHERE (SELECT count(*) FROM consumers.jobs WHERE kind = %(kind)s AND state IN ('queued', 'running')) < %(most)s
ON CONFLICT DO NOTHING
"""
COLUMNS: LiteralString = """
SELECT id, asked_by, request, state, tickets, fraction, asked_at, started_at, finished_at, beat_at, problem,
"""
ONE: LiteralString = COLUMNS + " result FROM consumers.jobs WHERE kind = %(kind)s AND id = %(id)s"
NEWEST: LiteralString = (
    COLUMNS + " NULL AS result FROM consumers.jobs WHERE kind = %(kind)s ORDER BY asked_at DESC, id LIMIT %(limit)s"
)
CANCEL: LiteralString = """
UPDATE consumers.jobs SET state = 'cancelled', finished_at = clock_timestamp()
 WHERE kind = %(kind)s AND id = %(id)s AND state IN ('queued', 'running')
"""
ITEMS: LiteralString = """
SELECT place, item FROM consumers.job_items WHERE job = %(id)s AND place > %(after)s ORDER BY place LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Job:
    """`result` is there once it is done, and only where one job is asked for."""

    id: UUID
    asked_by: str
    request: Any
    state: str
    tickets: int
    fraction: float
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    beat_at: datetime | None
    problem: Any
    result: Any

    @property
    def rate(self) -> float | None:
        """Tickets a second; None: it has not begun."""
        last = self.finished_at or self.beat_at
        seconds = 0.0 if last is None or self.started_at is None else (last - self.started_at).total_seconds()
        return self.tickets / seconds if seconds > 0 else None


class Jobs:
    """Of one kind."""

    def __init__(self, connection: AsyncConnection[Any], kind: str) -> None:
        self._connection, self._kind = connection, kind

    async def ask(self, id: UUID, by: str, request: Any) -> bool:
        """Once, however often it is asked under this id. False: too much is waiting, or it is there."""
        asked = {"id": id, "kind": self._kind, "by": by, "request": Json(request), "most": MOST_WAITING}
        return bool((await self._connection.execute(ASK, asked)).rowcount)

    async def one(self, id: UUID) -> Job | None:
        async with self._connection.cursor(row_factory=class_row(Job)) as cursor:
            await cursor.execute(ONE, {"kind": self._kind, "id": id})
            return await cursor.fetchone()

    async def newest(self, limit: int) -> list[Job]:
        async with self._connection.cursor(row_factory=class_row(Job)) as cursor:
            await cursor.execute(NEWEST, {"kind": self._kind, "limit": limit})
            return await cursor.fetchall()

    async def cancel(self, id: UUID) -> None:
        """What is finished stays as it is."""
        await self._connection.execute(CANCEL, {"kind": self._kind, "id": id})

    async def items(self, id: UUID, after: int, limit: int) -> Sequence[tuple[int, Any]]:
        """Place and item, in their order."""
        cursor = await self._connection.execute(ITEMS, {"id": id, "after": after, "limit": limit})
        return await cursor.fetchall()
