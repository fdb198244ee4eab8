"""test_queue_spans: was a work list at any moment of the past just what a plain fold of the log says?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from aggregates.envelope import Recorded, encode
from aggregates.moment import Basis, Moment
from aggregates.ticket import events as facts
from aggregates.ticket.events import TicketFact
from aggregates.ticket.state import replay
from projections import queues_past, queues_queries
from projections.cursor import InvalidCursor
from projections.queues_fold import QueueRow, Span, went_on, whole
from projections.queues_queries import QueueCounts, QueueFilter, QueueItem, Sort
from tests.databases import Database
from tests.projections.harness import Build, asked, build, connected
from tests.projections.histories import CUSTOMERS, LENIENT, START, STREAMS, actors, historic, opened, recorded
from tests.projections.test_queues import key

BASES: tuple[Basis, ...] = ("recorded", "occurred")
CLOSED = QueueFilter(statuses=["closed"])
FORGET = "SET session_replication_role = replica; DELETE FROM store.events"
REMEMBER = """
INSERT INTO store.events (originator_id, originator_version, topic, state, notification_id, recorded_at, hash)
VALUES (%s, %s, %s, %s, %s, %s, '')
"""
RANK = {"urgent": 1, "high": 2, "normal": 3, "low": 4}
ENDS = (facts.Resolved, facts.Closed, facts.MarkedSpam, facts.Merged)
Log = list[Recorded]


@st.composite
def pasts(draw: st.DrawFn) -> Log:
    """Anything that can happen to a few tickets once they are opened, as a log has it; some of it told late."""
    once = historic.filter(lambda fact: not isinstance(fact, facts.Opened))
    lives = [[draw(opened), *draw(st.lists(once, min_size=2, max_size=12))] for _ in range(draw(st.integers(1, 3)))]
    lateness = draw(st.sampled_from([[0], [0, 0, 1, 90]]))
    log: Log = []
    now = START
    versions: Counter[Any] = Counter()
    while any(lives):
        n = draw(st.sampled_from([n for n, life in enumerate(lives) if life]))
        now += timedelta(seconds=draw(st.sampled_from([0, 1, 60])))
        earlier = timedelta(seconds=draw(st.sampled_from(lateness)))
        versions[n] += 1
        at, kind = now - earlier if earlier else None, draw(actors)
        fact, position = lives[n].pop(0), len(log) + 1
        log.append(recorded(STREAMS[n], versions[n], fact, at=now, occurred_at=at, position=position, kind=kind))
    return log


def plain(log: Log, counts: Any, basis: Basis) -> list[QueueItem]:
    """The work list that these events make, in the simplest words: closed tickets, too."""
    tickets = {event.stream: [e for e in log if e.stream == event.stream and counts(e)] for event in log}
    return [item for told in tickets.values() if (item := plain_item(told, basis)) is not None]


def plain_item(told: Sequence[Recorded], basis: Basis) -> QueueItem | None:
    happened = sorted(told, key=lambda event: (event.at, event.version))
    course = [event for event in (told if basis == "recorded" else happened) if not event.fact.bookkeeping]
    openings = [event for event in course if isinstance(event.fact, facts.Opened)]
    if not openings:
        return None
    ticket = replay(cast(TicketFact, event.fact) for event in course)
    asked_at = [event for event in happened if isinstance(event.fact, facts.MessageReceived)]
    replies = [e for e in happened if isinstance(e.fact, facts.ReplyAdded) and not e.fact.automatic]
    replies = [event for event in replies if event.actor.kind in ("agent", "import")]
    answers = [event for event in happened if event in replies or isinstance(event.fact, ENDS)]
    unanswered = [event for event in asked_at if not answers or happened.index(event) > happened.index(answers[-1])]
    return QueueItem(
        id=told[0].stream,
        version=max(event.version for event in told),
        number=ticket.number,
        requester=ticket.requester,
        subject=ticket.subject if isinstance(ticket.subject, str) else None,
        channel=ticket.channel,
        category=ticket.category,
        team=ticket.team,
        assignee=ticket.assignee,
        priority=ticket.priority,
        status=ticket.status,
        level=ticket.level,
        tags=sorted(ticket.tags),
        opened_at=openings[0].at,
        updated_at=course[-1].at,
        waiting_since=unanswered[0].at if unanswered else None,
        last_requester_message_at=asked_at[-1].at if asked_at else None,
        last_public_reply_at=replies[-1].at if replies else None,
        priority_rank=RANK[ticket.priority],
    )


def plain_counts(items: Sequence[QueueItem]) -> QueueCounts:
    return QueueCounts(
        len(items),
        sum(item.assignee is None for item in items),
        dict(Counter(item.team for item in items)),
        dict(Counter(item.status for item in items)),
        dict(Counter(item.priority for item in items)),
    )


@pytest.fixture(scope="module")
def live(module_database: Database) -> Iterator[Build]:
    with connected(module_database) as connection:
        queues = build(connection, "queues")
        queues.go_live()
        yield queues


@pytest.fixture(scope="module")
def store(module_database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(module_database.superuser_url, autocommit=True) as connection:
        yield connection


def remember(store: psycopg.Connection[Any], log: Log) -> None:
    store.execute(FORGET)
    with store.cursor() as cursor:
        cursor.executemany(
            REMEMBER,
            [(e.stream, e.version, e.fact.type_name, encode(e.envelope), e.position, e.recorded_at) for e in log],
        )


async def pages(connection: AsyncConnection[Any], moment: Moment, wanted: QueueFilter, sort: Sort) -> list[QueueItem]:
    found: list[QueueItem] = []
    cursor = None
    while True:
        following = await queues_past.queue_page(connection, moment, wanted, 2, sort, cursor)
        found.extend(following.items)
        cursor = following.next
        if cursor is None:
            return found


async def check(connection: AsyncConnection[Any], moment: Moment, items: list[QueueItem], sort: Sort) -> None:
    worked_on = [item for item in items if item.status != "closed"]
    closed = [item for item in items if item.status == "closed"]
    of_closed: Sort = "updated" if sort in ("waiting", "priority") else sort
    assert await pages(connection, moment, QueueFilter(), sort) == sorted(worked_on, key=lambda i: key(sort, i))
    assert await pages(connection, moment, CLOSED, of_closed) == sorted(closed, key=lambda i: key(of_closed, i))
    assert await queues_past.counts(connection, moment) == plain_counts(worked_on)
    assert await queues_past.worked_on(connection, moment) == sorted(item.id for item in worked_on)


async def check_all(connection: AsyncConnection[Any], log: Log, sorts: Sequence[Sort]) -> None:
    head, now = len(log), log[-1].recorded_at
    for position in range(head + 1):
        for basis in BASES:
            items = plain(log, lambda event, n=position: event.position <= n, basis)
            await check(connection, Moment(basis, position, now), items, sorts[position % len(sorts)])
    instants = {event.at + timedelta(microseconds=nudge) for event in log for nudge in (-1, 0)}
    for place, instant in enumerate(sorted(instants)):
        items = plain(log, lambda event, at=instant: event.at <= at, "occurred")
        await check(connection, Moment("occurred", head, instant, by=instant), items, sorts[place % len(sorts)])
    newest = Moment("recorded", head, now)
    for wanted, sort in ((QueueFilter(), "waiting"), (CLOSED, "updated")):
        queue = await queues_queries.queue_page(connection, wanted, 50, cast(Sort, sort))
        assert queue.items == tuple(await pages(connection, newest, wanted, cast(Sort, sort)))
    assert await queues_past.counts(connection, newest) == await queues_queries.counts(connection)


@given(log=pasts())
@settings(LENIENT, max_examples=150)
def test_spans_that_were_added_one_by_one_are_those_of_the_whole_history(log: Log) -> None:
    for stream in {event.stream for event in log}:
        history = [event for event in log if event.stream == stream]
        row = QueueRow(stream)
        added: list[Span] = []
        for n, event in enumerate(history, 1):
            after = went_on(replace(row, past=None), event)
            added = [*added, *after.spans] if after else list(whole(history[:n]).spans)
            row = after or whole(history[:n])
        at_once = whole(history)
        assert row == at_once
        assert Counter(map(repr, added)) == Counter(map(repr, at_once.spans))


@given(
    log=pasts(),
    size=st.sampled_from([1, 1, 3, 40]),
    sorts=st.permutations(["waiting", "priority", "opened", "newest", "updated"]),
)
@settings(LENIENT, max_examples=15)
def test_a_queue_at_any_moment_is_a_plain_fold_of_what_the_log_held(
    module_database: Database,
    live: Build,
    store: psycopg.Connection[Any],
    log: Log,
    size: int,
    sorts: list[Sort],
) -> None:
    remember(store, log)
    try:
        for start in range(0, len(log), size):
            live.apply(log[start : start + size])
        asked(module_database.app_url, lambda connection: check_all(connection, log, sorts))
    finally:
        live.emptied()


def test_a_cursor_belongs_to_its_moment(module_database: Database, live: Build, store: Any) -> None:
    openings = [facts.Opened(number=n, requester=CUSTOMERS[0], subject="x", channel="email") for n in (1001, 1002)]
    log = [recorded(STREAMS[n], 1, opening, at=START, position=n + 1) for n, opening in enumerate(openings)]
    log.append(recorded(STREAMS[0], 2, facts.NoteAdded(body="x"), at=START, position=3))
    remember(store, log)
    live.apply(log)
    first, second = (Moment("recorded", position, START) for position in (2, 3))

    async def turn(connection: AsyncConnection[Any], moment: Moment) -> Any:
        cursor = (await queues_past.queue_page(connection, first, QueueFilter(), 1)).next
        return await queues_past.queue_page(connection, moment, QueueFilter(), 1, cursor=cursor)

    assert [item.number for item in asked(module_database.app_url, lambda c: turn(c, first)).items] == [1002]
    with pytest.raises(InvalidCursor):
        asked(module_database.app_url, lambda c: turn(c, second))
    live.emptied()
