"""next_queries: which tickets that nobody has come next for an agent, and how many do they have?"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

FOUND: LiteralString = "SELECT q.id, q.priority_rank, coalesce(q.waiting_since, q.opened_at) AS since, "
# What the view of clocks takes for free. Whether it is, the queue says; what is free only there comes with the rest.
PRESSING: LiteralString = "s.pressing_at IS NOT NULL AND s.assignee IS NULL AND s.status IN ('new', 'open')"
DUE: LiteralString = "s.pressing_at AS due FROM read.sla_tickets s JOIN read.queues q USING (id) WHERE " + PRESSING
NEVER_DUE: LiteralString = "NULL::timestamptz AS due FROM read.queues q WHERE NOT EXISTS (" + (
    "SELECT FROM read.sla_tickets s WHERE s.id = q.id AND " + PRESSING
)
FREE: LiteralString = """
   AND q.listed AND q.assignee IS NULL AND q.status IN ('new', 'open') AND q.id <> ALL (%(passed)s)
"""
PRESSING_IN_TEAM: LiteralString = " AND s.team = %(team)s"
IN_TEAM: LiteralString = " AND q.team = %(team)s"
# A level beyond 5 is within reach of a 5: skills go no higher.
ABLE: LiteralString = """
   AND least(q.level, 5) <= CASE WHEN q.skill IS NULL THEN %(best)s::int
                                 ELSE coalesce((%(abilities)s::jsonb ->> q.skill)::int, 0) END
"""
OF_VIPS: LiteralString = " AND EXISTS (SELECT FROM read.customers c WHERE c.id = q.requester AND c.tier = 'vip')"
OF_OTHERS: LiteralString = " AND NOT EXISTS (SELECT FROM read.customers c WHERE c.id = q.requester AND c.tier = 'vip')"
FIRST: LiteralString = " ORDER BY due, priority_rank, since, q.id LIMIT 100"
PRESSING_FIRST: LiteralString = "WITH pressing AS MATERIALIZED ("
THEN: LiteralString = ") SELECT * FROM pressing UNION ALL ("
# What is never due is read only if what is due leaves room on the page.
IF_ROOM: LiteralString = " AND (SELECT count(*) FROM pressing) < 100"
VIPS: LiteralString = "SELECT id FROM (SELECT true AS vip, v.* FROM ("
OTHERS: LiteralString = ") v UNION ALL SELECT false, o.* FROM ("
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

    VIPs' before others', then what was or falls due soonest, then by priority, then those that wait longest.
    `abilities` are an agent's (none: takes anything); `passed` are tickets to leave out.
    """
    parameters = {
        "team": team,
        "passed": list(passed),
        "abilities": json.dumps(abilities),
        "best": max(abilities.values(), default=0),
    }
    query = _page(in_team=team is not None, able=bool(abilities))
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def held(connection: AsyncConnection[Any], agent: UUID, besides: Collection[UUID] = ()) -> int:
    """How many new and open tickets an agent has."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(HELD, {"agent": agent, "besides": list(besides)})
        return await cursor.fetchone() or 0


def _page(*, in_team: bool, able: bool) -> LiteralString:
    """Each part is read in the order of an index and ends after a page: never a sort of all that wait."""
    free = FREE + (IN_TEAM if in_team else "") + (ABLE if able else "")
    team = PRESSING_IN_TEAM if in_team else ""
    due, rest = FOUND + DUE + team + free, FOUND + NEVER_DUE + team + ")" + free
    vips, others = _half(due + OF_VIPS, rest + OF_VIPS), _half(due + OF_OTHERS, rest + OF_OTHERS)
    return VIPS + vips + OTHERS + others + VIPS_FIRST


def _half(due: LiteralString, rest: LiteralString) -> LiteralString:
    return PRESSING_FIRST + due + FIRST + THEN + rest + IF_ROOM + FIRST + ")"
