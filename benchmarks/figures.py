"""How long does each report take with a million tickets? A month of it and all of it, beside reading a month's rows."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection, Connection, sql

from benchmarks.desks import CASES, a_log, chronodesk, store_of
from benchmarks.measure import Measure, high_water, told
from projections.metrics.answer import AsOf
from projections.metrics.answering import answered
from projections.metrics.question import Ask, question
from projections.metrics.reports import LISTED, Report
from projections.projection import indexes

TICKETS = 1_000_000
STEP_DAYS = 11
MOST_MILLISECONDS = 500.0
MONTHS = [date(2010 + month // 12, month % 12 + 1, 1) for month in range(30, 66)]
ZONE = "Europe/Stockholm"
# The same tickets again under other ids, each time some days later: a million over four years.
FIGURES: LiteralString = """
INSERT INTO figures
SELECT md5(copy::text || stream)::uuid, place, number + copy * 10000000, kind, at + copy * %(step)s, version,
       started_at + copy * %(step)s, from_version, micros, business_micros, amount, detail, actor, agent, cost,
       currency, spent, business_spent, requester, channel, category, team, assignee, priority, ticket_type, level,
       tags, policy, policy_version, calendar, calendar_version, since, until
  FROM generate_series(1, %(copies)s) AS copy, (SELECT * FROM figures ORDER BY stream, place) AS f
"""
SPANS: LiteralString = """
INSERT INTO figure_spans
SELECT md5(copy::text || stream)::uuid, place, number + copy * 10000000, status, unanswered, requester, channel,
       category, team, assignee, priority, ticket_type, level, tags, opened_at + copy * %(step)s,
       from_at + copy * %(step)s, from_version, to_at + copy * %(step)s, to_version, micros, business_micros, size_at,
       policy, policy_version, calendar, calendar_version, since, ended, until
  FROM generate_series(1, %(copies)s) AS copy, (SELECT * FROM figure_spans ORDER BY stream, place) AS s
"""
INDEXES: LiteralString = """
SELECT indexname FROM pg_indexes WHERE schemaname = %(schema)s AND indexname !~ '_pkey$' AND tablename ~ '^figure'
"""
LIVE: LiteralString = "SELECT schema FROM consumers.builds WHERE view = 'figures' AND live"
HEAD: LiteralString = "SELECT position, recorded_at FROM store.head"
SIZE: LiteralString = """
SELECT (SELECT count(*) FROM figure_tickets), (SELECT count(*) FROM figures), (SELECT count(*) FROM figure_spans),
       pg_total_relation_size('figures') + pg_total_relation_size('figure_spans')
"""
ROWS: LiteralString = """
SELECT count(*), sum(micros) FROM read.figures
 WHERE kind = 'resolved' AND at >= %(since)s AND at < %(until)s AND until IS NULL
"""


def run(quick: bool) -> list[Measure]:
    copies = 2 if quick else TICKETS // CASES
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with desk(Path(folder), quick) as url:
            with psycopg.connect(url, autocommit=True) as connection:
                multiply(connection, copies)
                sizes = list(sized(connection, copies))
            return sizes + asyncio.run(asked(url, 3 if quick else 20))


@contextmanager
def desk(folder: Path, quick: bool) -> Iterator[str]:
    """The real log, judged, in a live view `figures`; nobody else is at it."""
    with store_of(folder, a_log(folder, quick)) as (server, environment):
        for view in ("desk", "figures"):
            chronodesk(environment, "replay", "rebuild", view, "--json")
        yield server.app_url


def multiply(connection: Connection[Any], copies: int) -> None:
    """Indexes are made afterwards, as a rebuild does."""
    row = connection.execute(LIVE).fetchone()
    assert row is not None
    connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(row[0])))
    for (name,) in connection.execute(INDEXES, {"schema": row[0]}).fetchall():
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    filling = psycopg.ClientCursor(connection)
    for statement in (FIGURES, SPANS):
        filling.execute(statement, {"copies": copies, "step": timedelta(days=STEP_DAYS)})
    connection.execute("SET maintenance_work_mem = '256MB'")
    connection.execute(indexes("figures").encode())
    connection.execute("VACUUM ANALYZE figures")
    connection.execute("VACUUM ANALYZE figure_spans")


def sized(connection: Connection[Any], copies: int) -> Iterator[Measure]:
    row = connection.execute(SIZE).fetchone()
    assert row is not None
    tickets, figures, spans, bytes_kept = row
    yield Measure(f"figures of {(copies + 1) * tickets:,} tickets", "rows", figures)
    yield Measure("stretches of theirs", "rows", spans)
    yield Measure("kept for them, indexes included", "MB", bytes_kept / 1e6)


async def asked(url: str, times: int) -> list[Measure]:
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        measures = []
        for report in LISTED:
            for compare, said in ((False, "a month"), (True, "a month and the one before")):
                months = [await month(connection, report, random.choice(MONTHS), compare) for _ in range(times)]
                slow = sorted(months)[int(times * 0.95)] * 1e3
                measures.append(told(Measure(f"{report.name}, {said}, p95", "ms", slow, most=MOST_MILLISECONDS)))
        since, until = datetime(2010, 1, 1, tzinfo=UTC), datetime(2017, 1, 1, tzinfo=UTC)
        for report in LISTED:
            every = None if report.group_by else "month"
            took = await seconds(connection, report, since, until, every, compare=False)
            measures.append(told(Measure(f"{report.name}, all time by {every or report.group_by[0]}", "s", took)))
        measures.append(told(Measure("reading a month's resolutions, p95", "ms", await reading(connection, times))))
        server = high_water(connection.info.backend_pid)
        return [
            *measures,
            Measure("peak memory: who asks", "MiB", high_water(os.getpid())),
            Measure("peak memory: the server process that answers, with shared buffers", "MiB", server),
        ]


async def month(connection: AsyncConnection[Any], report: Report, begins: date, compare: bool) -> float:
    ends = date(begins.year + begins.month // 12, begins.month % 12 + 1, 1)
    return await seconds(connection, report, begins, ends, report.bucket, compare=compare)


async def seconds(
    connection: AsyncConnection[Any], report: Report, since: Any, until: Any, every: Any, *, compare: bool
) -> float:
    cursor = await connection.execute(HEAD)
    position, at = await cursor.fetchone() or (0, datetime.now(UTC))
    bucket = None if report.order else every
    ask = Ask(report.metrics, report.name, report.title, since, until, ZONE, bucket, group_by=report.group_by,
              order=report.order, compare=compare)  # fmt: skip
    start = time.perf_counter()
    answer = await answered(connection, question(ask, AsOf(position, at)))
    assert answer.total.values
    return time.perf_counter() - start


async def reading(connection: AsyncConnection[Any], times: int) -> float:
    """In milliseconds: what the rows alone cost, once found by index."""
    took = []
    for _ in range(times):
        begins = random.choice(MONTHS)
        ends = date(begins.year + begins.month // 12, begins.month % 12 + 1, 1)
        start = time.perf_counter()
        await (await connection.execute(ROWS, {"since": begins, "until": ends})).fetchall()
        took.append(time.perf_counter() - start)
    return sorted(took)[int(times * 0.95)] * 1e3
