"""What do people call these ids?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from aggregates.envelope import recorded
from aggregates.sla.policies import POLICY_LIST, PolicyPublished
from commands.log import stream_after
from replay.phrases import Names

NAMES: LiteralString = """
SELECT id::text, name FROM read.teams WHERE id = ANY (%(ids)s)
 UNION ALL
SELECT id::text, name FROM read.agents WHERE id = ANY (%(ids)s)
 UNION ALL
SELECT id::text, name FROM read.customers WHERE id = ANY (%(ids)s) AND name IS NOT NULL
 UNION ALL
SELECT id::text, name FROM read.organisations WHERE id = ANY (%(ids)s)
 UNION ALL
SELECT id::text, name FROM read.calendars WHERE id = ANY (%(ids)s)
 UNION ALL
SELECT id::text, 'T-' || number FROM read.tickets WHERE id = ANY (%(ids)s)
"""


async def names_of(connection: AsyncConnection[Any], ids: Iterable[str]) -> Names:
    """As they are called now, by id; what has no name is left out. psycopg.errors.UndefinedTable without views."""
    wanted = {id for text in ids if (id := _uuid(text)) is not None}
    found: dict[str, str] = dict(await (await connection.execute(NAMES, {"ids": list(wanted)})).fetchall())
    if {str(id) for id in wanted} - found.keys():
        found |= await _policies(connection)
    return found


async def _policies(connection: AsyncConnection[Any]) -> dict[str, str]:
    published = map(recorded, await stream_after(connection, POLICY_LIST, 0))
    return {str(e.fact.policy): e.fact.terms.name for e in published if isinstance(e.fact, PolicyPublished)}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
