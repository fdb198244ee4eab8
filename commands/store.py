"""The event store as a service uses it: append in groups, read streams, look a command up. Speaks for one desk."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import scalar_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from aggregates.envelope import Stored
from aggregates.errors import Unavailable
from commands.append import Append, Outcome, append
from commands.batcher import Batcher
from commands.log import COMMAND, NUMBERS, RESERVED, log_after, stream_after

log = logging.getLogger(__name__)

GROUP = 256
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


class EventStore:
    """Every method raises Unavailable when Postgres is away or the append lock cannot be had in time."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self._pool = pool
        self._appends = Batcher(self._append, GROUP)
        self._numbers = Batcher(self._draw, GROUP)

    async def append(self, command: Append) -> Outcome:
        """Append with all that wait at the same time. Durable once it returns."""
        return await self._appends.submit(command)

    async def next_number(self) -> int:
        """A ticket number that nobody else gets. Gaps are allowed."""
        return await self._numbers.submit(None)

    async def stream(self, stream: UUID, after: int = 0) -> list[Stored]:
        """A stream's events beyond version `after`."""
        async with self.connection() as connection:
            return await stream_after(connection, stream, after)

    async def log(self, after: int, limit: int) -> list[Stored]:
        """The log's events beyond position `after`."""
        async with self.connection() as connection:
            return await log_after(connection, after, limit)

    async def earlier(self, command_id: UUID, caller: str, request: bytes) -> Outcome | None:
        """What the store answered to this command before, if it wrote anything then."""
        async with self.connection() as connection:
            cursor = await connection.execute(COMMAND, {"command_id": command_id}, prepare=True)
            row = await cursor.fetchone()
        if row is None:
            return None
        same = (row[0], bytes(row[1])) == (caller, request)
        return Outcome("duplicate" if same else "reused", row[2], row[3])

    async def reserved(self, namespace: str, key: bytes) -> UUID | None:
        """The stream that holds this name, e.g. the ticket behind a number."""
        async with self.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(RESERVED, {"namespace": namespace, "key": key}, prepare=True)
            return await cursor.fetchone()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A pooled connection whose network faults come out as Unavailable."""
        try:
            async with self._pool.connection() as connection:
                yield connection
        except AWAY as error:
            raise _unavailable(error) from error

    async def _append(self, commands: Sequence[Append]) -> Sequence[Outcome]:
        try:
            async with self._pool.connection() as connection:
                return await append(connection, commands)
        except AWAY as error:
            _unavailable(error)
        # The commit may have got through and only its answer be lost: asked again, each command finds itself.
        async with self.connection() as connection:
            return await append(connection, commands)

    async def _draw(self, waiting: Sequence[None]) -> Sequence[int]:
        async with self.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(NUMBERS, {"n": len(waiting)}, prepare=True)
            return await cursor.fetchall()


def _unavailable(error: Exception) -> Unavailable:
    log.warning("store.unavailable: %s", type(error).__name__)
    return Unavailable("store.unavailable", "The event store is busy or away.")
