"""kafka_feed: how do events come from Kafka, and from the store wherever Kafka cannot be relied on?"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, LiteralString

import structlog
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, TopicPartition

from aggregates.envelope import Stored
from commands.database import connect
from commands.log import Head, read_after, read_head
from consumers import metrics
from consumers.checkpoints import Claim, claim
from consumers.feed import Hint, Part
from consumers.messages import UnreadableRecord, read_record
from consumers.partition import PARTITIONS, partition_of
from consumers.relay_check import check_position, check_source
from consumers.topics import MAX_MESSAGE_BYTES, topic_id

log = structlog.get_logger(__name__)

BATCH = 2_000
STARVED_SECONDS = 10.0
METADATA_SECONDS = 10.0
JOIN_MS = 15_000
SLOT: LiteralString = "SELECT pg_try_advisory_lock(4245, hashtext(%(slot)s))"


class TopicMissing(Exception):
    """The relay or a migration will make it."""


@dataclass(slots=True)
class Held:
    """A partition of ours: delivered completely up to `position`."""

    epoch: int
    position: int


@dataclass(slots=True)
class CatchUp:
    """Partitions that are read from the store up to `head`, and then go on in Kafka from these offsets.

    The offsets were Kafka's ends before the head was read: whatever lies before them is in the store up to `head`.
    """

    offsets: dict[int, int]
    cursor: int
    head: int


@dataclass(slots=True)
class Chunk:
    """What one poll found in one partition."""

    events: list[Stored] = field(default_factory=list)
    position: int = 0
    offset: int = 0
    hole: bool = False
    """Something is missing or unreadable here: the store has it."""


class KafkaFeed:
    """One consumer group a build; Postgres keeps the offsets. After any exception: close it, open another."""

    def __init__(self, url: str, bootstrap: str, topic: str, schema: str, batch: int = BATCH) -> None:
        self._bootstrap, self._topic, self._schema, self._batch = bootstrap, topic, schema, batch
        self._patience, self._fed_at = STARVED_SECONDS, time.monotonic()
        self._lock = threading.Lock()
        self._pending: set[int] = set()
        self._held: dict[int, Held] = {}
        self._catching_up: list[CatchUp] = []
        self._connection = connect(url, name=f"feed {schema}")
        self._head: Head = read_head(self._connection)
        self._admin: Any = None
        self._consumer: Any = None
        try:
            self._admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=10_000)
            self._topic_id = self._known_topic_id()
            self._join(self._slot())
        except BaseException:
            self.close()
            raise

    def poll(self, timeout: float) -> Sequence[Part]:
        self._rejoin_if_starved()
        self._adopt()
        parts = self._from_store()
        records = self._consumer.poll(timeout_ms=0 if parts else int(timeout * 1000))
        return parts + self._from_kafka(records)

    def close(self) -> None:
        _close_consumer(self._consumer)
        with suppress(Exception):
            if self._admin is not None:
                self._admin.close()
        self._connection.close()

    # Called on Kafka's IO thread: quick, and nothing that waits.

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Without a position Kafka's client would raise; paused, it fetches nothing before we know the right one."""
        taken = list(partitions)
        if not taken:
            return
        self._consumer.pause(*taken)
        for tp in taken:
            self._consumer.seek(tp, 0)
        with self._lock:
            self._pending |= {tp.partition for tp in taken}

    def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        gone = {tp.partition for tp in partitions}
        with self._lock:
            self._pending -= gone
            self._held = {p: held for p, held in self._held.items() if p not in gone}

    # All else runs on the caller's thread.

    def _join(self, slot: str | None) -> None:
        self._consumer = new_consumer(self._bootstrap, f"{self._topic}.{self._schema}", slot, self._batch)
        _never_leave_a_join_half_done(self._consumer)
        _await_partitions(self._consumer, self._topic)
        self._consumer.subscribe([self._topic], listener=_Listener(self))

    def _rejoin_if_starved(self) -> None:
        """A member whom the group knows gets its old share again, even if that was none; a new one makes it share anew.

        With more workers than partitions one goes without, so it asks less and less often.
        """
        if self._held or self._pending:
            self._fed_at = time.monotonic()
        elif time.monotonic() - self._fed_at > self._patience:
            log.warning("no partitions: joining anew", build=self._schema, after=self._patience)
            self._patience, self._fed_at = 2 * self._patience, time.monotonic()
            _close_consumer(self._consumer)
            self._join(None)

    def _adopt(self) -> None:
        """Claim what Kafka has assigned, and find out where to go on."""
        with self._lock:
            pending, self._pending = self._pending, set()
        if not pending:
            return
        claims = {c.partition: c for c in claim(self._connection, self._schema, pending)}
        with self._lock:
            self._held |= {p: Held(c.epoch, c.position) for p, c in claims.items()}
        for run in self._catching_up:
            run.offsets = {p: offset for p, offset in run.offsets.items() if p not in claims}
        self._topic_id = self._known_topic_id()
        lost = self._resume(claims)
        if lost:
            self._catch_up(lost)

    def _resume(self, claims: Mapping[int, Claim]) -> set[int]:
        """Go on where the hint says; the partitions whose hint is of no use."""
        begins = self._offsets(self._consumer.beginning_offsets, claims)
        ends = self._offsets(self._consumer.end_offsets, claims)
        lost = set()
        for partition, claimed in claims.items():
            hint = claimed.hint
            if hint and hint.topic_id == self._topic_id and begins[partition] <= hint.offset <= ends[partition]:
                self._seek(partition, hint.offset)
            else:
                lost.add(partition)
        return lost

    def _catch_up(self, partitions: set[int]) -> None:
        ends = self._offsets(self._consumer.end_offsets, partitions)
        self._head = read_head(self._connection)
        cursor = min(self._held[p].position for p in partitions if p in self._held)
        self._catching_up.append(CatchUp(ends, cursor, self._head.position))
        metrics.CATCH_UPS.labels(self._schema).inc(len(partitions))
        log.info("reading from the store", build=self._schema, partitions=sorted(partitions), position=cursor,
                 head=self._head.position)  # fmt: skip

    def _from_store(self) -> list[Part]:
        if not self._catching_up:
            return []
        run = self._catching_up[0]
        events = read_after(self._connection, run.cursor, self._batch, run.head)
        run.cursor = events[-1].position if len(events) == self._batch else run.head
        done = run.cursor >= run.head
        if done:
            self._catching_up.pop(0)
        return self._store_parts(run, events, done)

    def _store_parts(self, run: CatchUp, events: Sequence[Stored], done: bool) -> list[Part]:
        found: dict[int, list[Stored]] = {p: [] for p in run.offsets}
        for event in events:
            if (partition := partition_of(event.stream)) in found:
                found[partition].append(event)
        parts = []
        for partition, offset in run.offsets.items():
            held = self._held.get(partition)
            if held is None:
                continue
            new = [event for event in found[partition] if event.position > held.position]
            held.position = max(held.position, run.cursor)
            hint = Hint(self._topic_id, offset) if done else None
            parts.append(Part(partition, held.epoch, new, held.position, hint))
            if done:
                self._seek(partition, offset)
        return parts

    def _from_kafka(self, polled: Mapping[TopicPartition, Sequence[Any]]) -> list[Part]:
        parts, torn, upto = [], set(), 0
        for tp, records in polled.items():
            held = self._held.get(tp.partition)
            if held is None:
                continue
            chunk = self._chunk(records, held.position)
            upto = max(upto, chunk.position, max((e.position for e in chunk.events), default=0))
            held.position = chunk.position
            hint = None if chunk.hole else Hint(self._topic_id, chunk.offset)
            parts.append(Part(tp.partition, held.epoch, chunk.events, chunk.position, hint))
            if chunk.hole:
                self._consumer.pause(tp)
                torn.add(tp.partition)
        self._require_in_store(upto)
        if torn:
            self._topic_id = self._known_topic_id()
            self._catch_up(torn)
        return parts

    def _chunk(self, records: Sequence[Any], position: int) -> Chunk:
        """Up to the first hole: a watermark that follows none of ours, or a record that cannot be read."""
        chunk = Chunk(position=position, offset=records[-1].offset + 1)
        sources = set()
        for record in records:
            try:
                found, source = read_record(record)
            except UnreadableRecord:
                chunk.hole = True
                break
            sources.add(source)
            if isinstance(found, Stored):
                chunk.events.append(found)
            elif found.after > chunk.position:
                chunk.hole = True
                break
            else:
                chunk.position = max(chunk.position, found.upto)
        check_source(self._head, self._topic, sources)
        return chunk

    def _require_in_store(self, upto: int) -> None:
        if upto > self._head.position:
            self._head = read_head(self._connection)
            check_position(self._head, self._topic, upto)

    def _seek(self, partition: int, offset: int) -> None:
        tp = TopicPartition(self._topic, partition)
        # Kafka may have taken it away meanwhile; then somebody else goes on.
        with suppress(ValueError):
            self._consumer.seek(tp, offset)
            self._consumer.resume(tp)

    def _offsets(self, ask: Any, partitions: Iterable[int]) -> dict[int, int]:
        found = ask([TopicPartition(self._topic, p) for p in partitions])
        return {tp.partition: offset for tp, offset in found.items()}

    def _known_topic_id(self) -> str:
        found = topic_id(self._admin, self._topic)
        if found is None:
            raise TopicMissing(f"there is no topic {self._topic} (yet)")
        return found

    def _slot(self) -> str:
        """A name in the group that a restarted worker gets again, so that Kafka need not wait for its death.

        The database session holds it: it is free as soon as its holder is dead.
        """
        for number in range(PARTITIONS):
            slot = f"{self._schema}-{number}"
            row = self._connection.execute(SLOT, {"slot": slot}).fetchone()
            if row and row[0]:
                return slot
        return f"{self._schema}-spare-{threading.get_native_id()}"


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, feed: KafkaFeed) -> None:
        self._feed = feed

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._feed.assigned(assigned)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._feed.revoked(revoked)


