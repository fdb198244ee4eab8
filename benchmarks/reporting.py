"""How long does an analyst wait for an answer in SQL, with a million tickets? Logged in as one, all limits set."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

from benchmarks.measure import Measure
from chronodesk import analysts
from chronodesk.local.postgres import EmbeddedPostgres
from chronodesk.migrate import migrate
from consumers.builds import ensure_live, packaged_ddl
from projections.registry import PROJECTIONS

TICKETS, TIMES = 1_000_000, 5
START = datetime(2024, 1, 1, tzinfo=UTC)

# Two years of tickets, each open for up to ten days in three stretches, then resolved for four; one in fifty goes on.
SPANS: LiteralString = """
INSERT INTO figure_spans (stream, place, number, status, unanswered, requester, channel, team, assignee, priority,
    ticket_type, level, tags, opened_at, from_at, from_version, to_at, micros, size_at, since, ended)
SELECT stream, k, n, status, k = 1, stream, 'email', md5('team' || n %% 50)::uuid, md5('agent' || n %% 500)::uuid,
       (ARRAY['urgent', 'high', 'normal', 'low'])[1 + n %% 4], 'question', 1, '{}', opened, begun, k, over, micros,
       ceil(log(2, micros + 1)), n * 10, CASE WHEN over IS NOT NULL THEN n * 10 + k END
  FROM (SELECT *, (extract(epoch FROM over - begun) * 1000000)::bigint AS micros
          FROM (SELECT n, md5(n::text)::uuid AS stream, opened, k,
                       (ARRAY['new', 'open', 'pending', 'resolved'])[k] AS status,
                       opened + days * (ARRAY[0, 0.1, 0.6, 1])[k] AS begun,
                       CASE WHEN k = 4 THEN opened + days + interval '4 days'
                            WHEN k < 3 OR n %% 50 > 0 THEN opened + days * (ARRAY[0.1, 0.6, 1])[k] END AS over
                  FROM (SELECT n, %(start)s + random() * interval '730 days' AS opened,
                               random() * random() * interval '10 days' AS days
                          FROM generate_series(1, %(tickets)s) n) t
                 CROSS JOIN generate_series(1, 4) k) s WHERE k < 4 OR n %% 50 > 0) s
 ORDER BY stream, k
"""
FIGURES: LiteralString = """
INSERT INTO figures (stream, place, number, kind, at, version, micros, amount, detail, actor, requester, channel, team,
    assignee, priority, ticket_type, level, tags, since)
SELECT stream, k, number, (ARRAY['opened', 'reply', 'sla', 'time_logged', 'resolved', 'fully_resolved'])[k],
       opened_at + k * interval '1 hour', k, k * 3600000000, 1,
       (ARRAY[NULL, 'first', 'first_reply', 'billable', 'solved'])[k], 'agent', requester, channel, team, assignee,
       priority, ticket_type, level, tags, since
  FROM figure_spans CROSS JOIN generate_series(1, 6) k WHERE place = 1 ORDER BY stream, k
"""
QUESTIONS: dict[str, LiteralString] = {
    "first replies of a month by team, median and p90": """
SELECT team, count(*), percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY seconds) FROM reporting.replies
 WHERE reply = 'first' AND at >= '2025-01-01 00:00Z' AND at < '2025-02-01 00:00Z' GROUP BY team""",
    "backlog of an instant by team and status": """
SELECT team, status, count(*) FROM reporting.backlog_at('2025-01-15 12:00Z') GROUP BY team, status""",
    "backlog of each day of a month by priority": """
SELECT at, priority, sum(tickets) FROM reporting.backlog_daily
 WHERE at >= '2025-01-01 00:00Z' AND at < '2025-02-01 00:00Z' GROUP BY at, priority""",
    "backlog of each hour of a day": """
SELECT at, sum(tickets) FROM reporting.backlog_hourly
 WHERE at >= '2025-01-15 00:00Z' AND at < '2025-01-16 00:00Z' GROUP BY at""",
    "promises kept by month, two years": """
SELECT date_trunc('month', at, 'UTC'), avg(met::int) FROM reporting.sla_outcomes GROUP BY 1""",
    "hours by team and status of a month": """
SELECT team, status, sum(seconds) FROM reporting.spans
 WHERE to_at >= '2025-01-01 00:00Z' AND to_at < '2025-02-01 00:00Z' GROUP BY team, status""",
}


def run(quick: bool) -> list[Measure]:
    tickets = 10_000 if quick else TICKETS
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as server:
            migrate(server.owner_url)
            with psycopg.connect(server.app_url, autocommit=True) as app:
                fill(app, tickets)
            with psycopg.connect(server.owner_url, autocommit=True) as owner:
                url = analysts.url(owner, "ann", analysts.create(owner, "ann"))
            with psycopg.connect(url, autocommit=True) as analyst:
                return [
                    Measure(f"{name}, {tickets:,} tickets", "ms", milliseconds(analyst, question))
                    for name, question in QUESTIONS.items()
                ]


def fill(connection: Connection[Any], tickets: int) -> None:
    connection.execute("SET role chronodesk_app")
    projection = PROJECTIONS["figures"]
    ddl = packaged_ddl(projection)
    schema = ensure_live(connection, projection, replace(ddl, indexes="")).schema
    connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
    filling = psycopg.ClientCursor(connection)
    filling.execute(SPANS, {"start": START, "tickets": tickets})
    filling.execute(FIGURES)
    connection.execute(ddl.indexes.encode())
    connection.execute("VACUUM ANALYZE figures, figure_spans")


def milliseconds(connection: Connection[Any], question: LiteralString) -> float:
    """The slowest of some, once it is warm."""
    took = []
    for _ in range(TIMES + 1):
        start = time.perf_counter()
        connection.execute(question).fetchall()
        took.append(time.perf_counter() - start)
    return max(took[1:]) * 1e3
