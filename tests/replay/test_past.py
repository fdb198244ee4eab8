"""A ticket as of each of its versions is what its readers were shown then, to the last field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from psycopg import AsyncConnection

from aggregates.envelope import Recorded
from aggregates.moment import Moment
from aggregates.ticket import events as facts
from projections import tickets_queries as live_queries
from replay.audit.addressed import NotKnownThen
from replay.past.ticket import own_thread_then, own_ticket_then, past, promised, thread_then, ticket_then
from tests.databases import Database
from tests.projections.harness import Build, asked, build, connected
from tests.projections.histories import (
    AGENTS,
    CUSTOMERS,
    LENIENT,
    SINCE,
    START,
    STREAMS,
    decided,
    imported,
    recorded,
    story,
)

ID = STREAMS[0]
OPENED = facts.Opened(number=1042, requester=CUSTOMERS[0], subject="Printer on fire", channel="email")
HELP = facts.MessageReceived(author=CUSTOMERS[0], body="Help!", channel="email")


@pytest.fixture(scope="module")
def live(module_database: Database) -> Iterator[Build]:
    with connected(module_database) as connection:
        tickets = build(connection, "tickets")
        tickets.go_live()
        yield tickets


async def shown(connection: AsyncConnection[Any]) -> Any:
    """What each reader is shown now."""
    ticket = await live_queries.ticket(connection, ID)
    if ticket is None or ticket.requester is None:
        return None
    who = ticket.requester
    return (
        ticket,
        await live_queries.thread(connection, ID),
        await live_queries.customer_ticket(connection, ID, who),
        await live_queries.customer_thread(connection, ID, who),
    )


def shown_then(history: list[Recorded], moment: Moment) -> Any:
    try:
        told = past(history, moment)
    except NotKnownThen:
        return None
    return ticket_then(told), thread_then(told, 0, 999), own_ticket_then(told), own_thread_then(told, 0, 999)


@given(history=decided(ID) | imported(ID))
@settings(LENIENT, max_examples=15)
def test_what_was_shown_after_each_event_is_shown_as_of_it(
    module_database: Database, live: Build, history: list[Recorded]
) -> None:
    try:
        for event in history:
            live.apply([event])
            moment = Moment("recorded", event.position, event.recorded_at)
            assert shown_then(history, moment) == asked(module_database.app_url, shown)
    finally:
        live.emptied()


def late(version: int, fact: facts.TicketFact, minutes: int) -> Recorded:
    return recorded(ID, version, fact, at=START + timedelta(days=1), occurred_at=START + timedelta(minutes=minutes))


def test_what_came_late_is_told_where_it_happened_or_where_it_became_known() -> None:
    note = facts.NoteAdded(body="It smells of smoke")
    history = [*story(ID, OPENED, HELP, facts.Assigned(agent=AGENTS[0]), note, minutes=10), late(5, HELP, 5)]
    known = past(history, Moment("recorded", 4, START))
    happened = past(history, Moment("occurred", 5, START + timedelta(minutes=5), by=START + timedelta(minutes=5)))
    assert [m.version for m in thread_then(known, 0, 9)] == [2, 4]
    assert [m.version for m in thread_then(happened, 0, 9)] == [5]
    assert (happened.version, known.version) == (5, 4)
    whole = past(history, Moment("occurred", 5, START + timedelta(days=2)))
    assert whole.version == 5
    assert [m.version for m in thread_then(whole, 0, 9)] == [5, 2, 4]
    assert [m.version for m in thread_then(whole, 5, 1)] == [2]
    assert [(m.number, m.at) for m in own_thread_then(whole, 1, 9)] == [(2, START + timedelta(minutes=10))]


def test_before_it_was_known_it_says_when_it_was_and_when_it_had_happened() -> None:
    history = [recorded(ID, 1, OPENED, at=START + timedelta(days=1), occurred_at=START)]
    with pytest.raises(NotKnownThen, match=r"2024-03-02 09:00:00.* had happened on 2024-03-01 09:00:00") as unknown:
        past(history, Moment("recorded", 0, START))
    assert unknown.value.occurred
    assert past(history, Moment("occurred", 1, START, by=START)).version == 1


def test_a_policy_that_was_applied_later_holds_for_what_had_happened_by_then() -> None:
    since = facts.SlaApplied(policy=None, list_version=1, since=SINCE)
    history = [*story(ID, OPENED), recorded(ID, 2, since, at=START + timedelta(days=9))]
    assert len(promised(history, Moment("occurred", 2, SINCE, by=SINCE))) == 2
    assert len(promised(history, Moment("recorded", 1, SINCE))) == 1
