"""Rates and logged time on a real store: which version charges it, and what if one is published meanwhile?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from aggregates.agent import RegisterAgent
from aggregates.customer import RegisterCustomer
from aggregates.envelope import Actor, recorded
from aggregates.rates import RATE_CARD, PublishRates, Rates, RatesPublished
from aggregates.team import CreateTeam
from aggregates.ticket.commands import Escalate, LogTime, OpenTicket, Route
from aggregates.ticket.events import TimeLogged
from commands.database import pool
from commands.desk import Configuration
from commands.handle import Handler
from commands.rates import publish_rates
from commands.store import EventStore
from commands.tickets import Tickets
from tests.commands.samples import a_context
from tests.databases import Database

pytestmark = pytest.mark.anyio
EVERY = {level: 1_000 * level for level in range(1, 10)}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Process:
    """One process of a desk."""

    handler: Handler
    ada: Actor

    async def publish(self, rates: Rates, **more: Any) -> None:
        await publish_rates(self.handler, PublishRates(rates=rates, **more), a_context())

    async def open(self) -> UUID:
        customer = (await Configuration(self.handler).customer(None, RegisterCustomer(name="Cleo"), a_context())).stream
        command = OpenTicket(requester=customer, subject="printer on fire")
        return (await Tickets(self.handler).open(command, a_context(self.ada))).stream

    async def work(self, ticket: UUID, *commands: Any) -> None:
        for command in commands:
            await Tickets(self.handler).work(ticket, command, a_context(self.ada))

    async def logged(self, ticket: UUID) -> list[tuple[int | None, str | None]]:
        facts = [recorded(stored).fact for stored in await self.handler.store.stream(ticket)]
        return [(fact.rate, fact.currency) for fact in facts if isinstance(fact, TimeLogged)]


@asynccontextmanager
async def process(database: Database, ada: Actor | None = None) -> AsyncIterator[Process]:
    async with pool(database.app_url, name="test", size=4) as connections:
        handler = Handler(EventStore(connections), b"s" * 32)
        if ada is None:
            agent = await Configuration(handler).agent(None, RegisterAgent(name="Ada"), a_context())
            ada = Actor(kind="agent", id=str(agent.stream))
        yield Process(handler, ada)


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Process]:
    async with process(database) as office:
        yield office


@pytest.fixture
async def elsewhere(database: Database, office: Process) -> AsyncIterator[Process]:
    """Its memory hears nothing of what the other one writes."""
    async with process(database, office.ada) as other:
        yield other


async def test_time_is_charged_by_the_tickets_level_and_team_when_it_is_logged(office: Process) -> None:
    team = (await Configuration(office.handler).team(None, CreateTeam(name="Network"), a_context())).stream
    ticket, log = await office.open(), LogTime(seconds=60)
    await office.work(ticket, log)
    await office.publish(Rates(currency="EUR", levels={1: 10, 2: 20}, teams={team: {2: 7}}))
    await office.work(ticket, log, Escalate(reason="hard"), log, Route(team=team), log, Escalate(reason="harder"), log)
    charged = [(10, "EUR"), (20, "EUR"), (7, "EUR"), (None, None)]
    assert await office.logged(ticket) == [(None, None), *charged]
    later = a_context().now + timedelta(days=1)
    await office.publish(Rates(currency="SEK", levels=EVERY), effective_from=later)
    await office.work(ticket, log)
    assert (await office.logged(ticket))[-1] == (None, None), "the new rates do not hold yet"
    await office.publish(Rates(currency="SEK", levels=EVERY), effective_from=later - timedelta(days=900))
    await office.work(ticket, log)
    assert await office.logged(ticket) == [(None, None), *charged, (None, None), (3_000, "SEK")]


async def test_rates_published_while_time_is_logged_are_missed_by_none(office: Process, elsewhere: Process) -> None:
    """Each entry has the rate of the card as it was when the entry was written, in either process."""

    async def publish() -> None:
        for n in range(1, 13):
            await asyncio.sleep(0.01)
            await (office, elsewhere)[n % 2].publish(Rates(currency="EUR", levels={1: n}))

    async def log_some(process: Process) -> None:
        ticket = await process.open()
        for _ in range(15):
            await process.work(ticket, LogTime(seconds=60))

    await asyncio.gather(publish(), *(log_some((office, elsewhere)[n % 2]) for n in range(6)))
    rate: int | None = None
    told: list[tuple[int | None, int | None]] = []
    for event in [recorded(stored) for stored in await office.handler.store.log(0, 100_000)]:
        if isinstance(event.fact, RatesPublished):
            rate = event.fact.rates.levels[1]
        elif isinstance(event.fact, TimeLogged):
            told.append((event.fact.rate, rate))
    assert [charged for charged, _ in told] == [in_force for _, in_force in told]
    assert len(told) == 6 * 15
    assert len(set(told)) > 3, "it happened at once"


async def test_a_desk_without_rates_is_asked_for_them_once(office: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[UUID] = []
    stream = EventStore.stream

    async def counted(store: EventStore, id: UUID, after: int = 0) -> Any:
        asked.append(id)
        return await stream(store, id, after)

    monkeypatch.setattr(EventStore, "stream", counted)
    ticket = await office.open()
    await office.work(ticket, *[LogTime(seconds=1 + n) for n in range(5)])
    assert asked.count(RATE_CARD) == 1


async def test_nobody_is_charged_twice_by_a_retry_under_other_rates(office: Process) -> None:
    await office.publish(Rates(currency="EUR", levels={1: 1}))
    ticket, command, key = await office.open(), LogTime(seconds=60), str(uuid4())
    first = await Tickets(office.handler).work(ticket, command, a_context(office.ada, key=key))
    await office.publish(Rates(currency="EUR", levels={1: 2}))
    again = await Tickets(office.handler).work(ticket, command, a_context(office.ada, key=key))
    assert again == first
    assert await office.logged(ticket) == [(1, "EUR")]
