"""test_figures_real: of tickets of a real help desk, do the figures say what the other read models say?"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, LiteralString

import pytest
from psycopg import Connection
from psycopg.rows import class_row

from aggregates.envelope import Stored, recorded
from tests.databases import Database
from tests.projections.harness import build, connected
from tests.replay.judging import defaults, judge
from tests.replay.logs import REAL_LOG, desk_on

pytestmark = pytest.mark.skipif(
    not REAL_LOG.exists() and os.environ.get("CI") != "true", reason="the real log is not on this machine"
)
CASES = 1_000  # Each of them has been compared once: all 7,554 take minutes.
EVENTS: LiteralString = """
SELECT notification_id AS position, originator_id AS stream, originator_version AS version, topic AS type, recorded_at,
       state
  FROM store.events WHERE topic LIKE 'ticket.%' ORDER BY originator_id, originator_version
"""
KEPT = "SELECT detail, amount, count(*) FROM read.figures WHERE kind = 'sla' AND until IS NULL GROUP BY 1, 2"
PROMISED = """
SELECT metric, (met_at IS NOT NULL)::int, count(*) FROM read.sla_clocks WHERE outcome_at < now() GROUP BY 1, 2
"""
FOUND = """
SELECT f.stream, min(f.at) FILTER (WHERE kind = 'opened') AS opened_at,
       min(at) FILTER (WHERE kind = 'assignee_station') AS first_assigned_at,
       min(at) FILTER (WHERE kind = 'reply') AS first_public_reply_at,
       min(at) FILTER (WHERE kind = 'resolved') AS first_resolved_at,
       max(at) FILTER (WHERE kind = 'fully_resolved') AS last_resolved_at,
       (sum(micros) FILTER (WHERE kind = 'fully_resolved') / 1e6)::float AS full_resolution,
       count(*) FILTER (WHERE kind = 'message') AS messages, count(*) FILTER (WHERE kind = 'reply') AS replies,
       count(*) FILTER (WHERE kind = 'automatic_reply') AS automatic, count(*) FILTER (WHERE kind = 'note') AS notes,
       count(*) FILTER (WHERE kind = 'reopened') AS reopens, count(*) FILTER (WHERE kind = 'escalated') AS escalations,
       count(*) FILTER (WHERE kind = 'de_escalated') AS de_escalations,
       count(*) FILTER (WHERE kind = 'assignee_station' AND amount > 1) AS assignee_handoffs,
       count(*) FILTER (WHERE kind = 'team_station' AND amount > 1) AS team_handoffs
  FROM read.figures f WHERE until IS NULL GROUP BY stream ORDER BY stream
"""
REPORTED = """
SELECT id, opened_at, first_assigned_at, first_public_reply_at, first_resolved_at, last_resolved_at,
       full_resolution_seconds::float, requester_messages, public_replies, automatic_replies, notes, reopens,
       escalations, de_escalations, assignee_handoffs, team_handoffs
  FROM read.reports ORDER BY id
"""
# What goes on did so in `reports` up to its last event.
SPENT = """
SELECT s.stream, s.status, (extract(epoch FROM sum(coalesce(s.to_at, r.last_at) - s.from_at)) * 1000000)::bigint
  FROM read.figure_spans s JOIN read.reports r ON r.id = s.stream
 WHERE s.until IS NULL GROUP BY 1, 2
HAVING sum(coalesce(s.to_at, r.last_at) - s.from_at) > interval '0' ORDER BY 1, 2
"""
REPORTED_SPENT = """
SELECT id, s.status, (seconds * 1000000)::bigint FROM read.reports CROSS JOIN LATERAL (
       VALUES ('new', seconds_new), ('open', seconds_open), ('pending', seconds_pending), ('on_hold', seconds_on_hold),
              ('resolved', seconds_resolved)) s (status, seconds)
 WHERE seconds > 0 ORDER BY 1, 2
"""
# Of tickets that were never closed before they were resolved for the last time.
ADDED_UP = """
SELECT count(*), count(*) FILTER (WHERE f.business_micros = s.business AND f.micros = s.micros)
  FROM read.figures f
 CROSS JOIN LATERAL (SELECT sum(business_micros) AS business, sum(micros) AS micros FROM read.figure_spans
                      WHERE stream = f.stream AND until IS NULL AND to_at <= f.at) s
 WHERE f.kind = 'fully_resolved' AND f.until IS NULL AND s.micros = f.micros
"""
BEFORE = """
SELECT (SELECT count(*) FROM read.figures WHERE since <= %(position)s AND (until IS NULL OR until > %(position)s)
           AND policy IS NOT NULL),
       (SELECT count(*) FROM read.figures WHERE since <= %(position)s AND (until IS NULL OR until > %(position)s)
           AND kind = 'opened')
"""


def first_cases(path: Path) -> Path:
    """A log of the first cases of the real one."""
    cases = 0
    with gzip.open(REAL_LOG, "rt") as log, path.open("w") as short:
        while cases < CASES:
            line = log.readline()
            cases += "</trace>" in line
            short.write(line)
        short.write("</log>")
    return path


@pytest.fixture(scope="module")
def judged_from(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The head when all was imported and nothing judged yet."""
    with desk_on(module_database) as desk:
        desk.take(first_cases(tmp_path_factory.mktemp("log") / "short.xes"))
        head = desk.head()
        defaults(module_database)
        judge(desk)
        return head


@pytest.fixture(scope="module")
def views(module_database: Database, judged_from: int) -> Iterator[Connection[Any]]:
    with connected(module_database) as connection:
        with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
            events = [recorded(stored) for stored in cursor.execute(EVENTS)]
        histories = [list(history) for _, history in groupby(events, lambda event: event.stream)]
        for name in ("figures", "reports", "sla"):
            view = build(connection, name)
            projection = view.projection if name == "reports" else type(view.projection)()
            projection.load(connection, [])
            for start in range(0, len(histories), 500):
                rows = [projection.refold(history) for history in histories[start : start + 500]]
                projection.copy(connection, rows)
            view.go_live()
        yield connection


def asked(connection: Connection[Any], query: LiteralString, **parameters: Any) -> list[Any]:
    return connection.execute(query, parameters or None).fetchall()


def test_promises_that_were_kept_and_broken_are_those_of_the_sla_view(views: Connection[Any]) -> None:
    kept = {(metric, met): count for metric, met, count in asked(views, KEPT)}
    assert kept == {(metric, met): count for metric, met, count in asked(views, PROMISED)}
    assert sum(kept.values()) > CASES


def test_each_ticket_has_the_figures_of_its_report(views: Connection[Any]) -> None:
    found, reported = asked(views, FOUND), asked(views, REPORTED)
    assert len(found) == CASES
    assert found == reported


def test_time_in_each_status_is_that_of_the_report(views: Connection[Any]) -> None:
    found = asked(views, SPENT)
    assert len(found) > CASES
    assert found == asked(views, REPORTED_SPENT)


def test_business_time_of_stretches_adds_up_to_that_of_the_resolution(views: Connection[Any]) -> None:
    tickets, alike = asked(views, ADDED_UP)[0]
    assert tickets > CASES / 2
    assert alike == tickets


def test_before_it_was_judged_nothing_stood_on_a_policy(views: Connection[Any], judged_from: int) -> None:
    assert asked(views, BEFORE, position=judged_from) == [(0, CASES)]
