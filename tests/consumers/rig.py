"""rig: a desk for one test: its store, perhaps its topic, and a tally that reads from it."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from aggregates.envelope import Recorded, Stored, recorded
from commands.log import read_after, read_head
from consumers.builds import Build, build_position, ensure_live
from consumers.feed import Feed, Part
from consumers.loop import Source, Work, consume, supervise
from consumers.relay import Publisher, new_producer
from consumers.runner import Applied, apply
from consumers.topics import ensure_topic
from tests.consumers.tally import DDL, Tally

ROWS: LiteralString = "SELECT stream, version, trail FROM read.tally"
POSITIONS: LiteralString = "SELECT position FROM consumers.checkpoints WHERE schema = %(schema)s"
FIRST_HINT: LiteralString = """
UPDATE consumers.checkpoints SET topic_id = %(topic_id)s, kafka_offset = 0 WHERE schema = %(schema)s
"""
PATIENCE_SECONDS = 60.0


@dataclass
class Rig:
    connection: Connection[Any]
    source: Source
    tally: Tally = field(default_factory=Tally)
    publisher: Publisher | None = None

    def build(self) -> Build:
        return ensure_live(self.connection, self.tally, DDL)

    def read_kafka_from_the_beginning(self) -> None:
        """As if a worker had been there before the first event: else a new build would start from the store."""
        assert self.source.bootstrap is not None
        topic_id = ensure_topic(self.source.bootstrap, self.source.topic)
        hint = {"schema": self.build().schema, "topic_id": topic_id}
        self.connection.execute(FIRST_HINT, hint)

    def publish(self) -> None:
        """What the relay does, when the test wants it. Nothing to do where events come from the store."""
        if self.source.bootstrap is None:
            return
        publisher = self.publisher or self.new_publisher()
        while publisher.publish():
            pass
        publisher.mark()

    def new_publisher(self, cursor: int = 0) -> Publisher:
        assert self.source.bootstrap is not None
        self.connection.execute(
            "INSERT INTO consumers.relay VALUES (%s, 'any', %s) ON CONFLICT (topic) DO UPDATE SET position = %s",
            (self.source.topic, cursor, cursor),
        )
        self.publisher = Publisher(self.connection, new_producer(self.source.bootstrap), self.source.topic, cursor)
        return self.publisher

    def drain(self, disturb: Callable[[Feed], Feed] = lambda feed: feed) -> list[Applied]:
        """Publish, then apply until the view is level with the log."""
        build, done = self.build(), []
        self.publish()
        head = read_head(self.connection).position
        with closing(disturb(self.source.feed(build.schema))) as feed:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while build_position(self.connection, build.schema) < head:
                assert time.monotonic() < deadline, "the view does not get level with the log"
                parts = feed.poll(0.2)
                if parts:
                    done.append(apply(self.connection, build, self.tally, parts))
        return done

    def rows(self) -> dict[UUID, tuple[int, str]]:
        return {stream: (version, trail) for stream, version, trail in self.connection.execute(ROWS).fetchall()}

    def expected(self) -> dict[UUID, tuple[int, str]]:
        """The log folded from its beginning, ticket by ticket, without any of the machinery."""
        histories: defaultdict[UUID, list[Recorded]] = defaultdict(list)
        for event in self.log():
            if event.type.startswith("ticket."):
                histories[event.stream].append(recorded(event))
        plain = Tally(broken=False)
        return {stream: (len(history), plain.refold(history).trail) for stream, history in histories.items()}

    def log(self) -> list[Stored]:
        return read_after(self.connection, 0, 100_000)

    def positions(self) -> set[int]:
        schema = self.build().schema
        return {row[0] for row in self.connection.execute(POSITIONS, {"schema": schema}).fetchall()}

    def consuming(self) -> Work:
        return lambda stopping: consume(self.tally, self.source, stopping, DDL)

    def await_level(self) -> None:
        """While somebody else consumes."""
        await_true(lambda: self.level(), "the view does not get level with the log")

    def level(self) -> bool:
        return build_position(self.connection, self.build().schema) >= read_head(self.connection).position


def await_true(question: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


def stopping_soon() -> threading.Event:
    """For what should refuse at once: a test of it must end even if it does not."""
    stopping = threading.Event()
    timer = threading.Timer(15, stopping.set)
    timer.daemon = True
    timer.start()
    return stopping


@contextmanager
def running(**works: Work) -> Iterator[None]:
    """Each supervised in a thread, as `chronodesk consume` does it."""
    stopping = threading.Event()
    threads = [threading.Thread(target=supervise, args=(*work, stopping), name=work[0]) for work in works.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)


class Disturbed:
    """A feed that brings events several times and shuffled, and leaves out such as the next version gives away."""

    def __init__(self, feed: Feed, seed: int, lossy: bool = False) -> None:
        self._feed, self._random, self._lossy = feed, random.Random(seed), lossy

    def poll(self, timeout: float) -> Sequence[Part]:
        return [replace(part, events=self._disturbed(part.events)) for part in self._feed.poll(timeout)]

    def close(self) -> None:
        self._feed.close()

    def _disturbed(self, events: Sequence[Stored]) -> list[Stored]:
        last = {event.stream: event.version for event in events}
        kept = [e for e in events if not (self._lossy and e.version < last[e.stream] and self._random.random() < 0.5)]
        many = [event for event in kept for _ in range(self._random.randint(1, 4))]
        self._random.shuffle(many)
        return many
