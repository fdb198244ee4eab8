"""desk: which teams, agents, customers, organisations and calendars are there?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from types import MappingProxyType
from typing import Any, ClassVar, LiteralString, TypeVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates import agent, customer, team
from aggregates.agent import Agent
from aggregates.business_time import Hours
from aggregates.calendar import CalendarFact, CalendarPublished
from aggregates.customer import Contact, Customer, Organisation
from aggregates.envelope import Recorded
from aggregates.team import Team
from aggregates.text import shown
from projections.batch import Table, dumped, hidden


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A calendar without the hours that it had before; `number` counts the versions."""

    name: str = ""
    number: int = 0
    hours: Hours | None = None
    effective_from: datetime | None = None


def _evolve_calendar(entry: CalendarEntry, fact: CalendarFact) -> CalendarEntry:
    if isinstance(fact, CalendarPublished):
        return CalendarEntry(entry.name, entry.number + 1, fact.hours, fact.effective_from)
    return replace(entry, name=fact.name)


Entry = Team | Agent | Customer | Organisation | CalendarEntry
EntryT = TypeVar("EntryT", bound=Entry)
Values = tuple[Any, ...]
KINDS: Mapping[str, tuple[Entry, Callable[[Any, Any], Entry]]] = MappingProxyType(
    {
        "team": (Team(), team.evolve),
        "agent": (Agent(), agent.evolve),
        "customer": (Customer(), customer.evolve),
        "organisation": (Organisation(), customer.evolve_organisation),
        "calendar": (CalendarEntry(), _evolve_calendar),
    }
)
"""How each kind begins, and its fold."""

LOAD_TEAMS: LiteralString = """
SELECT stream, version, name, leader, ARRAY(SELECT agent FROM team_members WHERE team = stream), enabled
  FROM teams WHERE stream = ANY (%(streams)s)
"""
LOAD_AGENTS: LiteralString = """
SELECT stream, version, name, skills, capacity, online, enabled FROM agents WHERE stream = ANY (%(streams)s)
"""
LOAD_CUSTOMERS: LiteralString = """
SELECT stream, version, name, contacts, language, tier, organisation FROM customers WHERE stream = ANY (%(streams)s)
"""
LOAD_ORGANISATIONS: LiteralString = """
SELECT stream, version, name FROM organisations WHERE stream = ANY (%(streams)s)
"""
LOAD_CALENDARS: LiteralString = """
SELECT stream, version, name, hours_version, hours, effective_from FROM calendars WHERE stream = ANY (%(streams)s)
"""
SAVE_TEAMS: LiteralString = """
INSERT INTO teams (stream, version, name, leader, enabled)
SELECT * FROM unnest(
       %(stream)s::uuid[], %(version)s::bigint[], %(name)s::text[], %(leader)s::uuid[], %(enabled)s::boolean[])
    ON CONFLICT (stream) DO UPDATE SET (version, name, leader, enabled)
     = (excluded.version, excluded.name, excluded.leader, excluded.enabled)
"""
DROP_MEMBERS: LiteralString = "DELETE FROM team_members WHERE team = ANY (%(streams)s)"
SAVE_MEMBERS: LiteralString = """
INSERT INTO team_members (team, agent) SELECT * FROM unnest(%(team)s::uuid[], %(agent)s::uuid[])
"""
SAVE_AGENTS: LiteralString = """
INSERT INTO agents (stream, version, name, skills, capacity, online, enabled)
SELECT stream, version, name, skills::jsonb, capacity, online, enabled
  FROM unnest(
       %(stream)s::uuid[], %(version)s::bigint[], %(name)s::text[], %(skills)s::text[], %(capacity)s::int[],
       %(online)s::boolean[], %(enabled)s::boolean[])
    AS r (stream, version, name, skills, capacity, online, enabled)
    ON CONFLICT (stream) DO UPDATE SET (version, name, skills, capacity, online, enabled)
     = (excluded.version, excluded.name, excluded.skills, excluded.capacity, excluded.online, excluded.enabled)
"""
SAVE_CUSTOMERS: LiteralString = """
INSERT INTO customers (stream, version, name, contacts, language, tier, organisation)
SELECT stream, version, name, contacts::jsonb, language, tier, organisation
  FROM unnest(
       %(stream)s::uuid[], %(version)s::bigint[], %(name)s::text[], %(contacts)s::text[], %(language)s::text[],
       %(tier)s::text[], %(organisation)s::uuid[])
    AS r (stream, version, name, contacts, language, tier, organisation)
    ON CONFLICT (stream) DO UPDATE SET (version, name, contacts, language, tier, organisation)
     = (excluded.version, excluded.name, excluded.contacts, excluded.language, excluded.tier, excluded.organisation)
"""
SAVE_ORGANISATIONS: LiteralString = """
INSERT INTO organisations (stream, version, name)
SELECT * FROM unnest(%(stream)s::uuid[], %(version)s::bigint[], %(name)s::text[])
    ON CONFLICT (stream) DO UPDATE SET (version, name) = (excluded.version, excluded.name)
"""
SAVE_CALENDARS: LiteralString = """
INSERT INTO calendars (stream, version, name, hours_version, hours, effective_from)
SELECT stream, version, name, hours_version, hours::jsonb, effective_from
  FROM unnest(
       %(stream)s::uuid[], %(version)s::bigint[], %(name)s::text[], %(hours_version)s::int[], %(hours)s::text[],
       %(effective_from)s::timestamptz[])
    AS r (stream, version, name, hours_version, hours, effective_from)
    ON CONFLICT (stream) DO UPDATE SET (version, name, hours_version, hours, effective_from)
     = (excluded.version, excluded.name, excluded.hours_version, excluded.hours, excluded.effective_from)
"""
ERASE: LiteralString = """
WITH t AS (DELETE FROM teams WHERE stream = ANY (%(streams)s)),
     m AS (DELETE FROM team_members WHERE team = ANY (%(streams)s)),
     a AS (DELETE FROM agents WHERE stream = ANY (%(streams)s)),
     c AS (DELETE FROM customers WHERE stream = ANY (%(streams)s)),
     h AS (DELETE FROM calendars WHERE stream = ANY (%(streams)s))
DELETE FROM organisations WHERE stream = ANY (%(streams)s)
"""

