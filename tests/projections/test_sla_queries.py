"""test_sla_queries: does the board say of each clock what the fold says, and what does asking cost?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import md5
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.envelope import Recorded
from aggregates.sla.clock import Clock
from aggregates.sla.clocks import Clocks, clocks
from aggregates.ticket import events as facts
from projections import sla_queries, sla_report_queries
from projections.cursor import InvalidCursor
from projections.sla import Sla
from projections.sla_queries import BoardFilter, BoardRow, BoardState, board, standings
from projections.sla_report_queries import BreachFilter, BreachRow, Outcomes, breaches, outcomes
from tests.aggregates.lives import GOLD, SILVER, Shelf, terms
from tests.databases import Database
from tests.projections.harness import Build, asked, build, connected
from tests.projections.histories import AGENTS, BOOK, LENIENT, START, TEAMS, logs, recorded
from tests.projections.test_queues import a_ticket, minute
from tests.projections.test_queues_next import rows_read

WARNED = ({"percent": 50},)
TEN_MINUTES = Shelf(
    {(GOLD, 1): terms(600, "first_reply", warnings=WARNED), (GOLD, 2): terms(600, "resolution", warnings=WARNED)}
)
PROMISED = facts.SlaApplied(policy=GOLD, policy_version=1, list_version=1)
ANSWER = facts.ReplyAdded(body="Which floor?")
STATES: dict[str, BoardState] = {
    "breached": "breached", "warned": "at_risk", "running": "running", "paused": "paused"
}  # fmt: skip


@pytest.fixture(scope="module")
def live(module_database: Database) -> Iterator[Build]:
    with connected(module_database) as connection:
        sla = build(connection, "sla")
        sla.go_live()
        yield sla


@pytest.fixture
def view(live: Build) -> Iterator[Build]:
    """Promised are ten minutes, to the first reply or to the resolution; warned of after five."""
    promising = replace(live, projection=Sla(TEN_MINUTES))
    yield promising
    promising.emptied()


@pytest.fixture
def ask(module_database: Database) -> Any:
    return partial(asked, module_database.app_url)


def promised(view: Build, *steps: facts.TicketFact, waits: int = 0, **opened: Any) -> UUID:
    """Opened at the minute `waits`; its id."""
    events: list[Recorded] = a_ticket(PROMISED, *steps, waits=waits, **opened)
    view.apply(events)
    return events[0].stream


def tickets(ask: Any, now: datetime, limit: int = 50, **wanted: Any) -> list[UUID]:
    return [row.ticket for row in ask(lambda c: board(c, BoardFilter(**wanted), now, limit)).items]


def test_broken_promises_come_first_the_oldest_of_them_first_then_what_is_due_next(view: Build, ask: Any) -> None:
    later, late, soon, latest = (promised(view, waits=waits) for waits in (9, 1, 5, 0))
    promised(view, ANSWER)
    now = minute(13)
    assert tickets(ask, now) == [latest, late, soon, later]
    assert tickets(ask, now, state="breached") == [latest, late]
    assert tickets(ask, now, state="at_risk") == [soon]
    assert tickets(ask, now, state="running") == [later]
    assert tickets(ask, now, due_within=0) == [latest, late]
    assert tickets(ask, now, due_within=120) == [latest, late, soon]


def test_due_at_the_very_instant_is_in_time_and_warned_at_the_very_instant_is_at_risk(view: Build, ask: Any) -> None:
    ticket = promised(view)
    tick = timedelta(microseconds=1)
    for now, state in ((5, "at_risk"), (10, "at_risk")):
        assert tickets(ask, minute(now), state=state) == [ticket]
    assert tickets(ask, minute(5) - tick, state="running") == [ticket]
    assert tickets(ask, minute(10), state="breached") == []
    assert tickets(ask, minute(10) + tick, state="breached") == [ticket]


def test_what_stands_still_is_shown_only_where_it_is_asked_for(view: Build, ask: Any) -> None:
    """Though it was warned of before."""
    events = a_ticket(facts.SlaApplied(policy=GOLD, policy_version=2, list_version=2))
    ticket = events[0].stream
    view.apply([*events, recorded(ticket, 4, facts.PutPending(was="new"), at=minute(6))])
    now = minute(7)
    assert tickets(ask, now, state="paused") == [ticket]
    assert tickets(ask, now) == tickets(ask, now, state="at_risk") == tickets(ask, now, state="running") == []


def test_a_broken_promise_goes_on_pressing_until_its_cycle_ends(view: Build) -> None:
    events = a_ticket(PROMISED)
    ticket = events[0].stream
    view.apply([*events, recorded(ticket, 4, facts.Assigned(agent=AGENTS[0]), at=minute(12))])
    asked_for = "SELECT due_at, pressing_at FROM read.sla_tickets WHERE id = %s"
    assert view.connection.execute(asked_for, [ticket]).fetchone() == (None, minute(10))
    view.apply([recorded(ticket, 5, ANSWER, at=minute(13))])
    assert view.connection.execute(asked_for, [ticket]).fetchone() == (None, None)


def test_whose_and_what_is_asked_for(view: Build, ask: Any) -> None:
    one = promised(view, facts.Assigned(agent=AGENTS[0]), team=TEAMS[0])
    two = promised(view, facts.Assigned(agent=AGENTS[1]), waits=1, team=TEAMS[0], priority="urgent")
    moved = promised(view, facts.Routed(team=TEAMS[1], from_team=TEAMS[0]), waits=2, team=TEAMS[0])
    now = minute(3)
    assert tickets(ask, now, team=TEAMS[0]) == [one, two]
    assert tickets(ask, now, team=TEAMS[1]) == [moved]
    assert tickets(ask, now, assignee=AGENTS[1]) == [two]
    assert tickets(ask, now, priority="urgent") == [two]
    assert tickets(ask, now, metric="first_reply") == [one, two, moved]
    assert tickets(ask, now, metric="update") == tickets(ask, now, team=TEAMS[2]) == []


def test_pages_follow_each_other_without_a_gap(view: Build, ask: Any) -> None:
    every = [promised(view, waits=waits // 2) for waits in range(7)]
    got: list[UUID] = []
    cursor = None
    while True:
        page = ask(lambda c, cursor=cursor: board(c, BoardFilter(), minute(11), 2, cursor))
        got += [row.ticket for row in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert Counter(got) == Counter(every)
    assert got == tickets(ask, minute(11))
    with pytest.raises(InvalidCursor):
        ask(lambda c: board(c, BoardFilter(), minute(11), 2, "WyJhIiwxXQ"))


@given(log=logs(), later=st.sampled_from([0, 1, 30, 61, 120, 300, 600, 100_000]))
@LENIENT
def test_the_board_says_of_each_clock_what_the_fold_says(
    live: Build, ask: Any, log: list[Recorded], later: int
) -> None:
    live.enter()
    live.apply(log)
    folds = {s: clocks([e for e in log if e.stream == s], BOOK) for s in {e.stream for e in log}}
    now = max(event.at for event in log) + timedelta(seconds=later)
    try:
        rows = [row for state in get_args(BoardState) for row in _board(ask, state, now)]
        counted = {by: ask(lambda c, by=by: standings(c, by, now)) for by in ("team", "agent")}
        ended = ask(lambda c: outcomes(c, START - timedelta(days=1), now, [START - timedelta(days=1)], now))
    finally:
        live.emptied()
    assert Counter(rows) == Counter(_expected(folds, now))
    unpaused = [row for row in _expected(folds, now) if row[3] != "paused"]
    assert sum(s.breached + s.at_risk + s.running for s in counted["team"]) == len(unpaused)
    for by, place in (("team", 6), ("agent", 7)):
        told = {(s.whose, state): getattr(s, state) for s in counted[by] for state in get_args(BoardState)}
        assert {key: n for key, n in told.items() if n} == Counter((row[place], row[3]) for row in rows)
    assert {(o.metric, o.met, o.breached) for o in ended} == _outcomes(folds, now)


def _board(ask: Any, state: BoardState, now: datetime) -> list[tuple[Any, ...]]:
    page = ask(lambda c: board(c, BoardFilter(state=state), now, 200))
    assert page.next is None
    assert page.items == tuple(sorted(page.items, key=lambda row: (row.due is None, row.due, row.started_at)))
    return [_told(row, now) for row in page.items]


def _told(row: BoardRow, now: datetime) -> tuple[Any, ...]:
    remaining = row.remaining(now, BOOK)
    return (row.ticket, row.metric, row.cycle, row.state(now), row.due, remaining, row.team, row.assignee)


def _expected(folds: dict[UUID, Clocks], now: datetime) -> list[tuple[Any, ...]]:
    return [
        (ticket, c.metric, c.cycle, STATES[c.state(now)], _due(c), c.remaining(now), f.ticket.team, f.ticket.assignee)
        for ticket, f in folds.items()
        for c in f.open
        if c.promised and c.ended_at is None and (_due(c) or (c.state(now) == "paused" and c.target is not None))
    ]


def _due(clock: Clock) -> datetime | None:
    return clock.due if clock.breach is None else clock.breach.due


def _outcomes(folds: dict[UUID, Clocks], now: datetime) -> set[tuple[str, int, int]]:
    met: Counter[str] = Counter()
    breached: Counter[str] = Counter()
    for clock in (clock for fold in folds.values() for clock in fold):
        if clock.met is not None and clock.met.at < now:
            met[clock.metric] += 1
        elif (due := _due(clock)) is not None and due < now:
            breached[clock.metric] += 1
    return {(metric, met[metric], breached[metric]) for metric in met | breached}


def broken(due: int, version: int = 4, **more: Any) -> facts.SlaBreached:
    values = {"metric": "first_reply", "cycle": 1, "target": 600, "policy": GOLD, "policy_version": 1} | more
    return facts.SlaBreached.model_validate({"due": minute(due), "in_status": "new"} | values)


def listed(ask: Any, **wanted: Any) -> list[BreachRow]:
    return list(ask(lambda c: breaches(c, BreachFilter(**wanted), 50)).items)


def test_breaches_newest_first_and_whom_and_what_they_met(view: Build, ask: Any) -> None:
    old = promised(view, broken(10, team=TEAMS[0], agent=AGENTS[0]))
    new = promised(view, broken(30, metric="resolution", policy=SILVER, team=TEAMS[1]), number=77)
    assert [row.ticket for row in listed(ask)] == [new, old]
    assert [(row.number, row.due, row.status, row.team, row.agent) for row in listed(ask, ticket=new)] == [
        (77, minute(30), "new", TEAMS[1], None)
    ]
    for wanted in (
        {"team": TEAMS[0]}, {"agent": AGENTS[0]}, {"metric": "first_reply"}, {"policy": GOLD}, {"ticket": old},
        {"since": minute(10), "until": minute(30)},
    ):  # fmt: skip
        assert [row.ticket for row in listed(ask, **wanted)] == [old], wanted
    first = ask(lambda c: breaches(c, BreachFilter(), 1))
    second = ask(lambda c: breaches(c, BreachFilter(), 1, first.next))
    assert [row.ticket for row in (*first.items, *second.items)] == [new, old]
    assert second.next is None


def test_a_breach_that_was_none_is_listed_on_its_own(view: Build, ask: Any) -> None:
    stands = promised(view, broken(10))
    withdrawn = promised(view, broken(11), facts.SlaBreachWithdrawn(metric="first_reply", cycle=1, due=minute(11)))
    assert [row.ticket for row in listed(ask)] == [stands]
    assert [(row.ticket, row.withdrawn_at) for row in listed(ask, withdrawn=True)] == [(withdrawn, minute(0))]


def test_a_cycle_counts_where_it_ended_and_a_broken_one_where_it_was_due(view: Build, ask: Any) -> None:
    promised(view, ANSWER)
    promised(view, waits=3)
    events = a_ticket(PROMISED, waits=4)
    view.apply([*events, recorded(events[0].stream, 4, ANSWER, at=minute(55))])
    starts = [minute(n) for n in (0, 10, 20)]

    def told(now: int, until: int = 60) -> list[Outcomes]:
        found: list[Outcomes] = ask(lambda c: outcomes(c, minute(0), minute(until), starts, minute(now)))
        return found

    assert told(60) == [Outcomes("first_reply", 0, 1, 0), Outcomes("first_reply", 1, 0, 2)]
    assert told(12) == [Outcomes("first_reply", 0, 1, 0)], "nothing that is yet to come"
    assert told(60, until=14) == [Outcomes("first_reply", 0, 1, 0), Outcomes("first_reply", 1, 0, 1)]


MANY = """
INSERT INTO sla_tickets (stream, version, position, number, team, assignee, priority, status)
SELECT md5(i::text)::uuid, 1, i, i, md5('team' || i %% 5)::uuid, md5('agent' || i %% 400)::uuid, 'low', 'open'
  FROM generate_series(1, 20000) i;
