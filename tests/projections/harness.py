"""harness: how does a test put events through a projection, on a real Postgres?"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, Connection, sql

from aggregates.envelope import Recorded
from projections.figures import Figures
from projections.projection import Projection, indexes, read_views, tables
from projections.registry import PROJECTIONS
from projections.sla import Sla
from tests.databases import Database
from tests.projections.histories import BOOK

T = TypeVar("T")
Query = Callable[[AsyncConnection[Any]], Awaitable[T]]
schemas = itertools.count(1)
Batch = Sequence[Recorded]


@dataclass(frozen=True)
class Build:
    """One build of a read model: its tables in a schema of their own, and the events that it has seen."""

    projection: Projection[Any]
    connection: Connection[Any]
    schema: str
    log: list[Recorded] = field(default_factory=list)

    def apply(self, events: Batch) -> None:
        """One batch, the runner's way: load, fold, refold what a late fact changed, save."""
        streams = list(dict.fromkeys(event.stream for event in events))
        rows: dict[UUID, Any] = dict(self.projection.load(self.connection, streams))
        late = set()
        for event in events:
            row = None if event.stream in late else self.projection.fold(rows.get(event.stream), event)
            late |= {event.stream} if row is None else set()
            rows[event.stream] = row
        rows |= {stream: self.projection.refold(self.history(stream, events)) for stream in late}
        self.projection.erase(self.connection, sorted(late))
        self.projection.save(self.connection, list(rows.values()))
        self.log.extend(events)

    def copy(self, log: Batch) -> dict[UUID, Any]:
        """All at once, a rebuild's way: whole histories, and what sums over them at the end."""
        self.log.extend(log)
        rows = {stream: self.projection.refold(self.history(stream)) for stream in {event.stream for event in log}}
        for row in rows.values():
            self.projection.copy(self.connection, [row])
        self.projection.total(self.connection)
        return rows

    def history(self, stream: UUID, more: Batch = ()) -> list[Recorded]:
        return [event for event in (*self.log, *more) if event.stream == stream]

    def enter(self) -> None:
        self.connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(self.schema)))

    def emptied(self) -> None:
        """Erase all that it was told, and see that nothing stays."""
        self.enter()
        self.projection.erase(self.connection, sorted({event.stream for event in self.log}))
        self.log.clear()
        assert not any(self.contents().values())

    def go_live(self) -> None:
        self.connection.execute(read_views(self.projection.name).encode())

    def contents(self) -> dict[str, list[str]]:
        """Every row of every table as text: what a checksum covers."""
        names = self.connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", [self.schema]
        ).fetchall()
        query = sql.SQL("SELECT t::text FROM {} t")
        return {
            name: sorted(text for (text,) in self.connection.execute(query.format(sql.Identifier(self.schema, name))))
            for (name,) in names
        }


@contextmanager
def connected(database: Database) -> Iterator[Connection[Any]]:
    # What is granted on a database is not copied from its template.
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        grant = sql.SQL("GRANT CREATE ON DATABASE {} TO chronodesk_app")
        owner.execute(grant.format(sql.Identifier(database.name)))
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        yield connection


async def _asked(url: str, query: Query[T]) -> T:
    async with await AsyncConnection.connect(url) as connection:
        return await query(connection)


def asked(url: str, query: Query[T]) -> T:
    """What one query answers on a connection of its own, the API's way."""
    return asyncio.run(_asked(url, query))


def projection_of(name: str) -> Projection[Any]:
    """The policies that made-up tickets name stand in no store."""
    if name == Figures.name:
        return Figures(BOOK)
    return Sla(BOOK) if name == Sla.name else PROJECTIONS[name]


def build(connection: Connection[Any], name: str) -> Build:
    """An empty build, entered: its tables are the ones that unqualified names mean."""
    new = Build(projection_of(name), connection, f"{name}_v1_b{next(schemas)}")
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(new.schema)))
    new.enter()
    connection.execute((tables(name) + indexes(name)).encode())
    return new
