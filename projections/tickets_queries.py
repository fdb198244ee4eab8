"""tickets_queries: one ticket, its thread, and what of both its requester may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import TypeAdapter

from aggregates.text import SafeInt
from aggregates.ticket.events import Channel, Priority, Status, TicketType
from projections.cursor import Page, decode, page

T = TypeVar("T")
END = 2**53
NUMBER_KEY: TypeAdapter[SafeInt] = TypeAdapter(SafeInt)

TICKET: LiteralString = """
SELECT id, version, position, number, requester, subject, channel, category, team, assignee, priority, ticket_type,
       status, level, spam, tags, watchers, fields, links, follow_up_of, follow_up, public_replies, resolution_code,
       time_spent, source, source_case, opened_at, updated_at
  FROM read.tickets WHERE id = %(id)s
"""
TICKET_BY_NUMBER: LiteralString = """
SELECT id, version, position, number, requester, subject, channel, category, team, assignee, priority, ticket_type,
       status, level, spam, tags, watchers, fields, links, follow_up_of, follow_up, public_replies, resolution_code,
       time_spent, source, source_case, opened_at, updated_at
  FROM read.tickets WHERE number = %(number)s ORDER BY position LIMIT 1
"""
THREAD: LiteralString = """
SELECT version, audience, kind, author_kind, author_id, body, at, channel, automatic, public_number
  FROM read.messages WHERE ticket = %(ticket)s AND version > %(after)s ORDER BY version LIMIT %(limit)s
"""
CUSTOMER_TICKET: LiteralString = """
SELECT id, number, subject, channel, status, follow_up_of, follow_up, opened_at, updated_at, thread_version
  FROM read.customer_tickets WHERE id = %(id)s AND requester = %(requester)s
"""
CUSTOMER_TICKETS: LiteralString = """
SELECT id, number, subject, channel, status, follow_up_of, follow_up, opened_at, updated_at, thread_version
  FROM read.customer_tickets WHERE requester = %(requester)s AND number < %(before)s
 ORDER BY number DESC LIMIT %(limit)s
"""
CUSTOMER_THREAD: LiteralString = """
SELECT number, author, own, automatic, body, at, channel FROM read.customer_messages
 WHERE ticket = %(ticket)s AND requester = %(requester)s AND number > %(after)s ORDER BY number LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket for those who work on it. `subject` is null once it was erased; `time_spent` is in seconds."""

    id: UUID
    version: int
    position: int
    number: int
    requester: UUID | None
    subject: str | None
    channel: Channel
    category: str | None
    team: UUID | None
    assignee: UUID | None
    priority: Priority
    ticket_type: TicketType
    status: Status
    level: int
    spam: bool
    tags: list[str]
    watchers: list[UUID]
    fields: dict[str, Any]
    links: list[dict[Literal["relation", "other"], str]]
    follow_up_of: UUID | None
    follow_up: UUID | None
    public_replies: int
    resolution_code: str | None
    time_spent: int
    source: str | None
    source_case: str | None
    opened_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MessageView:
    """One piece of the whole thread. `public_number` is null for internal notes, `body` for erased text."""

    version: int
    audience: Literal["public", "internal"]
    kind: Literal["message", "reply", "note"]
    author_kind: Literal["agent", "customer", "system", "rule", "import"]
    author_id: str
    body: str | None
    at: datetime
    channel: Channel | None
    automatic: bool
    public_number: int | None


@dataclass(frozen=True, slots=True)
class CustomerTicketView:
    """A ticket for its requester. `thread_version` rises with each change that they can see: their ETag."""

    id: UUID
    number: int
    subject: str | None
    channel: Channel
    status: Literal["new", "open", "pending", "resolved", "closed"]
    follow_up_of: UUID | None
    follow_up: UUID | None
    opened_at: datetime
    updated_at: datetime
    thread_version: int


@dataclass(frozen=True, slots=True)
class CustomerMessageView:
    """A public message, numbered 1..n among the public ones. `own`: by the requester themselves."""

    number: int
    author: Literal["customer", "support"]
    own: bool
    automatic: bool
    body: str | None
    at: datetime
    channel: Channel | None


async def ticket(connection: AsyncConnection[Any], id: UUID) -> TicketView | None:
    return await _one(connection, TicketView, TICKET, {"id": id})


async def ticket_by_number(connection: AsyncConnection[Any], number: int) -> TicketView | None:
    return await _one(connection, TicketView, TICKET_BY_NUMBER, {"number": number})


async def thread(
    connection: AsyncConnection[Any], ticket: UUID, *, after: int = 0, limit: int | None = None
) -> list[MessageView]:
    """The whole thread beyond version `after`, internal notes included. Never for a customer."""
    return await _all(connection, MessageView, THREAD, {"ticket": ticket, "after": after, "limit": limit})


async def customer_ticket(connection: AsyncConnection[Any], id: UUID, requester: UUID) -> CustomerTicketView | None:
    """The requester's own ticket: None for somebody else's, as for one that is not there."""
    return await _one(connection, CustomerTicketView, CUSTOMER_TICKET, {"id": id, "requester": requester})


async def customer_tickets(
    connection: AsyncConnection[Any], requester: UUID, limit: int, cursor: str | None = None
) -> Page[CustomerTicketView]:
    """The requester's own tickets, newest number first. Raises InvalidCursor."""
    before = END if cursor is None else decode(NUMBER_KEY, cursor)
    parameters = {"requester": requester, "before": before, "limit": limit + 1}
    found = await _all(connection, CustomerTicketView, CUSTOMER_TICKETS, parameters)
    return page(found, limit, NUMBER_KEY, lambda ticket: ticket.number)


async def customer_thread(
    connection: AsyncConnection[Any], ticket: UUID, requester: UUID, *, after: int = 0, limit: int | None = None
) -> list[CustomerMessageView]:
    """The public messages beyond number `after`; nothing of somebody else's ticket."""
    parameters = {"ticket": ticket, "requester": requester, "after": after, "limit": limit}
    return await _all(connection, CustomerMessageView, CUSTOMER_THREAD, parameters)


async def _one(
    connection: AsyncConnection[Any], view: type[T], query: LiteralString, parameters: dict[str, Any]
) -> T | None:
    async with connection.cursor(row_factory=class_row(view)) as found:
        await found.execute(query, parameters)
        return await found.fetchone()


async def _all(
    connection: AsyncConnection[Any], view: type[T], query: LiteralString, parameters: dict[str, Any]
) -> list[T]:
    async with connection.cursor(row_factory=class_row(view)) as found:
        await found.execute(query, parameters)
        return await found.fetchall()
