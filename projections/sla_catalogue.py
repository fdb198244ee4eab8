"""sla_catalogue: how does a fold get the policies and calendars that a ticket's own events only name?

Straight from the store, where a version stands before any ticket can name it: so nothing depends on which stream's
events arrive first.
"""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg import Connection
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
            parameters = {"streams": [s for s, _ in catalogue.streams], "after": [v for _, v in catalogue.streams]}
            cursor.execute(NEWER, parameters, prepare=True)
            for stored in cursor.fetchall():
                catalogue.learn(recorded(stored))
