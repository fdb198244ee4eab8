"""test_plain: are the figures of the reports those that a plain script counts straight from the log?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import AsyncConnection

from chronodesk.cli_simulate import simulated_mapping
from projections.metrics.answer import Answer, AsOf, Every, TimeKind
from projections.metrics.answering import answered
from projections.metrics.catalogue import METRICS
from projections.metrics.question import Ask, question
from projections.registry import PROJECTIONS
from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from replay.rebuild.crew import crew
from replay.rebuild.fill import wanted
from replay.rebuild.rebuild import rebuild
from tests.databases import Database
from tests.figures import plain
from tests.replay.exported import exported
from tests.replay.judging import defaults, judge
from tests.replay.logs import REAL_LOG, Desk, desk_on
from tests.replay.test_real_sla import resolution

STOCKHOLM = ZoneInfo("Europe/Stockholm")
Instant = date | datetime


@dataclass(frozen=True)
class Told:
    """A log as the plain script reads it, and the desk that took it in."""

    log: plain.Log
    url: str
    since: date
    until: date

    @property
    def months(self) -> list[tuple[str, datetime, datetime]]:
        return plain.months(self.since, self.until, STOCKHOLM)

    def answer(
        self, names: Sequence[str], every: Every | None = "month", by: str | None = None, time: TimeKind = "calendar"
    ) -> Answer:
        return asyncio.run(self._answer(names, every, (by,) if by else (), time))

    async def _answer(self, names: Sequence[str], every: Every | None, by: tuple[str, ...], time: TimeKind) -> Answer:
        metrics = [METRICS[name] for name in names]
        ask = Ask(metrics, "own", "Own", self.since, self.until, STOCKHOLM.key, every, time, by, compare=False)
        async with await AsyncConnection.connect(self.url, autocommit=True) as connection:
            cursor = await connection.execute("SELECT position, recorded_at FROM store.head")
            position, at = await cursor.fetchone() or (0, datetime.now(UTC))
            return await answered(connection, question(ask, AsOf(position, at)))


def views(database: Database) -> None:
    with crew(1) as workers:
        for view in ("desk", "figures"):
            rebuild(wanted(database.app_url, PROJECTIONS[view]), workers, lambda *_: None)


@pytest.fixture(scope="module")
def real(module_database: Database) -> Iterator[Told]:
    if not REAL_LOG.exists() and os.environ.get("CI") != "true":
        pytest.skip("the real log is not on this machine")
    with desk_on(module_database) as desk:
        desk.take(REAL_LOG)
        defaults(module_database)
        judge(desk)
        views(module_database)
        yield Told(plain.read(REAL_LOG), module_database.app_url, date(2012, 1, 1), date(2013, 1, 1))


def made_up(database: Database, folder: Path) -> Desk:
    """400 tickets of `chronodesk simulate`, imported and in the views."""
    with desk_on(database) as desk:
        write_log(folder / "simulated.xes", simulate(400, 3))
        desk.take(folder / "simulated.xes", simulated_mapping(), now=datetime.now(UTC))
        views(database)
        return desk


def same(told: Told) -> None:
    """Every figure of every month, to the microsecond."""
    by_hand = {name: plain.figures(told.log, begins, ends) for name, begins, ends in told.months}
    names = list(next(iter(by_hand.values())))
    ours = {row.bucket.label: dict(row.values) for row in told.answer(names).rows if row.bucket}
    assert {month: rounded(values) for month, values in by_hand.items()} == ours
    assert sum(values["arrivals"] or 0 for values in by_hand.values()) > 300


def rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in values.items()}


def test_every_month_of_the_real_log_is_as_counted_by_hand(real: Told) -> None:
    same(real)


@pytest.mark.parametrize(
    ("metric", "kind", "by", "column"),
    [
        ("resolutions", "resolved", "team", "team"),
        ("resolutions", "resolved", "assignee", "agent"),
        ("team_handoffs", "team_handoff", "team", "team"),
        ("assignee_handoffs", "assignee_handoff", "assignee", "agent"),
    ],
)
def test_so_is_every_team_and_agent(real: Told, metric: str, kind: str, by: str, column: str) -> None:
    rows = [row for row in real.answer([metric], None, by).rows if row.values[metric]]
    ours = {row.labels[by] if row.group[by] else None: row.values[metric] for row in rows}
    assert len(ours) > 100
    assert ours == plain.by_group(real.log, real.months[0][1], real.months[-1][2], kind, column)


def test_so_is_the_business_time_of_a_resolution(real: Told) -> None:
    names = [f"first_resolution_{how}" for how in ("avg", "p50", "p90", "p95")]
    answer = real.answer(names, None, time="business")
    assert rounded(plain.in_business_time(real.log, real.months[0][1], real.months[-1][2], STOCKHOLM)) == dict(
        answer.total.values
    )


def test_so_is_every_promise(real: Told) -> None:
    now = datetime.now(UTC)
    by_hand = [found for _, rows in plain.cases(REAL_LOG) if (found := resolution(rows, now))]
    kept = {
        month: tuple(sum(f.kind == kind and begins <= f.at < ends for f in by_hand) for kind in ("met", "breached"))
        for month, begins, ends in real.months
    }
    answer = real.answer(["sla_met", "sla_breached"], by="detail")
    ours = {
        row.bucket.label: (row.values["sla_met"], row.values["sla_breached"])
        for row in answer.rows
        if row.bucket and row.group["detail"] == "resolution"
    }
    assert ours == kept


def test_the_same_script_reads_what_simulate_writes(database: Database, tmp_path: Path) -> None:
    made_up(database, tmp_path)
    log = plain.read(tmp_path / "simulated.xes")
    same(Told(log, database.app_url, *years(log)))


def test_and_what_the_desk_exports_of_it(database: Database, tmp_path: Path) -> None:
    made_up(database, tmp_path)
    exported(database, tmp_path / "desk.xes")
    log = plain.read(tmp_path / "desk.xes")
    same(Told(log, database.app_url, *years(log)))


def years(log: plain.Log) -> tuple[date, date]:
    first, last = log.happened["at"].min(), log.happened["at"].max()
    return date(first.year, 1, 1), date(last.year + 1, 1, 1)
