"""tail: how does a build get level with the log while a run holds it?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from psycopg import Connection

from aggregates.envelope import Stored
from commands.log import read_after
from consumers.builds import Build
from consumers.checkpoints import claim, hold
from consumers.feed import Part
from consumers.partition import PARTITIONS
from consumers.runner import apply
from consumers.store_feed import split
from projections.projection import Projection

BATCH = 2_000
FEEDERS: LiteralString = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'chronodesk feed ' || %(schema)s
"""


class Tail:
    """Takes a build over and feeds it straight from the store, on one connection and, if need be, in its transaction.

    Fenced as soon as somebody else has claimed the build.
    """

    def __init__(self, connection: Connection[Any], build: Build, projection: Projection[Any]) -> None:
        self._connection, self._build, self._projection = connection, build, projection
        self._claims = {held.partition: held for held in claim(connection, build.schema, range(PARTITIONS))}
        self.position = min(held.position for held in self._claims.values())

    def advance(self, upto: int) -> None:
        """Until everything up to this position is in the build."""
        while self.position < upto:
            events = read_after(self._connection, self.position, BATCH, upto)
            self.position = events[-1].position if len(events) == BATCH else upto
            apply(self._connection, self._build, self._projection, self._parts(events))

    def keep(self) -> None:
        """Only see that it is still ours."""
        with self._connection.transaction():
            hold(self._connection, self._build.schema, self._parts(()))

    def _parts(self, events: Sequence[Stored]) -> list[Part]:
        found = split(events, self._claims)
        return [
            Part(held.partition, held.epoch, found[held.partition], max(self.position, held.position))
            for held in self._claims.values()
        ]


def feeders(connection: Connection[Any], build: Build) -> int:
    """How many workers have a feed of this build open."""
    row = connection.execute(FEEDERS, {"schema": build.schema}).fetchone()
    return row[0] if row else 0
