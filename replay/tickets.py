"""Which tickets are there, page by page, straight from the log? Nothing that a view knows or does not know matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from aggregates.envelope import Recorded, Stored, recorded
from commands.log import read_head
from consumers.sla_store import histories

OPENED: LiteralString = """
SELECT notification_id AS position, originator_id AS stream, originator_version AS version, topic AS type,
       recorded_at, state
  FROM store.events
 WHERE notification_id > %(after)s AND notification_id <= %(upto)s AND topic = 'ticket.opened.v1'
 ORDER BY notification_id LIMIT %(limit)s
"""
PAGE = 200
BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """start <= at < end."""

    start: datetime = BEGINNING
    end: datetime = END

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Page:
    """Tickets with all their facts in order of version. fraction: how much of the log lies behind it."""

    histories: Mapping[UUID, Sequence[Recorded]]
    fraction: float


def pages(connection: Connection[Any], opened: Period, size: int = PAGE) -> Iterator[Page]:
    """Tickets that were opened in this period and stand in the log by now, in the order in which they came into it."""
    head, after = read_head(connection).position, 0
    while found := _opened(connection, after, head, size):
        after = found[-1].position
        wanted = [event.stream for event in found if event.at in opened]
        yield Page(histories(connection, wanted) if wanted else {}, after / max(head, 1))


def _opened(connection: Connection[Any], after: int, upto: int, limit: int) -> list[Recorded]:
    with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
        cursor.execute(OPENED, {"after": after, "upto": upto, "limit": limit}, prepare=True)
        return [recorded(stored) for stored in cursor.fetchall()]
