"""remembered: how does a view that needs whole histories take in one event more without reading the others again?"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Generic, TypeVar
from uuid import UUID

from psycopg import Connection

from aggregates.sla.catalogue import Catalogue
from aggregates.sla.clock import Book, Grounds
from projections.sla_catalogue import refresh

MOST = 5_000
T = TypeVar("T")


class Remembered(Generic[T]):
    """Tickets as they were folded last, and the policies and calendars on which folds stand.

    Whatever is remembered of another history than the caller's own is thrown away: it then folds anew.
    """

    def __init__(self, book: Book | None) -> None:
        self._given = book
        self._connection: Connection[Any] | None = None
        self._tickets: OrderedDict[UUID, tuple[object, T]] = OrderedDict()
        self._begin_anew()

    def learn(self, connection: Connection[Any]) -> None:
        """What was published since. Another connection may lead to another log, of which nothing was learnt yet."""
        if connection is not self._connection:
            self._connection = connection
            self._begin_anew()
        refresh(self._catalogue, connection)

    def take(self, stream: UUID, mark: object) -> T | None:
        """The ticket, if it was kept under this mark. It is forgotten until it is kept again: a fold may fail."""
        known, ticket = self._tickets.pop(stream, (None, None))
        return ticket if known == mark else None

    def keep(self, stream: UUID, mark: object, ticket: T) -> None:
        self._tickets[stream] = mark, ticket
        while len(self._tickets) > MOST:
            self._tickets.popitem(last=False)

    def forget(self) -> None:
        self._tickets.clear()

    def _begin_anew(self) -> None:
        self._catalogue = Catalogue()
        self.grounds = Grounds(self._given or self._catalogue)
        self.forget()
