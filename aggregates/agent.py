"""Agent: who can work, with which skills, how much at once, and are they there?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, assert_never

from pydantic import Field

from aggregates.errors import require
from aggregates.fact import Command, Fact
from aggregates.text import Name, SafeText, Tag

SkillLevel = Annotated[int, Field(ge=0, le=5, description="1 to 5; 0 takes the skill away")]
Capacity = Annotated[int, Field(ge=0, le=1_000, description="open tickets at once")]


class AgentRegistered(Fact, type_name="agent.registered.v1"):
    name: SafeText


class AgentRenamed(Fact, type_name="agent.renamed.v1"):
    name: SafeText


class SkillChanged(Fact, type_name="agent.skill_changed.v1"):
    """`level` 0: the skill is gone."""

    skill: SafeText
    level: int


class CapacityChanged(Fact, type_name="agent.capacity_changed.v1"):
    capacity: int


class WentOnline(Fact, type_name="agent.went_online.v1"):
    pass


class WentOffline(Fact, type_name="agent.went_offline.v1"):
    pass


class AgentDisabled(Fact, type_name="agent.disabled.v1"):
    pass


class AgentEnabled(Fact, type_name="agent.enabled.v1"):
    pass


AgentFact = (
    AgentRegistered
    | AgentRenamed
    | SkillChanged
    | CapacityChanged
    | WentOnline
    | WentOffline
    | AgentDisabled
    | AgentEnabled
)


class RegisterAgent(Command):
    name: Name
    skills: dict[Tag, SkillLevel] = Field(default_factory=dict, max_length=100)
    capacity: Capacity = 20
    online: bool = False


class ChangeAgent(Command):
    """What is left out stays as it is."""

    name: Name | None = None
    skills: dict[Tag, SkillLevel] = Field(default_factory=dict, max_length=100)
    capacity: Capacity | None = None
    online: bool | None = None
    enabled: bool | None = None


AgentCommand = RegisterAgent | ChangeAgent


@dataclass(frozen=True, slots=True)
class Agent:
    name: str = ""
    skills: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    capacity: int = 20
    online: bool = False
    enabled: bool = True

    @property
    def exists(self) -> bool:
        return self.name != ""

    @property
    def abilities(self) -> dict[str, int]:
        """The highest level of each skill, by `skill_key`. None at all: the desk does not use skills."""
        levels = sorted(self.skills.items(), key=lambda skill: skill[1])
        return {skill_key(name): level for name, level in levels}


def skill_key(name: str) -> str:
    """As names of skills and categories are compared."""
    return name.casefold()


def evolve(agent: Agent, fact: AgentFact) -> Agent:
    """Apply one fact. Total and silent."""
    match fact:
        case AgentRegistered() | AgentRenamed():
            return replace(agent, name=fact.name)
        case SkillChanged():
            skills = dict(agent.skills) | {fact.skill: fact.level}
            return replace(agent, skills=MappingProxyType({s: level for s, level in skills.items() if level > 0}))
        case CapacityChanged():
            return replace(agent, capacity=fact.capacity)
        case WentOnline():
            return replace(agent, online=True)
        case WentOffline():
            return replace(agent, online=False)
        case AgentDisabled():
            return replace(agent, enabled=False, online=False)
        case AgentEnabled():
            return replace(agent, enabled=True)
        case _:
            assert_never(fact)


def decide(agent: Agent, command: AgentCommand) -> tuple[AgentFact, ...]:
    """Say what happens next, or raise RuleBroken."""
    match command:
        case RegisterAgent():
            require(not agent.exists, "agent.already_registered", "This agent exists already.")
            return (AgentRegistered(name=command.name), *_changes(agent, command))
        case ChangeAgent():
            renamed = command.name is not None and command.name != agent.name
            rename = (AgentRenamed(name=command.name),) if renamed and command.name else ()
            _require_enabled(agent, command)
            return (*rename, *_enabling(agent, command), *_changes(agent, command), *_disabling(agent, command))
        case _:
            assert_never(command)


def _changes(agent: Agent, command: AgentCommand) -> list[AgentFact]:
    facts: list[AgentFact] = [
        SkillChanged(skill=skill, level=level)
        for skill, level in sorted(command.skills.items())
        if agent.skills.get(skill, 0) != level
    ]
    if command.capacity is not None and command.capacity != agent.capacity:
        facts.append(CapacityChanged(capacity=command.capacity))
    if command.online is not None and command.online != agent.online:
        facts.append(WentOnline() if command.online else WentOffline())
    return facts


def _enabling(agent: Agent, command: ChangeAgent) -> list[AgentFact]:
    return [AgentEnabled()] if command.enabled is True and not agent.enabled else []


def _disabling(agent: Agent, command: ChangeAgent) -> list[AgentFact]:
    return [AgentDisabled()] if command.enabled is False and agent.enabled else []


def _require_enabled(agent: Agent, command: ChangeAgent) -> None:
    enabled = agent.enabled if command.enabled is None else command.enabled
    require(enabled or not command.online, "agent.disabled", "A disabled agent cannot be online.")
