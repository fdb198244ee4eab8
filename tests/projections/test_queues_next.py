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
from tests.projections.test_queues import a_ticket

VIP, PREMIUM = CUSTOMERS[0], CUSTOMERS[1]
MANY = """
INSERT INTO queues (stream, version, shard, number, requester, subject, channel, team, priority, status, level, tags,
                    opened_at, updated_at)
SELECT md5(i::text)::uuid, 1, 0, i, md5('customer' || i % 500)::uuid, 'x', 'email', md5('team' || i % 5)::uuid,
       (ARRAY['urgent', 'high', 'normal', 'low'])[1 + i % 4], 'open', 1, '{}',
       timestamptz '2026-01-01' + i * interval '1 minute', timestamptz '2026-01-01'
  FROM generate_series(1, 20000) i
"""


@pytest.fixture(scope="module")
def live(module_database: Database) -> Iterator[Build]:
    with connected(module_database) as connection:
        desk = build(connection, "desk")
        desk.go_live()
        for id, tier in ((VIP, "vip"), (PREMIUM, "premium")):
            registered = customers.CustomerRegistered.model_validate({"name": "Cleo", "tier": tier})
            desk.apply([recorded(id, 1, registered, at=START)])
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


@pytest.mark.parametrize("team", [None, TEAMS[0]])
def test_a_page_is_found_without_reading_all_that_wait(database: Database, team: Any) -> None:
    with connected(database) as connection:
        build(connection, "desk").go_live()
        build(connection, "queues").go_live()
        connection.execute(MANY)
        if team:
            connection.execute("UPDATE queues SET team = %s WHERE team = md5('team1')::uuid", [team])
        connection.execute("VACUUM ANALYZE queues")
        query = next_queries.FREE + (next_queries.IN_TEAM if team else "")
        explained = connection.execute(
            b"EXPLAIN (ANALYZE, FORMAT JSON) " + next_queries._vips_first(query).encode(), {"team": team, "passed": []}
        ).fetchone()
    assert explained is not None
    assert len(found(database, team)) == 100
    assert max(_rows(explained[0][0]["Plan"])) <= 1_000, json.dumps(explained[0], indent=1)


def _rows(node: Any) -> Iterator[float]:
    """What each step of a plan read, in all its loops."""
    yield (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    for child in node.get("Plans", []):
        yield from _rows(child)
