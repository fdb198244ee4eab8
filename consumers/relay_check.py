"""relay_check: does what the topic holds belong to this store, as it is now?"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

import structlog
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError
from psycopg import Connection

from aggregates.envelope import Stored
from commands.log import Head, read_after, read_head
from consumers.faults import OtherLog, StoreBehind
from consumers.messages import Mark, UnreadableRecord, read_record, source_of
from consumers.partition import PARTITIONS
from consumers.topics import reader

log = structlog.get_logger(__name__)

TAIL = 100
"""After a crash the last records of a partition may be repeats of earlier ones, so one is not enough."""
PATIENCE_SECONDS = 30.0
MEND = (
    "Restore a newer backup of the store; or give up what the topic {topic} holds: "
    "`chronodesk relay reset --to 0 --discard-topic` (the relay fills a new one, the views go on from the store)."
)


def refuse_foreign_topic(connection: Connection[Any], bootstrap: str, topic: str) -> None:
    """OtherLog or StoreBehind, with what to do, if the topic's last records are not in this store."""
    last: dict[int, Stored] = {}
    upto, sources = 0, set()
    for partition, found, source in _tails(bootstrap, topic):
        sources.add(source)
        upto = max(upto, found.upto if isinstance(found, Mark) else found.position)
        if isinstance(found, Stored) and found.position >= last.get(partition, found).position:
            last[partition] = found
    head = read_head(connection)
    check_source(head, topic, sources)
    check_position(head, topic, upto)
    _check_content(connection, topic, last.values())


def check_source(head: Head, topic: str, sources: Iterable[bytes]) -> None:
    ours = source_of(head.log_id)
    others = [source.decode(errors="replace") for source in sources if source != ours]
    if others:
        raise OtherLog(f"the topic {topic} carries {others[0]}, this store is {ours.decode()}. {_mend(topic)}")


def check_position(head: Head, topic: str, upto: int) -> None:
    if upto > head.position:
        raise StoreBehind(
            f"the topic {topic} reaches to position {upto}, this store only to {head.position}: "
            f"it was restored from an older backup. {_mend(topic)}"
        )


def _check_content(connection: Connection[Any], topic: str, events: Iterable[Stored]) -> None:
    """A store that was restored and then went on has given the same positions to other events."""
    for event in events:
        found = read_after(connection, event.position - 1, 1)
        if not found or (found[0].stream, found[0].version, found[0].recorded_at) != (
            event.stream, event.version, event.recorded_at,
        ):  # fmt: skip
            raise StoreBehind(
                f"position {event.position} is another event in the topic {topic} than in this store: "
                f"it was restored from an older backup and has gone on since. {_mend(topic)}"
            )


def _tails(bootstrap: str, topic: str) -> Iterator[tuple[int, Stored | Mark, bytes]]:
    with closing(reader(bootstrap)) as consumer:
        partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        begins = consumer.beginning_offsets(partitions)
        left = {tp for tp in partitions if ends[tp] > begins[tp]}
        for tp in partitions:
            consumer.seek(tp, max(begins[tp], ends[tp] - TAIL))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while left:
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"the last records of {topic} cannot be read")
            for tp, records in consumer.poll(timeout_ms=1_000).items():
                yield from _readable(tp.partition, records)
            left = {tp for tp in left if consumer.position(tp) < ends[tp]}


def _readable(partition: int, records: Iterable[Any]) -> Iterator[tuple[int, Stored | Mark, bytes]]:
    for record in records:
        try:
            yield partition, *read_record(record)
        except UnreadableRecord as unreadable:
            log.warning("passed over what is no record of ours", partition=partition, error=str(unreadable))


def _mend(topic: str) -> str:
    return MEND.format(topic=topic)
