"""Agents: who can work, with which skills, how much at once, and are they there?"""

from __future__ import annotations

from aggregates.agent import (
    AgentDisabled,
    AgentEnabled,
    AgentRegistered,
    AgentRenamed,
    CapacityChanged,
    ChangeAgent,
    RegisterAgent,
    SkillChanged,
    WentOffline,
    WentOnline,
)
from tests.spec import given

REGISTERED = AgentRegistered(name="Ada")
SQL = SkillChanged(skill="sql", level=3)


def test_an_agent_registers_with_skills_and_capacity() -> None:
    command = RegisterAgent(name="Ada", skills={"SQL": 3, "dns": 1, "none": 0}, capacity=5, online=True)
    given().when(command).then(
        REGISTERED, SkillChanged(skill="dns", level=1), SQL, CapacityChanged(capacity=5), WentOnline()
    ).becomes(name="Ada", skills={"dns": 1, "sql": 3}, capacity=5, online=True, enabled=True, exists=True)


def test_an_agent_registers_once() -> None:
    given(REGISTERED).when(RegisterAgent(name="Ada")).refused("agent.already_registered")


def test_what_is_left_out_of_a_change_stays() -> None:
    given(REGISTERED, SQL, WentOnline()).when(ChangeAgent(name="Ada L.")).then(AgentRenamed(name="Ada L.")).becomes(
        skills={"sql": 3}, online=True, capacity=20
    )


def test_a_change_to_what_is_so_already_writes_nothing() -> None:
    same = ChangeAgent(name="Ada", skills={"sql": 3, "dns": 0}, capacity=20, online=False, enabled=True)
    given(REGISTERED, SQL).when(same).then()


def test_level_zero_takes_a_skill_away() -> None:
    gone = SkillChanged(skill="sql", level=0)
    given(REGISTERED, SQL).when(ChangeAgent(skills={"sql": 0})).then(gone).becomes(skills={})


def test_an_agent_goes_offline_and_changes_capacity() -> None:
    given(REGISTERED, WentOnline()).when(ChangeAgent(online=False, capacity=0)).then(
        CapacityChanged(capacity=0), WentOffline()
    ).becomes(online=False, capacity=0)


def test_a_disabled_agent_is_offline_and_stays_so() -> None:
    given(REGISTERED, WentOnline()).when(ChangeAgent(enabled=False)).then(AgentDisabled()).becomes(
        enabled=False, online=False
    )
    given(REGISTERED, AgentDisabled()).when(ChangeAgent(online=True)).refused("agent.disabled")
    given(REGISTERED).when(ChangeAgent(online=True, enabled=False)).refused("agent.disabled")


def test_an_agent_is_enabled_before_going_online() -> None:
    given(REGISTERED, AgentDisabled()).when(ChangeAgent(online=True, enabled=True)).then(
        AgentEnabled(), WentOnline()
    ).becomes(enabled=True, online=True)
