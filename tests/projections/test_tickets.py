"""test_tickets: does the view show the whole ticket to agents, and only the customer's part to the customer?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from psycopg import AsyncConnection, Connection

from aggregates.envelope import Recorded
from aggregates.text import Erased
from aggregates.ticket import events as facts
from projections import tickets_queries as queries
from projections.cursor import InvalidCursor
from tests.databases import Database
from tests.projections.harness import Build, asked, build, connected
from tests.projections.histories import (
    AGENTS,
    CANARY,
    CUSTOMERS,
    LENIENT,
    OTHERS,
    START,
    STREAMS,
    TEAMS,
    logs,
    recorded,
    story,
)

ID = STREAMS[0]
ANNA, OTTO = CUSTOMERS
OPENED = facts.Opened(number=1042, requester=ANNA, subject="Printer on fire", channel="email", team=TEAMS[0])


@pytest.fixture(scope="module")
def connection(module_database: Database) -> Iterator[Connection[Any]]:
    with connected(module_database) as connection:
        yield connection


@pytest.fixture(scope="module")
def live(connection: Connection[Any]) -> Build:
    tickets = build(connection, "tickets")
    tickets.go_live()
    return tickets


@pytest.fixture
def view(live: Build) -> Iterator[Build]:
    yield live
    live.emptied()


@pytest.fixture
def ask(module_database: Database) -> Any:
    return partial(asked, module_database.app_url)


def test_an_agent_sees_the_state_and_where_it_stands_in_the_log(view: Build, ask: Any) -> None:
    view.apply(
        story(
            ID,
            OPENED,
            facts.Assigned(agent=AGENTS[0]),
            facts.Tagged(tags=("vip", 'quo"te')),
            facts.FieldChanged(name="floor", value=3),
            facts.Linked(other=OTHERS[0], relation="blocks"),
            facts.TimeLogged(agent=AGENTS[0], seconds=90),
            facts.PutOnHold(was="open"),
        )
    )
    ticket = ask(lambda c: queries.ticket(c, ID))
    assert (ticket.number, ticket.status, ticket.version, ticket.position) == (1042, "on_hold", 7, 7)
    assert (ticket.subject, ticket.team, ticket.assignee) == ("Printer on fire", TEAMS[0], AGENTS[0])
    assert (ticket.tags, ticket.fields, ticket.time_spent) == (['quo"te', "vip"], {"floor": 3}, 90)
    assert ticket.links == [{"relation": "blocks", "other": str(OTHERS[0])}]
    assert (ticket.opened_at - START).seconds == 0
    assert (ticket.updated_at - START).seconds == 360
    assert ask(lambda c: queries.ticket_by_number(c, 1042)) == ticket
    assert ask(lambda c: queries.ticket(c, STREAMS[1])) is None


def test_the_thread_keeps_everything_and_numbers_what_is_public(view: Build, ask: Any) -> None:
    view.apply(
        story(
            ID,
            OPENED,
            facts.MessageReceived(author=ANNA, body="Help!", channel="email"),
            facts.NoteAdded(body=CANARY),
            facts.ReplyAdded(body="We are on it", automatic=True),
        )
    )
    thread = ask(lambda c: queries.thread(c, ID))
    assert [(m.version, m.kind, m.public_number) for m in thread] == [
        (2, "message", 1),
        (3, "note", None),
        (4, "reply", 2),
    ]
    assert [m.audience for m in thread] == ["public", "internal", "public"]
    assert thread[0].author_kind == "customer"
    assert thread[0].author_id == str(ANNA)
    assert [m.version for m in ask(lambda c: queries.thread(c, ID, after=2, limit=1))] == [3]


def test_a_customer_sees_their_own_thread_numbered_without_gaps(view: Build, ask: Any) -> None:
    view.apply(
        story(
            ID,
            OPENED,
            facts.MessageReceived(author=ANNA, body="Help!", channel="email"),
            facts.NoteAdded(body=CANARY),
            facts.ReplyAdded(body="Which floor?"),
            facts.PutOnHold(was="open"),
            facts.MessageReceived(author=OTTO, body="The third", channel="chat"),
        )
    )
    thread = ask(lambda c: queries.customer_thread(c, ID, ANNA))
    assert [(m.number, m.author, m.own) for m in thread] == [
        (1, "customer", True),
        (2, "support", False),
        (3, "customer", False),
    ]
    ticket = ask(lambda c: queries.customer_ticket(c, ID, ANNA))
    assert ticket.status == "open"
    assert [m.number for m in ask(lambda c: queries.customer_thread(c, ID, ANNA, after=1, limit=1))] == [2]


def test_somebody_elses_ticket_is_not_there(view: Build, ask: Any) -> None:
    view.apply(story(ID, OPENED, facts.MessageReceived(author=OTTO, body="Me too", channel="email")))
    assert ask(lambda c: queries.customer_ticket(c, ID, OTTO)) is None
    assert ask(lambda c: queries.customer_thread(c, ID, OTTO)) == []
    assert ask(lambda c: queries.customer_tickets(c, OTTO, 10)).items == ()


@pytest.mark.parametrize(
    "hidden",
    [
        facts.NoteAdded(body=CANARY),
        facts.Routed(team=TEAMS[1]),
        facts.Assigned(agent=AGENTS[1]),
        facts.Escalated(from_level=1, to_level=2),
        facts.PriorityChanged(priority="urgent", was="normal"),
        facts.Tagged(tags=("angry",)),
        facts.FieldChanged(name="floor", value=3),
        facts.PutOnHold(was="open"),
        facts.WatcherAdded(watcher=AGENTS[1]),
        facts.Linked(other=OTHERS[0], relation="duplicates"),
        facts.TimeLogged(agent=AGENTS[0], seconds=5),
        facts.SatisfactionRequested(request=OTHERS[0], occasion="resolved", expires_at=START),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_what_happens_inside_leaves_the_customers_page_byte_for_byte(
    view: Build, ask: Any, hidden: facts.TicketFact
) -> None:
    history = story(ID, OPENED, facts.ReplyAdded(body="Hello"), hidden)
    view.apply(history[:2])
    before = ask(lambda c: queries.customer_ticket(c, ID, ANNA))
    view.apply(history[2:])
    assert ask(lambda c: queries.customer_ticket(c, ID, ANNA)) == before


@pytest.mark.parametrize(
    "visible",
    [
        facts.MessageReceived(author=ANNA, body="?", channel="email"),
        facts.ReplyAdded(body="!"),
        facts.PutPending(was="open"),
        facts.Resolved(was="open", code="solved"),
        facts.Closed(was="open", cause="agent"),
        facts.MarkedSpam(was="open"),
        facts.FollowedUp(follow_up=OTHERS[0], number=1043),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_what_the_customer_can_see_moves_their_etag(view: Build, ask: Any, visible: facts.TicketFact) -> None:
    history = story(ID, OPENED, facts.ReplyAdded(body="Hello"), visible)
    view.apply(history[:2])
    before = ask(lambda c: queries.customer_ticket(c, ID, ANNA))
    view.apply(history[2:])
    after = ask(lambda c: queries.customer_ticket(c, ID, ANNA))
    assert after.thread_version == before.thread_version + 1
    assert after.updated_at > before.updated_at


def test_erased_text_shows_as_null(view: Build, ask: Any) -> None:
    gone = Erased()
    opened = OPENED.model_copy(update={"subject": gone, "fields": {"name": gone}})
    view.apply(story(ID, opened, facts.ReplyAdded(body=gone)))
    assert ask(lambda c: queries.ticket(c, ID)).subject is None
    assert ask(lambda c: queries.thread(c, ID))[0].body is None
    assert ask(lambda c: queries.customer_thread(c, ID, ANNA))[0].body is None


def test_a_customers_tickets_come_newest_first_in_pages(view: Build, ask: Any) -> None:
    for n in range(5):
        view.apply(story(UUID(int=n + 1), OPENED.model_copy(update={"number": 1001 + n})))
    first = ask(lambda c: queries.customer_tickets(c, ANNA, 3))
    rest = ask(lambda c: queries.customer_tickets(c, ANNA, 3, first.next))
    assert [t.number for t in (*first.items, *rest.items)] == [1005, 1004, 1003, 1002, 1001]
    assert rest.next is None


@pytest.mark.parametrize("nonsense", ["", "x", "!!!", "bnVsbA", "ZZZZ\x00", "ICIi", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_made_up_cursor_is_refused(view: Build, ask: Any, nonsense: str) -> None:
    with pytest.raises(InvalidCursor):
        ask(lambda c: queries.customer_tickets(c, ANNA, 3, nonsense))


def test_what_the_thread_says_stays_when_only_its_ticket_is_saved_again(view: Build, ask: Any) -> None:
    view.apply(story(ID, OPENED, facts.NoteAdded(body="first")))
    view.apply([recorded(ID, 3, facts.Tagged(tags=("a",)), at=START)])
    assert [m.body for m in ask(lambda c: queries.thread(c, ID))] == ["first"]


@given(log=logs())
@settings(LENIENT, max_examples=25)
def test_internal_text_never_reaches_a_customer(module_database: Database, live: Build, log: list[Recorded]) -> None:
    live.apply(log)
    shown = asked(module_database.app_url, _all_that_customers_see)
    internal = [text for text in live.contents()["messages"] if CANARY in text]
    assert CANARY not in shown
    assert CANARY not in repr(live.connection.execute(CUSTOMER_VIEWS).fetchall())
    assert len(internal) == sum(isinstance(event.fact, facts.NoteAdded) for event in log)
    live.emptied()


CUSTOMER_VIEWS = """
SELECT t::text FROM read.customer_tickets t UNION ALL SELECT m::text FROM read.customer_messages m
"""


async def _all_that_customers_see(connection: AsyncConnection[Any]) -> str:
    pages: list[Any] = []
    for requester in CUSTOMERS:
        pages.extend((await queries.customer_tickets(connection, requester, 100)).items)
        for stream in STREAMS:
            pages.append(await queries.customer_ticket(connection, stream, requester))
            pages.extend(await queries.customer_thread(connection, stream, requester))
    return repr([asdict(page) for page in pages if page is not None])


def test_going_live_again_is_repeatable(connection: Connection[Any], view: Build, ask: Any) -> None:
    view.apply(story(ID, OPENED))
    other = build(connection, "tickets")
    with connection.transaction():
        other.go_live()
    assert ask(lambda c: queries.ticket(c, ID)) is None
    view.enter()
    view.go_live()
    assert ask(lambda c: queries.ticket(c, ID)).number == 1042
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        connection.execute(f"DROP SCHEMA {view.schema}")
