"""Who is who? The same name in a log is the same team, agent or customer here, in every run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID, uuid5

from aggregates.agent import AgentRegistered
from aggregates.customer import CustomerRegistered
from aggregates.envelope import Actor
from aggregates.fact import Fact
from aggregates.team import TeamCreated
from replay.logs.mapping import BadMapping, LogMapping, StatusMeaning, field_name

NAMESPACE = UUID("5b0f2f0e-8a64-5d0c-9d3f-3c1f4a7d2b11")
LONGEST_ACTOR = 200
LEVELS = range(1, 10)


@dataclass(frozen=True, slots=True)
class Registration:
    """A stream that the log implies, and its first fact."""

    stream: UUID
    fact: Fact
    subject: UUID | None = None


@dataclass(frozen=True, slots=True)
class KnownTeam:
    id: UUID
    level: int


class Lexicon:
    """Names to ids, remembered for one run. `registrations` is everything met, `registered` what is in the store."""

    def __init__(self, mapping: LogMapping) -> None:
        self.mapping = mapping
        self.digest = sha256(mapping.model_dump_json().encode()).digest()
        self.machines = frozenset(mapping.event.machines)
        self.registrations: dict[UUID, Registration] = {}
        self.registered: set[UUID] = set()
        self.fields: dict[str, str | None] = dict.fromkeys(_consumed(mapping)) | dict(mapping.fields)
        self.rest: dict[str, str | None] = {}
        self.anybody = self._actor(None)
        self._pattern = re.compile(mapping.level.pattern) if mapping.level else None
        self._teams: dict[str, KnownTeam] = {}
        self._agents: dict[str, UUID] = {}
        self._customers: dict[str, UUID] = {}
        self._actors: dict[str, Actor] = {}

    def id_of(self, kind: str, name: str) -> UUID:
        return uuid5(NAMESPACE, f"{self.mapping.source}/{kind}/{name}")

    def ticket(self, case: str) -> UUID:
        return self.id_of("case", case)

    def team(self, name: str) -> KnownTeam:
        known = self._teams.get(name)
        if known is None:
            known = self._teams[name] = KnownTeam(self.id_of("team", name), self.level(name))
            self.registrations[known.id] = Registration(known.id, TeamCreated(name=name))
        return known

    def agent(self, name: str) -> UUID:
        known = self._agents.get(name)
        if known is None:
            known = self._agents[name] = self.id_of("agent", name)
            self.registrations[known] = Registration(known, AgentRegistered(name=name))
        return known

    def customer(self, name: str) -> UUID:
        known = self._customers.get(name)
        if known is None:
            known = self._customers[name] = self.id_of("customer", name)
            self.registrations[known] = Registration(known, CustomerRegistered(name=name), subject=known)
        return known

    def actor(self, who: str | None) -> Actor:
        """The import, and in whose place: `bpi2013:Anne`."""
        if who is None:
            return self.anybody
        known = self._actors.get(who)
        if known is None:
            known = self._actors[who] = self._actor(who)
        return known

    def level(self, team: str) -> int:
        """The highest line that the team's name tells."""
        if self.mapping.level is None or self._pattern is None:
            return 1
        told = [int(found) for found in self._pattern.findall(team) if found.isdecimal()]
        return max([level for level in told if level in LEVELS], default=self.mapping.level.default)

    def meaning(self, status: str) -> StatusMeaning | None:
        return self.mapping.statuses.get(status)

    def field(self, attribute: str) -> str | None:
        """The custom field for an attribute; None: it is used otherwise, ignored or only reported."""
        if attribute in self.fields:
            return self.fields[attribute]
        name = field_name(attribute) if self.mapping.rest == "fields" else None
        other = next((key for key, taken in self.fields.items() if name and taken == name), None)
        if other is not None:
            raise BadMapping(f"{attribute!r} and {other!r} would both be the field {name!r}: name one in [fields]")
        self.fields[attribute] = self.rest[attribute] = name
        return name

    def _actor(self, who: str | None) -> Actor:
        named = self.mapping.source if who is None else f"{self.mapping.source}:{who}"
        return Actor(kind="import", id=named[:LONGEST_ACTOR])


def _consumed(mapping: LogMapping) -> set[str]:
    """Attributes that become something else than a custom field."""
    in_subject_only = {name for name, place in mapping.named.items() if place == "case.subject"}
    return (mapping.named.keys() - in_subject_only) | set(mapping.ignore)
