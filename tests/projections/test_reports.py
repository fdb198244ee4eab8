"""test_reports: do the figures follow what happened when, whenever it was recorded?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from aggregates.envelope import Recorded
from aggregates.ticket import events as facts
from projections.reports import ReportRow, Reports
from projections.reports_queries import by_status, flow, most_handed_on, report
from tests.databases import Database
from tests.projections.harness import Build, asked, build, connected
from tests.projections.histories import (
    AGENTS,
    CANARY,
    CUSTOMERS,
    LENIENT,
    START,
    STREAMS,
    TEAMS,
    decided,
    imported,
    recorded,
    story,
)

ID, ANNA = STREAMS[0], CUSTOMERS[0]
OPENED = facts.Opened(number=1042, requester=ANNA, subject=CANARY, channel="email", team=TEAMS[0])
HELP = facts.MessageReceived(author=ANNA, body="Help!", channel="email")
ANSWER = facts.ReplyAdded(body="Which floor?")
RESOLVED = facts.Resolved(was="open", code="solved")
REOPENED = facts.Reopened(was="resolved", cause="message")


@pytest.fixture(scope="module")
def live(module_database: Database) -> Iterator[Build]:
    with connected(module_database) as connection:
        reports = build(connection, "reports")
        reports.go_live()
        yield reports


@pytest.fixture
def view(live: Build) -> Iterator[Build]:
    yield live
    live.emptied()


@pytest.fixture
def ask(module_database: Database) -> Any:
    return partial(asked, module_database.app_url)


def told(*steps: facts.TicketFact) -> ReportRow:
    """One fact a minute."""
    return Reports().refold(story(ID, *steps))


def minutes(micros: int) -> float:
    return micros / 60e6


def test_first_things_stay_first_and_last_things_move_on() -> None:
    row = told(OPENED, HELP, ANSWER, ANSWER, RESOLVED, HELP, REOPENED, RESOLVED)
    figures = row.figures
    firsts = [figures.opened_at, figures.first_requester_message_at, figures.first_public_reply_at]
    resolved = [figures.first_resolved_at, figures.last_resolved_at]
    assert [*firsts, *resolved] == [START + timedelta(minutes=n) for n in (0, 1, 2, 4, 7)]
    assert (row.figures.requester_messages, row.figures.public_replies, row.figures.reopens) == (2, 2, 1)


def test_time_in_each_status_adds_up() -> None:
    pending, on_hold = facts.PutPending(was="open"), facts.PutOnHold(was="pending")
    closed = facts.Closed(was="resolved", cause="auto")
    note = facts.NoteAdded(body=CANARY)
    figures = told(OPENED, note, ANSWER, pending, note, on_hold, RESOLVED, closed, note).figures
    spent = [figures.micros_new, figures.micros_open, figures.micros_pending, figures.micros_on_hold]
    assert [*map(minutes, spent), minutes(figures.micros_resolved)] == [2, 1, 2, 1, 1]


def test_automatic_answers_and_bots_are_no_first_reply() -> None:
    automatic = facts.ReplyAdded(body="We are closed", automatic=True)
    figures = told(OPENED, automatic).figures
    assert (figures.first_public_reply_at, figures.public_replies, figures.automatic_replies) == (None, 0, 1)
    by_rule = recorded(ID, 2, ANSWER, at=START, kind="rule", actor=UUID(int=1))
    assert Reports().refold([*story(ID, OPENED), by_rule]).figures.first_public_reply_at is None


def test_a_station_is_another_holder_and_getting_it_back_is_none() -> None:
    first, second = (facts.Assigned(agent=agent) for agent in AGENTS[:2])
    nobody = facts.Unassigned(from_agent=AGENTS[0])
    handed = facts.Escalated(from_level=1, to_level=2, to_team=TEAMS[1], to_agent=AGENTS[2], reason=CANARY)
    figures = told(OPENED, first, nobody, first, second, facts.Routed(team=TEAMS[0]), handed).figures
    assert (figures.assignee_stations, figures.team_stations, figures.escalations) == (3, 2, 1)
    assert figures.first_assigned_at == START + timedelta(minutes=1)


def test_a_closed_ticket_that_reopens_is_closed_no_more() -> None:
    closed = facts.Closed(was="resolved", cause="import")
    row = told(OPENED, RESOLVED, closed, facts.Reopened(was="closed", cause="import"))
    assert (row.figures.closed_at, row.now.status, row.status_since) == (None, "open", START + timedelta(minutes=3))


def test_a_late_fact_needs_the_whole_history() -> None:
    on_time = story(ID, OPENED, HELP, ANSWER)
    late = recorded(ID, 4, ANSWER, at=START + timedelta(hours=1), occurred_at=START + timedelta(seconds=90))
    row = Reports().refold(on_time)
    assert Reports().fold(row, late) is None
    figures = Reports().refold([*on_time, late]).figures
    assert figures.first_public_reply_at == START + timedelta(seconds=90)
    assert figures.last_at == on_time[-1].at


def test_where_a_ticket_stood_in_order_of_occurrence_survives_a_reload(view: Build) -> None:
    """Recorded last but happened first: the state says the first agent, the course went on to the second."""
    first, second = (facts.Assigned(agent=agent) for agent in AGENTS[:2])
    before = [START + timedelta(minutes=n) for n in (1, 2)]
    waits = recorded(ID, 3, facts.PutPending(was="open"), at=START + timedelta(hours=1), occurred_at=before[0])
    earlier = recorded(ID, 4, first, at=START + timedelta(hours=1), occurred_at=before[1])
    opened, then = story(ID, OPENED, second, minutes=5)
    last = recorded(ID, 5, facts.NoteAdded(body=""), at=START + timedelta(hours=2))
    history = [opened, then, waits, earlier, last]
    for event in history:
        view.apply([event])
    row = view.projection.load(view.connection, [ID])[ID]
    assert row == Reports().refold(history)
    assert (row.now.status, row.now.assignee, row.course.assignee) == ("pending", AGENTS[0], AGENTS[1])
    assert row.figures.assignee_stations == 2


@given(history=imported(ID) | decided(ID))
@settings(LENIENT, max_examples=300)
def test_late_facts_count_as_if_they_had_come_in_time(history: list[Recorded]) -> None:
    in_order = [
        replace(event, version=n) for n, event in enumerate(sorted(history, key=lambda e: (e.at, e.version)), 1)
    ]
    row: ReportRow | None = None
    for event in in_order:
        row = Reports().fold(row, event)
        assert row is not None
    assert row is not None
    assert Reports().refold(history).figures == row.figures


@given(history=imported(ID) | decided(ID))
@settings(LENIENT, max_examples=200)
def test_all_time_from_opening_to_the_last_event_is_in_one_status_or_closed(history: list[Recorded]) -> None:
    figures = Reports().refold(history).figures
    spent = sum(getattr(figures, f"micros_{status}") for status in ("new", "open", "pending", "on_hold", "resolved"))
    if figures.opened_at is None or figures.last_at is None:
        assert spent == 0
    elif any(isinstance(event.fact, facts.Closed | facts.MarkedSpam | facts.Merged) for event in history):
        assert 0 <= spent <= (figures.last_at - figures.opened_at) // timedelta(microseconds=1)
    else:
        assert spent == (figures.last_at - figures.opened_at) // timedelta(microseconds=1)


def test_analysts_read_seconds_and_no_personal_text(view: Build, ask: Any) -> None:
    view.apply(story(ID, OPENED, facts.Imported(source="log", case="1"), HELP, ANSWER, RESOLVED))
    found = ask(lambda c: report(c, ID))
    assert (found.seconds_new, found.seconds_open, found.imported) == (180, 60, True)
    everything = view.connection.execute("SELECT r::text FROM read.reports r").fetchall()
    assert CANARY not in repr((everything, view.contents()))


def test_arrivals_and_resolutions_are_counted_by_utc_day_and_month(view: Build, ask: Any) -> None:
    for n, days in enumerate([0, 0, 1, 40]):
        stream, opened_at = UUID(int=n + 1), START + timedelta(days=days)
        view.apply([recorded(stream, 1, OPENED, at=opened_at)])
        view.apply([recorded(stream, 2, RESOLVED, at=opened_at + timedelta(hours=20))])
    days = ask(lambda c: flow(c, "day", until=date(2024, 4, 1)))
    assert [(d.starts.day, d.arrivals, d.resolutions) for d in days] == [(1, 2, 0), (2, 1, 2), (3, 0, 1)]
    months = ask(lambda c: flow(c, "month"))
    assert [(m.starts.month, m.arrivals, m.resolutions) for m in months] == [(3, 3, 3), (4, 1, 1)]
    assert ask(lambda c: by_status(c)) == {"resolved": 4}


def test_the_most_handed_on_ticket_comes_first(view: Build, ask: Any) -> None:
    view.apply(story(STREAMS[1], OPENED))
    view.apply(story(ID, OPENED, *(facts.Assigned(agent=AGENTS[n % 2]) for n in range(4))))
    assert [(t.id, t.assignee_handoffs) for t in ask(lambda c: most_handed_on(c, 1))] == [(ID, 3)]
