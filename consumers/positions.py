"""positions: how far has each view come, and how far behind the log is it?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, LiteralString

from psycopg import AsyncConnection, Connection
from psycopg.rows import class_row

WAIT_SECONDS = 0.1

POSITIONS: LiteralString = """
SELECT b.view, min(c.position) AS position
  FROM consumers.builds b JOIN consumers.checkpoints c USING (schema)
 WHERE b.live AND b.view = ANY (%(views)s) GROUP BY b.view
"""
# What is live, what is being built to take its place, and what should be there and is not yet.
LAGS: LiteralString = """
SELECT coalesce(b.view, v.view) AS view, b.schema AS build, coalesce(b.live, false) AS live,
       coalesce(c.position, 0) AS position, h.position AS head, h.position - coalesce(c.position, 0) AS lag,
       coalesce(p.parked, 0) AS parked, c.idle_seconds
  FROM store.head h
 CROSS JOIN unnest(%(views)s::text[]) AS v (view)
  LEFT JOIN consumers.builds b ON b.view = v.view AND b.retired_at IS NULL
  LEFT JOIN LATERAL (
       SELECT min(position) AS position,
              extract(epoch FROM clock_timestamp() - max(updated_at))::float8 AS idle_seconds
         FROM consumers.checkpoints WHERE schema = b.schema) c ON true
  LEFT JOIN LATERAL (SELECT count(DISTINCT stream) AS parked FROM consumers.parked WHERE schema = b.schema) p ON true
 ORDER BY array_position(%(views)s::text[], v.view), b.number
"""
VIEWS: LiteralString = "SELECT DISTINCT view FROM consumers.builds ORDER BY view"
RELAYS: LiteralString = """
SELECT r.topic, r.position, h.position AS head, h.position - r.position AS lag,
       extract(epoch FROM clock_timestamp() - r.updated_at)::float8 AS age_seconds
  FROM consumers.relay r CROSS JOIN store.head h ORDER BY r.topic
"""


@dataclass(frozen=True, slots=True)
class Lag:
    """One view's build: everything up to `position` is in it; `lag` events are not yet.

    build          None: nobody has begun to build this view
    parked         streams set aside
    idle_seconds   since its position last moved
    """

    view: str
    build: str | None
    live: bool
    position: int
    head: int
    lag: int
    parked: int
    idle_seconds: float | None


@dataclass(frozen=True, slots=True)
class RelayLag:
    """Everything up to `position` is in the topic; age_seconds: since that last moved."""

    topic: str
    position: int
    head: int
    lag: int
    age_seconds: float


@dataclass(frozen=True, slots=True)
class LagReport:
    views: Sequence[Lag]
    relays: Sequence[RelayLag]

    @property
    def caught_up(self) -> bool:
        """Whether every view that people read is level with the log."""
        live = {lag.view: lag.lag for lag in self.views if lag.live}
        return all(live.get(lag.view, 1) == 0 for lag in self.views)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def view_positions(connection: AsyncConnection[Any], views: Sequence[str]) -> dict[str, int]:
    """For each of these views that is live: everything up to this position is in it."""
    cursor = await connection.execute(POSITIONS, {"views": list(views)}, prepare=True)
    return {view: position for view, position in await cursor.fetchall()}


def lag_report(connection: Connection[Any], views: Sequence[str] = ()) -> LagReport:
    """Of the views named, or of all that have ever been built."""
    with connection.cursor() as cursor:
        known = list(views) or [row[0] for row in cursor.execute(VIEWS).fetchall()]
    with connection.cursor(row_factory=class_row(Lag)) as lags:
        found = lags.execute(LAGS, {"views": known}).fetchall()
    with connection.cursor(row_factory=class_row(RelayLag)) as relays:
        return LagReport(found, relays.execute(RELAYS).fetchall())


def wait_for_views(connection: Connection[Any], views: Sequence[str], seconds: float) -> LagReport:
    """Until all are level with the log or time is up."""
    deadline = time.monotonic() + seconds
    while True:
        report = lag_report(connection, views)
        if report.caught_up or time.monotonic() > deadline:
            return report
        time.sleep(WAIT_SECONDS)
