"""How do goals stand, in the period that runs and in those before, as known at a moment?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from aggregates.goals.goals import GoalList, Version
from aggregates.moment import Moment
from projections.metrics.answer import Grounds
from projections.metrics.goal_periods import Judged, judged, running
from projections.metrics.goal_standing import Measured
from projections.metrics.goals import grounds, measured


@dataclass(frozen=True, slots=True)
class Stood:
    """A goal in one period. `over`: it had ended."""

    judged: Judged
    found: Measured
    grounds: Grounds
    over: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """`newest`: the version that was published last; `stood`: in the period that runs, if the goal is in force."""

    newest: Version
    stood: Stood | None


async def progress(
    connection: AsyncConnection[Any], goals: GoalList, asked: Iterable[UUID], moment: Moment
) -> list[Progress]:
    """Of each of these goals, all measured at once."""
    newest = {goal: goals.versions(goal)[-1] for goal in asked}
    runs = {goal: found for goal in newest if (found := running(goals.stretches(goal), moment.at)) is not None}
    stood = dict(zip(runs, await _stood(connection, list(runs.values()), moment), strict=True))
    return [Progress(version, stood.get(goal)) for goal, version in newest.items()]


async def history(
    connection: AsyncConnection[Any], goals: GoalList, goal: UUID, since: datetime, until: datetime, moment: Moment
) -> list[Stood]:
    """Of the periods that reach into [since, until), the one that runs included. Raises Unacceptable."""
    return await _stood(connection, judged(goals.stretches(goal), since, until, moment.at), moment)


async def _stood(connection: AsyncConnection[Any], asked: list[Judged], moment: Moment) -> list[Stood]:
    found = await measured(connection, asked, moment.position, moment.at)
    stands = await grounds(connection, asked, moment.position, moment.at)
    told = zip(asked, found, stands, strict=True)
    return [Stood(one, now, on, one.period.until <= moment.at) for one, now, on in told]
