"""Commands from asking to answer, on a real store: retries, races, remembered state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from aggregates.agent import ChangeAgent, RegisterAgent
from aggregates.customer import ChangeCustomer, RegisterCustomer
from aggregates.envelope import Actor, recorded
from aggregates.errors import (
    NotFound,
    ReusedKey,
    RuleBroken,
    StaleVersion,
    Taken,
    Unacceptable,
    Unavailable,
    UnknownReference,
)
from aggregates.team import CreateTeam
from aggregates.ticket.commands import (
    AddNote,
    AddReply,
    Assign,
    Claim,
    Close,
    Link,
    OpenTicket,
    ReceiveMessage,
    Resolve,
    Unlink,
)
from aggregates.ticket.events import FollowedUp, MessageReceived, Opened, Reopened, TicketFact
from commands.append import Append, Outcome
from commands.context import Accepted
from commands.database import pool
from commands.desk import Configuration
from commands.handle import Handler
from commands.store import EventStore
from commands.tickets import Tickets, number_key
from tests.commands.samples import a_context
from tests.databases import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Office:
    """One process of a desk with two agents and a customer."""

    store: EventStore
    tickets: Tickets
    desk: Configuration
    ada: Actor
    bob: Actor
    customer: UUID

    async def open(self, **given: Any) -> UUID:
        command = OpenTicket(requester=self.customer, subject="printer on fire", message="help", **given)
        return (await self.tickets.open(command, a_context(self.ada))).stream

    async def facts(self, ticket: UUID) -> list[TicketFact]:
        return [recorded(stored).fact for stored in await self.store.stream(ticket)]  # type: ignore[misc]


def acting(registered: Accepted) -> Actor:
    return Actor(kind="agent", id=str(registered.stream))


@asynccontextmanager
async def process(database: Database) -> AsyncIterator[tuple[EventStore, Tickets, Configuration]]:
    async with pool(database.app_url, name="test", size=4) as connections:
        store = EventStore(connections)
        handler = Handler(store, b"s" * 32)
        yield store, Tickets(handler), Configuration(handler)


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    async with process(database) as (store, tickets, desk):
        ada = await desk.agent(None, RegisterAgent(name="Ada"), a_context())
        bob = await desk.agent(None, RegisterAgent(name="Bob"), a_context())
        customer = await desk.customer(None, RegisterCustomer(name="Cleo"), a_context())
        yield Office(store, tickets, desk, acting(ada), acting(bob), customer.stream)


async def test_opening_answers_with_number_version_and_position(office: Office) -> None:
    command = OpenTicket(requester=office.customer, subject="printer on fire", message="help")
    answer = await office.tickets.open(command, a_context(office.ada))
    opened, message = answer.facts
    assert isinstance(opened, Opened)
    assert isinstance(message, MessageReceived)
    assert (answer.version, answer.position) == (2, 5)
    assert await office.store.reserved("ticket.number", number_key(opened.number)) == answer.stream


async def test_a_retried_command_gets_its_first_answer_though_the_ticket_went_on(office: Office) -> None:
    ticket = await office.open()
    first = await office.tickets.work(ticket, AddReply(body="hello"), a_context(office.ada, key="reply"))
    resolved = await office.tickets.work(ticket, Resolve(), a_context(office.ada, key="resolve"))
    await office.tickets.work(ticket, Close(), a_context(office.ada))
    assert await office.tickets.work(ticket, AddReply(body="hello"), a_context(office.ada, key="reply")) == first
    assert await office.tickets.work(ticket, Resolve(), a_context(office.ada, key="resolve")) == resolved


async def test_a_retried_opening_opens_nothing_twice(office: Office) -> None:
    command = OpenTicket(requester=office.customer, subject="printer on fire")
    first = await office.tickets.open(command, a_context(office.ada, key="open"))
    assert await office.tickets.open(command, a_context(office.ada, key="open")) == first


async def test_the_same_key_with_another_request_is_refused(office: Office) -> None:
    ticket = await office.open()
    await office.tickets.work(ticket, AddReply(body="one"), a_context(office.ada, key="k", request=b"one"))
    with pytest.raises(ReusedKey):
        await office.tickets.work(ticket, AddReply(body="two"), a_context(office.ada, key="k", request=b"two"))


async def test_of_two_who_claim_at_once_one_wins(office: Office) -> None:
    ticket = await office.open()
    answers = await asyncio.gather(
        *(office.tickets.work(ticket, Claim(), a_context(who)) for who in (office.ada, office.bob)),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, RuleBroken)]
    assert [refusal.code for refusal in refused] == ["ticket.already_assigned"]


async def test_fifty_writers_without_if_match_all_succeed(office: Office) -> None:
    ticket = await office.open()
    answers = await asyncio.gather(
        *(office.tickets.work(ticket, AddNote(body=f"{n}"), a_context(office.ada)) for n in range(50))
    )
    assert sorted(answer.version for answer in answers) == list(range(3, 53))


async def test_fifty_writers_with_if_match_one_wins_per_version(office: Office) -> None:
    ticket = await office.open()
    answers = await asyncio.gather(
        *(
            office.tickets.work(ticket, AddNote(body=f"{n}"), a_context(office.ada, expected_version=2))
            for n in range(50)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, StaleVersion) for answer in answers) == 49


async def test_writers_in_two_processes_never_lose_a_word(office: Office, database: Database) -> None:
    ticket = await office.open()
    async with process(database) as (_, others, _):

        async def write(n: int) -> None:
            while True:
                try:
                    await (office.tickets, others)[n % 2].work(ticket, AddNote(body=f"{n}"), a_context(office.ada))
                except Unavailable:
                    continue
                return

        await asyncio.gather(*(write(n) for n in range(40)))
    notes = (await office.facts(ticket))[2:]
    assert {note.body for note in notes if note.type_name == "ticket.note_added.v1"} == {str(n) for n in range(40)}  # type: ignore[union-attr]
    assert len(notes) == 40


async def test_nothing_is_refused_on_remembered_state(office: Office, database: Database) -> None:
    ticket = await office.open()
    await office.tickets.work(ticket, AddReply(body="hello"), a_context(office.ada))
    await office.tickets.work(ticket, Resolve(), a_context(office.ada))
    async with process(database) as (_, others, _):
        await others.work(ticket, ReceiveMessage(body="still broken"), a_context(office.ada))
    answer = await office.tickets.work(ticket, Resolve(), a_context(office.ada))
    assert answer.version == 8


async def test_a_decision_on_a_stale_desk_is_made_again(office: Office, database: Database) -> None:
    ticket = await office.open()
    await office.tickets.work(ticket, Assign(agent=UUID(office.bob.id)), a_context(office.ada))
    await office.tickets.work(ticket, Assign(agent=UUID(office.ada.id)), a_context(office.ada))
    async with process(database) as (_, _, elsewhere):
        await elsewhere.agent(UUID(office.bob.id), ChangeAgent(enabled=False), a_context())
    with pytest.raises(UnknownReference) as refusal:
        await office.tickets.work(ticket, Assign(agent=UUID(office.bob.id)), a_context(office.ada))
    assert (refusal.value.code, refusal.value.field) == ("agent.disabled", "agent")


async def test_what_does_not_exist_is_not_found(office: Office) -> None:
    with pytest.raises(NotFound):
        await office.tickets.work(uuid4(), AddNote(body="hello?"), a_context(office.ada))
    with pytest.raises(NotFound):
        await office.desk.customer(uuid4(), ChangeCustomer(name="Nobody"), a_context())
    with pytest.raises(NotFound):
        await office.desk.customer(UUID(office.ada.id), ChangeCustomer(name="an agent's id"), a_context())
    with pytest.raises(NotFound):
        await office.desk.agent(office.customer, RegisterAgent(name="a customer's id"), a_context())


async def test_a_team_of_unknown_members_is_refused_naming_the_field(office: Office) -> None:
    members = sorted([UUID(office.ada.id), uuid4()])
    with pytest.raises(UnknownReference) as refusal:
        await office.desk.team(None, CreateTeam(name="First line", members=tuple(members)), a_context())
    assert refusal.value.field == f"members.{1 - members.index(UUID(office.ada.id))}"


async def test_an_address_belongs_to_one_customer_whatever_its_case(office: Office) -> None:
    contacts = [{"kind": "email", "value": "Cleo@Example.org"}]
    await office.desk.customer(office.customer, ChangeCustomer.model_validate({"contacts": contacts}), a_context())
    again = {"name": "Cleo again", "contacts": [{"kind": "email", "value": "cleo@example.org "}]}
    with pytest.raises(Taken):
        await office.desk.customer(None, RegisterCustomer.model_validate(again), a_context())


async def closed_ticket(office: Office) -> UUID:
    ticket = await office.open()
    for command in (AddReply(body="hello"), Resolve(), Close()):
        await office.tickets.work(ticket, command, a_context(office.ada))
    return ticket


async def test_a_message_to_a_closed_ticket_opens_a_follow_up_and_later_ones_go_there(office: Office) -> None:
    ticket = await closed_ticket(office)
    answer = await office.tickets.work(ticket, ReceiveMessage(body="again"), a_context(office.ada, key="m"))
    (followed_up,) = answer.facts
    assert isinstance(followed_up, FollowedUp)
    assert await office.tickets.work(ticket, ReceiveMessage(body="again"), a_context(office.ada, key="m")) == answer
    later = await office.tickets.work(ticket, ReceiveMessage(body="and again"), a_context(office.ada))
    assert later.stream == followed_up.follow_up
    opened, *messages = await office.facts(followed_up.follow_up)
    assert isinstance(opened, Opened)
    assert opened.follow_up_of == ticket
    assert [fact.type_name for fact in messages] == ["ticket.message_received.v1"] * 2


async def test_messages_at_once_to_a_closed_ticket_open_one_follow_up(office: Office) -> None:
    ticket = await closed_ticket(office)
    answers = await asyncio.gather(
        *(office.tickets.work(ticket, ReceiveMessage(body=f"{n}"), a_context(office.ada)) for n in range(5))
    )
    assert sum(isinstance(answer.facts[0], FollowedUp) for answer in answers) == 1
    (followed_up,) = (fact for answer in answers for fact in answer.facts if isinstance(fact, FollowedUp))
    assert len(await office.facts(followed_up.follow_up)) == 1 + 5


async def test_a_message_is_personal_data_of_its_author(office: Office) -> None:
    other = (await office.desk.customer(None, RegisterCustomer(name="Carl"), a_context())).stream
    ticket = await office.open()
    await office.tickets.work(ticket, ReceiveMessage(body="me too", author=other), a_context(office.ada))
    subjects = [recorded(stored).envelope.subject for stored in await office.store.stream(ticket)]
    assert subjects == [office.customer, office.customer, other]


async def test_links_are_written_to_both_tickets_or_to_none(office: Office) -> None:
    one, other = await office.open(), await office.open()
    await office.tickets.work(one, Link(other=other, relation="blocks"), a_context(office.ada))
    assert [fact.type_name for fact in (await office.facts(other))[2:]] == ["ticket.linked.v1"]
    await office.tickets.work(other, Unlink(other=one, relation="blocked_by"), a_context(office.ada))
    assert [fact.type_name for fact in (await office.facts(one))[2:]] == ["ticket.linked.v1", "ticket.unlinked.v1"]
    with pytest.raises(UnknownReference):
        await office.tickets.work(one, Link(other=uuid4()), a_context(office.ada))


async def test_a_late_message_is_dated_when_it_happened_and_its_reopening_now(office: Office) -> None:
    ticket = await office.open()
    for command in (AddReply(body="hello"), Resolve()):
        await office.tickets.work(ticket, command, a_context(office.ada))
    context = a_context(office.ada)
    late = a_context(office.ada, occurred_at=context.now - timedelta(microseconds=1))
    await office.tickets.work(ticket, ReceiveMessage(body="hm"), late)
    message, reopened = [recorded(stored) for stored in (await office.store.stream(ticket))[-2:]]
    assert message.at == late.occurred_at
    assert isinstance(reopened.fact, Reopened)
    assert reopened.at == reopened.recorded_at


@pytest.mark.parametrize(
    ("shift", "code"),
    [(timedelta(days=1), "occurred_at.in_the_future"), (timedelta(days=-1), "occurred_at.before_opening")],
)
async def test_no_message_from_the_future_or_before_the_opening(office: Office, shift: timedelta, code: str) -> None:
    ticket, context = await office.open(), a_context(office.ada)
    with pytest.raises(Unacceptable) as refusal:
        await office.tickets.work(
            ticket, ReceiveMessage(body="hm"), a_context(office.ada, occurred_at=context.now + shift)
        )
    assert refusal.value.code == code


class LosesAnswers(EventStore):
    """Commits, and then the connection breaks before the first answer arrives."""

    lost = 0

    async def _append(self, commands: Sequence[Append]) -> Sequence[Outcome]:
        outcomes = await super()._append(commands)
        if not self.lost:
            self.lost += 1
            raise Unavailable("store.unavailable")
        return outcomes


async def test_a_lost_answer_and_a_retry_write_once(office: Office, database: Database) -> None:
    async with pool(database.app_url, name="test", size=2) as connections:
        tickets = Tickets(Handler(LosesAnswers(connections), b"s" * 32))
        command = OpenTicket(requester=office.customer, subject="printer on fire")
        with pytest.raises(Unavailable):
            await tickets.open(command, a_context(office.ada, key="open"))
        answer = await tickets.open(command, a_context(office.ada, key="open"))
    assert (answer.version, answer.position) == (1, 4)


async def test_a_broken_connection_is_replaced_without_a_refusal(office: Office, database: Database) -> None:
    ticket = await office.open()
    with psycopg.connect(database.superuser_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            (database.name,),
        )
    for _ in range(4):
        with suppress(Unavailable):
            await office.tickets.work(ticket, AddNote(body="hello"), a_context(office.ada, key="after the break"))
    assert len(await office.facts(ticket)) == 3
