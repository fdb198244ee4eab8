"""How is the log read? By stream, by position, and where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection, Connection
from psycopg.rows import class_row

from aggregates.envelope import Stored

AFTER: LiteralString = """
SELECT notification_id AS position, originator_id AS stream, originator_version AS version,
       topic AS type, recorded_at, state
  FROM store.events WHERE notification_id > %(after)s AND notification_id <= %(upto)s
 ORDER BY notification_id LIMIT %(limit)s
"""
STREAMS: LiteralString = """
SELECT e.notification_id AS position, e.originator_id AS stream, e.originator_version AS version,
       e.topic AS type, e.recorded_at, e.state
  FROM unnest(%(streams)s::uuid[], %(after)s::bigint[]) AS s (id, after)
  JOIN store.events e ON e.originator_id = s.id AND e.originator_version > s.after
 ORDER BY e.originator_id, e.originator_version
"""
HEAD: LiteralString = "SELECT log_id, position FROM store.head"
COMMAND: LiteralString = """
SELECT caller, request, first_position, last_position FROM store.commands WHERE command_id = %(command_id)s
"""
NUMBERS: LiteralString = "SELECT nextval('store.ticket_numbers') FROM generate_series(1, %(n)s)"
RESERVED: LiteralString = "SELECT stream FROM store.reservations WHERE namespace = %(namespace)s AND key = %(key)s"
PLACE_OF_INSTANT: LiteralString = """
SELECT p.position, greatest(p.position, h.position) AS head, clock_timestamp() AS now
  FROM store.position_at(%(instant)s) AS p (position) CROSS JOIN store.head h
"""
PLACE_OF_POSITION: LiteralString = """
SELECT recorded_at FROM store.events WHERE notification_id = %(position)s
 UNION ALL
SELECT 'epoch'::timestamptz WHERE %(position)s = 0
"""
END_OF_TIME = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log ends. `log_id` names this log: another one is another history."""

    log_id: UUID
    position: int


def read_after(connection: Connection[Any], after: int, limit: int, upto: int = END_OF_TIME) -> list[Stored]:
    """Up to `limit` events with after < position <= upto, in order of position, states verbatim."""
    with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
        cursor.execute(AFTER, {"after": after, "upto": upto, "limit": limit}, prepare=True)
        return cursor.fetchall()


def read_streams(connection: Connection[Any], after: Sequence[tuple[UUID, int]]) -> list[Stored]:
    """The events of each stream beyond its version given, stream by stream, in order of version."""
    with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
        cursor.execute(STREAMS, {"streams": [s for s, _ in after], "after": [v for _, v in after]}, prepare=True)
        return cursor.fetchall()


def read_head(connection: Connection[Any]) -> Head:
    with connection.cursor(row_factory=class_row(Head)) as cursor:
        head = cursor.execute(HEAD).fetchone()
    assert head is not None, "the migration writes the head"  # noqa: S101
    return head


async def stream_after(connection: AsyncConnection[Any], stream: UUID, version: int) -> list[Stored]:
    """One stream's events beyond `version`, in order of version."""
    async with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
        await cursor.execute(STREAMS, {"streams": [stream], "after": [version]}, prepare=True)
        return await cursor.fetchall()


async def whole_streams(connection: AsyncConnection[Any], streams: Sequence[UUID]) -> list[Stored]:
    """All events of these streams, stream by stream, in order of version."""
    async with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
        await cursor.execute(STREAMS, {"streams": list(streams), "after": [0] * len(streams)}, prepare=True)
        return await cursor.fetchall()


async def log_after(connection: AsyncConnection[Any], after: int, limit: int) -> list[Stored]:
    """Up to `limit` events beyond position `after`, in order of position."""
    async with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
        await cursor.execute(AFTER, {"after": after, "upto": END_OF_TIME, "limit": limit}, prepare=True)
        return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Place:
    """Of an instant: the last position recorded by then, the log's head, and what time it is there now."""

    position: int
    head: int
    now: datetime


async def place_of_instant(connection: AsyncConnection[Any], instant: datetime) -> Place:
    """The position is final: no event that is still to come will be recorded at or before a past instant."""
    async with connection.cursor(row_factory=class_row(Place)) as cursor:
        await cursor.execute(PLACE_OF_INSTANT, {"instant": instant}, prepare=True)
        place = await cursor.fetchone()
    assert place is not None, "the migration writes the head"  # noqa: S101
    return place


async def place_of_position(connection: AsyncConnection[Any], position: int) -> datetime | None:
    """When this position was recorded; None: the log has none such. Position 0 is before all events."""
    cursor = await connection.execute(PLACE_OF_POSITION, {"position": position}, prepare=True)
    row = await cursor.fetchone()
    return row[0] if row else None
