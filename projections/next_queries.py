"""next_queries: which tickets that nobody has come next for an agent, and how many do they have?"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

FREE: LiteralString = """
SELECT q.id, q.priority_rank, coalesce(q.waiting_since, q.opened_at) AS since,
       -- SLA: here goes when the soonest open clock of ticket q falls due. Until there is a view of clocks: nothing.
       NULL::timestamptz AS due
  FROM read.queues q
 WHERE q.listed AND q.assignee IS NULL AND q.status IN ('new', 'open') AND q.id <> ALL (%(passed)s)
"""
IN_TEAM: LiteralString = " AND q.team = %(team)s"
# A level beyond 5 is within reach of a 5: skills go no higher.
ABLE: LiteralString = """
   AND least(q.level, 5) <= CASE WHEN q.skill IS NULL THEN %(best)s::int
                                 ELSE coalesce((%(abilities)s::jsonb ->> q.skill)::int, 0) END
"""
VIPS: LiteralString = "SELECT id FROM (SELECT true AS vip, v.* FROM ("
OF_VIPS: LiteralString = " AND EXISTS (SELECT FROM read.customers c WHERE c.id = q.requester AND c.tier = 'vip')"
OTHERS: LiteralString = ") v UNION ALL SELECT false, o.* FROM ("
OF_OTHERS: LiteralString = " AND NOT EXISTS (SELECT FROM read.customers c WHERE c.id = q.requester AND c.tier = 'vip')"
PAGE: LiteralString = " ORDER BY due, priority_rank, since, id LIMIT 100"
VIPS_FIRST: LiteralString = ") o) found ORDER BY vip DESC, due, priority_rank, since, id LIMIT 100"
HELD: LiteralString = """
SELECT count(*) FROM read.queues
 WHERE listed AND assignee = %(agent)s AND status IN ('new', 'open') AND id <> ALL (%(besides)s)
"""


async def candidates(
    connection: AsyncConnection[Any],
    team: UUID | None,
    abilities: Mapping[str, int],
    passed: Collection[UUID],
) -> list[UUID]:
    """New and open tickets that nobody has, the one to do first first; of all teams, if `team` is None.

    VIPs' before others', then what falls due soonest, then by priority, then those that wait longest.
    `abilities` are an agent's (none: takes anything); `passed` are tickets to leave out.
    """
    free = FREE + (IN_TEAM if team else "") + (ABLE if abilities else "")
    parameters = {
        "team": team,
        "passed": list(passed),
        "abilities": json.dumps(abilities),
        "best": max(abilities.values(), default=0),
    }
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_vips_first(free), parameters)
        return await cursor.fetchall()


async def held(connection: AsyncConnection[Any], agent: UUID, besides: Collection[UUID] = ()) -> int:
    """How many new and open tickets an agent has."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(HELD, {"agent": agent, "besides": list(besides)})
        return await cursor.fetchone() or 0


def _vips_first(free: LiteralString) -> LiteralString:
    """Each half is read in the order of an index and ends after a page: never a sort of all that wait."""
    return VIPS + free + OF_VIPS + PAGE + OTHERS + free + OF_OTHERS + PAGE + VIPS_FIRST
