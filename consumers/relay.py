"""relay: how do the store's events get into Kafka, all of them and in order?"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from typing import Any, LiteralString

import structlog
from kafka import KafkaProducer

from aggregates.envelope import Stored
from commands.database import connect
from commands.log import read_after, read_head
from consumers import metrics
from consumers.messages import Mark, event_headers, mark_headers, source_of
from consumers.partition import PARTITIONS, partition_of
from consumers.relay_check import refuse_foreign_topic
from consumers.standby import RELAY, become_active
from consumers.topics import MAX_MESSAGE_BYTES, ensure_topic

log = structlog.get_logger(__name__)

BATCH = 1_000
POLL_SECONDS = 0.1
MARK_SECONDS = 0.05
# A flush costs several round trips however little it carries.
GATHER_SECONDS = 0.02
IDLE_SECONDS = 1.0

LISTEN: LiteralString = "LISTEN events"
CURSOR: LiteralString = """
INSERT INTO consumers.relay AS r (topic, topic_id) VALUES (%(topic)s, %(topic_id)s)
    ON CONFLICT (topic) DO UPDATE SET topic_id = excluded.topic_id
RETURNING position
"""
STANDS: LiteralString = "SELECT position = %(at)s FROM consumers.relay WHERE topic = %(topic)s"
MOVE: LiteralString = """
UPDATE consumers.relay SET position = %(to)s, updated_at = clock_timestamp()
 WHERE topic = %(topic)s AND position = %(at)s
"""


class CursorMoved(Exception):
    """Another relay is at work, or somebody has sent it elsewhere: go on from where the cursor is now."""


class Relay:
    """One active, any number standing by. Publishes at least once; consumers drop what comes twice."""

    def __init__(self, url: str, bootstrap: str, topic: str) -> None:
        self._url, self._bootstrap, self._topic = url, bootstrap, topic

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop or something fails; call it again then: it goes on from its cursor.

        Raises StoreBehind or OtherLog where the topic does not belong to this state of the store.
        """
        with ExitStack() as stack:
            connection = stack.enter_context(closing(connect(self._url, name="relay")))
            metrics.RELAY_ACTIVE.set(0)
            if not become_active(connection, RELAY, stopping):
                return
            topic_id = ensure_topic(self._bootstrap, self._topic)
            refuse_foreign_topic(connection, self._bootstrap, self._topic)
            at = connection.execute(CURSOR, {"topic": self._topic, "topic_id": topic_id}).fetchone()
            cursor = at[0] if at else 0
            publisher = Publisher(connection, new_producer(self._bootstrap), self._topic, cursor)
            stack.callback(publisher.close)
            log.info("relay is active", topic=self._topic, position=cursor)
            metrics.RELAY_ACTIVE.set(1)
            stack.callback(metrics.RELAY_ACTIVE.set, 0)
            publisher.run(stopping)


class Publisher:
    """One life of the active relay. `_marked` is the cursor: it moves with the watermarks, `_sent` is ahead of it."""

    def __init__(self, connection: Any, producer: Any, topic: str, cursor: int) -> None:
        self._connection, self._producer, self._topic = connection, producer, topic
        self._source = source_of(read_head(connection).log_id)
        self._sent = self._marked = cursor
        self._marked_at = self._looked_at = 0.0

    def run(self, stopping: threading.Event) -> None:
        self._connection.execute(LISTEN)
        while not stopping.is_set():
            full = self.publish() == BATCH
            pause = self._mark_in_time()
            if not full:
                stopping.wait(GATHER_SECONDS)
                self._wait(pause)

    def close(self) -> None:
        # After a failed future the producer cannot be closed properly, and raises when one tries.
        with suppress(Exception):
            self._producer.close(timeout=0)

    def publish(self) -> int:
        """One batch; how many events it had. Returns when the brokers have all of them."""
        events = read_after(self._connection, self._sent, BATCH)
        if events:
            self._await([self._send(event) for event in events])
            self._sent = events[-1].position
            metrics.RELAYED.inc(len(events))
        return len(events)

    def mark(self) -> None:
        """Tell every partition, busy or not, how far it is complete; only then does the cursor move."""
        headers = mark_headers(Mark(self._marked, self._sent), self._source)
        self._await(
            [self._producer.send(self._topic, value=b"", headers=headers, partition=p) for p in range(PARTITIONS)]
        )
        moved = self._connection.execute(MOVE, {"topic": self._topic, "at": self._marked, "to": self._sent})
        if moved.rowcount != 1:
            raise self._moved()
        self._marked, self._marked_at = self._sent, time.monotonic()
        metrics.RELAY_POSITION.set(self._marked)
        metrics.RELAY_MOVED.set_to_current_time()

    def _mark_in_time(self) -> float:
        """Coalesced: under load a watermark each 50 ms, a lone event gets its own at once. Seconds until it is due."""
        if self._sent == self._marked:
            self._look_in_time()
            return POLL_SECONDS
        due = self._marked_at + MARK_SECONDS - time.monotonic()
        if due > 0:
            return due
        self.mark()
        return POLL_SECONDS

    def _look_in_time(self) -> None:
        """While nothing moves, nothing would tell us that the cursor was sent elsewhere."""
        if time.monotonic() - self._looked_at < IDLE_SECONDS:
            return
        self._looked_at = time.monotonic()
        if self._connection.execute(STANDS, {"topic": self._topic, "at": self._marked}).fetchone() != (True,):
            raise self._moved()

    def _moved(self) -> CursorMoved:
        return CursorMoved(f"the cursor of {self._topic} is no longer at {self._marked}")

    def _send(self, event: Stored) -> Any:
        return self._producer.send(
            self._topic,
            value=event.state,
            key=str(event.stream).encode(),
            headers=event_headers(event, self._source),
            partition=partition_of(event.stream),
        )

    def _await(self, futures: Sequence[Any]) -> None:
        """Every single one: a flush that returns says nothing about them."""
        self._producer.flush()
        for future in futures:
            future.get(timeout=0)

    def _wait(self, seconds: float) -> None:
        for _ in self._connection.notifies(timeout=seconds, stop_after=1):
            return


def new_producer(bootstrap: str) -> Any:
    """Idempotence is asked for by name: conflicting options would otherwise switch it off in silence."""
    return KafkaProducer(
        bootstrap_servers=bootstrap,
        client_id="chronodesk-relay",
        enable_idempotence=True,
        acks="all",
        max_in_flight_requests_per_connection=5,
        # We flush: until then a batch may fill up.
        linger_ms=100,
        batch_size=512 * 1024,
        max_request_size=MAX_MESSAGE_BYTES,
        delivery_timeout_ms=30_000,
        request_timeout_ms=10_000,
        max_block_ms=10_000,
        bootstrap_timeout_ms=10_000,
        reconnect_backoff_max_ms=1_000,
        allow_auto_create_topics=False,
    )
