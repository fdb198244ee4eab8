"""fill: how does a run fill a build of its own from the log, and leave nothing behind if it ends early?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import Connection, sql

from commands.database import connect
from commands.log import read_head
from consumers.builds import ALONE, Build, Ddl, Maker, create_build, enter, packaged_ddl
from consumers.leftovers import drop_abandoned, drop_build, drop_retired
from projections.projection import Projection
from replay.rebuild.crew import Crew
from replay.rebuild.plan import STREAMS, spans
from replay.rebuild.tail import Tail
from replay.rebuild.worker import Share

LOCK_SECONDS = 3.0
LEVEL = 1_000
"""Events behind the head that may be left to whoever compares or swaps."""
# One run a view. Held by the session: whoever dies lets go of it.
MINE: LiteralString = "SELECT pg_try_advisory_lock(4246, hashtext(%(view)s))"
FILLED: LiteralString = "UPDATE consumers.checkpoints SET position = %(position)s WHERE schema = %(schema)s"
TABLES: LiteralString = "SELECT tablename FROM pg_tables WHERE schemaname = %(schema)s"
ANALYZE: LiteralString = "ANALYZE {}"
# The server notices within a second that we were killed, whatever it is doing for us. Indexes are sorted in memory.
SESSION = {"statement_timeout": "0", "client_connection_check_interval": "1s", "maintenance_work_mem": "256MB"}

Tell = Callable[[str, int, int], None]
"""What is being done, and how many events of how many are done."""


class Busy(Exception):
    """Somebody else is rebuilding or verifying this view."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which view is to be built, and how: each process makes its own projection; `streams` are a worker's share."""

    url: str
    make: Callable[[], Projection[Any]]
    ddl: Ddl
    streams: int = STREAMS
    projection: Projection[Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "projection", self.make())

    @property
    def view(self) -> str:
        return self.projection.name


@dataclass(frozen=True, slots=True)
class Filled:
    """What was done up to the position at which the run began, and in which time, indexes included."""

    build: Build
    position: int
    events: int
    streams: int
    seconds: float


def wanted(url: str, projection: Projection[Any], streams: int = STREAMS) -> Wanted:
    return Wanted(url, type(projection), packaged_ddl(projection), streams)


@contextmanager
def session(wish: Wanted) -> Iterator[Connection[Any]]:
    """Alone with this view, and without what others left of it. Busy if somebody else is at it."""
    with closing(connect(wish.url, name=f"rebuild {wish.view}", **SESSION)) as connection:
        _lock(connection, wish.view)
        drop_abandoned(connection, wish.view)
        drop_retired(connection, wish.view)
        yield connection


@contextmanager
def building(connection: Connection[Any], wish: Wanted, maker: Maker) -> Iterator[Build]:
    """A new build of this run's own. Unless it goes live in the block, it is gone at its end."""
    with connection.transaction():
        connection.execute(ALONE, {"view": wish.view})
        build = create_build(connection, wish.projection, wish.ddl, maker)
    try:
        yield build
    finally:
        # Ctrl-C may have left the other connection in the middle of something. A live build is not dropped.
        with closing(connect(wish.url, name=f"rebuild {wish.view}")) as other:
            drop_build(other, build.schema)


def fill(connection: Connection[Any], wish: Wanted, build: Build, crew: Crew, tell: Tell) -> Filled:
    """Everything up to the log's head as it is now by COPY; then what came meanwhile, up to nearly its end."""
    began = time.monotonic()
    position, planned = read_head(connection).position, spans(connection, wish.streams)
    total = sum(span.events for span in planned)
    shares = (Share(wish.url, build, wish.make, span, position) for span in planned)
    done = crew.work(shares, lambda count: tell("reading", count, total))
    tell("making indexes", total, total)
    _finish(connection, wish, build, position)
    seconds = time.monotonic() - began
    catch_up(connection, build, wish.projection, tell)
    events, streams = sum(one.events for one in done), sum(one.streams for one in done)
    return Filled(build, position, events, streams, seconds)


def catch_up(connection: Connection[Any], build: Build, projection: Projection[Any], tell: Tell) -> None:
    """Until nearly level with a log that may still grow."""
    tail = Tail(connection, build, projection)
    while True:
        head = read_head(connection).position
        tell("catching up", tail.position, head)
        if head - tail.position <= LEVEL:
            return
        tail.advance(min(head, tail.position + 10 * LEVEL))


def _finish(connection: Connection[Any], wish: Wanted, build: Build, position: int) -> None:
    with connection.transaction():
        enter(connection, build.schema)
        wish.projection.total(connection)
        connection.execute(wish.ddl.indexes.encode())
        for (table,) in connection.execute(TABLES, {"schema": build.schema}).fetchall():
            connection.execute(sql.SQL(ANALYZE).format(sql.Identifier(table)))
        connection.execute(FILLED, {"schema": build.schema, "position": position})


def _lock(connection: Connection[Any], view: str) -> None:
    """The server may need a moment to see that the last one was killed."""
    deadline = time.monotonic() + LOCK_SECONDS
    while connection.execute(MINE, {"view": view}).fetchone() != (True,):
        if time.monotonic() > deadline:
            raise Busy(f"somebody else is rebuilding or verifying {view}: wait for its end")
        time.sleep(0.1)
