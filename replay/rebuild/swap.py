"""swap: how does a new build take the live one's place, and only if the two are equal?"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.errors import LockNotAvailable
from psycopg.rows import class_row

from commands.log import read_head
from consumers.builds import ALONE, Build, Ddl, live_build, swap
from consumers.faults import Fenced
from projections.projection import Projection
from replay.rebuild.compare import NONE, SHOWN, Differences, Pair
from replay.rebuild.tail import Tail, feeders

NEAR = 10_000
"""Events that are applied to the live build while its worker waits, so that both stand at one position."""
PATIENCE_SECONDS = 600.0
PAUSE_SECONDS = 0.3
HAND_OVER_SECONDS = 15.0
# Whatever stands before the live build's offset in Kafka was in the store when its checkpoint was locked, and so it is
# in the new build, which reads the store up to its head after that.
HINTS: LiteralString = """
UPDATE consumers.checkpoints n SET topic_id = l.topic_id, kafka_offset = l.kafka_offset
  FROM consumers.checkpoints l
 WHERE n.schema = %(fresh)s AND l.schema = %(live)s AND l.partition = n.partition
"""
STUCK: LiteralString = """
SELECT stream, version, type, error FROM consumers.parked
 WHERE schema = %(schema)s AND error IS NOT NULL ORDER BY position, version LIMIT %(shown)s
"""
PARKED: LiteralString = "SELECT count(DISTINCT stream) FROM consumers.parked WHERE schema = %(schema)s"


class LiveChanged(Exception):
    """What was live when the run began is no longer."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """The first event of a stream that a build could not apply."""

    stream: UUID
    version: int
    type: str
    error: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What speaks against the new build.

    differences   between the live build and it
    exact         all rows were compared, both builds at one position; else some streams moved on meanwhile, and what
                  sums over streams was left out
    behind        how many events the live build was behind then
    parked        streams that it could not apply; stuck: the first of them
    """

    differences: Differences = NONE
    exact: bool = True
    behind: int = 0
    parked: int = 0
    stuck: tuple[Stuck, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """The new build for the live one; live None: there is none yet. accept: also if something speaks against it."""

    live: Build | None
    fresh: Build
    projection: Projection[Any]
    ddl: Ddl
    accept: bool = False

    @property
    def same_version(self) -> bool:
        return self.live is not None and self.live.version == self.fresh.version

    def refused(self, findings: Findings) -> bool:
        """Another version is meant to differ."""
        differ = self.same_version and findings.differences.count > 0
        return not self.accept and (differ or findings.parked > 0)


class NotSwapped(Exception):
    """The live view is as it was."""

    def __init__(self, findings: Findings) -> None:
        super().__init__("the new build is not put live")
        self.findings = findings


def compare_apart(pair: Pair) -> tuple[Differences, int]:
    """All that has been at rest for a while, with nobody waiting for us; and since when the rest is to be compared."""
    since = pair.settled()
    return pair.differences(since, moved=False), since


def compare_level(pair: Pair, projection: Projection[Any], since: int) -> Findings:
    """The rest, both builds at the log's head. The live build's worker waits for the end of the transaction.

    It is to retire the live build, or to be undone: what is applied to that build here is its worker's business.
    """
    connection = pair.connection
    live = Tail(connection, pair.live, projection)
    head = read_head(connection).position
    Tail(connection, pair.fresh, projection).advance(head)
    behind = head - live.position
    if pair.live.version != projection.version or behind > NEAR:
        return Findings(exact=False, behind=behind)
    live.advance(head)
    return Findings(pair.differences(since, moved=True), behind=behind)


def put_live(connection: Connection[Any], change: Change, apart: tuple[Differences, int]) -> tuple[Build, Findings]:
    """Compare the rest and swap, in one transaction, again and again while readers hold the old views.

    Whoever works on the live build waits meanwhile, and then finds that it is retired. NotSwapped, LiveChanged.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with connection.transaction():
                return _put_live(connection, change, apart)
        except LockNotAvailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


def _put_live(connection: Connection[Any], change: Change, apart: tuple[Differences, int]) -> tuple[Build, Findings]:
    fresh, live = change.fresh, change.live
    connection.execute(ALONE, {"view": fresh.view})
    if live_build(connection, fresh.view) != live:
        raise LiveChanged(f"another build of {fresh.view} has gone live meanwhile: run it again")
    findings = Findings()
    if live is not None:
        level = compare_level(Pair(connection, live, fresh), change.projection, apart[1])
        findings = replace(level, differences=apart[0] + level.differences)
        connection.execute(HINTS, {"live": live.schema, "fresh": fresh.schema})
    findings = with_parked(connection, fresh, findings)
    if change.refused(findings):
        raise NotSwapped(findings)
    return swap(connection, fresh, change.ddl), findings


def with_parked(connection: Connection[Any], fresh: Build, findings: Findings) -> Findings:
    """The findings, and which streams the new build could not apply."""
    with connection.cursor(row_factory=class_row(Stuck)) as cursor:
        stuck = tuple(cursor.execute(STUCK, {"schema": fresh.schema, "shown": SHOWN}).fetchall())
    row = connection.execute(PARKED, {"schema": fresh.schema}).fetchone()
    return replace(findings, parked=row[0] if row else 0, stuck=stuck)


def hand_over(connection: Connection[Any], old: Build, new: Build, projection: Projection[Any]) -> None:
    """Feed the new build until a worker of the old one has taken it over, so that readers never wait for that."""
    deadline = time.monotonic() + HAND_OVER_SECONDS
    tail = Tail(connection, new, projection)
    with suppress(Fenced):
        while time.monotonic() < deadline and feeders(connection, old) + feeders(connection, new):
            tail.advance(read_head(connection).position)
            tail.keep()
            time.sleep(PAUSE_SECONDS / 5)
    while time.monotonic() < deadline and feeders(connection, old):
        time.sleep(PAUSE_SECONDS)
