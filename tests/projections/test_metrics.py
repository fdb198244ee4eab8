"""test_metrics: does the engine come to what counting by hand comes to, whatever it is asked?"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime
from functools import partial
from itertools import pairwise, product
from typing import Any, get_args
from uuid import UUID

import pytest

from aggregates.errors import Unacceptable
from projections.metrics.answer import Answer, AsOf, Every, Period, as_json
from projections.metrics.answering import answered
from projections.metrics.behind import Evidence, behind
from projections.metrics.catalogue import METRICS
from projections.metrics.dimensions import DIMENSIONS, of
from projections.metrics.measure import Metric, Part, Points, Quotient
from projections.metrics.question import Ask, Question, question
from projections.metrics.reports import LISTED
from projections.metrics.statements import source_of
from projections.projection import indexes, read_views, tables
from tests.databases import Database
from tests.projections.harness import asked, connected
from tests.projections.metrics_by_hand import HEAD, ByHand, Fact, keys, label, made_up, put

SEEDS = range(40)
NOW = AsOf(HEAD, datetime(2012, 12, 1, tzinfo=UTC))
ZONES = ("UTC", "Europe/Stockholm", "America/Sao_Paulo", "Asia/Kathmandu")
PERIODS = (
    (date(2012, 3, 1), date(2012, 4, 1)), (date(2012, 3, 24), date(2012, 3, 27)), (date(2012, 1, 1), date(2012, 7, 1)),
    (datetime(2012, 3, 24, 23, 30, tzinfo=UTC), datetime(2012, 3, 25, 4, tzinfo=UTC)),
)  # fmt: skip


class World:
    """Made-up rows, in a database and by hand."""

    def __init__(self, url: str, figures: list[Fact], spans: list[Fact]) -> None:
        self.url, self.figures, self.spans = url, figures, spans

    def answer(self, question: Question) -> Answer:
        return asked(self.url, lambda connection: answered(connection, question))

    def by_hand(self, question: Question) -> ByHand:
        return ByHand(self.figures, self.spans, question.as_of.position, question.time)


@pytest.fixture(scope="module")
def world(module_database: Database) -> World:
    figures, spans = made_up(random.Random(6), 1_600, 700)
    with connected(module_database) as connection:
        for name in ("desk", "figures"):
            connection.execute(f"CREATE SCHEMA {name}; SET search_path = {name}".encode())
            connection.execute((tables(name) + indexes(name) + read_views(name)).encode())
        put(connection, "figures", figures)
        put(connection, "figure_spans", spans)
        connection.execute("INSERT INTO desk.teams VALUES (%s, 1, 'Network', NULL, true)", [UUID(int=0xA1)])
    return World(module_database.app_url, figures, spans)


def of_chance(chance: random.Random) -> Question:
    """Something that can be asked."""
    metrics = chance.sample(list(METRICS.values()), chance.choice((1, 3, 12)))
    since, until = chance.choice(PERIODS)
    able = [dimension.name for dimension in of(metrics) if dimension.grouped]
    every: list[Every | None] = [None, *get_args(Every)] if until != date(2012, 7, 1) else [None, "week", "quarter"]
    filters: dict[str, list[str | None]] = {
        "team": [str(UUID(int=0xA2)), None], "tag": ["b", None], "level": ["2"], "priority": ["urgent"],
    }  # fmt: skip
    ask = Ask(
        metrics, "chance", "Chance", since, until,
        tz=chance.choice(ZONES),
        bucket=chance.choice(every),
        time=chance.choice(("calendar", "business")),
        group_by=chance.sample(able, chance.choice((0, 0, 1, 2))),
        filters={name: values for name, values in filters.items() if chance.random() < 0.15},
        compare=chance.random() < 0.5,
    )  # fmt: skip
    return question(ask, AsOf(chance.choice((HEAD, HEAD // 2, 20)), datetime(2012, 12, 1, tzinfo=UTC)))


def kept(row: Fact, question: Question) -> bool:
    """By the filters."""
    return all(
        set(keys(name, row)) & {None if key is None else str(key) for key in wanted}
        for name, wanted in question.filters.items()
    )


Cell = tuple[str | None, ...]
"""A bucket's label, and a group; empty: the total."""


