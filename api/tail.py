"""tail: how do many listeners follow the end of the log with one question a moment?"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import LiteralString

from aggregates.errors import Unavailable
from commands.store import EventStore

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
HEAD: LiteralString = "SELECT position FROM store.head"


class Tail:
    """Polls the head while anybody listens."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._head = 0
        self._moved = asyncio.Condition()
        self._listeners = 0
        self._poller: asyncio.Task[None] | None = None
        self.stopping = False

    async def head(self) -> int:
        async with self._store.connection() as connection:
            row = await (await connection.execute(HEAD)).fetchone()
        return int(row[0]) if row else 0

    async def beyond(self, position: int, seconds: float) -> bool:
        """Whether the log went beyond `position` within so many seconds."""
        self._listen()
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self.stopping or self._head > position)
            return True
        except TimeoutError:
            return False
        finally:
            self._listeners -= 1

    def _listen(self) -> None:
        self._listeners += 1
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())

    async def _poll(self) -> None:
        while self._listeners and not self.stopping:
            with contextlib.suppress(Unavailable):
                self._head = await self.head()
            async with self._moved:
                self._moved.notify_all()
            await asyncio.sleep(POLL_SECONDS)

    async def stop(self) -> None:
        """Lets all listeners go: nothing is told any more."""
        self.stopping = True
        async with self._moved:
            self._moved.notify_all()

    async def close(self) -> None:
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)