def _close_consumer(consumer: Any) -> None:
    # A client that failed may fail again on closing; its slot in the group is free all the same.
    with suppress(Exception):
        if consumer is not None:
            consumer.close(autocommit=False, timeout_ms=2_000)


def _never_leave_a_join_half_done(consumer: Any) -> None:
    """A poll that begins to join the group takes as long as that needs, whatever its timeout.

    kafka-python 3.0.12 forgets the assignment if a poll gives up while the answer to SyncGroup is on its way: the
    client then believes that it has joined, and waits for ever without a partition.
    """
    coordinator = consumer._coordinator
    join = coordinator.join_group_async
    coordinator.join_group_async = lambda timeout_ms=None: join(timeout_ms=max(timeout_ms or 0, JOIN_MS))


def _await_partitions(consumer: Any, topic: str) -> None:
    """Joining before the client has seen the partitions, it may become leader and share out nothing."""
    deadline = time.monotonic() + METADATA_SECONDS
    while len(consumer.partitions_for_topic(topic)) != PARTITIONS:
        if time.monotonic() > deadline:
            raise TopicMissing(f"the topic {topic} does not show its {PARTITIONS} partitions")
        consumer.topics()


def new_consumer(bootstrap: str, group: str, slot: str | None, batch: int) -> Any:
    """slot None: a member whom Kafka does not know."""
    return KafkaConsumer(
        bootstrap_servers=bootstrap,
        client_id=f"chronodesk-{slot or group}",
        group_id=group,
        group_instance_id=slot,
        enable_auto_commit=False,
        # An unknown position is an error, not a jump.
        auto_offset_reset="none",
        allow_auto_create_topics=False,
        max_poll_records=batch,
        # What trickles in comes gathered: an answer for each event costs broker and client more than the event.
        fetch_min_bytes=64 * 1024,
        fetch_max_wait_ms=40,
        fetch_max_bytes=2 * MAX_MESSAGE_BYTES,
        # Small, so that no partition waits until another is done; a larger message comes all the same.
        max_partition_fetch_bytes=512 * 1024,
        session_timeout_ms=8_000,
        heartbeat_interval_ms=2_000,
        metadata_max_age_ms=5_000,
        bootstrap_timeout_ms=10_000,
        request_timeout_ms=15_000,
        reconnect_backoff_max_ms=1_000,
    )