def cells(asked: Question, hand: ByHand, metric: Metric) -> dict[Cell, list[Fact]]:
    """Rows by hand, sorted into those of an answer and its total."""
    found: dict[Cell, list[Fact]] = defaultdict(list)
    standing = metric.source in ("levels", "ages")
    periods = asked.buckets if standing else (Period(asked.since, asked.until, ""),)
    for period in periods:
        for fact in hand.rows(metric, period.since, period.until):
            if kept(fact, asked):
                bucket = period.label if standing else label(fact["at"], asked.bucket or "year", asked.zone)
                for group in product(*(keys(name, fact) for name in asked.group_by)):
                    found[bucket if asked.bucket else None, *group].append(fact)
                if not standing or period is periods[-1]:
                    found[()].append(fact)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_every_value_is_what_counting_by_hand_comes_to(world: World, seed: int) -> None:
    check(world, of_chance(random.Random(seed)), seed)


@pytest.mark.parametrize("position", [HEAD, HEAD // 2, 20])
@pytest.mark.parametrize("compare", [True, False])
def test_at_many_instants_what_stands_follows_from_what_comes_and_goes(
    world: World, position: int, compare: bool
) -> None:
    """The clock is changed in this period, and much happens at the very instants at which its hours end."""
    levels = [metric for metric in METRICS.values() if metric.source == "levels"]
    period = (date(2012, 3, 24), date(2012, 3, 27))
    for grouped in ((), ("status",), ("tag", "team")):
        ask = Ask(levels, "own", "Own", *period, "Europe/Stockholm", "hour", group_by=grouped, compare=compare)
        asked = question(ask, AsOf(position, NOW.at))
        assert {source_of(asked, metric) for metric in levels} == {"levels"}
        check(world, asked, position)
        if compare and not grouped:
            before = world.by_hand(asked)
            told = [before.value(m, before.rows(m, asked.since, asked.since)) for m in levels]
            assert list((world.answer(asked).total.previous or {}).values()) == told


def check(world: World, question: Question, seed: int) -> None:
    answer, hand = world.answer(question), world.by_hand(question)
    for metric in question.metrics:
        by_hand = cells(question, hand, metric)
        assert answer.total.values[metric.name] == hand.value(metric, by_hand.pop((), [])), (seed, metric.name)
        for row in answer.rows:
            told = by_hand.pop((row.bucket.label if row.bucket else None, *row.group.values()), [])
            assert row.values[metric.name] == hand.value(metric, told), (seed, metric.name, row)
        # What is in no row is nothing that the metric reads.
        assert not any(hand.chosen(part, fact) for rest in by_hand.values() for fact in rest for part in metric.parts)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_row_comes_once_and_buckets_follow_each_other(world: World, seed: int) -> None:
    question = of_chance(random.Random(seed))
    rows = world.answer(question).rows
    assert len({(row.bucket and row.bucket.label, *row.group.values()) for row in rows}) == len(rows)
    assert all(one.until == next.since for one, next in pairwise(question.buckets))
    assert (question.buckets[0].since, question.buckets[-1].until) == (question.since, question.until)


@pytest.mark.parametrize("seed", SEEDS[:20])
def test_the_period_before_is_what_asking_for_it_says(world: World, seed: int) -> None:
    now = of_chance(random.Random(seed))
    if now.before is None:
        return
    same = Ask(
        now.metrics, "before", "", now.before.since, now.before.until, now.zone.key, now.bucket, now.time,
        now.group_by, {name: [None if k is None else str(k) for k in keys] for name, keys in now.filters.items()},
        compare=False,
    )  # fmt: skip
    answer, before = world.answer(now), world.answer(question(same, now.as_of))
    assert answer.total.previous == before.total.values
    places = {period.label: place for place, period in enumerate(now.buckets)}
    then = {period.label: place for place, period in enumerate(now.earlier)}
    told = {
        (places[row.bucket.label] if row.bucket else 0, tuple(row.group.values())): row.previous for row in answer.rows
    }
    for row in before.rows:
        place = then[row.bucket.label] if row.bucket else 0
        if place < len(now.buckets) and any(row.values.values()):
            assert told[place, tuple(row.group.values())] == row.values


@pytest.mark.parametrize("seed", SEEDS[:30])
def test_what_is_behind_a_number_adds_up_to_it(world: World, seed: int) -> None:
    question = of_chance(random.Random(seed))
    total = world.answer(question).total.values
    for metric in question.metrics:
        found: list[Evidence] = []
        cursor: str | None = None
        while True:
            page = asked(world.url, partial(behind, asked=question, metric=metric, limit=150, cursor=cursor))
            found += page.items
            if (cursor := page.next) is None:
                break
        assert [(e.at, e.ticket, e.place) for e in found] == sorted((e.at, e.ticket, e.place) for e in found)
        added, divided = sum(e.value for e in found), sum(e.among for e in found)
        match metric.formula:
            case Part(how="count" | "sum") if metric.unit != "money":
                assert added == pytest.approx(total[metric.name])
            case Part(how="percentile") if found:
                assert total[metric.name] in [pytest.approx(e.value, abs=1e-6) for e in found]
            case Part(how="tickets"):
                assert len({e.ticket for e in found}) == total[metric.name]
            case Quotient(under=Part(how="count")) if divided:
                assert added / divided == pytest.approx(total[metric.name])
            case Points():
                assert added == total[metric.name]


def test_what_comes_later_changes_no_byte_of_an_answer_at_a_position(world: World, module_database: Database) -> None:
    questions = [of_chance(random.Random(seed)) for seed in range(15)]
    before = [as_json(world.answer(question)) for question in questions]
    figures, spans = made_up(random.Random(7), 400, 200)
    with connected(module_database) as connection, connection.transaction(force_rollback=False):
        connection.execute("SET search_path = figures")
        for table, rows in (("figures", figures), ("figure_spans", spans)):
            later = [row | {"stream": UUID(int=10**6 + n), "since": HEAD + 1 + n} for n, row in enumerate(rows)]
            put(
                connection,
                table,
                [
                    row
                    | {"until": None}
                    | (
                        {"ended": None, "to_at": None, "size_at": None, "micros": None}
                        if table == "figure_spans"
                        else {}
                    )
                    for row in later
                ],
            )
        # What goes on at these positions ends behind them, and what counts at them is superseded behind them.
        connection.execute(
            "UPDATE figure_spans SET to_at = from_at + interval '5 days', ended = 101, micros = 432000000000,"
            " size_at = 39 WHERE ended IS NULL AND since <= 100 AND place % 2 = 0"
        )
        connection.execute("UPDATE figures SET until = 101 WHERE until IS NULL AND place % 3 = 0 AND since <= 100")
        connection.execute("UPDATE figure_spans SET until = 101 WHERE until IS NULL AND place % 3 = 0 AND since <= 100")
    assert [as_json(world.answer(question)) for question in questions] == before


def report(name: str, **more: Any) -> Ask:
    listed = {report.name: report for report in LISTED}[name]
    given = {"group_by": listed.group_by, "bucket": listed.bucket, "order": listed.order} | more
    return Ask(listed.metrics, listed.name, listed.title, date(2012, 3, 1), date(2012, 4, 1), **given)


@pytest.mark.parametrize("name", [report.name for report in LISTED])
def test_every_report_is_answered_by_all_that_it_can_be_grouped_by(world: World, name: str) -> None:
    able = [dimension.name for dimension in of(report(name).metrics) if dimension.grouped]
    for grouped in able:
        answer = world.answer(question(report(name, group_by=(grouped,)), NOW))
        assert answer.rows
        assert set(answer.rows[0].values) == {metric.name for metric in answer.metrics}


def test_a_leaderboard_ranks_the_largest_first_and_equals_alike(world: World) -> None:
    rows = world.answer(question(report("leaderboard"), NOW)).rows
    points = [row.values["points"] or 0 for row in rows]
    assert points == sorted(points, reverse=True)
    assert [row.rank for row in rows] == [1 + sum(other > mine for other in points) for mine in points]
    assert len(world.answer(question(report("leaderboard", limit=1), NOW)).rows) == 1


def test_groups_come_with_the_names_of_today_and_none_last(world: World) -> None:
    rows = world.answer(question(report("handoffs"), NOW)).rows
    assert [row.labels["team"] for row in rows] == [str(UUID(int=0xA2)), "Network", "none"]
    rows = world.answer(question(report("overview", group_by=("priority",)), NOW)).rows
    assert [row.group["priority"] for row in rows] == ["urgent", "low"]


def test_money_of_two_currencies_has_no_sum(world: World) -> None:
    answer = world.answer(question(report("time_and_cost"), NOW))
    assert answer.total.values["cost"] is None
    assert {row.group["currency"]: row.values["cost"] is not None for row in answer.rows} == {
        "EUR": True, "SEK": True, None: False,
    }  # fmt: skip


def test_grounds_name_every_version_that_business_times_and_promises_stand_on(world: World) -> None:
    policy = UUID(int=0xD1)
    for ask in (report("sla"), report("first_reply", time="business", bucket=None)):
        grounds = world.answer(question(ask, NOW)).grounds
        assert [(version.id, version.version) for version in grounds.policies] == [(policy, 1), (policy, 2)]
        assert [version.version for version in grounds.calendars] == [3]
    assert world.answer(question(report("arrivals"), NOW)).grounds.policies == ()


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"tz": "Mars/Base"}, "report.zone_unknown", "tz"),
        ({"since": date(2012, 4, 1)}, "report.period_empty", "to"),
        ({"since": date(1812, 4, 1)}, "report.period_out_of_range", "from"),
        ({"group_by": ("mood",)}, "report.dimension_unknown", "group_by"),
        ({"group_by": ("requester",)}, "report.dimension_unknown", "group_by"),
        ({"group_by": ("status",)}, "report.dimension_unknown", "group_by"),
        ({"group_by": ("team", "team")}, "report.grouped_twice", "group_by"),
        ({"group_by": ("team", "level", "priority", "agent")}, "report.too_many_groupings", "group_by"),
        ({"filters": {"team": ["x'; DROP TABLE figures; --"]}}, "report.value_unknown", "team"),
        ({"filters": {"priority": ["very"]}}, "report.value_unknown", "priority"),
        ({"filters": {"status": ["open"]}}, "report.dimension_unknown", "status"),
        ({"filters": {"tag": ["x"] * 101}}, "report.too_many_values", "tag"),
        ({"bucket": "hour", "since": date(2012, 1, 1)}, "report.too_many_buckets", "bucket"),
        ({"order": "cost"}, "report.order_unknown", "order"),
        ({"bucket": "day", "limit": 3}, "report.order_of_buckets", "bucket"),
        ({"metrics": list(METRICS.values())}, "report.too_many_metrics", "metrics"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(change: dict[str, Any], code: str, field: str) -> None:
    given: dict[str, Any] = {"metrics": report("arrivals").metrics, "report": "own", "title": "Own"}
    given |= {"since": date(2012, 3, 1), "until": date(2012, 4, 1)} | change
    with pytest.raises(Unacceptable) as refused:
        question(Ask(**given), NOW)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_too_many_rows_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.metrics.answering.MOST_ROWS", 50)
    with pytest.raises(Unacceptable, match="More than 50 rows"):
        world.answer(question(report("arrivals", group_by=("category", "agent")), NOW))


def test_every_metric_is_defined() -> None:
    assert len(METRICS) == len({metric.title for metric in METRICS.values()})
    for metric in METRICS.values():
        assert metric.words[0].isupper() or metric.words[0].isdigit()
        assert metric.words.endswith(".")
        assert metric.reads
    assert all(set(report.group_by) <= {d.name for d in of(report.metrics)} for report in LISTED)
    assert {"ticket_type", "tag", "requester"} <= set(DIMENSIONS)
