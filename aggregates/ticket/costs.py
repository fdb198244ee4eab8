"""What did the work on a ticket take and cost, and what of that may its requester know?

A cost is exact, in minor units of its currency: seconds * rate / 3600. Only what is shown is rounded, and a sum is
taken before it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from aggregates.envelope import Recorded
from aggregates.rates import Rates
from aggregates.text import shown
from aggregates.ticket.events import TimeLogged

HOUR = 3_600
Costs = Mapping[str, Fraction]
"""By currency."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Work as it was logged at `version` of the ticket. `rate` is an hour's; None: none was in force."""

    version: int
    at: datetime
    agent: UUID
    seconds: int
    billable: bool
    note: str | None
    rate: int | None
    currency: str | None

    @property
    def cost(self) -> Fraction | None:
        return None if self.rate is None else Fraction(self.seconds * self.rate, HOUR)


@dataclass(frozen=True, slots=True)
class OwnWork:
    """As far as a requester may know: None is not shown to them."""

    seconds: int | None = None
    costs: Costs | None = None


def entries(facts: Iterable[Recorded]) -> list[Entry]:
    """Of one ticket, in the order given."""
    return [_entry(event, event.fact) for event in facts if isinstance(event.fact, TimeLogged)]


def _entry(event: Recorded, fact: TimeLogged) -> Entry:
    rate = None if fact.currency is None else fact.rate
    of = (fact.agent, fact.seconds, fact.billable, shown(fact.note), rate, fact.currency)
    return Entry(event.version, event.at, *of)


def costs(work: Iterable[Entry]) -> Costs:
    sums: defaultdict[str, Fraction] = defaultdict(Fraction)
    for entry in work:
        if entry.cost is not None and entry.currency is not None:
            sums[entry.currency] += entry.cost
    return dict(sorted(sums.items()))


def rounded(cost: Fraction) -> int:
    """To whole minor units, a half to the even one."""
    return round(cost)


def own_work(work: Sequence[Entry], rates: Rates | None) -> OwnWork:
    """`rates`: the version of the card that says what is shown; without one, nothing is."""
    if rates is None or rates.visible_to_customers == "nothing":
        return OwnWork()
    told = [entry for entry in work if entry.billable or not rates.billable_only]
    seconds = sum(entry.seconds for entry in told)
    return OwnWork(seconds, costs(told) if rates.visible_to_customers == "time_and_cost" else None)
