"""store_feed: how do events come straight from the store, without Kafka?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from aggregates.envelope import Stored
from commands.database import connect
from commands.log import read_after
from consumers.checkpoints import Claim, claim
from consumers.feed import Part
from consumers.partition import PARTITIONS, partition_of

BATCH = 2_000
POLL_SECONDS = 0.1
LISTEN: LiteralString = "LISTEN events"
ALONE: LiteralString = "SELECT pg_try_advisory_lock(4243, hashtext(%(schema)s))"


class StoreFeed:
    """One read of the log a poll, split by partition here. One worker a build: others stand by.

    Positions are gapless and become visible in their order, so the last one read is every partition's watermark.
    """

    def __init__(self, url: str, schema: str, batch: int = BATCH) -> None:
        self._schema, self._batch = schema, batch
        self._claims: dict[int, Claim] = {}
        self._cursor = 0
        self._connection = connect(url, name=f"feed {schema}")
        self._connection.execute(LISTEN)

    def poll(self, timeout: float) -> Sequence[Part]:
        if not self._claims and not self._claim():
            self._wait(timeout)
            return ()
        events = read_after(self._connection, self._cursor, self._batch)
        if not events:
            self._wait(timeout)
            return ()
        return self._parts(events)

    def close(self) -> None:
        self._connection.close()

    def _claim(self) -> bool:
        row = self._connection.execute(ALONE, {"schema": self._schema}).fetchone()
        if row is None or not row[0]:
            return False
        claims = claim(self._connection, self._schema, range(PARTITIONS))
        self._claims = {claim.partition: claim for claim in claims}
        self._cursor = min(claim.position for claim in claims)
        return True

    def _wait(self, timeout: float) -> None:
        """A notification may be missed: so never for long."""
        for _ in self._connection.notifies(timeout=min(timeout, POLL_SECONDS), stop_after=1):
            return

    def _parts(self, events: Sequence[Stored]) -> Sequence[Part]:
        found = split(events, self._claims)
        self._cursor = events[-1].position
        return [
            Part(claim.partition, claim.epoch, found[claim.partition], max(self._cursor, claim.position))
            for claim in self._claims.values()
        ]


def split(events: Sequence[Stored], claims: dict[int, Claim]) -> dict[int, list[Stored]]:
    """The events of each claimed partition beyond its checkpoint."""
    found: dict[int, list[Stored]] = {partition: [] for partition in claims}
    for event in events:
        held = claims.get(partition_of(event.stream))
        if held is not None and event.position > held.position:
            found[held.partition].append(event)
    return found
