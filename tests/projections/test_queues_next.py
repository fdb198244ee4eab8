"""test_queues_next: which tickets that nobody has come next, for whom, and what does finding them cost?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from aggregates import agent
from aggregates import customer as customers
from aggregates.envelope import Recorded
from aggregates.ticket import events as facts
from projections import next_queries
from projections.next_queries import candidates, held
from tests.databases import Database
from tests.projections.harness import Build, asked, build, connected
from tests.projections.histories import AGENTS, CUSTOMERS, START, TEAMS, recorded
from tests.projections.test_queues import a_ticket, minute

VIP, PREMIUM = CUSTOMERS[0], CUSTOMERS[1]
MANY = """
INSERT INTO queues (stream, version, shard, number, requester, subject, channel, team, priority, status, level, tags,
                    opened_at, updated_at, since, late)
SELECT md5(i::text)::uuid, 1, 0, i, md5('customer' || i % 500)::uuid, 'x', 'email', md5('team' || i % 5)::uuid,
       (ARRAY['urgent', 'high', 'normal', 'low'])[1 + i % 4], 'open', 1, '{}',
       timestamptz '2026-01-01' + i * interval '1 minute', timestamptz '2026-01-01', i, false
  FROM generate_series(1, 20000) i
"""

MANY_CLOCKS = """
INSERT INTO sla_tickets (stream, version, position, number, team, priority, status, pressing_at)
SELECT md5(i::text)::uuid, 1, i, i, md5('team' || i % 5)::uuid, 'normal', 'open',
       CASE WHEN i % 100 < %(due)s THEN timestamptz '2026-01-01' + (i * 7919 % 20000) * interval '1 minute' END
  FROM generate_series(1, 20000) i
""".replace(" % ", " %% ")


@pytest.fixture(scope="module")
def live(module_database: Database) -> Iterator[Build]:
    with connected(module_database) as connection:
        desk = build(connection, "desk")
        desk.go_live()
        for id, tier in ((VIP, "vip"), (PREMIUM, "premium")):
            registered = customers.CustomerRegistered.model_validate({"name": "Cleo", "tier": tier})
            desk.apply([recorded(id, 1, registered, at=START)])
        clocks = build(connection, "sla")
        clocks.go_live()
        queues = build(connection, "queues")
        queues.go_live()
        yield queues


@pytest.fixture
def view(live: Build) -> Iterator[Build]:
    yield live
    live.emptied()


def found(database: Database, team: Any = None, abilities: dict[str, int] | None = None, passed: Any = ()) -> list[Any]:
    return asked(database.app_url, lambda c: candidates(c, team, abilities or {}, passed))


def opened(view: Build, *steps: facts.TicketFact, waits: int = 0, **more: Any) -> Any:
    """Its id. Who asks is no VIP, unless the test says so."""
    events: list[Recorded] = a_ticket(*steps, waits=waits, **({"requester": PREMIUM} | more))
    view.apply(events)
    return events[0].stream


def test_only_new_and_open_tickets_that_nobody_has(view: Build, module_database: Database) -> None:
    new, other = opened(view, team=TEAMS[0]), opened(view, facts.Reopened(was="pending", cause="agent"), waits=1)
    opened(view, facts.Assigned(agent=AGENTS[0]))
    opened(view, facts.PutPending(was="new"))
    opened(view, facts.Resolved(was="new", code="x"))
    opened(view, facts.Closed(was="new", cause="agent"))
    assert found(module_database) == [new, other]
    assert found(module_database, TEAMS[0]) == [new]
    assert found(module_database, TEAMS[1]) == []
    assert found(module_database, passed=[new]) == [other]


def test_vips_come_first_then_by_priority_then_whoever_waits_longest(view: Build, module_database: Database) -> None:
    late = opened(view, waits=5, priority="high")
    early = opened(view, waits=2, priority="high")
    urgent = opened(view, waits=9, priority="urgent")
    answered = opened(view, facts.ReplyAdded(body="yes"), waits=3, priority="high")
    low_vip = opened(view, waits=8, priority="low", requester=VIP)
    high_vip = opened(view, waits=9, priority="high", requester=VIP)
    # Nobody waits for an answer to `answered`: its place is by when it was opened.
    assert found(module_database) == [high_vip, low_vip, urgent, early, answered, late]


PRESSING = """
INSERT INTO read.sla_tickets (id, version, position, number, team, assignee, priority, status, pressing_at)
VALUES (%(id)s, 1, 1, 1, %(team)s, %(assignee)s, 'low', %(status)s, %(at)s)
"""


@pytest.fixture
def pressing(view: Build) -> Iterator[Any]:
    """Say that a ticket's soonest clock is or was due at the minute `at`."""

    def say(id: Any, at: int | None, team: Any = None, assignee: Any = None, status: str = "new") -> Any:
        due = None if at is None else minute(at)
        values = {"id": id, "at": due, "team": team, "assignee": assignee, "status": status}
        view.connection.execute(PRESSING, values)
        return id

    yield say
    view.connection.execute("DELETE FROM read.sla_tickets")


