"""plan: how are the log's streams shared out among workers?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

SPANS: LiteralString = """
SELECT lag(id, 1, '00000000-0000-0000-0000-000000000000') OVER (ORDER BY id) AS after, id AS upto,
       (events - lag(events, 1, 0) OVER (ORDER BY id))::bigint AS events
  FROM (SELECT id, sum(version) OVER by_id AS events, row_number() OVER by_id AS place,
               lead(id) OVER by_id IS NULL AS last
          FROM store.streams WINDOW by_id AS (ORDER BY id)) AS s
 WHERE place %% %(streams)s = 0 OR last
 ORDER BY id
"""
STREAMS = 2_000
"""A second's work or two: nobody idles for long at the end, and asking for the next share costs nothing beside it."""


@dataclass(frozen=True, slots=True)
class Span:
    """The streams with after < id <= upto, and how many events they have, of all kinds."""

    after: UUID
    upto: UUID
    events: int


def spans(connection: Connection[Any], streams: int = STREAMS) -> list[Span]:
    """Equally many streams each. The nil id is nobody's."""
    with connection.cursor(row_factory=class_row(Span)) as cursor:
        return cursor.execute(SPANS, {"streams": streams}).fetchall()
