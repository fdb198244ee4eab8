"""Does the one query for goals come to what counting by hand comes to, whichever goals and periods it is asked for?"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

import pytest

from aggregates.goals.goals import Version
from aggregates.goals.terms import TIMED, GoalTerms, Share
from projections.cursor import InvalidCursor
from projections.metrics.answer import Grounds, Period
from projections.metrics.goal_periods import Judged
from projections.metrics.goal_standing import Measured
from projections.metrics.goal_tickets import Ticket, tickets
from projections.metrics.goals import grounds, measured
from projections.projection import indexes, read_views, tables
from tests.databases import Database
from tests.projections.harness import asked, connected
from tests.projections.metrics_by_hand import EDGES, HEAD, YEAR, Fact, made_up, put

SEEDS = range(40)
END = YEAR + timedelta(days=230)
GOAL = UUID(int=0xF1)
KINDS: dict[str, tuple[str, str | None]] = {
    "resolution": ("fully_resolved", None), "first_reply": ("reply", "first"), "next_reply": ("reply", "next"),
    "satisfaction": ("rated", None), "sla_compliance": ("sla", None),
}  # fmt: skip
TIMES = {"calendar": "micros", "business": "business_micros"}
RANKS = {"p50": 50, "p90": 90, "p95": 95}
SHARES = {
    "resolution": {"within": 400_000}, "first_reply": {"within": 400_000}, "next_reply": {"within": 500},
    "satisfaction": {"score": 3}, "sla_compliance": {},
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """Made-up rows, in a database and by hand."""

    url: str
    figures: list[Fact]
    spans: list[Fact]

    def measured(self, goals: Sequence[Judged], position: int, at: datetime = END) -> list[Measured]:
        return asked(self.url, lambda connection: measured(connection, goals, position, at))

    def grounds(self, goals: Sequence[Judged], position: int, at: datetime) -> list[Grounds]:
        return asked(self.url, lambda connection: grounds(connection, goals, position, at))

    def tickets(self, goal: Judged, position: int, counted: Any = None, limit: int = 7) -> Iterator[Ticket]:
        """Page by page."""
        cursor, more = None, True
        while more:
            page = asked(
                self.url,
                lambda connection: tickets(connection, goal, position, END, counted, limit, cursor),  # noqa: B023
            )
            yield from page.items
            cursor, more = page.next, page.next is not None

    def rows(self, goal: Judged, position: int, at: datetime) -> list[Fact]:
        """With what each gave as `value`."""
        terms, period = goal.version.terms, goal.period
        if terms.metric == "backlog":
            then = min(period.until, at)
            open = [span | {"value": None} for span in self.spans if _open(span, then, position)]
            return [span for span in open if _wanted(span, terms, "assignee")]
        kind, detail = KINDS[terms.metric]
        detail = terms.promise or detail
        column = "amount" if kind in ("rated", "sla") else TIMES[terms.time]
        return [
            row | {"value": row[column]}
            for row in self.figures
            if row["kind"] == kind and detail in (None, row["detail"]) and row[column] is not None
            if period.since <= row["at"] < period.until and row["at"] <= at and _known(row, position)
            if _wanted(row, terms, "agent" if kind in ("reply", "rated") else "assignee")
        ]


def _known(row: Fact, position: int) -> bool:
    return bool(row["since"] <= position and (row["until"] is None or row["until"] > position))


def _open(span: Fact, then: datetime, position: int) -> bool:
    ends = span["to_at"] if span["ended"] is not None and span["ended"] <= position else None
    begun = span["from_at"] <= then and (ends is None or then < ends)
    return begun and _known(span, position) and span["status"] not in ("resolved", "closed")


def _wanted(row: Fact, terms: GoalTerms, whose: str) -> bool:
    asked = terms.conditions
    pairs = (
        ("ticket_type", asked.ticket_types), ("channel", asked.channels), ("category", asked.categories),
        ("priority", asked.priorities),
    )  # fmt: skip
    if terms.team not in (None, row["team"]) or terms.agent not in (None, row[whose]):
        return False
    return all(not some or row[name] in some for name, some in pairs) and (
        not asked.tags or bool(set(asked.tags) & set(row["tags"]))
    )


def _good(terms: GoalTerms, value: int) -> bool:
    match terms.target:
        case Share(within=int(within)):
            return value <= within * 1_000_000
        case Share(score=int(score)):
            return value >= score
        case _:
            return value == 1


def by_hand(terms: GoalTerms, rows: Sequence[Fact]) -> Measured:
    if terms.metric == "backlog":
        return Measured(len(rows))
    values = sorted(row["value"] for row in rows)
    if isinstance(terms.target, Share):
        return Measured(len(values), sum(_good(terms, value) for value in values), sum(values))
    percent = RANKS.get(terms.target.statistic)
    rank = values[ceil(len(values) * percent / 100) - 1] if percent and values else None
    return Measured(len(values), 0, sum(values), rank)


def of_chance(chance: random.Random) -> Judged:
    metric = chance.choice([*SHARES, "backlog"])
    target: dict[str, Any] = {"kind": "share", "percent": 90, **SHARES.get(metric, {})}
    if metric == "backlog":
        target = {"kind": "figure", "statistic": "count", "value": 5}
    elif metric not in ("sla_compliance", "satisfaction") and chance.random() < 0.5:
        target = {"kind": "figure", "statistic": chance.choice(("average", *RANKS)), "value": 5}
    conditions = {
        "ticket_types": ("question",), "channels": ("email", "api"), "categories": ("printers", "=2+3"),
        "priorities": ("urgent",), "tags": ("b", "c"),
    }  # fmt: skip
    terms = {
        "name": "x", "metric": metric, "target": target,
        "time": chance.choice(("calendar", "business")) if metric in TIMED else "calendar",
        "conditions": {name: some for name, some in conditions.items() if chance.random() < 0.2},
        "promise": "resolution" if metric == "sla_compliance" and chance.random() < 0.5 else None,
        "team": chance.choice((UUID(int=0xA1), None)), "agent": chance.choice((UUID(int=0xB1), None)),
    }  # fmt: skip
    version = Version(GOAL, 1, GoalTerms.model_validate(terms), YEAR, 1)
    since, until = sorted(chance.sample([*EDGES, *(YEAR + timedelta(days=chance.randrange(200)) for _ in range(5))], 2))
    return Judged(version, Period(since, until, ""))


@pytest.fixture(scope="module")
def world(module_database: Database) -> World:
    figures, spans = made_up(random.Random(11), 6_000, 1_500)
    with connected(module_database) as connection:
        connection.execute(b"CREATE SCHEMA figures; SET search_path = figures")
        connection.execute((tables("figures") + indexes("figures") + read_views("figures")).encode())
        put(connection, "figures", figures)
        put(connection, "figure_spans", spans)
    return World(module_database.app_url, figures, spans)


@pytest.mark.parametrize("seed", SEEDS)
def test_goals_are_measured_as_by_hand(world: World, seed: int) -> None:
    chance = random.Random(seed)
    goals = [of_chance(chance) for _ in range(12)]
    position, at = chance.choice((HEAD // 2, HEAD)), YEAR + timedelta(days=chance.randrange(40, 230))
    expected = [by_hand(goal.version.terms, world.rows(goal, position, at)) for goal in goals]
    assert world.measured(goals, position, at) == expected
    assert any(one.measured for one in expected)
    for goal, found in zip(goals, world.grounds(goals, position, at), strict=True):
        stands = {(r["policy"], r["policy_version"]) for r in world.rows(goal, position, at) if r["policy"]}
        asked = goal.version.terms.metric == "sla_compliance" or goal.version.terms.time == "business"
        assert {(one.id, one.version) for one in found.policies} == (stands if asked else set())
        assert bool(found.calendars) == bool(found.policies)


@pytest.mark.parametrize("seed", range(10))
def test_what_counted_for_and_against_is_what_was_measured(world: World, seed: int) -> None:
    chance = random.Random(seed)
    goal = of_chance(chance)
    terms, rows = goal.version.terms, world.rows(goal, HEAD, END)
    place = "from_version" if terms.metric == "backlog" else "version"
    told = list(world.tickets(goal, HEAD))
    assert {(one.ticket, one.version, one.value) for one in told} == {(r["stream"], r[place], r["value"]) for r in rows}
    assert len(told) == len(rows)
    assert [one.at for one in told] == sorted((one.at for one in told), reverse=True)
    if isinstance(terms.target, Share):
        (found,) = world.measured([goal], HEAD)
        good, bad = (list(world.tickets(goal, HEAD, counted)) for counted in ("for", "against"))
        assert (len(good), len(bad)) == (found.good, found.measured - found.good)
        assert all(one.good for one in good)
        assert not any(one.good for one in bad)


def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    goal = of_chance(random.Random(1))
    with pytest.raises(InvalidCursor):
        asked(world.url, lambda connection: tickets(connection, goal, HEAD, END, None, 5, "eA"))
