"""giving: which ticket does an agent get who asks for the next one? Nobody else's, and none only when none is left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from aggregates.agent import Agent
from aggregates.desk import Desk
from aggregates.errors import NotFound, Refusal, RuleBroken, Unavailable, require
from aggregates.ticket.commands import Claim
from api.reading import Reading
from api.services import Services
from commands.context import Accepted, Context
from projections import next_queries

VIEW, CLOCKS = "queues", "sla"
TRIES = 200


async def give_next(services: Services, read: Reading, agent: UUID, team: UUID | None, context: Context) -> Accepted:
    """Claim the ticket that `agent` should do now, of one team or of all. Raises Refusal.

    An agent asks once at a time, or each of two requests would see room for one more ticket. Nothing is
    refused to somebody who comes again for the answer that they have had.
    """
    try:
        async with services.handler.memory.turn([agent]):
            return await _Giving(services, read, agent, team, context).give()
    except Refusal:
        earlier = await services.handler.earlier(context)
        if earlier is None:
            raise
        return earlier


@dataclass(slots=True)
class _Giving:
    """One request for a ticket.

    passed   tickets that it need not look at again
    busy     tickets that others are being offered: theirs, or free again in a moment
    seen     the position that the newest page shows at least
    """

    services: Services
    read: Reading
    agent: UUID
    team: UUID | None
    context: Context
    passed: set[UUID] = field(default_factory=set)
    busy: dict[UUID, asyncio.Event] = field(default_factory=dict)
    seen: int = 0

    async def give(self) -> Accepted:
        agent = await self._able()
        await self._require_room(agent)
        while len(self.passed) < TRIES:
            page = await self._page(agent)
            for ticket in page:
                accepted = await self._offer(ticket)
                if accepted is not None:
                    return accepted
            if not page:
                await self._others_settled()
        raise Unavailable("queue.contended", "Others took what was found; try again.")

    async def _able(self) -> Agent:
        """As the store knows them now. Raises UnknownReference for an agent or team that may not be given work."""
        ids = [self.agent, *([self.team] if self.team else [])]
        known = await self.services.handler.memory.recall(ids, fresh=True)
        desk = Desk({id: entry.state for id, entry in known.items() if entry.version})
        if self.team is not None:
            desk.team(self.team, "team")
        return desk.agent(self.agent, "agent")

    async def _require_room(self, agent: Agent) -> None:
        seen = await self.read.reached(VIEW)
        given = [id for id, gone in self.services.offers.gone(seen).items() if gone.agent == self.agent]
        async with self.read.view(VIEW) as connection:
            held = await next_queries.held(connection, self.agent, given) + len(given)
        require(held < agent.capacity, "agent.at_capacity", "You have as many open tickets as you may have at once.")

    async def _page(self, agent: Agent) -> list[UUID]:
        # Before the query: what it then shows as free was so at this position or later.
        self.seen = await self.read.reached(VIEW)
        # However far the clocks have come: they order what is free, and need only be there.
        await self.services.positions.of(CLOCKS)
        beside = {*self.services.offers.gone(self.seen), *self.passed, *self.busy}
        async with self.read.view(VIEW) as connection:
            return await next_queries.candidates(connection, self.team, agent.abilities, beside)

    async def _offer(self, ticket: UUID) -> Accepted | None:
        """None: it is not theirs."""
        offers = self.services.offers
        offered = offers.offered(ticket)
        if offered is not None:
            self.busy[ticket] = offered
            return None
        if offers.is_gone(ticket, self.seen):
            return None
        with offers.offering(ticket):
            return await self._claim(ticket)

    async def _claim(self, ticket: UUID) -> Accepted | None:
        tickets, memory, offers = self.services.tickets, self.services.handler.memory, self.services.offers
        try:
            accepted = await tickets.work(ticket, Claim(), self.context)
        except RuleBroken:
            known = await memory.recall([ticket], fresh=False)
            offers.took(ticket, known[ticket].position, None)
        else:
            offers.took(accepted.stream, accepted.position, self.agent)
            if accepted.facts:
                return accepted
        self.passed.add(ticket)
        return None

    async def _others_settled(self) -> None:
        """Raises NotFound if there is nobody to wait for: then nothing is left."""
        if not self.busy:
            raise NotFound("queue.empty", "There is nothing to do.")
        for offered in self.busy.values():
            await offered.wait()
        self.busy.clear()
