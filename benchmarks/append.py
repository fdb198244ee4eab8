"""How fast is an append? Against the library's stock recorder and against pgbench's single-row insert."""

from __future__ import annotations

import asyncio
import re
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from aggregates.envelope import Actor, Envelope, encode
from aggregates.ticket.events import Opened
from benchmarks.measure import Measure
from chronodesk.local.postgres import OWNER, SUPERUSER, EmbeddedPostgres
from chronodesk.migrate import migrate
from commands.append import Append, Write
from commands.database import pool
from commands.store import EventStore

CONCURRENCY = {1: 1.5, 8: 4.0, 32: 10.0}
ROUNDS = 5
TYPE = "ticket.opened.v1"
PEER_TABLE = (
    "CREATE TABLE pgbench_insert (stream uuid, version bigint, topic text, state bytea, PRIMARY KEY (stream, version))"
)
PEER_SCRIPT = "INSERT INTO pgbench_insert VALUES (gen_random_uuid(), 1, '{type}', '\\\\x{state}');\n"


def run(quick: bool) -> list[Measure]:
    seconds, rounds = (0.5, 1) if quick else (2.0, ROUNDS)
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as server:
            prepare(server)
            return [
                measure
                for concurrency, target in CONCURRENCY.items()
                for measure in compare(server, concurrency, target, seconds, rounds)
            ]


def prepare(server: EmbeddedPostgres) -> None:
    for name in ("ours", "stock"):
        server.create_database(name)
    migrate(server.url(OWNER, "ours"))
    with psycopg.connect(server.url(SUPERUSER, "stock"), autocommit=True) as connection:
        connection.execute(PEER_TABLE)


def compare(server: EmbeddedPostgres, concurrency: int, target: float, seconds: float, rounds: int) -> list[Measure]:
    """Rounds of all three in turn, so that a slow minute of the machine hits each."""
    ours, stock, plain = [], [], []
    for _ in range(rounds):
        ours.append(uvloop.run(our_rate(server, concurrency, seconds)))
        stock.append(stock_rate(server, concurrency, seconds))
        plain.append(pgbench_rate(server, concurrency, seconds))
    name, rate = f"append, {concurrency} at a time", median(ours)
    return [
        Measure(name, "events/s", rate, median(stock), "stock recorder", target),
        Measure(name, "events/s", rate, median(plain), "pgbench insert"),
    ]


def state() -> bytes:
    command = uuid4()
    fact = Opened(number=1042, requester=uuid4(), subject="The printer is on fire", channel="email", priority="high")
    return encode(
        Envelope[Opened](
            actor=Actor(kind="agent", id=str(uuid4())), command_id=command, correlation_id=command, fact=fact
        )
    )


async def our_rate(server: EmbeddedPostgres, concurrency: int, seconds: float) -> float:
    payload, done = state(), 0
    async with pool(server.url(SUPERUSER, "ours"), name="bench", size=4) as connections:
        store = EventStore(connections)
        stop = time.perf_counter() + seconds

        async def client() -> None:
            nonlocal done
            while time.perf_counter() < stop:
                write = Write(uuid4(), 0, ((TYPE, payload),))
                outcome = await store.append(Append(uuid4(), "bench", b"", (write,)))
                assert outcome.kind == "accepted"
                done += 1

        start = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(concurrency)))
        return done / (time.perf_counter() - start)


def stock_rate(server: EmbeddedPostgres, concurrency: int, seconds: float) -> float:
    where = conninfo_to_dict(server.url(SUPERUSER, "stock"))
    datastore = PostgresDatastore(
        str(where["dbname"]),
        str(where["host"]),
        str(where["port"]),
        str(where["user"]),
        str(where["password"]),
        pool_size=concurrency,
    )
    with datastore:
        recorder = PostgresApplicationRecorder(datastore, events_table_name="stored_events")
        recorder.create_table()
        payload, counts = state(), [0] * concurrency
        barrier = threading.Barrier(concurrency)

        def client(place: int) -> float:
            barrier.wait()
            start = time.perf_counter()
            while time.perf_counter() < start + seconds:
                recorder.insert_events([StoredEvent(uuid4(), 1, TYPE, payload)])
                counts[place] += 1
            return time.perf_counter() - start

        with ThreadPoolExecutor(concurrency) as clients:
            took = max(clients.map(client, range(concurrency)))
        return sum(counts) / took


def pgbench_rate(server: EmbeddedPostgres, concurrency: int, seconds: float) -> float:
    with TemporaryDirectory() as folder:
        script = Path(folder) / "insert.sql"
        script.write_text(PEER_SCRIPT.format(type=TYPE, state=state().hex()))
        command = [
            str(server.bin_dir / "pgbench"),
            "--no-vacuum",
            f"--file={script}",
            f"--client={concurrency}",
            f"--jobs={min(concurrency, 2)}",
            f"--time={max(1, round(seconds))}",
            "--protocol=prepared",
            server.url(SUPERUSER, "stock"),
        ]
        report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([0-9.]+)", report)
    assert found is not None, report
    return float(found[1])
