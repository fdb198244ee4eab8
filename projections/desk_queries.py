"""desk_queries: one team, agent, customer, organisation or calendar, and lists of them by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import TypeAdapter

from aggregates.customer import Tier
from aggregates.text import SafeText
from projections.cursor import Page, decode, page

T = TypeVar("T", "TeamView", "AgentView", "CustomerView", "OrganisationView", "CalendarView", "CalendarLine")
NAME_KEY: TypeAdapter[tuple[SafeText, UUID]] = TypeAdapter(tuple[SafeText, UUID])
BEGINNING = ("", UUID(int=0))

TEAM: LiteralString = "SELECT id, version, name, leader, members, enabled FROM read.teams WHERE id = %(id)s"
TEAMS: LiteralString = """
SELECT id, version, name, leader, members, enabled FROM read.teams
 WHERE (name, id) > (%(name)s, %(id)s) ORDER BY name, id LIMIT %(limit)s
"""
AGENT: LiteralString = """
SELECT id, version, name, skills, capacity, online, enabled, teams FROM read.agents WHERE id = %(id)s
"""
AGENTS: LiteralString = """
SELECT id, version, name, skills, capacity, online, enabled, teams FROM read.agents
 WHERE (name, id) > (%(name)s, %(id)s) ORDER BY name, id LIMIT %(limit)s
"""
CUSTOMER: LiteralString = """
SELECT id, version, name, contacts, language, tier, organisation FROM read.customers WHERE id = %(id)s
"""
CUSTOMERS: LiteralString = """
SELECT id, version, name, contacts, language, tier, organisation FROM read.customers
 WHERE (name_key, id) > (%(name)s, %(id)s) ORDER BY name_key, id LIMIT %(limit)s
"""
ORGANISATION: LiteralString = "SELECT id, version, name FROM read.organisations WHERE id = %(id)s"
ORGANISATIONS: LiteralString = """
SELECT id, version, name FROM read.organisations
 WHERE (name, id) > (%(name)s, %(id)s) ORDER BY name, id LIMIT %(limit)s
"""
CALENDAR: LiteralString = """
SELECT id, version, name, zone, hours_version, hours, effective_from FROM read.calendars WHERE id = %(id)s
"""
CALENDARS: LiteralString = """
SELECT id, version, name, zone, hours_version, effective_from FROM read.calendars
 WHERE (name, id) > (%(name)s, %(id)s) ORDER BY name, id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class TeamView:
    id: UUID
    version: int
    name: str
    leader: UUID | None
    members: list[UUID]
    enabled: bool


@dataclass(frozen=True, slots=True)
class AgentView:
    """`skills`: level 1 to 5 by skill; `capacity`: open tickets at once."""

    id: UUID
    version: int
    name: str
    skills: dict[str, int]
    capacity: int
    online: bool
    enabled: bool
    teams: list[UUID]


@dataclass(frozen=True, slots=True)
class CustomerView:
    """`name`, and a contact's `value`, are null once the customer was erased."""

    id: UUID
    version: int
    name: str | None
    contacts: list[dict[Literal["kind", "value"], str | None]]
    language: str | None
    tier: Tier
    organisation: UUID | None


@dataclass(frozen=True, slots=True)
class OrganisationView:
    id: UUID
    version: int
    name: str


@dataclass(frozen=True, slots=True)
class CalendarLine:
    """What a list says of a calendar; `hours_version` is the number of its latest hours, 0 before any."""

    id: UUID
    version: int
    name: str
    zone: str | None
    hours_version: int
    effective_from: datetime | None


@dataclass(frozen=True, slots=True)
class CalendarView:
    """The same with the latest hours themselves, null before any were published."""

    id: UUID
    version: int
    name: str
    zone: str | None
    hours_version: int
    hours: dict[str, Any] | None
    effective_from: datetime | None


async def team(connection: AsyncConnection[Any], id: UUID) -> TeamView | None:
    return await _one(connection, TeamView, TEAM, id)


async def teams(connection: AsyncConnection[Any], limit: int, cursor: str | None = None) -> Page[TeamView]:
    """By name. Raises InvalidCursor."""
    return await _page(connection, TeamView, TEAMS, limit, cursor)


async def agent(connection: AsyncConnection[Any], id: UUID) -> AgentView | None:
    return await _one(connection, AgentView, AGENT, id)


async def agents(connection: AsyncConnection[Any], limit: int, cursor: str | None = None) -> Page[AgentView]:
    """By name. Raises InvalidCursor."""
    return await _page(connection, AgentView, AGENTS, limit, cursor)


async def customer(connection: AsyncConnection[Any], id: UUID) -> CustomerView | None:
    return await _one(connection, CustomerView, CUSTOMER, id)


async def customers(connection: AsyncConnection[Any], limit: int, cursor: str | None = None) -> Page[CustomerView]:
    """By name, erased ones first. Raises InvalidCursor."""
    return await _page(connection, CustomerView, CUSTOMERS, limit, cursor)


async def organisation(connection: AsyncConnection[Any], id: UUID) -> OrganisationView | None:
    return await _one(connection, OrganisationView, ORGANISATION, id)


async def organisations(
    connection: AsyncConnection[Any], limit: int, cursor: str | None = None
) -> Page[OrganisationView]:
    """By name. Raises InvalidCursor."""
    return await _page(connection, OrganisationView, ORGANISATIONS, limit, cursor)


async def calendar(connection: AsyncConnection[Any], id: UUID) -> CalendarView | None:
    return await _one(connection, CalendarView, CALENDAR, id)


async def calendars(connection: AsyncConnection[Any], limit: int, cursor: str | None = None) -> Page[CalendarLine]:
    """By name. Raises InvalidCursor."""
    return await _page(connection, CalendarLine, CALENDARS, limit, cursor)


async def _one(connection: AsyncConnection[Any], view: type[T], query: LiteralString, id: UUID) -> T | None:
    async with connection.cursor(row_factory=class_row(view)) as found:
        await found.execute(query, {"id": id})
        return await found.fetchone()


async def _page(
    connection: AsyncConnection[Any], view: type[T], query: LiteralString, limit: int, cursor: str | None
) -> Page[T]:
    name, id = BEGINNING if cursor is None else decode(NAME_KEY, cursor)
    async with connection.cursor(row_factory=class_row(view)) as found:
        await found.execute(query, {"name": name, "id": id, "limit": limit + 1})
        return page(await found.fetchall(), limit, NAME_KEY, lambda entry: (entry.name or "", entry.id))
