"""positions: how far has each view come, asked once for all requests that want to know at the same time?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from aggregates.errors import Unavailable
from commands.batcher import Batcher
from commands.store import EventStore
from consumers.positions import view_positions
from projections.registry import PROJECTIONS

VIEWS = tuple(PROJECTIONS)
# A position that was true a moment ago is a lower bound now: positions only rise.
FRESH_SECONDS = 0.2
POLL_SECONDS = 0.02


class ViewBehind(Unavailable):
    """The view has not reached the position that the reader must see."""

    status: ClassVar[int] = 503

    def __init__(self, position: int, after: int) -> None:
        super().__init__("view.behind", "This view has not caught up with what you have seen; try again.")
        self.more: dict[str, Any] = {"position": position, "lag": after - position}


class Positions:
    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._asked = Batcher(self._ask, 10_000)
        self._known: Mapping[str, int] = {}
        self._at = -FRESH_SECONDS

    async def of(self, view: str, *, max_age: float = FRESH_SECONDS) -> int:
        """Everything up to here is in the view. Raises Unavailable while it is built for the first time."""
        if time.monotonic() - self._at > max_age:
            await self._asked.submit(None)
        if view not in self._known:
            raise Unavailable("view.not_built", "This view is being built.", retry_after=5)
        return self._known[view]

    async def reach(self, view: str, after: int, seconds: float) -> int:
        """The same, not below `after`. Raises ViewBehind when it is not there in time."""
        deadline = time.monotonic() + seconds
        position = await self.of(view)
        while position < after:
            position = await self.of(view, max_age=POLL_SECONDS)
            if position >= after:
                break
            if time.monotonic() + POLL_SECONDS > deadline:
                raise ViewBehind(position, after)
            await asyncio.sleep(POLL_SECONDS)
        return position

    async def _ask(self, waiting: Sequence[None]) -> Sequence[None]:
        # Taken before the question: while the answer travels the views move on.
        asked = time.monotonic()
        async with self._store.connection() as connection:
            self._known = await view_positions(connection, VIEWS)
        self._at = asked
        return waiting
