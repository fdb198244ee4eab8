"""What held for a ticket in the course of time, and what would have held by other rules?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from aggregates.customer import Tier
from aggregates.sla.judging import NO_GROUND
from aggregates.ticket.events import SlaApplied

Held = tuple[datetime, SlaApplied]
Course = Sequence[Held]
"""By instant; each holds until the next one does."""
Tiers = Sequence[tuple[datetime, Tier]]
"""A customer's, by the instant from which they had it. None: never another one than everybody has."""
NOTHING = SlaApplied(policy=None, list_version=0)


def course(held: Iterable[Held]) -> Course:
    """In order of time; of one instant, what was said last; nothing said twice."""
    ordered = sorted(held, key=lambda one: one[0])
    return _without_repeats((at, holding(ordered, at)) for at in _instants(ordered))


def alike(one: Course, other: Course) -> bool:
    return [(at, ground(fact)) for at, fact in one] == [(at, ground(fact)) for at, fact in other]


def holding(held: Course, at: datetime) -> SlaApplied:
    return next((fact for since, fact in reversed(held) if since <= at), NOTHING)


def tier_at(tiers: Tiers, at: datetime) -> Tier:
    return next((tier for since, tier in reversed(tiers) if since <= at), "standard")


def instead(own: Course, published: Course, given: Course) -> Course:
    """What really held, but wherever the given rules say something else than those published: what they say."""
    return _without_repeats(
        (at, holding(own, at) if same(holding(published, at), holding(given, at)) else holding(given, at))
        for at in _instants(own, published, given)
    )


def by_tier(courses: Mapping[Tier, Course], tiers: Tiers) -> Course:
    """The course of each tier for as long as the customer had it."""
    changes = [since for since, _ in tiers]
    instants = sorted({*_instants(*courses.values()), *changes})
    return _without_repeats((at, holding(courses[tier_at(tiers, at)], at)) for at in instants)


def same(one: SlaApplied, other: SlaApplied) -> bool:
    """The same versions of policy and calendar."""
    return ground(one) == ground(other)


def ground(fact: SlaApplied) -> tuple[UUID | None, int, UUID | None, int]:
    return fact.policy, fact.policy_version, fact.calendar, fact.calendar_version


def _instants(*courses: Course) -> list[datetime]:
    return sorted({at for held in courses for at, _ in held})


def _without_repeats(held: Iterable[Held]) -> Course:
    found: list[Held] = []
    for at, fact in held:
        if ground(fact) != (ground(found[-1][1]) if found else NO_GROUND):
            found.append((at, fact))
    return found
