"""Teams: who works together, and who leads them?"""

from __future__ import annotations

from aggregates.team import (
    ChangeTeam,
    CreateTeam,
    TeamCreated,
    TeamDisabled,
    TeamEnabled,
    TeamLeaderChanged,
    TeamMemberAdded,
    TeamMemberRemoved,
    TeamRenamed,
)
from tests.aggregates.cast import ADA, BEN
from tests.spec import given

CREATED = TeamCreated(name="Support")
LED, HAS_ADA, HAS_BEN = TeamLeaderChanged(leader=ADA), TeamMemberAdded(agent=ADA), TeamMemberAdded(agent=BEN)


def test_a_team_is_created_with_leader_and_members() -> None:
    given().when(CreateTeam(name="Support", leader=ADA, members=(BEN, ADA, BEN))).then(
        CREATED, LED, HAS_ADA, HAS_BEN
    ).becomes(name="Support", leader=ADA, members=frozenset({ADA, BEN}), enabled=True, exists=True)


def test_a_team_is_created_once() -> None:
    given(CREATED).when(CreateTeam(name="Support")).refused("team.already_created")


def test_what_is_left_out_of_a_change_stays() -> None:
    given(CREATED, LED, HAS_ADA).when(ChangeTeam(name="First line")).then(TeamRenamed(name="First line")).becomes(
        leader=ADA, members=frozenset({ADA})
    )


def test_a_change_to_what_is_so_already_writes_nothing() -> None:
    same = ChangeTeam(name="Support", leader=ADA, add_members=(ADA,), remove_members=(BEN,), enabled=True)
    given(CREATED, LED, HAS_ADA).when(same).then()
    given(CREATED).when(ChangeTeam()).then()


def test_a_leader_of_null_leaves_the_team_without_one() -> None:
    given(CREATED, LED).when(ChangeTeam(leader=None)).then(TeamLeaderChanged(leader=None)).becomes(leader=None)


def test_members_come_and_go() -> None:
    given(CREATED, HAS_ADA).when(ChangeTeam(add_members=(BEN,), remove_members=(ADA,))).then(
        HAS_BEN, TeamMemberRemoved(agent=ADA)
    ).becomes(members=frozenset({BEN}))


def test_nobody_comes_and_goes_at_once() -> None:
    both = ChangeTeam(add_members=(ADA,), remove_members=(ADA,))
    given(CREATED).when(both).refused("team.added_and_removed", "remove_members")


def test_a_team_is_disabled_and_enabled_again() -> None:
    given(CREATED).when(ChangeTeam(enabled=False)).then(TeamDisabled()).becomes(enabled=False, exists=True)
    given(CREATED, TeamDisabled()).when(ChangeTeam(enabled=True)).then(TeamEnabled()).becomes(enabled=True)
