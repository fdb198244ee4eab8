"""goal_answer: how do all goals stand, period by period, as a report like any other?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from psycopg import AsyncConnection

from aggregates.errors import Unacceptable
from aggregates.goals.terms import Share
from aggregates.moment import Moment
from projections.metrics.answer import Answer, Grounds, MetricShown, Row, Total, Unit, Value
from projections.metrics.goal_list import goals_known
from projections.metrics.goal_periods import Judged, judged
from projections.metrics.goal_standing import Measured, standing, value, wanted
from projections.metrics.goals import grounds, measured, versions
from projections.metrics.measure import DECIMALS
from projections.metrics.question import Question
from projections.metrics.statements import MOST_ROWS

OWNERS = frozenset({"team", "agent"})
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


async def goals_answer(connection: AsyncConnection[Any], asked: Question) -> Answer:
    """Of the periods that reach into the one asked for, each in its goal's own length and zone. Raises Unacceptable."""
    _check(asked)
    position, now = asked.as_of.position, asked.as_of.at
    goals = await goals_known(connection, Moment("recorded", position, now))
    chosen = [judged(goals.stretches(goal), asked.since, asked.until, now) for goal in goals.kept]
    periods = [one for one in chain.from_iterable(chosen) if _owned(one, asked)]
    if len(periods) > MOST_ROWS:
        raise Unacceptable("report.too_many_rows", f"More than {MOST_ROWS} rows: ask for less time.", field="from")
    found = await measured(connection, periods, position, now)
    rows = [_row(one, got, one.period.until <= now) for one, got in zip(periods, found, strict=True)]
    rows.sort(key=_place)
    return Answer(
        report=asked.report,
        title=asked.title,
        since=asked.since,
        until=asked.until,
        tz=asked.zone.key,
        bucket=None,
        time="calendar",
        group_by=("goal",),
        as_of=asked.as_of,
        metrics=METRICS,
        grounds=_together(await grounds(connection, periods, position, now)),
        compared_with=None,
        rows=tuple(rows),
        total=_total(rows),
    )


def _together(each: Sequence[Grounds]) -> Grounds:
    policies = {(one.id, one.version) for found in each for one in found.policies}
    calendars = {(one.id, one.version) for found in each for one in found.calendars}
    return Grounds(versions(policies), versions(calendars))


def _check(asked: Question) -> None:
    """What a goal measures, in which time and over which periods, it says itself."""
    wrong: dict[str, object] = {"bucket": asked.bucket, "group_by": asked.group_by, "time": asked.time == "business"}
    wrong |= {name: values for name, values in asked.filters.items() if name not in OWNERS}
    for field in (name for name, given in wrong.items() if given):
        raise Unacceptable("report.not_of_goals", "Of goals, ask for a team's or an agent's at most.", field=field)


def _owned(one: Judged, asked: Question) -> bool:
    return all(getattr(one.version.terms, owner) in ids for owner, ids in asked.filters.items())


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