TEAMS = Table("teams", "stream version name leader enabled", SAVE_TEAMS)
MEMBERS = Table("team_members", "team agent", SAVE_MEMBERS)
AGENTS = Table("agents", "stream version name skills capacity online enabled", SAVE_AGENTS)
CUSTOMERS = Table("customers", "stream version name contacts language tier organisation", SAVE_CUSTOMERS)
ORGANISATIONS = Table("organisations", "stream version name", SAVE_ORGANISATIONS)
CALENDARS = Table("calendars", "stream version name hours_version hours effective_from", SAVE_CALENDARS)


@dataclass(frozen=True, slots=True)
class DeskRow:
    """`entry`: the aggregate itself, as its own fold leaves it; of a calendar its latest hours only."""

    stream: UUID
    version: int
    entry: Entry


class Desk:
    name: ClassVar[str] = "desk"
    version: ClassVar[int] = 2
    kinds: ClassVar[frozenset[str]] = frozenset(KINDS)

    def load(self, connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, DeskRow]:
        rows: dict[UUID, DeskRow] = {}
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            for statement, entry in LOADS:
                cursor.execute(statement, {"streams": list(streams)}, prepare=True)
                rows |= {stream: DeskRow(stream, version, entry(*values)) for stream, version, *values in cursor}
        return rows

    def fold(self, row: DeskRow | None, event: Recorded) -> DeskRow:
        begin, evolve = KINDS[event.fact.type_name.partition(".")[0]]
        return DeskRow(event.stream, event.version, evolve(begin if row is None else row.entry, event.fact))

    def refold(self, history: Sequence[Recorded]) -> DeskRow:
        first = self.fold(None, history[0])
        return reduce(self.fold, history[1:], first)

    def save(self, connection: Connection[Any], rows: Sequence[DeskRow]) -> None:
        if teams := [team for team, _, _ in _those(rows, Team)]:
            connection.execute(DROP_MEMBERS, {"streams": teams})
        for table, values in _by_table(rows):
            table.save(connection, values)

    def copy(self, connection: Connection[Any], rows: Sequence[DeskRow]) -> None:
        for table, values in _by_table(rows):
            table.copy(connection, values)

    def total(self, connection: Connection[Any]) -> None:
        """Nothing is summed."""

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        connection.execute(ERASE, {"streams": list(streams)})


def _by_table(rows: Sequence[DeskRow]) -> Iterator[tuple[Table, list[Values]]]:
    teams = _those(rows, Team)
    yield TEAMS, [(id, v, t.name, t.leader, t.enabled) for id, v, t in teams]
    yield MEMBERS, [(id, member) for id, _, t in teams for member in sorted(t.members)]
    agents = _those(rows, Agent)
    yield AGENTS, [(id, v, a.name, dumped(dict(a.skills)), a.capacity, a.online, a.enabled) for id, v, a in agents]
    yield CUSTOMERS, [(id, v, *_customer_values(c)) for id, v, c in _those(rows, Customer)]
    yield ORGANISATIONS, [(id, v, o.name) for id, v, o in _those(rows, Organisation)]
    yield CALENDARS, [(id, v, *_calendar_values(c)) for id, v, c in _those(rows, CalendarEntry)]


def _those(rows: Sequence[DeskRow], kind: type[EntryT]) -> list[tuple[UUID, int, EntryT]]:
    return [(row.stream, row.version, row.entry) for row in rows if isinstance(row.entry, kind)]


def _customer_values(c: Customer) -> Values:
    return (shown(c.name), dumped(_plain(c.contacts)), c.language, c.tier, c.organisation)


def _calendar_values(c: CalendarEntry) -> Values:
    return (c.name, c.number, c.hours.model_dump_json() if c.hours else None, c.effective_from)


def _plain(contacts: Sequence[Contact]) -> list[dict[str, str | None]]:
    return [{"kind": contact.kind, "value": shown(contact.value)} for contact in contacts]


def _team(name: str, leader: UUID | None, members: list[UUID], enabled: bool) -> Team:
    return Team(name, leader, frozenset(members), enabled)


def _agent(name: str, skills: dict[str, int], capacity: int, online: bool, enabled: bool) -> Agent:
    return Agent(name, MappingProxyType(skills), capacity, online, enabled)


def _customer(name: str | None, contacts: list[dict[str, Any]], *rest: Any) -> Customer:
    known = tuple(Contact(kind=contact["kind"], value=hidden(contact["value"])) for contact in contacts)
    return Customer(hidden(name), known, *rest)


def _calendar(name: str, number: int, hours: dict[str, Any] | None, effective_from: datetime | None) -> CalendarEntry:
    known = None if hours is None else Hours.model_validate(hours)
    return CalendarEntry(name, number, known, effective_from)


LOADS: tuple[tuple[LiteralString, Callable[..., Entry]], ...] = (
    (LOAD_TEAMS, _team),
    (LOAD_AGENTS, _agent),
    (LOAD_CUSTOMERS, _customer),
    (LOAD_ORGANISATIONS, Organisation),
    (LOAD_CALENDARS, _calendar),
)
