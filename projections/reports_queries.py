"""reports_queries: the ready-made figures, and one ticket's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from aggregates.ticket.events import Channel, Priority, Status, TicketType

REPORT: LiteralString = """
SELECT id, version, number, channel, category, team, assignee, priority, ticket_type, status, level, imported,
       opened_at, first_assigned_at, first_requester_message_at, first_public_reply_at, first_resolved_at,
       last_resolved_at, closed_at, last_at, status_since, requester_messages, public_replies, automatic_replies,
       notes, reopens, escalations, de_escalations, assignee_handoffs, team_handoffs, time_logged_seconds, seconds_new,
       seconds_open, seconds_pending, seconds_on_hold, seconds_resolved
  FROM read.reports WHERE id = %(id)s
"""
MOST_HANDED_ON: LiteralString = """
SELECT id, number, assignee_handoffs, team_handoffs FROM read.reports
 ORDER BY assignee_handoffs + team_handoffs DESC, number LIMIT %(limit)s
"""
BY_STATUS: LiteralString = "SELECT status, tickets FROM read.tickets_by_status"
DAILY: LiteralString = """
SELECT day AS starts, coalesce(a.tickets, 0) AS arrivals, coalesce(r.tickets, 0) AS resolutions
  FROM read.daily_arrivals a FULL JOIN read.daily_resolutions r USING (day)
 WHERE day >= %(since)s AND day < %(until)s ORDER BY day
"""
MONTHLY: LiteralString = """
SELECT month AS starts, coalesce(a.tickets, 0) AS arrivals, coalesce(r.tickets, 0) AS resolutions
  FROM read.monthly_arrivals a FULL JOIN read.monthly_resolutions r USING (month)
 WHERE month >= %(since)s AND month < %(until)s ORDER BY month
"""


@dataclass(frozen=True, slots=True)
class ReportView:
    """One ticket's figures. `seconds_*` end at `last_at`: since then it has been in `status`."""

    id: UUID
    version: int
    number: int
    channel: Channel
    category: str | None
    team: UUID | None
    assignee: UUID | None
    priority: Priority
    ticket_type: TicketType
    status: Status
    level: int
    imported: bool
    opened_at: datetime
    first_assigned_at: datetime | None
    first_requester_message_at: datetime | None
    first_public_reply_at: datetime | None
    first_resolved_at: datetime | None
    last_resolved_at: datetime | None
    closed_at: datetime | None
    last_at: datetime
    status_since: datetime
    requester_messages: int
    public_replies: int
    automatic_replies: int
    notes: int
    reopens: int
    escalations: int
    de_escalations: int
    assignee_handoffs: int
    team_handoffs: int
    time_logged_seconds: int
    seconds_new: Decimal
    seconds_open: Decimal
    seconds_pending: Decimal
    seconds_on_hold: Decimal
    seconds_resolved: Decimal


@dataclass(frozen=True, slots=True)
class Flow:
    """Tickets opened, and resolved for the first time, in the UTC day or month that `starts` then."""

    starts: date
    arrivals: int
    resolutions: int


@dataclass(frozen=True, slots=True)
class HandedOn:
    id: UUID
    number: int
    assignee_handoffs: int
    team_handoffs: int


async def report(connection: AsyncConnection[Any], id: UUID) -> ReportView | None:
    async with connection.cursor(row_factory=class_row(ReportView)) as cursor:
        await cursor.execute(REPORT, {"id": id})
        return await cursor.fetchone()


async def flow(
    connection: AsyncConnection[Any], every: Literal["day", "month"], since: date = date.min, until: date = date.max
) -> list[Flow]:
    """Arrivals and resolutions of the days or months that start in [since, until); none where nothing happened."""
    async with connection.cursor(row_factory=class_row(Flow)) as cursor:
        await cursor.execute(DAILY if every == "day" else MONTHLY, {"since": since, "until": until})
        return await cursor.fetchall()


async def by_status(connection: AsyncConnection[Any]) -> dict[Status, int]:
    async with connection.cursor() as cursor:
        await cursor.execute(BY_STATUS)
        return dict(await cursor.fetchall())


async def most_handed_on(connection: AsyncConnection[Any], limit: int) -> list[HandedOn]:
    """The tickets with the most handoffs, of people and teams together."""
    async with connection.cursor(row_factory=class_row(HandedOn)) as cursor:
        await cursor.execute(MOST_HANDED_ON, {"limit": limit})
        return await cursor.fetchall()
