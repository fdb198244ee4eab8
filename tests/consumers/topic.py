"""topic: how does a test look into a topic, or write into it what the relay never would?"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any
from uuid import UUID

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from aggregates.envelope import Stored
from consumers.loop import Source
from consumers.messages import Mark, event_headers, mark_headers, read_record, source_of
from consumers.partition import PARTITIONS, partition_of
from consumers.topics import ensure_topic
from tests.consumers.rig import await_true


def all_of(source: Source) -> list[list[Stored | Mark]]:
    """Each partition's events and watermarks."""
    partitions = [TopicPartition(source.topic, p) for p in range(PARTITIONS)]
    found: list[list[Stored | Mark]] = [[] for _ in partitions]
    with closing(KafkaConsumer(bootstrap_servers=source.bootstrap, auto_offset_reset="none")) as consumer:
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        for tp, offset in consumer.beginning_offsets(partitions).items():
            consumer.seek(tp, offset)
        while any(consumer.position(tp) < ends[tp] for tp in partitions):
            for tp, records in consumer.poll(timeout_ms=500).items():
                found[tp.partition] += [read_record(record)[0] for record in records]
    return found


def first_copies(found: Sequence[Sequence[Stored | Mark]]) -> dict[UUID, list[int]]:
    """The versions of each stream in the order in which they first came."""
    versions: dict[UUID, list[int]] = {}
    for partition in found:
        for event in partition:
            if isinstance(event, Stored) and event.version not in versions.setdefault(event.stream, []):
                versions[event.stream].append(event.version)
    return versions


class Forger:
    """Writes records of our own making."""

    def __init__(self, source: Source, log_id: UUID) -> None:
        self._topic, self._source = source.topic, source_of(log_id)
        self._producer: Any = KafkaProducer(bootstrap_servers=source.bootstrap)

    def event(self, event: Stored) -> None:
        key = str(event.stream).encode()
        self._send(partition_of(event.stream), event.state, event_headers(event, self._source), key)

    def marks(self, after: int, upto: int) -> None:
        for partition in range(PARTITIONS):
            self._send(partition, b"", mark_headers(Mark(after, upto), self._source))

    def garbage(self, partition: int) -> None:
        self._send(partition, b"garbage", [("hello", b"world")])

    def close(self) -> None:
        self._producer.close()

    def _send(self, partition: int, value: bytes, headers: Any, key: bytes | None = None) -> None:
        sent = self._producer.send(self._topic, value=value, key=key, headers=headers, partition=partition)
        sent.get(timeout=10)


def forget_before_now(source: Source) -> None:
    """What retention does: everything that is in the topic now goes."""
    partitions = [TopicPartition(source.topic, p) for p in range(PARTITIONS)]
    with closing(KafkaConsumer(bootstrap_servers=source.bootstrap)) as consumer:
        ends = consumer.end_offsets(partitions)
    with closing(KafkaAdminClient(bootstrap_servers=source.bootstrap)) as admin:
        admin.delete_records(ends)


def lose(source: Source) -> str:
    """Delete the topic and make another one of the same name."""
    with closing(KafkaAdminClient(bootstrap_servers=source.bootstrap)) as admin:
        admin.delete_topics([source.topic])
    made: list[str] = []

    def remade() -> bool:
        with suppress(KafkaError):
            made.append(ensure_topic(str(source.bootstrap), source.topic))
        return bool(made)

    await_true(remade, "the topic cannot be made again")
    return made[0]
