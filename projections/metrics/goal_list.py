"""goal_list: which goals were known at a moment? Straight from the store: no view keeps them."""

from __future__ import annotations

from functools import reduce
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row

from aggregates.envelope import Stored, recorded
from aggregates.goals.goals import GOAL_LIST, GoalList, GoalPublished, GoalRetired, evolve
from aggregates.moment import Moment

PUBLISHED: LiteralString = """
SELECT notification_id AS position, originator_id AS stream, originator_version AS version, topic AS type, recorded_at,
       state
  FROM store.events WHERE originator_id = %(goals)s ORDER BY originator_version
"""


async def goals_known(connection: AsyncConnection[Any], moment: Moment) -> GoalList:
    async with connection.cursor(binary=True, row_factory=class_row(Stored)) as rows:
        await rows.execute(PUBLISHED, {"goals": GOAL_LIST})
        events = [recorded(stored) async for stored in rows]
    facts = (event.fact for event in moment.facts(events))
    return reduce(evolve, (fact for fact in facts if isinstance(fact, GoalPublished | GoalRetired)), GoalList())
