"""Calendars on a real store: versions say from when they hold, and nothing is published twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from aggregates.agent import RegisterAgent
from aggregates.business_time import Hours, Span
from aggregates.calendar import CalendarPublished, CreateCalendar, ImportHolidays, PublishHours, RenameCalendar
from aggregates.envelope import recorded
from aggregates.errors import NotFound, ReusedKey, RuleBroken, StaleVersion, Unacceptable
from aggregates.fact import Fact
from commands.database import pool
from commands.desk import Configuration
from commands.handle import Handler
from commands.store import EventStore
from tests.commands.samples import a_context
from tests.databases import Database

pytestmark = pytest.mark.anyio

DAY = Span(opens=540, closes=1080)
OFFICE = Hours(zone="Europe/Stockholm", monday=(DAY,))
SHORTER = Hours(zone="Europe/Stockholm", monday=(Span(opens=540, closes=720),))
CLASH = Hours(zone="Europe/Stockholm", monday=(DAY, Span(opens=1020, closes=1140)))
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def store(database: Database) -> AsyncIterator[EventStore]:
    async with pool(database.app_url, name="test", size=2) as connections:
        yield EventStore(connections)


@pytest.fixture
def desk(store: EventStore) -> Configuration:
    return Configuration(Handler(store, b"s" * 32))


async def facts(store: EventStore, calendar: UUID) -> list[Fact]:
    return [recorded(stored).fact for stored in await store.stream(calendar)]


async def test_hours_that_do_not_say_from_when_they_hold_hold_from_now(desk: Configuration, store: EventStore) -> None:
    created = a_context()
    calendar = (await desk.calendar(None, CreateCalendar(name="Office", hours=OFFICE), created)).stream
    published = a_context()
    await desk.calendar(calendar, PublishHours(hours=SHORTER), published)
    await desk.calendar(calendar, PublishHours(hours=OFFICE, effective_from=NEW_YEAR), a_context())
    imported = a_context()
    await desk.calendar(calendar, ImportHolidays(holidays=(date(2026, 12, 25),)), imported)
    versions = [fact for fact in await facts(store, calendar) if isinstance(fact, CalendarPublished)]
    assert [version.effective_from for version in versions] == [created.now, published.now, NEW_YEAR, imported.now]
    assert versions[3].hours == OFFICE.model_copy(update={"holidays": (date(2026, 12, 25),)})


async def test_the_same_again_writes_nothing(desk: Configuration, store: EventStore) -> None:
    first = await desk.calendar(None, CreateCalendar(name="Office", hours=OFFICE), a_context())
    for command in (PublishHours(hours=OFFICE), RenameCalendar(name="Office"), ImportHolidays()):
        answer = await desk.calendar(first.stream, command, a_context())
        assert (answer.facts, answer.version) == ((), 2)
    assert len(await facts(store, first.stream)) == 2


async def test_a_retried_publication_gets_its_first_answer(desk: Configuration, store: EventStore) -> None:
    calendar = (await desk.calendar(None, CreateCalendar(name="Office", hours=OFFICE), a_context())).stream
    first = await desk.calendar(calendar, PublishHours(hours=SHORTER), a_context(key="shorter"))
    again = await desk.calendar(calendar, PublishHours(hours=SHORTER), a_context(key="shorter"))
    assert again == first
    await desk.calendar(calendar, PublishHours(hours=OFFICE), a_context())
    assert await desk.calendar(calendar, PublishHours(hours=SHORTER), a_context(key="shorter")) == first
    with pytest.raises(ReusedKey):
        await desk.calendar(calendar, PublishHours(hours=CLASH), a_context(key="shorter", request=b"other"))
    assert len(await facts(store, calendar)) == 4


async def test_what_is_refused_leaves_no_trace(desk: Configuration, store: EventStore) -> None:
    calendar = (await desk.calendar(None, CreateCalendar(name="Office"), a_context())).stream
    with pytest.raises(Unacceptable, match="overlap"):
        await desk.calendar(calendar, PublishHours(hours=CLASH), a_context())
    with pytest.raises(Unacceptable, match="overlap"):
        await desk.calendar(None, CreateCalendar(name="Other", hours=CLASH), a_context())
    with pytest.raises(RuleBroken, match="nothing_published"):
        await desk.calendar(calendar, ImportHolidays(holidays=(date(2026, 12, 25),)), a_context())
    with pytest.raises(StaleVersion):
        await desk.calendar(calendar, PublishHours(hours=OFFICE), a_context(expected_version=2))
    assert [stored.version for stored in await store.log(0, 10)] == [1]


async def test_a_calendar_is_no_other_kind_of_thing(desk: Configuration) -> None:
    agent = (await desk.agent(None, RegisterAgent(name="Ada"), a_context())).stream
    absent = UUID(int=1)
    for id in (agent, absent):
        with pytest.raises(NotFound, match=r"calendar\.not_found"):
            await desk.calendar(id, PublishHours(hours=OFFICE), a_context())
