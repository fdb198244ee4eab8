"""HTTP for the time logged on a ticket and what it cost: to us, and to its requester as far as the desk shows it."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import reduce
from uuid import UUID

from pydantic import Field

from aggregates.envelope import recorded
from aggregates.moment import Moment
from aggregates.rates import RATE_CARD, RateCard, Rates, RatesPublished, evolve
from aggregates.ticket.costs import Costs, Entry, costs, entries, own_work, rounded
from api.as_of import OwnThen, TicketThen
from api.asking import TicketId
from api.callers import CustomerCaller, ReaderCaller
from api.services import Shared
from api.shown import COST, CostShown, OwnTimeShown, Shown
from api.strict import router
from commands.store import EventStore
from replay.past.own import own_past
from replay.past.ticket import Past

ticket_time = router("/tickets", "tickets")
own_time = router("/my/tickets", "my tickets")
END = 2**62


class EntryShown(Shown):
    """Work as it was logged at this version of the ticket, at the rate that was in force then."""

    version: int
    at: datetime
    agent: UUID
    seconds: int
    billable: bool
    note: str | None
    rate: int | None = Field(description="an hour's, in minor units of the currency; null: none was in force")
    currency: str | None
    cost: int | None = Field(description=COST)


class TicketTimeShown(Shown):
    seconds: int
    billable_seconds: int
    costs: list[CostShown]
    billable_costs: list[CostShown]
    entries: list[EntryShown]


@ticket_time.get("/{ticket}/time")
async def get_ticket_time(who: ReaderCaller, ticket: TicketThen) -> TicketTimeShown:
    """Time logged on a ticket: who worked, for how long, at which rate, and what it costs; now or at a moment."""
    work = entries((await ticket.past()).facts)
    billable = [entry for entry in work if entry.billable]
    return TicketTimeShown(
        seconds=sum(entry.seconds for entry in work),
        billable_seconds=sum(entry.seconds for entry in billable),
        costs=_costs(costs(work)),
        billable_costs=_costs(costs(billable)),
        entries=[_entry(entry) for entry in work],
    )


@own_time.get("/{ticket}/time")
async def get_own_time(who: CustomerCaller, ticket: TicketId, services: Shared, then: OwnThen) -> OwnTimeShown:
    """How long we worked on your ticket, now or up to a moment, and what that costs, as far as we show it."""
    now = whole_log()
    past = await own_past(services.store, ticket, who.id, then or now)
    return own_time_shown(past, await rates_then(services.store, now))


def whole_log() -> Moment:
    return Moment("recorded", END, datetime.now(UTC))


async def rates_then(store: EventStore, moment: Moment) -> Rates | None:
    """The version of the card that was in force at that moment."""
    history = [recorded(stored) for stored in await store.stream(RATE_CARD)]
    told = replace(moment, version=None).facts(history)
    card = reduce(evolve, (event.fact for event in told if isinstance(event.fact, RatesPublished)), RateCard())
    version = card.in_force(card.moment(moment.at))
    return None if version is None else version.rates


def own_time_shown(past: Past, rates: Rates | None) -> OwnTimeShown:
    """As far as this version of the card shows it."""
    own = own_work(entries(past.facts), rates)
    return OwnTimeShown(seconds=own.seconds, costs=None if own.costs is None else _costs(own.costs))


def _costs(sums: Costs) -> list[CostShown]:
    return [CostShown(currency=currency, cost=rounded(cost)) for currency, cost in sums.items()]


def _entry(entry: Entry) -> EntryShown:
    cost = None if entry.cost is None else rounded(entry.cost)
    return EntryShown(**asdict(entry), cost=cost)
