"""Policies: which promises does a desk make, in which order are they looked at, and which versions were there ever?

They are one list in one stream, because their order decides which of them holds. Its stream version is what a ticket
stands on. A change reaches `new` tickets only, unless it says `open`: what was promised stays promised.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from types import MappingProxyType
from typing import Annotated, Literal, assert_never
from uuid import UUID

from pydantic import AwareDatetime, Field

from aggregates.desk import Desk
from aggregates.errors import NotFound, Unacceptable
from aggregates.fact import Command, Fact
from aggregates.sla.checks import check
from aggregates.sla.defaults import default_policies
from aggregates.sla.terms import Terms

Reach = Literal["open", "new"]
"""open: tickets that are open move to it, too. new: only tickets that are opened from then on see it."""
POLICY_LIST = UUID("5f3b1d52-8a53-4f0a-9d0b-2d1c8f4e7a10")
MOST = 200


class PolicyPublished(Fact, type_name="policy_list.published.v1"):
    """A whole version of a policy: its number is how many of that policy were published. A new policy comes last.

    at_once   no instant was named: it holds from when it was recorded, which `effective_from` says by the
              publisher's clock
    """

    policy: UUID
    terms: Terms
    effective_from: AwareDatetime
    reach: Reach
    at_once: bool = False


class PoliciesOrdered(Fact, type_name="policy_list.ordered.v1"):
    order: tuple[UUID, ...]
    reach: Reach


class PolicyRetired(Fact, type_name="policy_list.retired.v1"):
    """It holds no longer, until it is published again."""

    policy: UUID
    reach: Reach


PolicyListFact = PolicyPublished | PoliciesOrdered | PolicyRetired


class PublishPolicy(Command):
    """A new policy, or a new version of one. Without `effective_from` it holds from now on; it may lie in the past."""

    terms: Terms
    effective_from: AwareDatetime | None = None
    reach: Reach = "new"


class PublishDefaults(Command):
    """The five policies that are shipped, in business time of this calendar."""

    calendar: UUID
    effective_from: AwareDatetime | None = None
    reach: Reach = "new"


class OrderPolicies(Command):
    """All policies in force, each once: the first whose conditions hold applies."""

    order: Annotated[tuple[UUID, ...], Field(max_length=MOST)]
    reach: Reach = "new"


class RetirePolicy(Command):
    reach: Reach = "new"


PolicyCommand = PublishPolicy | PublishDefaults | OrderPolicies | RetirePolicy


@dataclass(frozen=True, slots=True)
class Version:
    """`listed`: the list's stream version at which it was published."""

    policy: UUID
    number: int
    terms: Terms
    effective_from: datetime
    reach: Reach
    listed: int


@dataclass(frozen=True, slots=True)
class Order:
    order: tuple[UUID, ...]
    reach: Reach
    listed: int


@dataclass(frozen=True, slots=True)
class Retirement:
    policy: UUID
    reach: Reach
    listed: int


Step = Version | Order | Retirement


