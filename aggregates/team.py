"""Team: who works together, and who leads them?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, assert_never
from uuid import UUID

from pydantic import AfterValidator, Field

from aggregates.errors import Unacceptable, require
from aggregates.fact import Command, Fact
from aggregates.text import Name, SafeText, distinct


class TeamCreated(Fact, type_name="team.created.v1"):
    name: SafeText


class TeamRenamed(Fact, type_name="team.renamed.v1"):
    name: SafeText


class TeamLeaderChanged(Fact, type_name="team.leader_changed.v1"):
    leader: UUID | None


class TeamMemberAdded(Fact, type_name="team.member_added.v1"):
    agent: UUID


class TeamMemberRemoved(Fact, type_name="team.member_removed.v1"):
    agent: UUID


class TeamDisabled(Fact, type_name="team.disabled.v1"):
    pass


class TeamEnabled(Fact, type_name="team.enabled.v1"):
    pass


TeamFact = (
    TeamCreated | TeamRenamed | TeamLeaderChanged | TeamMemberAdded | TeamMemberRemoved | TeamDisabled | TeamEnabled
)


Members = Annotated[tuple[UUID, ...], Field(max_length=1_000), AfterValidator(distinct)]


class CreateTeam(Command):
    name: Name
    leader: UUID | None = None
    members: Members = ()


class ChangeTeam(Command):
    """What is left out stays as it is; `leader: null` leaves the team without one."""

    name: Name | None = None
    leader: UUID | None = None
    add_members: Members = ()
    remove_members: Members = ()
    enabled: bool | None = None


TeamCommand = CreateTeam | ChangeTeam


@dataclass(frozen=True, slots=True)
class Team:
    name: str = ""
    leader: UUID | None = None
    members: frozenset[UUID] = frozenset()
    enabled: bool = True

    @property
    def exists(self) -> bool:
        return self.name != ""


def evolve(team: Team, fact: TeamFact) -> Team:
    """Apply one fact. Total and silent."""
    match fact:
        case TeamCreated() | TeamRenamed():
            return replace(team, name=fact.name)
        case TeamLeaderChanged():
            return replace(team, leader=fact.leader)
        case TeamMemberAdded():
            return replace(team, members=team.members | {fact.agent})
        case TeamMemberRemoved():
            return replace(team, members=team.members - {fact.agent})
        case TeamDisabled():
            return replace(team, enabled=False)
        case TeamEnabled():
            return replace(team, enabled=True)
        case _:
            assert_never(fact)


def decide(team: Team, command: TeamCommand) -> tuple[TeamFact, ...]:
    """Say what happens next. Raises RuleBroken or Unacceptable. Agents it names were looked up by the caller."""
    match command:
        case CreateTeam():
            require(not team.exists, "team.already_created", "This team exists already.")
            leader = (TeamLeaderChanged(leader=command.leader),) if command.leader else ()
            return (TeamCreated(name=command.name), *leader, *map(_added, command.members))
        case ChangeTeam():
            return tuple(_changes(team, command))
        case _:
            assert_never(command)


def _changes(team: Team, command: ChangeTeam) -> list[TeamFact]:
    if not set(command.add_members).isdisjoint(command.remove_members):
        raise Unacceptable("team.added_and_removed", "Nobody can be added and removed at once.", field="remove_members")
    facts: list[TeamFact] = []
    if command.name is not None and command.name != team.name:
        facts.append(TeamRenamed(name=command.name))
    if "leader" in command.model_fields_set and command.leader != team.leader:
        facts.append(TeamLeaderChanged(leader=command.leader))
    facts.extend(_added(agent) for agent in command.add_members if agent not in team.members)
    facts.extend(TeamMemberRemoved(agent=agent) for agent in command.remove_members if agent in team.members)
    if command.enabled is not None and command.enabled != team.enabled:
        facts.append(TeamEnabled() if command.enabled else TeamDisabled())
    return facts


def _added(agent: UUID) -> TeamMemberAdded:
    return TeamMemberAdded(agent=agent)
