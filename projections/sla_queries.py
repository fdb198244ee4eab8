"""sla_queries: which promises are due next, at risk or broken on tickets that are worked on, and how many of them?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import AwareDatetime, TypeAdapter

from aggregates.sla.clock import Book
from aggregates.sla.elapsed import Standstill
from aggregates.sla.terms import TimeKind
from aggregates.ticket.events import Metric, Priority, Status
from projections.cursor import Page, decode, page

BoardState = Literal["breached", "at_risk", "running", "paused"]
Grouping = Literal["team", "agent"]
# Behind the order of each index stands what else is asked: rows that do not fit are passed over within it.
BOARD: LiteralString = """
SELECT c.ticket, t.number, c.metric, c.cycle, c.target, c.time, c.running, c.why, c.since, c.micros, c.started_at,
       c.warn_at, nullif(c.board_at, 'infinity') AS due, t.team, t.assignee, t.priority, t.status, t.calendar,
       t.calendar_version
  FROM (SELECT * FROM read.sla_clocks WHERE board_at IS NOT NULL
"""
STATES: Mapping[BoardState | None, LiteralString] = MappingProxyType(
    {
        None: " AND board_at < 'infinity'",
        "breached": " AND board_at < %(now)s",
        "at_risk": " AND board_at >= %(now)s AND board_at < 'infinity' AND risk_at <= %(now)s",
        "running": " AND board_at >= %(now)s AND board_at < 'infinity' AND risk_at > %(now)s",
        "paused": " AND board_at = 'infinity'",
    }
)
CONDITIONS: Mapping[str, LiteralString] = MappingProxyType(
    {
        "team": " AND team = %(team)s",
        "assignee": " AND assignee = %(assignee)s",
        "metric": " AND metric = %(metric)s",
        "priority": " AND priority = %(priority)s",
        "due_by": " AND board_at <= %(due_by)s",
    }
)
AFTER: LiteralString = """
 AND (board_at, started_at, ticket, metric) > (coalesce(%(k0)s::timestamptz, 'infinity'), %(k1)s, %(k2)s, %(k3)s)
"""
ORDER: LiteralString = """
 ORDER BY board_at, started_at, ticket, metric LIMIT %(limit)s) c
  JOIN read.sla_tickets t ON t.id = c.ticket
 ORDER BY c.board_at, c.started_at, c.ticket, c.metric
"""
COUNTED: LiteralString = """
       count(*) FILTER (WHERE board_at < %(now)s) AS breached,
       count(*) FILTER (WHERE board_at >= %(now)s AND board_at < 'infinity' AND risk_at <= %(now)s) AS at_risk,
       count(*) FILTER (WHERE board_at >= %(now)s AND board_at < 'infinity' AND risk_at > %(now)s) AS running,
       count(*) FILTER (WHERE board_at = 'infinity') AS paused,
       min(board_at) FILTER (WHERE board_at >= %(now)s AND board_at < 'infinity') AS next_due
  FROM read.sla_clocks WHERE board_at IS NOT NULL
"""
BY: Mapping[Grouping, tuple[LiteralString, LiteralString]] = MappingProxyType(
    {"team": ("SELECT team AS whose,", " GROUP BY team"), "agent": ("SELECT assignee AS whose,", " GROUP BY assignee")}
)
KEY: TypeAdapter[tuple[Any, ...]] = TypeAdapter(tuple[AwareDatetime | None, AwareDatetime, UUID, Metric])


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What is None is not asked for. Without `state`: all that is or was due, but nothing that stands still."""

    team: UUID | None = None
    assignee: UUID | None = None
    metric: Metric | None = None
    priority: Priority | None = None
    state: BoardState | None = None
    due_within: int | None = None


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A clock that may go on. due: when it is or was due; None while it stands still."""

    ticket: UUID
    number: int
    metric: Metric
    cycle: int
    target: int | None
    time: TimeKind
    running: bool
    why: str
    since: datetime
    micros: int
    started_at: datetime
    warn_at: datetime | None
    due: datetime | None
    team: UUID | None
    assignee: UUID | None
    priority: Priority
    status: Status
    calendar: UUID | None
    calendar_version: int | None

    def state(self, now: datetime) -> BoardState:
        if self.due is None:
            return "paused"
        if self.due < now:
            return "breached"
        return "at_risk" if self.warn_at is not None and self.warn_at <= now else "running"

    def remaining(self, now: datetime, book: Book) -> timedelta | None:
        """Of the target, negative once it has passed. Raises LookupError for a calendar that the book lacks."""
        if self.target is None:
            return None
        still = Standstill(self.micros, self.since, self.running, self.time, self.calendar, self.calendar_version)
        return timedelta(seconds=self.target) - still.elapsed(now, book)


@dataclass(frozen=True, slots=True)
class Standings:
    """Of one team's or agent's tickets; `whose`: None for those that nobody has.

    next_due: of what is not broken yet.
    """

    whose: UUID | None
    breached: int
    at_risk: int
    running: int
    paused: int
    next_due: datetime | None


async def board(
    connection: AsyncConnection[Any], wanted: BoardFilter, now: datetime, limit: int, cursor: str | None = None
) -> Page[BoardRow]:
    """Clocks by when they are due: broken promises first, the oldest of them first. Raises InvalidCursor."""
    query, parameters = _asked(wanted, now, limit, cursor)
    async with connection.cursor(row_factory=class_row(BoardRow)) as rows:
        await rows.execute(query, parameters)
        return page(await rows.fetchall(), limit, KEY, lambda row: (row.due, row.started_at, row.ticket, row.metric))


async def standings(connection: AsyncConnection[Any], by: Grouping, now: datetime) -> list[Standings]:
    """How each team's or agent's clocks stand; those with the most broken promises first."""
    grouped, group_by = BY[by]
    async with connection.cursor(row_factory=class_row(Standings)) as rows:
        await rows.execute(grouped + COUNTED + group_by, {"now": now})
        return by_urgency(await rows.fetchall())


def by_urgency(standings: Iterable[Standings]) -> list[Standings]:
    return sorted(standings, key=lambda s: (-s.breached, -s.at_risk, -s.running, s.whose is None, s.whose))


def _asked(wanted: BoardFilter, now: datetime, limit: int, cursor: str | None) -> tuple[LiteralString, dict[str, Any]]:
    parameters = _parameters(wanted, now) | {"limit": limit + 1}
    query = BOARD + STATES[wanted.state] + "".join(CONDITIONS[name] for name in CONDITIONS if name in parameters)
    if cursor is not None:
        key: tuple[Any, ...] = decode(KEY, cursor)
        parameters |= {f"k{place}": part for place, part in enumerate(key)}
        query += AFTER
    return query + ORDER, parameters


def _parameters(wanted: BoardFilter, now: datetime) -> dict[str, Any]:
    asked = {name: value for name in CONDITIONS if (value := getattr(wanted, name, None)) is not None}
    if wanted.due_within is not None:
        asked["due_by"] = now + timedelta(seconds=wanted.due_within)
    return asked | {"now": now}
