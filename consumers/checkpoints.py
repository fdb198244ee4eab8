"""checkpoints: how far has each partition of a build come, and who may move it?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import class_row

from consumers.faults import Fenced
from consumers.feed import Hint, Part

# Locked in one order everywhere, or two workers could wait for each other.
CLAIM: LiteralString = """
WITH mine AS (SELECT partition FROM consumers.checkpoints
               WHERE schema = %(schema)s AND partition = ANY (%(partitions)s) ORDER BY partition FOR UPDATE)
UPDATE consumers.checkpoints c SET epoch = epoch + 1 FROM mine
 WHERE c.schema = %(schema)s AND c.partition = mine.partition
RETURNING c.partition, c.epoch, c.position, c.topic_id, c.kafka_offset
"""
HOLD: LiteralString = """
SELECT partition, epoch FROM consumers.checkpoints
 WHERE schema = %(schema)s AND partition = ANY (%(partitions)s) ORDER BY partition FOR UPDATE
"""
MOVE: LiteralString = """
UPDATE consumers.checkpoints c
   SET position = greatest(c.position, n.position), topic_id = coalesce(n.topic_id, c.topic_id),
       kafka_offset = coalesce(n.kafka_offset, c.kafka_offset),
       updated_at = CASE WHEN n.position > c.position THEN clock_timestamp() ELSE c.updated_at END
  FROM unnest(%(partitions)s::int[], %(positions)s::bigint[], %(topic_ids)s::text[], %(offsets)s::bigint[])
       AS n (partition, position, topic_id, kafka_offset)
 WHERE c.schema = %(schema)s AND c.partition = n.partition
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A partition that is ours until somebody claims it with a higher epoch."""

    partition: int
    epoch: int
    position: int
    topic_id: str | None
    kafka_offset: int | None

    @property
    def hint(self) -> Hint | None:
        if self.topic_id is None or self.kafka_offset is None:
            return None
        return Hint(self.topic_id, self.kafka_offset)


def claim(connection: Connection[Any], schema: str, partitions: Iterable[int]) -> list[Claim]:
    """Take the partitions over: whoever held them can no longer commit. Fenced if the build is gone."""
    asked = {"schema": schema, "partitions": list(partitions)}
    with connection.cursor(row_factory=class_row(Claim)) as cursor:
        claims = cursor.execute(CLAIM, asked).fetchall()
    if len(claims) < len(asked["partitions"]):
        raise Fenced(f"{schema}: this build was dropped")
    return claims


def hold(connection: Connection[Any], schema: str, parts: Sequence[Part]) -> None:
    """Lock the partitions' checkpoints until the transaction ends. Fenced if one is no longer ours."""
    asked = {"schema": schema, "partitions": [part.partition for part in parts]}
    epochs = dict(connection.execute(HOLD, asked, prepare=True).fetchall())
    lost = [part.partition for part in parts if epochs.get(part.partition) != part.epoch]
    if lost:
        raise Fenced(f"{schema}: another worker has partitions {lost}")


def move(connection: Connection[Any], schema: str, parts: Sequence[Part]) -> None:
    """Positions only ever rise; a hint is the newest one."""
    moved = {
        "schema": schema,
        "partitions": [part.partition for part in parts],
        "positions": [part.position for part in parts],
        "topic_ids": [part.hint.topic_id if part.hint else None for part in parts],
        "offsets": [part.hint.offset if part.hint else None for part in parts],
    }
    connection.execute(MOVE, moved, prepare=True)
