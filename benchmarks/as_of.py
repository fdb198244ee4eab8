"""How long does the past take: one ticket of 100 events, and a queue in a log of a million?"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString, get_args
from uuid import UUID, uuid4

import psycopg
from psycopg import AsyncConnection, Connection, sql

from aggregates.envelope import Actor, Envelope, encode, recorded
from aggregates.fact import Fact
from aggregates.moment import Basis, Moment
from aggregates.ticket.events import MessageReceived, Opened
from benchmarks.measure import Measure
from chronodesk.local.postgres import APP, OWNER, EmbeddedPostgres
from chronodesk.migrate import migrate
from commands.append import Append, Write, append_blocking
from commands.log import stream_after
from consumers.builds import ensure_live
from projections import queues_past
from projections.queues import Queues
from projections.queues_queries import QueueFilter
from replay.past.moments import moment_of_instant
from replay.past.ticket import past, thread_then, ticket_then

EVENTS, TIMES = 1_000_000, 300
OF_A_TICKET = 10
START = datetime(2024, 1, 1, tzinfo=UTC)
APART = timedelta(minutes=1)
MOST_TICKET, MOST_QUEUE = 10.0, 1_000.0

# Ten events a ticket, up to two weeks apart; one position a minute. The last one closes it: about a twentieth is open.
FILL: LiteralString = """
CREATE TEMP TABLE told AS
SELECT md5(n::text)::uuid AS stream, n, k, 1 + (first + sum(gap) OVER (PARTITION BY n ORDER BY k))::bigint AS position
  FROM (SELECT n, random() * %(events)s AS first FROM generate_series(1, %(tickets)s) n) t
 CROSS JOIN LATERAL (SELECT k, n * 0 + random() * 20000 * (k > 1)::int AS gap FROM generate_series(1, 10) k) g;
INSERT INTO queue_spans (stream, since, until, size, updated_at, until_at, size_at, team, priority, status, level, tags,
                         waiting_since)
SELECT stream, position, until, ceil(log(2, until - position + 1)),
       %(start)s + position * interval '1 minute', %(start)s + until * interval '1 minute',
       ceil(log(2, (until - position) * 60000000 + 1)),
       md5('team' || n %% 9)::uuid, (ARRAY['urgent', 'high', 'normal', 'low'])[1 + n %% 4], 'open', 1, '{}',
       %(start)s + position * interval '1 minute'
  FROM (SELECT *, lead(position) OVER (PARTITION BY stream ORDER BY k) AS until FROM told) s WHERE until > position;
INSERT INTO queues (stream, version, shard, number, channel, team, priority, status, level, tags, opened_at, updated_at,
                    since, late)
SELECT stream, 10, 0, n, 'email', md5('team' || n %% 9)::uuid, 'normal', 'closed', 1, '{}',
       %(start)s + min(position) * interval '1 minute', %(start)s + max(position) * interval '1 minute', max(position),
       false
  FROM told GROUP BY stream, n;
ANALYZE queue_spans, queues;
"""


def run(quick: bool) -> list[Measure]:
    events, times = (20_000, 20) if quick else (EVENTS, TIMES)
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as server:
            server.create_database("past")
            migrate(server.url(OWNER, "past"))
            with psycopg.connect(server.url(APP, "past"), autocommit=True) as connection:
                fill(connection, events)
                ticket = a_ticket(connection)
            return asyncio.run(measured(server.url(APP, "past"), ticket, events, times))


def fill(connection: Connection[Any], events: int) -> None:
    connection.execute("SET role chronodesk_app")
    schema = ensure_live(connection, Queues()).schema
    connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
    filling = {"events": events, "tickets": events // OF_A_TICKET, "start": START}
    psycopg.ClientCursor(connection).execute(FILL, filling)


def a_ticket(connection: Connection[Any]) -> UUID:
    stream, who = uuid4(), uuid4()
    facts: list[Fact] = [Opened(number=1, requester=who, subject="Printer on fire", channel="email")]
    facts += [MessageReceived(author=who, body="It burns. " * 20, channel="email") for _ in range(99)]
    events = tuple((fact.type_name, encode(_envelope(fact))) for fact in facts)
    append_blocking(connection, [Append(uuid4(), "bench", b"bench", (Write(stream, 0, events),))])
    return stream


def _envelope(fact: Fact) -> Envelope[Fact]:
    actor = Actor(kind="agent", id=str(uuid4()))
    return Envelope(actor=actor, command_id=uuid4(), correlation_id=uuid4(), fact=fact)


async def measured(url: str, ticket: UUID, events: int, times: int) -> list[Measure]:
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        one = await p99(times * 5, lambda: _ticket(connection, ticket))
        found = [Measure("a ticket of 100 events as of an instant, p99", "ms", one, most=MOST_TICKET)]
        for basis in get_args(Basis):
            name = f"queue of {events:,} events as of any moment, {basis}, p99"
            took = await p99(times, partial(_queue, connection, basis, events))
            found.append(Measure(name, "ms", took, most=MOST_QUEUE))
    return found


async def _ticket(connection: AsyncConnection[Any], ticket: UUID) -> None:
    """All that the API does for it, HTTP aside."""
    moment = await moment_of_instant(connection, datetime.now(UTC), "recorded")
    told = past([recorded(event) for event in await stream_after(connection, ticket, 0)], moment)
    ticket_then(told)
    thread_then(told, 0, 200)


async def _queue(connection: AsyncConnection[Any], basis: Basis, events: int) -> None:
    """The first page, and the counts beside it."""
    position = random.randrange(events)
    at = START + position * APART
    moment = Moment(basis, position if basis == "recorded" else events, at, by=None if basis == "recorded" else at)
    await queues_past.queue_page(connection, moment, QueueFilter(), 50)
    await queues_past.counts(connection, moment)


async def p99(times: int, work: Callable[[], Awaitable[None]]) -> float:
    """In milliseconds, once it is warm."""
    took = []
    await work()
    for _ in range(times):
        start = time.perf_counter()
        await work()
        took.append(time.perf_counter() - start)
    return sorted(took)[int(times * 0.99)] * 1e3
