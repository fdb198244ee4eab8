"""rebuild_plan: how are the log's streams shared out among workers?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

SPANS: LiteralString = """
SELECT lag(max(id), 1, '00000000-0000-0000-0000-000000000000') OVER (ORDER BY place) AS after, max(id) AS upto,
       sum(version)::bigint AS events
  FROM (SELECT id, version, (row_number() OVER (ORDER BY id) - 1) / %(streams)s AS place FROM store.streams) AS s
 GROUP BY place ORDER BY place
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
