"""Which policy holds for a ticket, and why?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from uuid import UUID

from aggregates.calendar import Calendar
from aggregates.customer import Tier
from aggregates.sla.policies import PolicyList, Version
from aggregates.sla.terms import Attribute, Condition, Conditional
from aggregates.sla.values import comparable, conditions
from aggregates.text import Erased, FieldValue
from aggregates.ticket.events import (
    CategoryChanged,
    DeEscalated,
    Escalated,
    FieldChanged,
    Opened,
    PriorityChanged,
    Routed,
    SlaApplied,
    Tagged,
    TicketFact,
    TypeChanged,
    Untagged,
)
from aggregates.ticket.state import Ticket, evolve

READ_BY_CONDITIONS = (
    Opened,
    Routed,
    Escalated,
    DeEscalated,
    PriorityChanged,
    CategoryChanged,
    TypeChanged,
    Tagged,
    Untagged,
    FieldChanged,
)
Had = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """`had`: what the ticket has there; None where it has nothing."""

    condition: Condition
    held: bool
    had: tuple[Had, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """One policy in force, condition by condition."""

    policy: UUID
    version: Version
    holds: bool
    all: tuple[Checked, ...]
    any: tuple[Checked, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """`judged`: every policy in force, in order; the first that holds applies."""

    judged: tuple[Judged, ...]

    @property
    def applies(self) -> Version | None:
        return next((judged.version for judged in self.judged if judged.holds), None)


def in_force(policies: PolicyList, at: datetime, standing: int | None) -> tuple[tuple[UUID, Version], ...]:
    """Policies in order, each in its newest version that holds `at` this instant.

    As a ticket sees them that stands on version `standing` of the list; None: as a new ticket does.
    """
    held = ((policy, _holding(versions, at)) for policy, versions in policies.seen(standing))
    return tuple((policy, version) for policy, version in held if version is not None)


def match(policies: PolicyList, ticket: Ticket, tier: Tier, at: datetime) -> Match:
    """Which policy holds for the ticket `at` this instant, and what each of the others lacks. `tier`: its requester's.

    A ticket that never got a policy is taken for a new one.
    """
    return Match(tuple(_judged(v, ticket, tier) for _, v in in_force(policies, at, standing(ticket))))


def applying(
    policies: PolicyList, ticket: Ticket, tier: Tier, calendars: Mapping[UUID, Calendar], at: datetime
) -> SlaApplied:
    """What holds for the ticket `at` this instant, be it written already or not."""
    on = standing(ticket)
    listed = policies.version if on is None else on
    version = next((v for _, v in in_force(policies, at, on) if holds(v.terms, ticket, tier)), None)
    if version is None:
        return SlaApplied(policy=None, list_version=listed)
    calendar = version.terms.calendar
    known = None if calendar is None else calendars.get(calendar)
    hours = None if known is None else known.in_force(at)
    return SlaApplied(
        policy=version.policy,
        policy_version=version.number,
        calendar=calendar,
        calendar_version=0 if hours is None else hours.number,
        list_version=listed,
    )


def applied(
    policies: PolicyList, ticket: Ticket, tier: Tier, calendars: Mapping[UUID, Calendar], at: datetime
) -> SlaApplied | None:
    """What to write into the ticket's stream if something else holds `at` this instant than before; else None.

    `calendars`: those that `stood_on` names.
    """
    now = applying(policies, ticket, tier, calendars, at)
    before = ticket.sla
    if before is None:
        return None if now.policy is None else now
    same = (now.policy, now.policy_version, now.calendar, now.calendar_version) == (
        *(before.policy, before.policy_version),
        *(before.calendar, before.calendar_version),
    )
    return None if same else now


def reapplied(
    before: Ticket,
    facts: Iterable[TicketFact],
    policies: PolicyList,
    tier: Tier,
    calendars: Mapping[UUID, Calendar],
    at: datetime,
) -> SlaApplied | None:
    """The same after these facts; None if none of them is of what conditions read."""
    facts = tuple(facts)
    if not any(isinstance(fact, READ_BY_CONDITIONS) for fact in facts):
        return None
    return applied(policies, reduce(evolve, facts, before), tier, calendars, at)


def standing(ticket: Ticket) -> int | None:
    """The list's version that the ticket stands on."""
    return None if ticket.sla is None else ticket.sla.list_version


def stood_on(policies: PolicyList, requester: UUID | None, standing: int | None, at: datetime) -> tuple[UUID, ...]:
    """Which streams, beside the list, decide what a ticket gets: the calendars of all policies that it may get, and
    its requester if any of these asks for the tier."""
    found: dict[UUID, None] = {}
    for _, version in in_force(policies, at, standing):
        if version.terms.calendar is not None:
            found[version.terms.calendar] = None
        if requester is not None and any(c.attribute == "tier" for _, c in conditions(version.terms)):
            found[requester] = None
    return tuple(found)


def _holding(versions: tuple[Version, ...], at: datetime) -> Version | None:
    return next((version for version in reversed(versions) if version.effective_from <= at), None)


def holds(terms: Conditional, ticket: Ticket, tier: Tier) -> bool:
    if not all(_check(condition, ticket, tier).held for condition in terms.all):
        return False
    return not terms.any or any(_check(condition, ticket, tier).held for condition in terms.any)


def _judged(version: Version, ticket: Ticket, tier: Tier) -> Judged:
    terms = version.terms
    every = tuple(_check(condition, ticket, tier) for condition in terms.all)
    some = tuple(_check(condition, ticket, tier) for condition in terms.any)
    return Judged(version.policy, version, holds(terms, ticket, tier), every, some)


def _check(condition: Condition, ticket: Ticket, tier: Tier) -> Checked:
    had = tuple(_had(condition.attribute, condition.name, ticket, tier))
    wanted = [comparable(condition.attribute, value) for value in condition.values]
    found = any(comparable(condition.attribute, value) in wanted for value in had)
    return Checked(condition, found == (condition.operator == "is"), had)


def _had(attribute: Attribute, name: str | None, ticket: Ticket, tier: Tier) -> Iterator[Had]:
    match attribute:
        case "tag":
            yield from sorted(ticket.tags) or (None,)
        case "team":
            yield None if ticket.team is None else str(ticket.team)
        case "field":
            yield _known(ticket.fields.get(name or ""))
        case "tier":
            yield tier
        case "type":
            yield ticket.ticket_type
        case "priority" | "channel" | "category":
            yield getattr(ticket, attribute)


def _known(value: FieldValue) -> Had:
    return None if isinstance(value, Erased) else value