@dataclass(frozen=True, slots=True)
class Listing:
    """What somebody sees who sees some of the steps.

    order      may name policies of which nothing is seen
    versions   of each policy that is not retired, as they were published
    """

    order: tuple[UUID, ...] = ()
    versions: Mapping[UUID, tuple[Version, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def __iter__(self) -> Iterator[tuple[UUID, tuple[Version, ...]]]:
        """Policies in force, in their order."""
        return ((policy, self.versions[policy]) for policy in self.order if policy in self.versions)

    @property
    def policies(self) -> tuple[UUID, ...]:
        return tuple(policy for policy, _ in self)


@dataclass(frozen=True, slots=True)
class PolicyList:
    """
    steps     all that happened, in order
    current   as a new ticket sees it
    latest    when it last changed for those who see it, by the clock of whoever published
    """

    steps: tuple[Step, ...] = ()
    current: Listing = field(default_factory=Listing)
    latest: datetime | None = None

    @property
    def version(self) -> int:
        """Of its stream."""
        return len(self.steps)

    def versions(self, policy: UUID) -> tuple[Version, ...]:
        """All that were ever published of it, by number."""
        return tuple(step for step in self.steps if isinstance(step, Version) and step.policy == policy)

    @property
    def retired(self) -> tuple[UUID, ...]:
        """By when they were first published."""
        known = dict.fromkeys(step.policy for step in self.steps if isinstance(step, Version))
        return tuple(policy for policy in known if policy not in self.current.versions)

    def seen(self, standing: int | None) -> Listing:
        """By a ticket that stands on this version of the list: what came later, it sees if that reaches open tickets.

        None: by a new ticket, which sees everything.
        """
        if standing is None:
            return self.current
        return reduce(_then, (s for s in self.steps if s.listed <= standing or s.reach == "open"), Listing())

    def moment(self, now: datetime) -> datetime:
        """When a decision happens that sees this list: not before the list was so, however much clocks differ."""
        return now if self.latest is None else max(now, self.latest)


def evolve(policies: PolicyList, fact: PolicyListFact) -> PolicyList:
    """Apply one fact. Total and silent."""
    step = _step(policies, fact)
    at_once = isinstance(fact, PolicyPublished) and fact.at_once
    latest = policies.moment(fact.effective_from) if isinstance(fact, PolicyPublished) and at_once else policies.latest
    return replace(policies, steps=(*policies.steps, step), current=_then(policies.current, step), latest=latest)


def _step(policies: PolicyList, fact: PolicyListFact) -> Step:
    listed = policies.version + 1
    match fact:
        case PolicyPublished():
            number = len(policies.versions(fact.policy)) + 1
            return Version(fact.policy, number, fact.terms, fact.effective_from, fact.reach, listed)
        case PoliciesOrdered():
            return Order(tuple(dict.fromkeys(fact.order)), fact.reach, listed)
        case PolicyRetired():
            return Retirement(fact.policy, fact.reach, listed)
        case _:
            assert_never(fact)


def _then(listing: Listing, step: Step) -> Listing:
    """What an order does not name, because whoever gave it did not see it, comes after what it names."""
    match step:
        case Version(policy=policy):
            order = listing.order if policy in listing.order else (*listing.order, policy)
            versions = (*listing.versions.get(policy, ()), step)
            return Listing(order, MappingProxyType({**listing.versions, policy: versions}))
        case Order():
            return replace(listing, order=(*step.order, *(p for p in listing.order if p not in step.order)))
        case Retirement(policy=policy):
            order = tuple(other for other in listing.order if other != policy)
            return Listing(order, MappingProxyType({p: v for p, v in listing.versions.items() if p != policy}))
        case _:
            assert_never(step)


def decide(
    policies: PolicyList, command: PolicyCommand, policy: UUID, desk: Desk, now: datetime
) -> tuple[PolicyListFact, ...]:
    """Say what happens next; nothing, if it is so already. Raises NotFound, Unacceptable or UnknownReference.

    `policy` is the one to publish or retire; other commands name theirs. `now`: from when it holds if nothing is said.
    """
    match command:
        case PublishPolicy():
            check(command.terms, desk)
            return _published(policies, command, policy, now)
        case PublishDefaults():
            desk.calendar(command.calendar, "calendar")
            return tuple(_defaults(policies, command, now))
        case OrderPolicies():
            return _ordered(policies, command)
        case RetirePolicy():
            return _retired(policies, command, policy)
        case _:
            assert_never(command)


def _published(policies: PolicyList, command: PublishPolicy, policy: UUID, now: datetime) -> tuple[PolicyListFact, ...]:
    held = policies.current.versions.get(policy)
    if held is None and len(policies.current.versions) >= MOST:
        raise Unacceptable("policy.too_many", f"A desk has up to {MOST} policies.")
    if held and _same(held[-1], command):
        return ()
    return (
        PolicyPublished(
            policy=policy,
            terms=command.terms,
            effective_from=command.effective_from or now,
            reach=command.reach,
            at_once=command.effective_from is None,
        ),
    )


def _same(version: Version, command: PublishPolicy) -> bool:
    """Whenever it holds from, if the command does not say; but what reached new tickets only may yet reach all."""
    reaches = command.reach == "new" or version.reach == "open"
    alike = _written(version.terms) == _written(command.terms)
    return reaches and alike and command.effective_from in (None, version.effective_from)


def _written(terms: Terms) -> str:
    """Equal only if they are so to the letter: True is not 1."""
    return json.dumps(terms.model_dump(mode="json"), sort_keys=True)


def _defaults(policies: PolicyList, command: PublishDefaults, now: datetime) -> Iterator[PolicyListFact]:
    for policy, terms in default_policies(command.calendar).items():
        asked = PublishPolicy(terms=terms, effective_from=command.effective_from, reach=command.reach)
        yield from _published(policies, asked, policy, now)


def _ordered(policies: PolicyList, command: OrderPolicies) -> tuple[PolicyListFact, ...]:
    order = policies.current.policies
    if sorted(command.order) != sorted(order):
        detail = f"Name each of the {len(order)} policies in force once, and no other."
        raise Unacceptable("policy.order_incomplete", detail, field="order")
    reached = _last_reach(step for step in policies.steps if isinstance(step, Order) and step.order == command.order)
    if command.order == order and (command.reach == "new" or reached == "open"):
        return ()
    return (PoliciesOrdered(order=command.order, reach=command.reach),)


def _retired(policies: PolicyList, command: RetirePolicy, policy: UUID) -> tuple[PolicyListFact, ...]:
    if not policies.versions(policy):
        raise NotFound("policy.not_found", "There is no such policy.")
    reached = _last_reach(step for step in policies.steps if isinstance(step, Retirement) and step.policy == policy)
    if policy not in policies.current.versions and (command.reach == "new" or reached == "open"):
        return ()
    return (PolicyRetired(policy=policy, reach=command.reach),)


def _last_reach(steps: Iterable[Step]) -> Reach | None:
    return next(iter([step.reach for step in steps][-1:]), None)
