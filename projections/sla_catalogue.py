"""sla_catalogue: how does a fold get the policies and calendars that a ticket's own events only name?

Straight from the store, where a version stands before any ticket can name it: so nothing depends on which stream's
events arrive first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, LiteralString

from psycopg import AsyncConnection, Connection
from psycopg.rows import class_row

from aggregates.envelope import Stored, recorded
from aggregates.sla.catalogue import Catalogue

NEWER: LiteralString = """
SELECT e.notification_id AS position, e.originator_id AS stream, e.originator_version AS version,
       e.topic AS type, e.recorded_at, e.state
  FROM unnest(%(streams)s::uuid[], %(after)s::bigint[]) AS s (id, after)
  JOIN store.events e ON e.originator_id = s.id AND e.originator_version > s.after
 ORDER BY e.originator_id, e.originator_version
"""


def refresh(catalogue: Catalogue, connection: Connection[Any]) -> None:
    """Learn what was published since; a calendar only once a policy names it."""
    known = 0
    while known < len(catalogue.streams):
        known = len(catalogue.streams)
        with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
            cursor.execute(NEWER, _known(catalogue), prepare=True)
            _learn(catalogue, cursor.fetchall())


async def refresh_async(catalogue: Catalogue, connection: AsyncConnection[Any]) -> None:
    """The same, one at a time: what two learn at once would be learnt twice."""
    known = 0
    while known < len(catalogue.streams):
        known = len(catalogue.streams)
        async with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
            await cursor.execute(NEWER, _known(catalogue), prepare=True)
            _learn(catalogue, await cursor.fetchall())


def _known(catalogue: Catalogue) -> dict[str, Any]:
    return {"streams": [s for s, _ in catalogue.streams], "after": [v for _, v in catalogue.streams]}


def _learn(catalogue: Catalogue, newer: Iterable[Stored]) -> None:
    for stored in newer:
        catalogue.learn(recorded(stored))
