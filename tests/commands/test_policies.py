"""Policies and tickets on a real store: what is written when, on which list, and what If-Match makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from aggregates.agent import RegisterAgent
from aggregates.business_time import Hours
from aggregates.calendar import CreateCalendar, PublishHours
from aggregates.customer import ChangeCustomer, RegisterCustomer
from aggregates.envelope import Actor, Recorded, recorded
from aggregates.errors import StaleVersion, UnknownReference
from aggregates.fact import Fact
from aggregates.sla.policies import (
    POLICY_LIST,
    OrderPolicies,
    PolicyPublished,
    PublishDefaults,
    PublishPolicy,
    RetirePolicy,
)
from aggregates.sla.terms import Terms
from aggregates.team import CreateTeam
from aggregates.ticket.commands import (
    AddNote,
    AddReply,
    AddTags,
    ChangeFields,
    ChangePriority,
    Close,
    Escalate,
    OpenTicket,
    ReceiveMessage,
    RemoveTags,
    Resolve,
    Route,
)
from aggregates.ticket.events import Assigned, FollowedUp, Opened, PriorityChanged, SlaApplied, SlaMet
from commands.append import Write
from commands.database import pool
from commands.desk import Configuration
from commands.handle import Handler
from commands.policies import Policies
from commands.store import EventStore
from commands.tickets import Tickets
from tests.commands.samples import a_context, an_append, events
from tests.databases import Database

pytestmark = pytest.mark.anyio
GOLD, SILVER = UUID(int=51), UUID(int=52)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Watched(EventStore):
    """Counts how often each stream is asked for."""

    asked: list[UUID]

    async def stream(self, stream: UUID, after: int = 0) -> Any:
        self.asked = [*getattr(self, "asked", []), stream]
        return await super().stream(stream, after)


@dataclass
class Office:
    """One process of a desk with an agent, a customer and a calendar."""

    store: Watched
    tickets: Tickets
    desk: Configuration
    policies: Policies
    ada: Actor
    customer: UUID
    calendar: UUID

    async def open(self, **given: Any) -> UUID:
        command = OpenTicket(requester=self.customer, subject="printer on fire", **given)
        return (await self.tickets.open(command, a_context(self.ada))).stream

    async def work(self, ticket: UUID, *commands: Any) -> None:
        for command in commands:
            await self.tickets.work(ticket, command, a_context(self.ada))

    async def publish(self, policy: UUID, *, reach: str = "new", **terms: Any) -> None:
        asked = PublishPolicy.model_validate({"terms": {"name": "x", **terms}, "reach": reach})
        await self.policies.change(asked, a_context(), policy)

    async def applied(self, ticket: UUID) -> list[SlaApplied]:
        return [fact for fact in await self.facts(ticket) if isinstance(fact, SlaApplied)]

    async def facts(self, stream: UUID) -> list[Fact]:
        return [recorded(stored).fact for stored in await self.store.stream(stream)]

    async def log(self) -> list[Recorded]:
        return [recorded(stored) for stored in await self.store.log(0, 100_000)]


@asynccontextmanager
async def process(database: Database, **known: Any) -> AsyncIterator[Office]:
    """What another process of the desk registered is `known`."""
    async with pool(database.app_url, name="test", size=4) as connections:
        store = Watched(connections)
        handler = Handler(store, b"s" * 32)
        desk = Configuration(handler)
        if not known:
            ada = (await desk.agent(None, RegisterAgent(name="Ada"), a_context())).stream
            hours = CreateCalendar(name="Office", hours=Hours(zone="UTC"))
            known = {
                "ada": Actor(kind="agent", id=str(ada)),
                "customer": (await desk.customer(None, RegisterCustomer(name="Cleo"), a_context())).stream,
                "calendar": (await desk.calendar(None, hours, a_context())).stream,
            }
        yield Office(store, Tickets(handler), desk, Policies(handler), **known)


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    async with process(database) as office:
        yield office


@pytest.fixture
async def elsewhere(database: Database, office: Office) -> AsyncIterator[Office]:
    """Another process of the same desk, whose memory hears nothing of what this one writes."""
    async with process(database, ada=office.ada, customer=office.customer, calendar=office.calendar) as other:
        yield other


def if_(attribute: str, *values: object, **more: Any) -> dict[str, Any]:
    return {"attribute": attribute, "values": values, **more}


async def test_a_ticket_opens_with_the_policy_and_the_calendar_that_hold(office: Office) -> None:
    await office.policies.change(PublishDefaults(calendar=office.calendar), a_context())
    hours = PublishHours(hours=Hours(zone="Europe/Vienna"))
    await office.desk.calendar(office.calendar, hours, a_context())
    ticket = await office.open(channel="phone", message="help")
    opened, applied, _ = await office.facts(ticket)
    assert isinstance(opened, Opened)
    published = [fact for fact in await office.facts(POLICY_LIST) if isinstance(fact, PolicyPublished)]
    assert applied == SlaApplied(
        policy=published[1].policy, policy_version=1, calendar=office.calendar, calendar_version=2, list_version=5
    )
    assert published[1].terms.name == "Phone"


async def test_no_policies_no_event_and_no_question_but_the_first(office: Office) -> None:
    tickets = [await office.open() for _ in range(3)]
    await office.work(tickets[0], ChangePriority(priority="high"), AddTags(tags=("fire",)))
    assert office.store.asked.count(POLICY_LIST) == 1
    assert [fact for ticket in tickets for fact in await office.applied(ticket)] == []


async def test_who_remembers_that_there_were_no_policies_decides_again(office: Office, elsewhere: Office) -> None:
    before = await office.open()
    await elsewhere.publish(GOLD)
    ticket = await office.open()
    assert await office.applied(ticket) == [SlaApplied(policy=GOLD, policy_version=1, list_version=1)]
    await elsewhere.publish(SILVER, all=[if_("priority", "high")])
    await elsewhere.policies.change(OrderPolicies(order=(SILVER, GOLD), reach="open"), a_context())
    await office.work(before, ChangePriority(priority="high"))
    assert [fact.policy for fact in await office.applied(before)] == [SILVER]


async def test_every_change_of_what_conditions_read_matches_again(office: Office) -> None:
    team = (await office.desk.team(None, CreateTeam(name="1st line"), a_context())).stream
    await office.publish(GOLD, any=[if_("tag", "fire"), if_("team", str(team)), if_("field", 4, name="floor")])
    await office.publish(SILVER)
    ticket = await office.open()
    changes = (
        AddTags(tags=("fire",)), RemoveTags(tags=("fire",)), Route(team=team), AddNote(body="x"),
        ChangeFields(fields={"floor": 4}), ChangePriority(priority="high"), Escalate(reason="x"),
    )  # fmt: skip
    await office.work(ticket, *changes)
    assert [fact.policy for fact in await office.applied(ticket)] == [SILVER, GOLD, SILVER, GOLD]


async def test_a_follow_up_is_a_new_ticket(office: Office) -> None:
    await office.publish(GOLD)
    ticket = await office.open(message="help")
    await office.work(ticket, AddReply(body="hello"), Resolve(), Close())
    await office.publish(GOLD, all=[if_("tier", "vip")])
    await office.publish(SILVER, calendar=office.calendar)
    answer = await office.tickets.work(ticket, ReceiveMessage(body="again"), a_context(office.ada))
    (followed_up,) = answer.facts
    assert isinstance(followed_up, FollowedUp)
    assert await office.applied(followed_up.follow_up) == [
        SlaApplied(policy=SILVER, policy_version=1, calendar=office.calendar, calendar_version=1, list_version=3)
    ]
    assert len(await office.applied(ticket)) == 1


async def test_a_vip_gets_what_vips_are_promised_though_the_tier_is_remembered_wrongly(
    office: Office, elsewhere: Office
) -> None:
    await office.publish(GOLD, all=[if_("tier", "vip")])
    await office.publish(SILVER)
    first = await office.open()
    await elsewhere.desk.customer(office.customer, ChangeCustomer(tier="vip"), a_context())
    await office.work(first, ChangePriority(priority="low"))
    second = await office.open()
    await elsewhere.desk.customer(office.customer, ChangeCustomer(tier="standard"), a_context())
    await office.work(second, ChangePriority(priority="low"))
    assert [[fact.policy for fact in await office.applied(ticket)] for ticket in (first, second)] == [
        [SILVER, GOLD], [GOLD, SILVER],
    ]  # fmt: skip


async def test_a_calendar_that_changed_elsewhere_is_not_missed(office: Office, elsewhere: Office) -> None:
    await office.publish(GOLD, calendar=office.calendar)
    await office.open()
    hours = PublishHours(hours=Hours(zone="Europe/Vienna"))
    await elsewhere.desk.calendar(office.calendar, hours, a_context())
    ticket = await office.open()
    assert [fact.calendar_version for fact in await office.applied(ticket)] == [2]


async def test_open_tickets_see_what_reaches_them_once_they_change(office: Office) -> None:
    await office.publish(GOLD)
    ticket = await office.open()
    await office.publish(GOLD, name="stricter")
    await office.work(ticket, ChangePriority(priority="high"))
    await office.publish(GOLD, reach="open", name="strictest")
    await office.work(ticket, ChangePriority(priority="low"))
    assert [(fact.policy_version, fact.list_version) for fact in await office.applied(ticket)] == [(1, 1), (3, 1)]


async def test_what_names_no_instant_holds_for_whoever_comes_after_however_clocks_differ(office: Office) -> None:
    ahead = a_context()
    ahead = replace(ahead, now=ahead.now + timedelta(hours=1))
    await office.policies.change(PublishPolicy(terms=Terms(name="x")), ahead, GOLD)
    assert [fact.policy for fact in await office.applied(await office.open())] == [GOLD]
    await office.policies.change(RetirePolicy(), a_context(), GOLD)
    dated = PublishPolicy(terms=Terms(name="x"), effective_from=ahead.now + timedelta(hours=1))
    await office.policies.change(dated, a_context(), SILVER)
    assert await office.applied(await office.open()) == [], "what names an instant waits for it"


async def test_policies_name_what_is_there(office: Office) -> None:
    with pytest.raises(UnknownReference) as refusal:
        await office.publish(GOLD, all=[if_("team", str(SILVER))])
    assert refusal.value.code == "team.unknown"
    with pytest.raises(UnknownReference) as refusal:
        await office.publish(GOLD, calendar=str(SILVER))
    assert refusal.value.code == "calendar.unknown"
    person = UUID(office.ada.id)
    reaction = {"on": "breach", "actions": [{"action": "notify", "agents": [person]}]}
    await office.publish(GOLD, reactions=[reaction])


async def test_bookkeeping_behind_an_etag_is_no_change_that_anybody_missed(office: Office) -> None:
    await office.publish(GOLD)
    ticket = await office.open()
    met = SlaMet(metric="first_reply", cycle=1, target=60, at=a_context().now, elapsed=1)
    await office.store.append(an_append(Write(ticket, 2, events(met, met))))
    for expected, note in ((1, "before what was applied"), (5, "now")):
        context = a_context(office.ada, expected_version=expected)
        assert (await office.tickets.work(ticket, AddNote(body=note), context)).version == 5 + (expected == 5)


@pytest.mark.parametrize("expected", [0, 1, 2, 3, 5, 99])
async def test_a_real_change_behind_an_etag_and_a_version_that_never_was_are_refused(
    office: Office, expected: int
) -> None:
    """Version 4 is a note; the fifth never was. What this process remembers ends before."""
    await office.publish(GOLD)
    ticket = await office.open()
    met = SlaMet(metric="first_reply", cycle=1, target=60, at=a_context().now, elapsed=1)
    await office.work(ticket, AddNote(body="x"))
    await office.store.append(an_append(Write(ticket, 3, events(met))))
    context = a_context(office.ada, expected_version=expected)
    if expected == 3:
        assert (await office.tickets.work(ticket, AddNote(body="y"), context)).version == 5
        return
    with pytest.raises(StaleVersion):
        await office.tickets.work(ticket, AddNote(body="y"), context)


async def test_a_retried_opening_answers_with_the_policy_too(office: Office) -> None:
    await office.publish(GOLD)
    command = OpenTicket(requester=office.customer, subject="printer on fire")
    first = await office.tickets.open(command, a_context(office.ada, key="open"))
    assert [type(fact) for fact in first.facts] == [Opened, SlaApplied]
    assert await office.tickets.open(command, a_context(office.ada, key="open")) == first


async def test_who_is_assigned_at_once_is_assigned_under_the_policy(office: Office) -> None:
    """Else the promise to assign somebody would count as never made, though it was kept at once."""
    await office.publish(GOLD)
    ticket = await office.open(assignee=UUID(office.ada.id))
    assert [type(fact) for fact in await office.facts(ticket)] == [Opened, SlaApplied, Assigned]


async def test_a_policy_published_while_tickets_are_opened_is_missed_by_none(office: Office, elsewhere: Office) -> None:
    """Each ticket stands on the list as it was when the ticket was written, in either process."""

    async def publish() -> None:
        for n in range(12):
            await asyncio.sleep(0.01)
            await (office, elsewhere)[n % 2].publish((GOLD, SILVER)[n // 6], name=f"{n}")

    async def open_some(process: Office) -> None:
        for _ in range(15):
            ticket = await process.open()
            await process.work(ticket, ChangePriority(priority="high"))

    await asyncio.gather(publish(), *(open_some((office, elsewhere)[n % 2]) for n in range(8)))
    version, gold = 0, 0
    stands: dict[UUID, SlaApplied | None] = {}
    for event in await office.log():
        if isinstance(event.fact, PolicyPublished):
            version, gold = version + 1, version + 1 if event.fact.policy == GOLD else gold
        elif isinstance(event.fact, Opened):
            policy = SlaApplied(policy=GOLD, policy_version=gold, list_version=version) if version else None
            stands[event.stream] = policy
        elif isinstance(event.fact, PriorityChanged) and stands[event.stream] is None and version:
            stands[event.stream] = SlaApplied(policy=GOLD, policy_version=gold, list_version=version)
    assert stands == {ticket: next(iter(await office.applied(ticket)), None) for ticket in stands}
    assert len(stands) == 8 * 15
    assert len({policy and policy.list_version for policy in stands.values()}) > 3, "it happened at once"
