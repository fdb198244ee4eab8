"""test_queues: who is in a work list, in which order, and how many are there?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.envelope import Recorded
from aggregates.ticket import events as facts
from projections.cursor import InvalidCursor
from projections.queues import Queues
from projections.queues_fold import Line
from projections.queues_queries import QueueFilter, QueueItem, Sort, UnsupportedList, counts, queue_page
from tests.databases import Database
from tests.projections.harness import Build, asked, build, connected
from tests.projections.histories import AGENTS, CUSTOMERS, LENIENT, START, STREAMS, TEAMS, imported, recorded, story

ID, ANNA = STREAMS[0], CUSTOMERS[0]
OPENED = facts.Opened(number=1042, requester=ANNA, subject="Printer on fire", channel="email")
HELP = facts.MessageReceived(author=ANNA, body="Help!", channel="email")
ANSWER = facts.ReplyAdded(body="Which floor?")
ids = itertools.count(1)


@pytest.fixture(scope="module")
def live(module_database: Database) -> Iterator[Build]:
    with connected(module_database) as connection:
        queues = build(connection, "queues")
        queues.go_live()
        yield queues


@pytest.fixture
def view(live: Build) -> Iterator[Build]:
    yield live
    live.emptied()


@pytest.fixture
def ask(module_database: Database) -> Any:
    return partial(asked, module_database.app_url)


def minute(n: int) -> datetime:
    return START + timedelta(minutes=n)


def folded(history: list[Recorded]) -> Line:
    """As the runner would: fold, and refold where only the history can tell."""
    projection, row = Queues(), None
    for n, event in enumerate(history, 1):
        row = projection.fold(row, event) or projection.refold(history[:n])
    assert row is not None
    return row.line


def late(version: int, fact: facts.TicketFact, at: datetime) -> Recorded:
    return recorded(ID, version, fact, at=minute(99), occurred_at=at)


def a_ticket(*steps: facts.TicketFact, waits: int = 0, **opened: Any) -> list[Recorded]:
    """A ticket opened and written to at the minute `waits`."""
    first = OPENED.model_copy(update=opened)
    stream = UUID(int=(next(ids) << 96) + 1)
    return [recorded(stream, n + 1, fact, at=minute(waits)) for n, fact in enumerate((first, HELP, *steps))]


def test_a_requester_waits_from_the_oldest_message_that_nobody_answered() -> None:
    assert folded(story(ID, OPENED)).waiting_since is None
    assert folded(story(ID, OPENED, HELP, HELP)).waiting_since == minute(1)
    assert folded(story(ID, OPENED, HELP, ANSWER)).waiting_since is None
    assert folded(story(ID, OPENED, HELP, ANSWER, HELP, HELP)).waiting_since == minute(3)


@pytest.mark.parametrize("end", [facts.Resolved(was="open", code="x"), facts.MarkedSpam(was="open")])
def test_nobody_waits_after_the_end(end: facts.TicketFact) -> None:
    assert folded(story(ID, OPENED, HELP, end)).waiting_since is None


def test_an_automatic_answer_or_a_note_answers_nobody() -> None:
    automatic = facts.ReplyAdded(body="We are closed", automatic=True)
    row = folded(story(ID, OPENED, HELP, automatic, facts.NoteAdded(body="hm")))
    assert row.waiting_since == minute(1)
    assert row.last_public_reply_at is None


def test_a_late_answer_between_two_messages_answers_only_the_first() -> None:
    on_time = story(ID, OPENED, HELP, HELP, minutes=10)
    assert Queues().fold(Queues().refold(on_time), late(4, ANSWER, minute(15))) is None
    assert folded([*on_time, late(4, ANSWER, minute(15))]).waiting_since == minute(20)


def test_an_answer_answers_a_message_of_the_same_instant() -> None:
    on_time = story(ID, OPENED, HELP, HELP, minutes=10)
    assert folded([*on_time, late(4, ANSWER, minute(10))]).waiting_since == minute(20)
    assert folded([*on_time, late(4, ANSWER, minute(20))]).waiting_since is None
    assert folded([*on_time, late(4, ANSWER, minute(20)), late(5, HELP, minute(20))]).waiting_since == minute(20)


def test_a_late_message_from_before_an_answer_was_answered() -> None:
    on_time = story(ID, OPENED, HELP, ANSWER, minutes=10)
    assert folded([*on_time, late(4, HELP, minute(15))]).waiting_since is None
    assert folded([*on_time, late(4, HELP, minute(25))]).waiting_since == minute(25)


@given(history=imported(ID))
@settings(LENIENT, max_examples=300)
def test_waiting_is_what_a_look_at_all_messages_says(history: list[Recorded]) -> None:
    ends = (facts.Resolved, facts.Closed, facts.MarkedSpam, facts.Merged)
    answers = [
        (e.at, e.version)
        for e in history
        if isinstance(e.fact, ends)
        or (isinstance(e.fact, facts.ReplyAdded) and not e.fact.automatic and e.actor.kind in ("agent", "import"))
    ]
    answered = max(answers, default=(datetime.min.replace(tzinfo=START.tzinfo), 0))
    messages = [(e.at, e.version) for e in history if isinstance(e.fact, facts.MessageReceived)]
    waiting = min((moment for moment in messages if moment > answered), default=(None, 0))
    assert folded(history).waiting_since == waiting[0]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (QueueFilter(), {1, 2, 3, 4}),
        (QueueFilter(team=TEAMS[0]), {1, 2}),
        (QueueFilter(assignee=AGENTS[0]), {2}),
        (QueueFilter(unassigned=True), {1, 3, 4}),
        (QueueFilter(unassigned=False), {2}),
        (QueueFilter(statuses=["new", "pending"]), {1, 3, 4}),
        (QueueFilter(statuses=[]), set()),
        (QueueFilter(priorities=["urgent"]), {4}),
        (QueueFilter(category="Billing", channel="phone", level=2), {3}),
        (QueueFilter(tag="vip"), {4}),
        (QueueFilter(requester=CUSTOMERS[1]), {3}),
        (QueueFilter(team=TEAMS[0], unassigned=True), {1}),
    ],
)
def test_a_list_holds_what_was_asked_for(view: Build, ask: Any, wanted: QueueFilter, numbers: set[int]) -> None:
    other: dict[str, Any] = {"category": "Billing", "channel": "phone", "level": 2, "requester": CUSTOMERS[1]}
    view.apply(a_ticket(number=1, team=TEAMS[0]))
    view.apply(a_ticket(facts.Assigned(agent=AGENTS[0]), number=2, team=TEAMS[0]))
    view.apply(a_ticket(facts.PutPending(was="new"), number=3, **other))
    view.apply(a_ticket(number=4, priority="urgent", tags=("vip", "b")))
    view.apply(a_ticket(facts.Closed(was="new", cause="agent"), number=5, team=TEAMS[0]))
    found = ask(lambda c: queue_page(c, wanted, 10))
    assert {item.number for item in found.items} == numbers


def test_closed_tickets_are_listed_on_their_own(view: Build, ask: Any) -> None:
    view.apply(a_ticket(facts.Closed(was="new", cause="agent"), number=5))
    view.apply(a_ticket(number=6))
    closed = QueueFilter(statuses=["closed"])
    assert [item.number for item in ask(lambda c: queue_page(c, closed, 10, "updated")).items] == [5]
    with pytest.raises(UnsupportedList):
        ask(lambda c: queue_page(c, closed, 10, "waiting"))
    with pytest.raises(UnsupportedList):
        ask(lambda c: queue_page(c, QueueFilter(statuses=["closed", "open"]), 10, "updated"))


def key(sort: Sort, item: QueueItem) -> Any:
    """The order in words, so that the SQL's is not judged by itself."""
    waits = (item.waiting_since is None, item.waiting_since or START, item.opened_at, item.id)
    newest = (-item.opened_at.timestamp(), -item.id.int)
    return {
        "waiting": waits,
        "priority": (["urgent", "high", "normal", "low"].index(item.priority), *waits),
        "opened": (item.opened_at, item.id),
        "newest": newest,
        "updated": (-item.updated_at.timestamp(), -item.id.int),
    }[sort]


