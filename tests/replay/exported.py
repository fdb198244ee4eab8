"""exported: a desk on which a bit of everything happened, and how a test exports, restores and reads it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from aggregates.agent import RegisterAgent
from aggregates.business_time import Hours
from aggregates.calendar import CreateCalendar
from aggregates.customer import ChangeCustomer, EnteredContact, RegisterCustomer, RegisterOrganisation
from aggregates.envelope import Actor, Recorded, encode
from aggregates.sla.policies import PublishDefaults
from aggregates.team import CreateTeam
from aggregates.ticket.commands import (
    AddNote,
    AddReply,
    Assign,
    ChangeFields,
    Close,
    Escalate,
    Link,
    OpenTicket,
    ReceiveMessage,
    Resolve,
    WaitForRequester,
)
from commands.append import Write, append_blocking
from commands.database import connect, pool
from commands.desk import Configuration
from commands.handle import Handler
from commands.policies import Policies
from commands.store import EventStore
from commands.tickets import Tickets
from replay.exports.exporting import Exported, Wish, export
from replay.exports.restoring import Restored, restore
from replay.exports.scope import Asked
from replay.exports.source import Told
from tests.commands.samples import a_context, an_append
from tests.databases import Database
from tests.replay.logs import desk_on, event, write_xes

SECRET = b"s" * 32
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
INTERNAL, PUBLIC, PRIVATE = "canary-internal", "canary-public", "canary-private"
ALL = Asked()
TABLES: dict[str, LiteralString] = {
    "events": "SELECT * FROM store.events ORDER BY notification_id",
    "streams": "SELECT * FROM store.streams ORDER BY id",
    "commands": "SELECT * FROM store.commands ORDER BY command_id",
    "reservations": "SELECT * FROM store.reservations ORDER BY namespace, key",
    "head": "SELECT * FROM store.head",
    "numbers": "SELECT last_value, is_called FROM store.ticket_numbers",
}
CASES = {
    "c1": [event("work", 0), event("wait_user", 5), event("work", 9, who="Bob"), event("resolve", 20, who="Bob")],
    "c2": [event("queue", 1, team="G2 2nd"), event("work", 2, who="Eve", team="G2 2nd")],
}


@dataclass(frozen=True)
class Process:
    """One process that works on a desk."""

    store: EventStore
    tickets: Tickets
    desk: Configuration
    policies: Policies


@asynccontextmanager
async def process(database: Database, secret: bytes = SECRET) -> AsyncIterator[Process]:
    async with pool(database.app_url, name="test", size=2) as connections:
        store = EventStore(connections)
        handler = Handler(store, secret)
        yield Process(store, Tickets(handler), Configuration(handler), Policies(handler))


async def live(database: Database) -> list[UUID]:
    """Two tickets' lives, with what is internal, public and private in them. Returns them and the customer."""
    async with process(database) as desk:
        ada, bob = [(await desk.desk.agent(None, RegisterAgent(name=n), a_context())).stream for n in ("Ada", "Bob")]
        calendar = CreateCalendar(name="Office", hours=Hours(zone="Europe/Stockholm"))
        office = (await desk.desk.calendar(None, calendar, a_context())).stream
        await desk.policies.change(PublishDefaults(calendar=office), a_context())
        team = (
            await desk.desk.team(None, CreateTeam(name="Front", leader=ada, members=(ada, bob)), a_context())
        ).stream
        acme = (await desk.desk.organisation(None, RegisterOrganisation(name="Acme"), a_context())).stream
        mail = [
            EnteredContact(kind="email", value=f"{PRIVATE}@Example.org"),
            EnteredContact(kind="phone", value=PRIVATE),
        ]
        cleo = RegisterCustomer(name=PRIVATE, contacts=tuple(mail), organisation=acme, tier="vip")
        customer = (await desk.desk.customer(None, cleo, a_context())).stream
        await desk.desk.customer(customer, ChangeCustomer(contacts=()), a_context())
        await desk.desk.customer(customer, ChangeCustomer(contacts=(mail[0],)), a_context())
        me = Actor(kind="agent", id=str(ada))
        asks = OpenTicket(requester=customer, subject=PUBLIC, message=PUBLIC, team=team, tags=("fire",))
        first = (await desk.tickets.open(asks, a_context(me, key="open"))).stream
        second = (
            await desk.tickets.open(OpenTicket(requester=customer, subject="Größe \u2028 𝄞 \x01"), a_context(me))
        ).stream
        for command in (
            Assign(agent=ada), AddNote(body=INTERNAL), AddReply(body=PUBLIC),
            ChangeFields(fields={"floor": 3, "who": PRIVATE}), WaitForRequester(reason=INTERNAL),
            Escalate(agent=bob, reason=INTERNAL), Link(other=second, relation="relates_to"), Resolve(), Close(),
        ):  # fmt: skip
            await desk.tickets.work(first, command, a_context(me))
        theirs = Actor(kind="customer", id=str(customer))
        await desk.tickets.work(first, ReceiveMessage(author=customer, body=PUBLIC, channel="email"), a_context(theirs))
        return [first, second, customer]


def import_cases(database: Database, folder: Path, cases: Any = CASES) -> Any:
    with desk_on(database) as desk:
        return desk.take(write_xes(folder / "cases.xes", cases))


def put(database: Database, log: Sequence[Recorded]) -> None:
    """A made-up log, each event as a command of its own."""
    with connect(database.app_url, name="test") as connection:
        for event in log:
            write = Write(event.stream, event.version - 1, ((event.fact.type_name, encode(event.envelope)),))
            append_blocking(connection, [an_append(write)])


def exported(
    database: Database, path: Path, asked: Asked = ALL, told: Told = lambda done, part: None, **wish: Any
) -> Exported:
    format = wish.pop("format", path.name.split(".")[1])
    with connect(database.app_url, name="test") as connection:
        return export(connection, Wish(format, path, asked, **wish), "0.0.1", NOW, told)


def restored(database: Database, path: Path, secret: bytes = SECRET) -> Restored:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        return restore(owner, path, secret)


def contents(database: Database) -> dict[str, list[Any]]:
    """Every row of the store."""
    with psycopg.connect(database.owner_url) as owner:
        return {name: owner.execute(query).fetchall() for name, query in TABLES.items()}


def stored(database: Database) -> list[dict[str, Any]]:
    """The log as its rows say it, with no code of ours in between."""
    names = ("stream", "version", "type", "state", "position", "recorded_at", "hash")
    return [
        dict(zip(names, row, strict=True)) | {"envelope": json.loads(row[3])} for row in contents(database)["events"]
    ]
