"""How fast is each view rebuilt? Beside the library's own ProjectionRunner, and beside reading the same rows only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import LiteralString

import psycopg
from eventsourcing.projection import ProjectionRunner

from benchmarks.desks import a_log, store_of
from benchmarks.measure import Measure
from benchmarks.stock_view import StockTickets, StockView
from chronodesk.local.postgres import APP, SUPERUSER, EmbeddedPostgres
from commands.library import EventLog, environment
from projections.registry import PROJECTIONS
from replay.rebuild.crew import Crew, crew
from replay.rebuild.fill import Filled, building, fill, session, wanted

# That of configuration has so few events that only the beginning and the end of a rebuild would be measured.
VIEWS = ("tickets", "queues", "reports", "sla", "trail", "figures")
WORKERS = 2
LEAST, TIMES_STOCK = 50_000.0, 25.0
# The same tickets again under other ids, each of their events once more, one log behind the other. The chain goes on.
MULTIPLY: LiteralString = """
DO $$
DECLARE
    last store.head;
    e    record;
BEGIN
    SELECT * INTO STRICT last FROM store.head;
    FOR e IN
        SELECT t.copy, md5(t.copy || l.originator_id::text)::uuid AS stream, l.originator_version AS version,
               l.topic, l.state
          FROM generate_series(2, {times}) AS t (copy), store.events l
         WHERE l.topic LIKE 'ticket.%' ORDER BY t.copy, l.notification_id
    LOOP
        last.position := last.position + 1;
        last.hash := store.chain(last.hash, last.position, e.stream, e.version, e.topic, last.recorded_at, e.state);
        INSERT INTO store.events
            (originator_id, originator_version, topic, state, notification_id, recorded_at, hash)
        VALUES (e.stream, e.version, e.topic, e.state, last.position, last.recorded_at, last.hash);
    END LOOP;
    UPDATE store.head SET position = last.position, hash = last.hash;
    INSERT INTO store.streams SELECT originator_id, max(originator_version) FROM store.events GROUP BY 1
        ON CONFLICT DO NOTHING;
END $$
"""
ROWS: LiteralString = """
COPY (SELECT originator_id, originator_version, notification_id, recorded_at, topic, state FROM store.events
       WHERE topic LIKE 'ticket.%' ORDER BY originator_id, originator_version) TO STDOUT (FORMAT BINARY)
"""


def run(quick: bool) -> list[Measure]:
    """The real log, judged, eight times over: a million events. Where it is not there, and quickly, a simulated one."""
    seconds, rounds = (1.0, 1) if quick else (5.0, 3)
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with desk(Path(folder), quick) as server, crew(WORKERS) as workers:
            return [
                measure for view in VIEWS for measure in compared(server, workers, view, seconds, rounds, bare=quick)
            ]


def compared(
    server: EmbeddedPostgres, workers: Crew, view: str, seconds: float, rounds: int, *, bare: bool
) -> list[Measure]:
    """Rounds of all three in turn, so that a slow minute hits each. bare: too few events for a target."""
    ours, stock, read = [], [], []
    for _ in range(rounds):
        filled = rebuilt(server.app_url, workers, view)
        ours.append(filled.events / filled.seconds)
        stock.append(stock_rate(server.app_url, seconds))
        read.append(reading_rate(server.app_url))
    name, rate = f"rebuild of {view}, {WORKERS} workers", median(ours)
    return [
        Measure(name, "events/s", rate, target=None if bare else LEAST),
        Measure(name, "events/s", rate, median(stock), "stock runner", None if bare else TIMES_STOCK),
        Measure(name, "events/s", rate, median(read), "COPY of the rows, nothing done"),
    ]


@contextmanager
def desk(folder: Path, quick: bool) -> Iterator[EmbeddedPostgres]:
    """A database with nothing but the log; nobody else is at it."""
    with store_of(folder, a_log(folder, quick)) as (server, _):
        with psycopg.connect(server.url(SUPERUSER, server.database), autocommit=True) as connection:
            connection.execute(MULTIPLY.replace("{times}", "3" if quick else "8").encode())
            connection.execute(f"CREATE SCHEMA {StockView.SCHEMA} AUTHORIZATION {APP}".encode())
            connection.execute("VACUUM ANALYZE")
        yield server


def rebuilt(url: str, workers: Crew, view: str) -> Filled:
    """What `chronodesk replay rebuild` does up to the comparison with the live build; thrown away afterwards."""
    wish = wanted(url, PROJECTIONS[view])
    with session(wish) as connection, building(connection, wish, "rebuild") as build:
        return fill(connection, wish, build, workers, lambda *_: None)


def stock_rate(url: str, seconds: float) -> float:
    """Each time it goes on where it stopped."""
    start = time.perf_counter()
    with ProjectionRunner(
        application_class=EventLog,
        projection_class=StockTickets,
        view_class=StockView,
        env=environment(url) | StockView.environment(),
    ) as runner:
        runner.run_forever(timeout=seconds)
        return runner.projection.applied / (time.perf_counter() - start)


def reading_rate(url: str) -> float:
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        start = time.perf_counter()
        with cursor.copy(ROWS) as copied:
            for _ in copied:
                pass
        return cursor.rowcount / (time.perf_counter() - start)
