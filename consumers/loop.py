"""loop: how do relay and consumers keep running until they are told to stop?"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from psycopg import Connection
from psycopg.errors import LockNotAvailable

from commands.database import connect
from consumers import metrics
from consumers.builds import Build, Ddl, ensure_live, go_live_when_caught_up, is_retired
from consumers.faults import Fenced, Refused, described
from consumers.feed import Feed
from consumers.kafka_feed import KafkaFeed
from consumers.leftovers import drop_retired
from consumers.positions import lag_report
from consumers.relay import Relay
from consumers.runner import apply
from consumers.store_feed import StoreFeed
from projections.projection import Projection

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.25
# A batch costs several round trips however small it is: what trickles in is gathered for a moment. Where the machine
# has no time left, a batch takes long: then for longer, so that fewer batches do the same.
TRICKLE, GATHER_SECONDS, LONGEST_GATHER = 200, 0.04, 0.2
REST = 3
LOOK_SECONDS = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0
HEALTHY_SECONDS = 10.0
Work = Callable[[threading.Event], None]


@dataclass(frozen=True, slots=True)
class Source:
    """Where events come from. bootstrap None: straight from the store."""

    url: str
    bootstrap: str | None
    topic: str

    def feed(self, schema: str) -> Feed:
        if self.bootstrap is None:
            return StoreFeed(self.url, schema)
        return KafkaFeed(self.url, self.bootstrap, self.topic, schema)


def consume(projection: Projection[Any], source: Source, stopping: threading.Event, ddl: Ddl | None = None) -> None:
    """Feed one view until told to stop or something fails. Nothing is kept in memory: call it again then.

    Fenced as soon as another build has taken the place of the one that it feeds.
    """
    with closing(connect(source.url, name=f"consume {projection.name}")) as connection:
        build = ensure_live(connection, projection, ddl)
        log.info("consuming", build=build.schema, live=build.live, kafka=source.bootstrap is not None)
        drop_retired(connection, projection.name)
        look = Look(connection, build)
        with closing(source.feed(build.schema)) as feed:
            while not stopping.is_set():
                parts = feed.poll(POLL_SECONDS)
                if parts:
                    began = time.monotonic()
                    apply(connection, build, projection, parts)
                    if sum(len(part.events) for part in parts) < TRICKLE:
                        stopping.wait(gathering(time.monotonic() - began))
                if not build.live:
                    build = _go_live(connection, projection, build, ddl)
                look.in_time()


def gathering(took: float) -> float:
    """How long to wait after a small batch that took so long, both in seconds."""
    return min(max(GATHER_SECONDS, REST * took), LONGEST_GATHER)


def relay(url: str, bootstrap: str, topic: str) -> Work:
    return Relay(url, bootstrap, topic).run


def run_all(works: Mapping[str, Work], stopping: threading.Event) -> None:
    """Each in a thread of its own, supervised. Returns when all have stopped; raises Refused if one refused."""
    refusals: list[Refused] = []

    def supervised(name: str, work: Work) -> None:
        try:
            supervise(name, work, stopping)
        except Refused as refusal:
            refusals.append(refusal)
            stopping.set()

    threads = [threading.Thread(target=supervised, args=item, name=item[0]) for item in works.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        # In slices: a signal is handled between them.
        while thread.is_alive():
            thread.join(0.5)
    if refusals:
        raise refusals[0]


def supervise(name: str, work: Work, stopping: threading.Event) -> None:
    """Again and again, with longer and longer pauses while it keeps failing. Only a refusal ends it."""
    pause = FIRST_PAUSE
    while not stopping.is_set():
        began = time.monotonic()
        try:
            work(stopping)
        except Refused:
            raise
        except Exception as error:
            metrics.FAULTS.labels(name).inc()
            if isinstance(error, Fenced) or time.monotonic() - began > HEALTHY_SECONDS:
                pause = FIRST_PAUSE
            log.warning("starting again", name=name, error=described(error), pause=pause)
            stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """SIGTERM and SIGINT: finish the batch, then stop."""
    stopping = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Look:
    """What the batch's own transaction does not ask, every few seconds: how far behind, and is it still our build?"""

    def __init__(self, connection: Connection[Any], build: Build) -> None:
        self._connection, self._build, self._at = connection, build, 0.0

    def in_time(self) -> None:
        if time.monotonic() - self._at < LOOK_SECONDS:
            return
        self._at = time.monotonic()
        if is_retired(self._connection, self._build):
            raise Fenced(f"{self._build.schema}: another build has taken its place")
        view = self._build.view
        for lag in lag_report(self._connection, [view]).views:
            if lag.live:
                metrics.POSITION.labels(view).set(lag.position)
                metrics.LAG.labels(view).set(lag.lag)
                metrics.PARKED_STREAMS.labels(view).set(lag.parked)


def _go_live(connection: Connection[Any], projection: Projection[Any], build: Build, ddl: Ddl | None) -> Build:
    with suppress(LockNotAvailable):
        build = go_live_when_caught_up(connection, projection, build, ddl)
        if build.live:
            log.info("live", build=build.schema)
    return build
