"""Which policies held over a past that nobody judged when it happened? The facts that make clocks of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from aggregates.calendar import Calendar
from aggregates.customer import Tier
from aggregates.envelope import Recorded
from aggregates.sla.clocks import in_order, instant
from aggregates.sla.matching import READ_BY_CONDITIONS, applying
from aggregates.sla.policies import PolicyList
from aggregates.ticket.events import Closed, MarkedSpam, Merged, SlaApplied, TicketFact
from aggregates.ticket.state import Ticket, evolve


def judged(
    history: Sequence[Recorded],
    policies: PolicyList,
    calendars: Mapping[UUID, Calendar],
    tier: Tier,
    now: datetime,
) -> list[SlaApplied]:
    """What held for a ticket at its opening and from when on something else did, up to the first `sla_applied` in its
    stream, to its closing, or to `now`; nothing for a ticket that stands on a policy from its opening on.

    `since` of each is that instant; `tier`: its requester's.
    """
    facts = in_order(history)
    until = next((instant(event) for event in facts if isinstance(event.fact, SlaApplied)), None)
    read = [event for event in facts if isinstance(event.fact, READ_BY_CONDITIONS)]
    series: list[SlaApplied] = []
    for at, ticket in _moments(read, steps(policies, calendars), _end(facts, now)):
        if until is not None and at >= until:
            break
        found = applying(policies, ticket, tier, calendars, at)
        if _ground(found) != (_ground(series[-1]) if series else NO_GROUND):
            series.append(found.model_copy(update={"since": at}))
    return series


def steps(policies: PolicyList, calendars: Mapping[UUID, Calendar]) -> list[datetime]:
    """The instants at which another version came into force."""
    terms = [version.effective_from for _, versions in policies.current for version in versions]
    hours = [version.effective_from for calendar in calendars.values() for version in calendar.versions]
    return sorted({at for at in (*terms, *hours) if at is not None})


def _moments(read: Sequence[Recorded], steps: Sequence[datetime], end: datetime) -> Iterator[tuple[datetime, Ticket]]:
    """Each instant at which something else may hold, in order, and what conditions read of the ticket then.

    It stands on no policy, so that it sees all of the list.
    """
    instants = {instant(event) for event in read if instant(event) <= end}
    ticket, place = Ticket(), 0
    for at in sorted(instants.union(step for step in steps if step < end)):
        while place < len(read) and instant(read[place]) <= at:
            ticket = evolve(ticket, cast(TicketFact, read[place].fact))
            place += 1
        if ticket.exists:
            yield at, ticket


def _end(facts: Sequence[Recorded], now: datetime) -> datetime:
    """When the ticket was closed, if it still is; else now."""
    last = next((event for event in reversed(facts) if event.fact.status), None)
    closed = last is not None and isinstance(last.fact, Closed | MarkedSpam | Merged)
    return min(instant(last), now) if last is not None and closed else now


NO_GROUND = (None, 0, None, 0)


def _ground(applied: SlaApplied) -> tuple[UUID | None, int, UUID | None, int]:
    return applied.policy, applied.policy_version, applied.calendar, applied.calendar_version
