"""Goals: what does the desk want of whom, and in which versions did it ever?

One list in one stream. A version never changes; which one holds at an instant is said by the newest step that had come
into force by then, and `stretches` says it for all instants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import assert_never
from uuid import UUID

from pydantic import AwareDatetime

from aggregates.desk import Desk
from aggregates.errors import NotFound, Unacceptable
from aggregates.fact import Command, Fact
from aggregates.goals.terms import EARLIEST, LATEST, GoalTerms, check

GOAL_LIST = UUID("e2a1b7c4-93d8-4c6b-8f50-61c9f7a3d2b8")
MOST = 500


class GoalPublished(Fact, type_name="goal_list.published.v1"):
    """A whole version of a goal: its number is how many of that goal were published."""

    goal: UUID
    terms: GoalTerms
    effective_from: AwareDatetime


class GoalRetired(Fact, type_name="goal_list.retired.v1"):
    """It holds no longer, until it is published again."""

    goal: UUID
    effective_from: AwareDatetime


GoalListFact = GoalPublished | GoalRetired


class PublishGoal(Command):
    """A new goal, or a new version of one. Without `effective_from` it holds from now on; it may lie in the past."""

    terms: GoalTerms
    effective_from: AwareDatetime | None = None


class RetireGoal(Command):
    pass


GoalCommand = PublishGoal | RetireGoal


@dataclass(frozen=True, slots=True)
class Version:
    """`listed`: the list's stream version at which it was published."""

    goal: UUID
    number: int
    terms: GoalTerms
    effective_from: datetime
    listed: int


@dataclass(frozen=True, slots=True)
class Retirement:
    goal: UUID
    effective_from: datetime
    listed: int


Step = Version | Retirement


@dataclass(frozen=True, slots=True)
class Stretch:
    """`version` holds from `begins` until `ends`; None: it goes on."""

    version: Version
    begins: datetime
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class GoalList:
    """
    version   of its stream
    steps     of each goal, as they were published; goals by when they first were
    """

    version: int = 0
    steps: Mapping[UUID, tuple[Step, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def versions(self, goal: UUID) -> tuple[Version, ...]:
        """All that were ever published of it, by number."""
        return tuple(step for step in self.steps.get(goal, ()) if isinstance(step, Version))

    def in_force(self, goal: UUID, at: datetime) -> Version | None:
        """The version that holds `at` this instant."""
        step = next((step for step in reversed(self.steps.get(goal, ())) if step.effective_from <= at), None)
        if not isinstance(step, Version):
            return None
        until = step.terms.until
        return step if until is None or at < until else None

    def stretches(self, goal: UUID) -> Iterator[Stretch]:
        """In order of time, without those of no length."""
        instants = {step.effective_from for step in self.steps.get(goal, ())}
        instants |= {v.terms.until for v in self.versions(goal) if v.terms.until is not None}
        held: Stretch | None = None
        for at in sorted(instants):
            version = self.in_force(goal, at)
            if held is not None and version is not held.version:
                yield replace(held, ends=at)
                held = None
            if held is None and version is not None:
                held = Stretch(version, at, None)
        if held is not None:
            yield held

    @property
    def kept(self) -> tuple[UUID, ...]:
        """Goals that are not retired."""
        return tuple(goal for goal, steps in self.steps.items() if isinstance(steps[-1], Version))


def evolve(goals: GoalList, fact: GoalListFact) -> GoalList:
    """Apply one fact. Total and silent."""
    before, listed = goals.steps.get(fact.goal, ()), goals.version + 1
    step: Step
    match fact:
        case GoalPublished():
            number = len(goals.versions(fact.goal)) + 1
            step = Version(fact.goal, number, fact.terms, fact.effective_from, listed)
        case GoalRetired():
            step = Retirement(fact.goal, fact.effective_from, listed)
        case _:
            assert_never(fact)
    return replace(goals, version=listed, steps=MappingProxyType({**goals.steps, fact.goal: (*before, step)}))


def decide(goals: GoalList, command: GoalCommand, goal: UUID, desk: Desk, now: datetime) -> tuple[GoalListFact, ...]:
    """Say what happens next; nothing, if it is so already. Raises NotFound, Unacceptable or UnknownReference.

    `now`: from when it holds, or holds no longer, if nothing is said.
    """
    last = goals.steps.get(goal, (None,))[-1]
    match command:
        case PublishGoal():
            check(command.terms, desk)
            since = command.effective_from or now
            if not EARLIEST <= since < LATEST:
                raise Unacceptable("goal.since", "A goal begins between 1900 and 2200.", field="effective_from")
            if not isinstance(last, Version) and len(goals.kept) >= MOST:
                raise Unacceptable("goal.too_many", f"A desk has up to {MOST} goals.")
            if isinstance(last, Version) and _same(last, command):
                return ()
            return (GoalPublished(goal=goal, terms=command.terms, effective_from=since),)
        case RetireGoal():
            if last is None:
                raise NotFound("goal.not_found", "There is no such goal.")
            return (GoalRetired(goal=goal, effective_from=now),) if isinstance(last, Version) else ()
        case _:
            assert_never(command)


def _same(version: Version, command: PublishGoal) -> bool:
    return version.terms == command.terms and command.effective_from in (None, version.effective_from)