"""
MANY_CLOCKS = """
INSERT INTO sla_clocks (stream, metric, cycle, target, time, running, why, started_at, since, micros, warn_at, due_at,
                        team, assignee, priority)
SELECT md5(i::text)::uuid, 'resolution', 1, 3600, 'calendar', i %% 5 <> 0, 'open', %(now)s, %(now)s, 0,
       at - interval '1 hour',
       CASE WHEN i %% 5 <> 0 THEN at END, md5('team' || i %% 5)::uuid, md5('agent' || i %% 400)::uuid, 'low'
  FROM (SELECT i, %(now)s + (i - 10000) * interval '1 second' AS at FROM generate_series(1, 20000) i) i
"""
MANY_BREACHES = """
INSERT INTO sla_breaches (stream, version, metric, cycle, target, due, status, team, agent, policy, policy_version,
                          noted_at)
SELECT md5(i::text)::uuid, 2, 'resolution', 1, 3600, %(now)s - i * interval '1 second', 'open',
       md5('team' || i %% 5)::uuid, md5('agent' || i %% 400)::uuid, md5('policy' || i %% 5)::uuid, 1, %(now)s
  FROM generate_series(1, 20000) i
"""


TEAM, AGENT, POLICY = (UUID(md5(name, usedforsecurity=False).hexdigest()) for name in (b"team1", b"agent1", b"policy1"))
ON_BOARD = (
    BoardFilter(), BoardFilter(team=TEAM), BoardFilter(assignee=AGENT), BoardFilter(metric="update"),
    *(BoardFilter(state=state) for state in get_args(BoardState)), BoardFilter(priority="urgent", state="at_risk"),
    BoardFilter(due_within=60), BoardFilter(team=TEAM, state="at_risk", metric="resolution"),
)  # fmt: skip
OF_BREACHES = (
    BreachFilter(), BreachFilter(team=TEAM), BreachFilter(agent=AGENT), BreachFilter(metric="update"),
    BreachFilter(policy=POLICY), BreachFilter(ticket=TEAM), BreachFilter(withdrawn=True), BreachFilter(until=START),
)  # fmt: skip


def test_a_page_fetches_few_rows_besides_those_that_it_shows(database: Database) -> None:
    with connected(database) as connection:
        build(connection, "sla").go_live()
        for query in (MANY, MANY_CLOCKS, MANY_BREACHES):
            connection.execute(query.encode(), {"now": START})
        connection.execute("VACUUM ANALYZE sla_tickets")
        connection.execute("VACUUM ANALYZE sla_clocks")
        connection.execute("VACUUM ANALYZE sla_breaches")
        for query, parameters in (
            *(sla_queries._asked(wanted, START, 50, None) for wanted in ON_BOARD),
            *(sla_report_queries._asked(wanted, 50, None) for wanted in OF_BREACHES),
        ):
            explained = connection.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + query.encode(), parameters).fetchone()
            assert explained is not None
            assert max(rows_read(explained[0][0]["Plan"])) <= 500, json.dumps(explained[0], indent=1)
