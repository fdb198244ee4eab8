"""Which configuration does a decision stand on? A snapshot of just what one command names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar
from uuid import UUID

from aggregates.agent import Agent
from aggregates.calendar import Calendar
from aggregates.customer import Customer, Organisation
from aggregates.errors import UnknownReference
from aggregates.team import Team
from aggregates.ticket.state import Ticket

T = TypeVar("T")
Config = Team | Agent | Customer | Organisation | Calendar
EMPTY: Mapping[UUID, Config | Ticket] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Desk:
    """Aggregates by id, as the command saw them. What does not exist is not in it."""

    entries: Mapping[UUID, Config | Ticket] = field(default_factory=lambda: EMPTY)

    def team(self, id: UUID, where: str) -> Team:
        """The team, if it may be given work. Raises UnknownReference naming the field `where`."""
        team = self._find(id, Team, "team", where)
        if not team.enabled:
            raise UnknownReference("team.disabled", "This team is disabled.", field=where)
        return team

    def takes_work(self, team: UUID | None) -> bool:
        """Whether there is such a team and it is not disabled."""
        found = None if team is None else self.entries.get(team)
        return isinstance(found, Team) and found.enabled

    def agent(self, id: UUID, where: str) -> Agent:
        """The agent, if they may be given work. Raises UnknownReference naming the field `where`."""
        agent = self._find(id, Agent, "agent", where)
        if not agent.enabled:
            raise UnknownReference("agent.disabled", "This agent is disabled.", field=where)
        return agent

    def customer(self, id: UUID, where: str) -> Customer:
        return self._find(id, Customer, "customer", where)

    def organisation(self, id: UUID, where: str) -> Organisation:
        return self._find(id, Organisation, "organisation", where)

    def calendar(self, id: UUID, where: str) -> Calendar:
        """The calendar, if it says any hours. Raises UnknownReference naming the field `where`."""
        calendar = self._find(id, Calendar, "calendar", where)
        if calendar.latest is None:
            raise UnknownReference("calendar.no_hours", "This calendar has no hours yet.", field=where)
        return calendar

    def ticket(self, id: UUID, where: str) -> Ticket:
        return self._find(id, Ticket, "ticket", where)

    def _find(self, id: UUID, kind: type[T], name: str, where: str) -> T:
        found = self.entries.get(id)
        if not isinstance(found, kind):
            raise UnknownReference(f"{name}.unknown", f"There is no such {name}.", field=where)
        return found
