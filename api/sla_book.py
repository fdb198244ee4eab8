"""sla_book: which policies and calendars were published? Learnt once a process, and asked for news by all at once."""

from __future__ import annotations

from collections.abc import Sequence

from aggregates.sla.catalogue import Catalogue
from commands.batcher import Batcher
from commands.store import EventStore
from projections.sla_catalogue import refresh_async


class SlaBook:
    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._catalogue = Catalogue()
        self._asked = Batcher(self._refresh, 10_000)

    async def fresh(self) -> Catalogue:
        """All that was published before this was asked: read first what names it. Raises Unavailable."""
        await self._asked.submit(None)
        return self._catalogue

    async def _refresh(self, waiting: Sequence[None]) -> Sequence[None]:
        async with self._store.connection() as connection:
            await refresh_async(self._catalogue, connection)
        return waiting
