"""What does this process remember of streams it met before? States that may be old, and are never refused upon."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from aggregates.envelope import Recorded, recorded
from aggregates.fact import Fact
from aggregates.kinds import evolved
from aggregates.rates import RATE_CARD
from aggregates.sla.policies import POLICY_LIST
from commands.store import EventStore


@dataclass(frozen=True, slots=True)
class Remembered:
    """A stream's state as of `version`, last written at `position`. `state` is None before its first event.

    changed    the last version that was more than bookkeeping: since then nobody could have missed anything
    """

    state: Any = None
    version: int = 0
    position: int = 0
    began_at: datetime | None = None
    changed: int = 0

    def then(self, event: Recorded) -> Remembered:
        return self.with_facts((event.fact,), event.at).placed(event.position)

    def with_facts(self, facts: Iterable[Fact], at: datetime) -> Remembered:
        """After these facts, of which only the store will say at which position."""
        state, version, changed = self.state, self.version, self.changed
        for fact in facts:
            state, version = evolved(state, fact), version + 1
            changed = changed if fact.bookkeeping else version
        return Remembered(state, version, self.position, self.began_at or at, changed)

    def placed(self, position: int) -> Remembered:
        return Remembered(self.state, self.version, position, self.began_at, self.changed)


NOTHING = Remembered()
# Asked for by many commands: on a desk without policies or rates, that too is worth remembering.
KEPT_WHILE_EMPTY = frozenset({POLICY_LIST, RATE_CARD})


class Memory:
    """The last `size` streams this process met, each folded once and then only carried forward."""

    def __init__(self, store: EventStore, size: int = 20_000) -> None:
        self._store = store
        self._size = size
        self._streams: OrderedDict[UUID, Remembered] = OrderedDict()
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, streams: Iterable[UUID]) -> AsyncIterator[None]:
        """Commands of this process on one stream run one after the other, in the order in which they came."""
        async with AsyncExitStack() as stack:
            for stream in sorted(streams):
                lock = self._turns.setdefault(stream, asyncio.Lock())
                await stack.enter_async_context(lock)
            yield

    async def recall(self, streams: Sequence[UUID], *, fresh: bool) -> dict[UUID, Remembered]:
        """States of these streams, `fresh` from the store or as remembered."""
        return {stream: await self._recall(stream, fresh) for stream in streams}

    async def _recall(self, stream: UUID, fresh: bool) -> Remembered:
        known = self._streams.get(stream)
        if known is not None and not fresh:
            self._streams.move_to_end(stream)
            return known
        now = known or NOTHING
        for stored in await self._store.stream(stream, now.version):
            now = now.then(recorded(stored))
        if now.version or stream in KEPT_WHILE_EMPTY:
            self.keep(stream, now)
        return now

    def keep(self, stream: UUID, remembered: Remembered) -> None:
        """Remember it, unless something newer is remembered already."""
        known = self._streams.get(stream)
        if known is None or known.version < remembered.version:
            self._streams[stream] = remembered
        self._streams.move_to_end(stream)
        while len(self._streams) > self._size:
            self._streams.popitem(last=False)
