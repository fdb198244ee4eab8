"""desk_names: whom or what do people mean by a name?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection

AGENTS: LiteralString = "SELECT id FROM read.agents WHERE name = %(name)s ORDER BY id"
NAMED: Mapping[str, LiteralString] = MappingProxyType(
    {
        "team": "SELECT id FROM read.teams WHERE name = %(name)s ORDER BY id",
        "agent": AGENTS,
        "assignee": AGENTS,
    }
)


async def ids_of(connection: AsyncConnection[Any], dimension: str, name: str) -> list[UUID]:
    """All who are called exactly so."""
    cursor = await connection.execute(NAMED[dimension], {"name": name})
    return [id for (id,) in await cursor.fetchall()]
