"""goal_answer: how do all goals stand, period by period, as a report like any other?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from psycopg import AsyncConnection

from aggregates.goals.goals import GoalList
from aggregates.goals.terms import Share
from projections.metrics.answer import Answer, AsOf, Grounds, MetricShown, Row, Total, Unit, Value
from projections.metrics.goal_periods import Judged, judged
from projections.metrics.goal_standing import Measured, standing, value, wanted
from projections.metrics.goals import measured
from projections.metrics.measure import DECIMALS

TELLS = "of the goal, by the version of it in force when the period ended, or in force now if it still runs."


def _metric(name: str, title: str, unit: Unit, words: str) -> MetricShown:
    return MetricShown(name, title, unit, f"{words} {TELLS}", 1)


METRICS = (
    _metric("goal_share", "Share", "share", "Which share of what was measured is as a share asks for, in the period"),
    _metric("goal_figure", "Figure", "number", "The average, percentile or count that is asked for, in the period"),
    _metric("goal_wanted", "Wanted", "number", "The share from 0 to 1, or the seconds, score or tickets, asked for"),
    _metric("goal_good", "Good", "events", "How many are as a share asks for, in the period"),
    _metric("goal_measured", "Measured", "events", "How many were measured in the period"),
    _metric("goal_reached", "Reached", "number", "1 if reached, 0 if missed, null while the period runs or if empty,"),
)


async def goals_answer(
    connection: AsyncConnection[Any], goals: GoalList, since: datetime, until: datetime, tz: str, as_of: AsOf
) -> Answer:
    """Of the periods that reach into [since, until), each in its goal's own length and zone. Raises Unacceptable."""
    asked = list(chain.from_iterable(judged(goals.stretches(goal), since, until, as_of.at) for goal in goals.kept))
    found = await measured(connection, asked, as_of.position, as_of.at)
    rows = [_row(one, now, one.period.until <= as_of.at) for one, now in zip(asked, found, strict=True)]
    rows.sort(key=_place)
    return Answer(
        report="goals",
        title="Goals",
        since=since,
        until=until,
        tz=tz,
        bucket=None,
        time="calendar",
        group_by=("goal",),
        as_of=as_of,
        metrics=METRICS,
        grounds=Grounds(),
        compared_with=None,
        rows=tuple(rows),
        total=_total(rows),
    )


def _place(row: Row) -> tuple[datetime, str, str]:
    assert row.bucket is not None  # noqa: S101
    return row.bucket.since, row.labels["goal"], row.group["goal"] or ""


def _row(one: Judged, found: Measured, over: bool) -> Row:
    terms = one.version.terms
    now, stands = value(terms, found), standing(terms, found, over=over)
    share = isinstance(terms.target, Share)
    told = None if now is None else round(float(now), DECIMALS) if not share else float(now)
    values: dict[str, Value] = {
        "goal_share": told if share else None,
        "goal_figure": None if share else told,
        "goal_wanted": float(wanted(terms.target)),
        "goal_good": found.good if share else None,
        "goal_measured": found.measured,
        "goal_reached": {"reached": 1, "missed": 0}.get(stands),
    }
    return Row(one.period, {"goal": str(one.version.goal)}, {"goal": terms.name}, values)


def _total(rows: Sequence[Row]) -> Total:
    """In how many periods a goal was reached: unlike goals add up to nothing else."""
    reached = [int(row.values["goal_reached"] or 0) for row in rows]
    return Total(dict.fromkeys((metric.name for metric in METRICS), None) | {"goal_reached": sum(reached)})
