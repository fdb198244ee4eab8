"""Which policy does a ticket get by a command, and on what does that stand?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from aggregates.calendar import Calendar
from aggregates.customer import Customer, Tier
from aggregates.fact import Command
from aggregates.sla.matching import reapplied, standing, stood_on
from aggregates.sla.policies import POLICY_LIST, PolicyList
from aggregates.ticket.commands import (
    AddTags,
    ChangeCategory,
    ChangeFields,
    ChangePriority,
    ChangeType,
    DeEscalate,
    Escalate,
    OpenTicket,
    RemoveTags,
    Route,
)
from aggregates.ticket.decide import Facts
from aggregates.ticket.events import Opened
from aggregates.ticket.state import Ticket
from commands.handle import Seen

MATCHED_ANEW = (
    OpenTicket,
    Route,
    Escalate,
    DeEscalate,
    ChangePriority,
    ChangeCategory,
    ChangeType,
    ChangeFields,
    AddTags,
    RemoveTags,
)

NO_POLICIES = PolicyList()


def listed(command: Command) -> tuple[UUID, ...]:
    """The policy list, if the command may change which policy holds."""
    return (POLICY_LIST,) if isinstance(command, MATCHED_ANEW) else ()


def policies_seen(seen: Seen) -> PolicyList:
    known = seen.get(POLICY_LIST)
    return known.state if known is not None and isinstance(known.state, PolicyList) else NO_POLICIES


def follows(ticket: UUID, now: datetime) -> Callable[[Seen], tuple[UUID, ...]]:
    """For a ticket that exists."""

    def follow(seen: Seen) -> tuple[UUID, ...]:
        policies, state = policies_seen(seen), seen[ticket].state
        if policies is NO_POLICIES or not isinstance(state, Ticket):
            return ()
        return stood_on(policies, state.requester, standing(state), policies.moment(now))

    return follow


def follows_new(requester: Callable[[Seen], UUID | None], now: datetime) -> Callable[[Seen], tuple[UUID, ...]]:
    """For one that is being opened."""

    def follow(seen: Seen) -> tuple[UUID, ...]:
        policies = policies_seen(seen)
        return () if policies is NO_POLICIES else stood_on(policies, requester(seen), None, policies.moment(now))

    return follow


def with_policy(facts: Facts, before: Ticket, requester: UUID | None, seen: Seen, now: datetime) -> Facts:
    """And which policy holds after these facts, if it is another one."""
    policies = policies_seen(seen)
    if policies is NO_POLICIES:
        return facts
    found = reapplied(before, facts, policies, _tier(seen, requester), _calendars(seen), policies.moment(now))
    if found is None:
        return facts
    # Of a new ticket it is told first: whoever is assigned at once has kept a promise already.
    place = 1 if isinstance(facts[0], Opened) else len(facts)
    return (*facts[:place], found, *facts[place:])


def _tier(seen: Seen, requester: UUID | None) -> Tier:
    known: Any = seen[requester].state if requester is not None and requester in seen else None
    return known.tier if isinstance(known, Customer) else "standard"


def _calendars(seen: Seen) -> dict[UUID, Calendar]:
    return {id: known.state for id, known in seen.items() if isinstance(known.state, Calendar)}
