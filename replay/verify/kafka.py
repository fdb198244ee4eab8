"""kafka: is every event that the topic should still hold there, whole, first copies in the log's order?

The relay publishes in order of position, so in each partition first copies come in that order, and each key's in order
of version; repeats come after what they repeat. Both sides are read side by side: memory is bounded.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, LiteralString

from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError
from psycopg import Connection

from aggregates.envelope import Stored
from commands.log import END_OF_TIME, read_after
from consumers.messages import Mark, UnreadableRecord, read_record
from consumers.partition import PARTITIONS, partition_of
from consumers.topics import reader
from replay.verify.check import Check, Tell

BATCH = 2_000
POLLED = 1_000
PATIENCE_SECONDS = 30.0
RELAYED: LiteralString = "SELECT position FROM consumers.relay WHERE topic = %(topic)s"


@dataclass(slots=True)
class Lane:
    """One partition as it was when this began. begins: all of it beyond this position should be there.

    consumer   of this partition alone: one for all would have to be told to pause eleven, and then forgets what it had
               fetched of them
    reached    the last first copy
    """

    partition: Any
    consumer: Any
    begin: int
    end: int
    waiting: deque[Stored | Mark | UnreadableRecord] = field(default_factory=deque)
    begins: int = END_OF_TIME
    reached: int = 0


def check_kafka(connection: Connection[Any], bootstrap: str, topic: str, tell: Tell) -> Check:
    """All that the relay says it has published, as far as the topic reaches back."""
    row = connection.execute(RELAYED, {"topic": topic}).fetchone()
    upto, of = row[0] if row else 0, f"events in {topic}, first copies in order"
    with closing(Topic(bootstrap, topic)) as published:
        for event in _log(connection, published.begins, upto):
            fault = published.fault(event)
            if fault:
                return Check("kafka", published.count, of, fault)
            if event.position % BATCH == 0:
                tell("reading Kafka", event.position, upto)
        return Check("kafka", published.count, of)


def _log(connection: Connection[Any], after: int, upto: int) -> Iterator[Stored]:
    while events := read_after(connection, after, BATCH, upto):
        yield from events
        after = events[-1].position


class Topic:
    """The topic's partitions, each read only as far as it is asked for."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.count = 0
        self._lanes: list[Lane] = []
        try:
            for partition in range(PARTITIONS):
                self._lanes.append(_lane(bootstrap, TopicPartition(topic, partition)))
            for lane in self._lanes:
                lane.begins = lane.reached = self._beginning(lane)
        except BaseException:
            self.close()
            raise

    @property
    def begins(self) -> int:
        """Nothing up to here should be in any partition."""
        return min(lane.begins for lane in self._lanes)

    def close(self) -> None:
        for lane in self._lanes:
            lane.consumer.close(autocommit=False)

    def fault(self, event: Stored) -> str | None:
        """What is wrong with this event's first copy. To be asked of each, in the log's order."""
        lane = self._lanes[partition_of(event.stream)]
        if event.position <= lane.begins:
            return None
        found, where = self._first_copy(lane), f"in partition {lane.partition.partition}"
        if isinstance(found, UnreadableRecord):
            return f"a record {where} cannot be read: {found}"
        if found is None or found.position != event.position:
            instead = "nothing more" if found is None else f"position {found.position}"
            return f"position {event.position} is missing {where}: behind position {lane.reached} comes {instead}"
        if found != event:
            return f"position {event.position} is another event {where} than in the log"
        lane.reached, self.count = event.position, self.count + 1
        return None

    def _first_copy(self, lane: Lane) -> Stored | UnreadableRecord | None:
        """None: there is no other one."""
        while lane.waiting or _more(lane):
            found = lane.waiting.popleft()
            if isinstance(found, UnreadableRecord):
                return found
            if isinstance(found, Stored) and found.position > lane.reached:
                return found
        return None

    def _beginning(self, lane: Lane) -> int:
        """Where nothing has expired yet, the first watermark says what was the last position before the topic."""
        whole = lane.begin == 0
        while not any(isinstance(found, Mark) or not whole for found in lane.waiting):
            if not _more(lane):
                return 0 if whole and lane.waiting else END_OF_TIME
        if whole:
            return next(found.after for found in lane.waiting if isinstance(found, Mark))
        first = lane.waiting[0]
        return first.upto if isinstance(first, Mark) else first.position - 1 if isinstance(first, Stored) else 0


def _lane(bootstrap: str, partition: Any) -> Lane:
    consumer = reader(bootstrap, max_poll_records=POLLED)
    consumer.assign([partition])
    begin, end = consumer.beginning_offsets([partition])[partition], consumer.end_offsets([partition])[partition]
    consumer.seek(partition, begin)
    return Lane(partition, consumer, begin, end)


def _more(lane: Lane) -> bool:
    """More of this partition waits now. False: it is at its end."""
    deadline, before = time.monotonic() + PATIENCE_SECONDS, len(lane.waiting)
    while len(lane.waiting) == before and lane.consumer.position(lane.partition) < lane.end:
        if time.monotonic() > deadline:
            raise KafkaTimeoutError(f"{lane.partition.topic} cannot be read")
        for records in lane.consumer.poll(timeout_ms=1_000).values():
            lane.waiting.extend(map(_read, records))
    return len(lane.waiting) > before


def _read(record: Any) -> Stored | Mark | UnreadableRecord:
    try:
        return read_record(record)[0]
    except UnreadableRecord as unreadable:
        return unreadable
