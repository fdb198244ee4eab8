"""offers: which tickets is this process giving away, and which are gone although the view may not know it yet?"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Gone:
    """A ticket that `agent` was given, or that somebody took elsewhere (None), by the event at `position`."""

    position: int
    agent: UUID | None


@dataclass(slots=True)
class Offers:
    """One process's; others' show when a claim fails.

    What is gone is remembered until the view has passed the event that took it: a ticket that is
    given back after that is free again at once. What no longer fits costs a claim that fails, no more.
    """

    _offered: dict[UUID, asyncio.Event] = field(default_factory=dict)
    _gone: OrderedDict[UUID, Gone] = field(default_factory=OrderedDict)

    def offered(self, ticket: UUID) -> asyncio.Event | None:
        """Set as soon as it is known what became of the offer; None if nobody is offered this ticket now."""
        return self._offered.get(ticket)

    @contextmanager
    def offering(self, ticket: UUID) -> Iterator[None]:
        settled = self._offered[ticket] = asyncio.Event()
        try:
            yield
        finally:
            del self._offered[ticket]
            settled.set()

    def took(self, ticket: UUID, position: int, agent: UUID | None) -> None:
        self._gone[ticket] = Gone(position, agent)
        self._gone.move_to_end(ticket)
        while len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)

    def is_gone(self, ticket: UUID, seen: int) -> bool:
        """Whether it was taken after what a view at position `seen` shows."""
        gone = self._gone.get(ticket)
        return gone is not None and gone.position > seen

    def gone(self, seen: int) -> dict[UUID, Gone]:
        """What a view that has reached position `seen` may still show as free."""
        while self._gone and next(iter(self._gone.values())).position <= seen:
            self._gone.popitem(last=False)
        return {ticket: gone for ticket, gone in self._gone.items() if gone.position > seen}
