"""What does the desk look like now? A few answers from its read models, and one ticket's history from the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from aggregates.envelope import Actor, Recorded, recorded
from commands.log import read_streams
from replay.phrases import phrase

STATUSES: LiteralString = """
SELECT status, tickets FROM read.tickets_by_status
 ORDER BY array_position(ARRAY['new', 'open', 'pending', 'on_hold', 'resolved', 'closed'], status)
"""
BUSIEST: LiteralString = """
SELECT coalesce(t.name, '(no team)') AS name, count(*) AS tickets,
       count(*) FILTER (WHERE q.assignee IS NULL) AS unassigned,
       count(*) FILTER (WHERE q.status IN ('pending', 'on_hold')) AS waiting, min(q.opened_at)::date AS oldest
  FROM read.queues q LEFT JOIN read.teams t ON t.id = q.team
 WHERE q.status IN ('new', 'open', 'pending', 'on_hold')
 GROUP BY q.team, t.name ORDER BY tickets DESC, name LIMIT %(n)s
"""
MOST_HANDED_ON: LiteralString = """
SELECT r.id, r.number, t.subject, r.status, r.assignee_handoffs, r.team_handoffs, r.reopens, r.escalations
  FROM read.reports r JOIN read.tickets t USING (id)
 ORDER BY r.assignee_handoffs + r.team_handoffs DESC, r.number LIMIT 1
"""
MONTHS: LiteralString = """
SELECT m::date AS month, coalesce(a.tickets, 0) AS arrived, coalesce(r.tickets, 0) AS resolved
  FROM (SELECT min(month) AS first, max(month) AS last
          FROM (SELECT month FROM read.monthly_arrivals
                UNION ALL SELECT month FROM read.monthly_resolutions) AS both_kinds) AS span
 CROSS JOIN LATERAL generate_series(span.first, span.last, interval '1 month') AS m
  LEFT JOIN read.monthly_arrivals a ON a.month = m::date
  LEFT JOIN read.monthly_resolutions r ON r.month = m::date ORDER BY 1
"""
NAMES: LiteralString = """
SELECT id, name FROM read.teams UNION ALL SELECT id, name FROM read.agents
"""


@dataclass(frozen=True, slots=True)
class Queue:
    """A team's open work; `waiting` is pending or on hold."""

    name: str
    tickets: int
    unassigned: int
    waiting: int
    oldest: date


@dataclass(frozen=True, slots=True)
class Travelled:
    """A ticket that went through many hands."""

    id: UUID
    number: int
    subject: str | None
    status: str
    assignee_handoffs: int
    team_handoffs: int
    reopens: int
    escalations: int


@dataclass(frozen=True, slots=True)
class Month:
    month: date
    arrived: int
    resolved: int


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a history; `at` in UTC, to the minute."""

    at: str
    type: str
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class Picture:
    statuses: Mapping[str, int]
    teams: Sequence[Queue]
    ticket: Travelled | None
    history: Sequence[Line]
    months: Sequence[Month]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def look(connection: Connection[Any], teams: int = 10) -> Picture:
    """As of what the views have reached. Raises psycopg.errors.UndefinedTable where they have never been built."""
    with connection.cursor(row_factory=class_row(Travelled)) as cursor:
        ticket = cursor.execute(MOST_HANDED_ON).fetchone()
    with connection.cursor(row_factory=class_row(Queue)) as queues:
        busiest = queues.execute(BUSIEST, {"n": teams}).fetchall()
    with connection.cursor(row_factory=class_row(Month)) as months:
        monthly = months.execute(MONTHS).fetchall()
    statuses = dict(connection.execute(STATUSES).fetchall())
    return Picture(statuses, busiest, ticket, _history(connection, ticket.id) if ticket else [], monthly)


def _history(connection: Connection[Any], ticket: UUID) -> list[Line]:
    names: dict[str, str] = {str(id): name for id, name in connection.execute(NAMES).fetchall()}
    return [_line(recorded(row), names) for row in read_streams(connection, [(ticket, 0)])]


def _line(event: Recorded, names: Mapping[str, str]) -> Line:
    return Line(
        f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M}",
        event.fact.type_name,
        phrase(event.fact, names),
        _by(event.actor, names),
    )


def _by(actor: Actor, names: Mapping[str, str]) -> str:
    """A name where there is one; of an import, the person in whose place it speaks."""
    if actor.kind == "import":
        source, _, who = actor.id.partition(":")
        return who or source
    return names.get(actor.id, f"{actor.kind} {actor.id}")