@pytest.mark.parametrize("sort", get_args(Sort))
@given(
    tickets=st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["low", "normal", "high", "urgent"]), st.booleans()), max_size=12
    ),
    limit=st.integers(1, 5),
)
@settings(LENIENT, max_examples=15)
def test_pages_hold_everything_once_and_in_order(
    module_database: Database, live: Build, sort: Sort, tickets: list[tuple[int, str, bool]], limit: int
) -> None:
    for n, (waits, priority, answered) in enumerate(tickets):
        live.apply(a_ticket(*[ANSWER] * answered, waits=waits, number=n + 1, priority=priority))
    seen: list[QueueItem] = []
    cursor = None
    for _ in range(len(tickets) + 1):
        following = asked(module_database.app_url, lambda c, at=cursor: queue_page(c, QueueFilter(), limit, sort, at))  # type: ignore[misc]
        seen.extend(following.items)
        cursor = following.next
        if cursor is None:
            break
    assert len({item.id for item in seen}) == len(seen) == len(tickets)
    assert seen == sorted(seen, key=partial(key, sort))
    live.emptied()


def test_a_cursor_belongs_to_its_order(view: Build, ask: Any) -> None:
    for n in range(3):
        view.apply(a_ticket(number=n + 1))
    following = ask(lambda c: queue_page(c, QueueFilter(), 2, "opened")).next
    with pytest.raises(InvalidCursor):
        ask(lambda c: queue_page(c, QueueFilter(), 2, "newest", following))


def test_counts_leave_closed_tickets_out(view: Build, ask: Any) -> None:
    view.apply(a_ticket(number=1, team=TEAMS[0]))
    view.apply(a_ticket(facts.Assigned(agent=AGENTS[0]), number=2, team=TEAMS[0], priority="high"))
    view.apply(a_ticket(facts.Closed(was="new", cause="agent"), number=3, team=TEAMS[0]))
    view.apply(a_ticket(number=4))
    found = ask(lambda c: counts(c))
    assert (found.total, found.unassigned) == (3, 2)
    assert found.by_team == {TEAMS[0]: 2, None: 1}
    assert found.by_status == {"new": 2, "open": 1}
    assert found.by_priority == {"normal": 2, "high": 1}
    assert ask(lambda c: counts(c, TEAMS[0])).total == 2
    assert ask(lambda c: counts(c, TEAMS[1])).total == 0
