"""services: what does a running API process share among its requests?"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from aggregates.errors import NotFound
from aggregates.ticket.state import Ticket
from api.config import ApiConfig
from api.offers import Offers
from api.positions import Positions
from api.rating_links import RatingLinks
from api.seal import Seal
from api.sla_book import SlaBook
from api.tail import Tail
from commands.desk import Configuration
from commands.handle import Handler
from commands.policies import Policies
from commands.store import EventStore
from commands.surveys import Surveys
from commands.tickets import NUMBER, Tickets, number_key
from replay.past.sla import PastBoards

KNOWN_NUMBERS = 100_000


@dataclass(frozen=True, slots=True)
class Services:
    config: ApiConfig
    store: EventStore
    handler: Handler
    tickets: Tickets
    configuration: Configuration
    policies: Policies
    surveys: Surveys
    positions: Positions
    tail: Tail
    seal: Seal
    rating_links: RatingLinks
    book: SlaBook
    offers: Offers = field(default_factory=Offers)
    past_boards: PastBoards = field(default_factory=PastBoards)
    numbers: OrderedDict[int, UUID] = field(default_factory=OrderedDict)

    async def ticket_numbered(self, number: int) -> UUID:
        """A number never changes hands, so it is asked once. Raises NotFound."""
        known = self.numbers.get(number)
        if known is not None:
            return known
        ticket = await self.store.reserved(NUMBER, number_key(number))
        if ticket is None:
            raise no_ticket()
        self.numbers[number] = ticket
        if len(self.numbers) > KNOWN_NUMBERS:
            self.numbers.popitem(last=False)
        return ticket

    async def require_own(self, ticket: UUID, customer: UUID) -> None:
        """Raises NotFound just as for a ticket that is not there: whose it is never changes."""
        state = (await self.handler.memory.recall([ticket], fresh=False))[ticket].state
        if not isinstance(state, Ticket) or state.requester != customer:
            raise no_ticket()


def no_ticket() -> NotFound:
    return NotFound("ticket.not_found", "There is no such ticket.")


def services_of(config: ApiConfig, store: EventStore) -> Services:
    handler = Handler(store, config.secret)
    return Services(
        config=config,
        store=store,
        handler=handler,
        tickets=Tickets(handler),
        configuration=Configuration(handler),
        policies=Policies(handler),
        surveys=Surveys(handler),
        positions=Positions(store),
        tail=Tail(store),
        seal=Seal(config.secret),
        rating_links=RatingLinks(config.secret),
        book=SlaBook(store),
    )


async def _shared(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Shared = Annotated[Services, Depends(_shared)]