def test_what_is_due_soonest_comes_first_and_what_never_is_comes_last(
    view: Build, pressing: Any, module_database: Database
) -> None:
    urgent = opened(view, waits=1, priority="urgent")
    stopped = pressing(opened(view, waits=2, priority="high"), None)
    later, overdue = pressing(opened(view, waits=3), 500), pressing(opened(view, waits=4, priority="low"), -500)
    soon = pressing(opened(view, waits=5), 10)
    vip = opened(view, waits=6, priority="low", requester=VIP)
    due_vip = pressing(opened(view, waits=7, requester=VIP), 900)
    assert found(module_database) == [due_vip, vip, overdue, soon, later, urgent, stopped]


def test_what_the_clocks_have_not_heard_of_yet_is_found_all_the_same(
    view: Build, pressing: Any, module_database: Database
) -> None:
    freed = pressing(opened(view, team=TEAMS[0], waits=1), 5, TEAMS[0], assignee=AGENTS[0])
    moved = pressing(opened(view, team=TEAMS[0], waits=2), 5, TEAMS[1])
    reopened = pressing(opened(view, team=TEAMS[0], waits=3), 5, TEAMS[0], status="pending")
    known = pressing(opened(view, team=TEAMS[0], waits=4), 5, TEAMS[0])
    pressing(opened(view, facts.Assigned(agent=AGENTS[0]), team=TEAMS[0]), 1, TEAMS[0])
    assert found(module_database, TEAMS[0]) == [known, freed, moved, reopened]
    assert found(module_database) == [moved, known, freed, reopened]


def test_skills_are_compared_whatever_their_case_and_a_five_reaches_every_level(
    view: Build, module_database: Database
) -> None:
    street, none = opened(view, category="STRASSE"), opened(view, waits=1)
    high = opened(view, facts.Escalated(from_level=1, to_level=9, reason="x"), category="sql", waits=2)

    def able(skills: dict[str, int]) -> list[Any]:
        return found(module_database, None, dict(agent.Agent(skills=skills).abilities))

    assert able({}) == [street, none, high]
    assert able({"straße": 1}) == [street, none]
    assert able({"SQL": 4}) == [none]
    assert able({"Sql": 5, "sql": 1}) == [none, high]


def test_an_agent_has_their_new_and_open_tickets(view: Build, module_database: Database) -> None:
    one, _ = (opened(view, facts.Assigned(agent=AGENTS[0])) for _ in range(2))
    opened(view, facts.Assigned(agent=AGENTS[0]), facts.PutPending(was="open"))
    opened(view, facts.Assigned(agent=AGENTS[1]))
    assert asked(module_database.app_url, lambda c: held(c, AGENTS[0])) == 2
    assert asked(module_database.app_url, lambda c: held(c, AGENTS[0], [one])) == 1


@pytest.mark.parametrize("due", [0, 1, 100])
@pytest.mark.parametrize("team", [None, TEAMS[0]])
def test_a_page_is_found_without_reading_all_that_wait(database: Database, team: Any, due: int) -> None:
    """Whether every ticket has clocks, a few have, or none does."""
    with connected(database) as connection:
        build(connection, "desk").go_live()
        clocks = build(connection, "sla")
        clocks.go_live()
        connection.execute(MANY_CLOCKS, {"due": due})
        build(connection, "queues").go_live()
        connection.execute(MANY)
        if team:
            connection.execute("UPDATE queues SET team = %s WHERE team = md5('team1')::uuid", [team])
            connection.execute("UPDATE read.sla_tickets SET team = %s WHERE team = md5('team1')::uuid", [team])
        connection.execute("VACUUM ANALYZE queues")
        clocks.enter()
        connection.execute("VACUUM ANALYZE sla_tickets")
        query = next_queries._page(in_team=team is not None, able=False)
        explained = connection.execute(
            b"EXPLAIN (ANALYZE, FORMAT JSON) " + query.encode(), {"team": team, "passed": []}
        ).fetchone()
    assert explained is not None
    assert len(found(database, team)) == 100
    assert max(rows_read(explained[0][0]["Plan"])) <= 1_000, json.dumps(explained[0], indent=1)


def rows_read(node: Any) -> Iterator[float]:
    """What each step of a plan read, in all its loops."""
    yield (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    for child in node.get("Plans", []):
        yield from rows_read(child)
