"""How is the rate card changed, and what does logged time cost by it?"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from aggregates.desk import Desk
from aggregates.fact import Command
from aggregates.rates import RATE_CARD, PublishRates, RateCard, decide
from aggregates.ticket.commands import LogTime
from aggregates.ticket.decide import Facts
from aggregates.ticket.events import TimeLogged
from aggregates.ticket.state import Ticket
from commands.context import Accepted, Context
from commands.handle import Ask, Handler, Seen, Writes
from commands.references import references


async def publish_rates(handler: Handler, command: PublishRates, context: Context) -> Accepted:
    """Raises Refusal."""

    def decision(seen: Seen, desk: Desk) -> Writes:
        return {RATE_CARD: decide(card_seen(seen), command, desk, context.now)}

    refers = references(command, context.actor)
    return await handler.handle(Ask(command, context, own=(RATE_CARD,), decide=decision, refers=refers))


def charged(command: Command) -> tuple[UUID, ...]:
    """The rate card, if the command logs time."""
    return (RATE_CARD,) if isinstance(command, LogTime) else ()


def card_seen(seen: Seen) -> RateCard:
    known = seen.get(RATE_CARD)
    return known.state if known is not None and isinstance(known.state, RateCard) else RateCard()


def with_rate(facts: Facts, ticket: Ticket, seen: Seen, now: datetime) -> Facts:
    """Logged time at the rate that is in force `now` for the ticket's level and team, if there is one."""
    card = card_seen(seen)
    version = card.in_force(card.moment(now))
    rate = None if version is None else version.rates.rate(ticket.level, ticket.team)
    if version is None or rate is None:
        return facts
    priced = {"rate": rate, "currency": version.rates.currency}
    return tuple(fact.model_copy(update=priced) if isinstance(fact, TimeLogged) else fact for fact in facts)
