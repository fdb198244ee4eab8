"""How long is the search for what falls due among a million open clocks? Beside a round trip for nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import Connection

from benchmarks.measure import Measure
from chronodesk.local.postgres import APP, OWNER, EmbeddedPostgres
from chronodesk.migrate import migrate
from consumers.builds import ensure_live
from consumers.sla_clock import BATCH, DUE
from projections.sla import Sla

TICKETS = 1_000_000
SEARCHES = 3_000
MOST_MILLISECONDS = 5.0
START = datetime(2026, 1, 1, tzinfo=UTC)
MONTH_SECONDS = 30 * 86_400

# One open clock each, falling due at any second of a month.
FILL: LiteralString = """
INSERT INTO {schema}.sla_tickets
    (stream, version, position, number, priority, status, policy, policy_version, opened_at, next_at, due_at)
SELECT gen_random_uuid(), 2, n, n, 'normal', 'open', gen_random_uuid(), 1, %(start)s,
       %(start)s + random() * %(month)s * interval '1 second', %(start)s + random() * %(month)s * interval '1 second'
  FROM generate_series(1, %(tickets)s) AS n
"""


def run(quick: bool) -> list[Measure]:
    tickets, searches = (20_000, 200) if quick else (TICKETS, SEARCHES)
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as server:
            server.create_database("due")
            migrate(server.url(OWNER, "due"))
            with psycopg.connect(server.url(APP, "due"), autocommit=True) as connection:
                fill(connection, tickets)
                search = p99(searches, lambda: find(connection, tickets))
                nothing = p99(searches, lambda: connection.execute("SELECT 1", prepare=True).fetchall())
    name = f"due search, {tickets:,} open clocks, p99"
    return [Measure(name, "ms", search, nothing, "ms for SELECT 1", most=MOST_MILLISECONDS)]


def fill(connection: Connection[Any], tickets: int) -> None:
    connection.execute("SET role chronodesk_app")
    schema = ensure_live(connection, Sla()).schema
    statement = psycopg.sql.SQL(FILL).format(schema=psycopg.sql.Identifier(schema))
    connection.execute(statement, {"start": START, "month": MONTH_SECONDS, "tickets": tickets})
    connection.execute(psycopg.sql.SQL("ANALYZE {}.sla_tickets").format(psycopg.sql.Identifier(schema)))


def find(connection: Connection[Any], tickets: int) -> None:
    """At the beginning of the month, when few are due: what is due is noted, and then due no more."""
    due = random.uniform(0, 2 * BATCH / tickets) * MONTH_SECONDS
    looked = [UUID(int=random.getrandbits(128)) for _ in range(BATCH)]
    asked = {"now": START + timedelta(seconds=due), "limit": BATCH, "looked": looked, "upto": [3] * len(looked)}
    connection.execute(DUE, asked, prepare=True).fetchall()


def p99(times: int, work: Callable[[], object]) -> float:
    """In milliseconds."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return sorted(took)[int(times * 0.99)] * 1e3
