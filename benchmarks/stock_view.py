"""What is a view of tickets as the eventsourcing library's documentation would have it? An UPSERT an event, tracked."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, LiteralString, get_args
from uuid import UUID

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection
from psycopg.sql import SQL

from aggregates.ticket import events as t
from commands.library import Event

CREATE: LiteralString = """
CREATE TABLE IF NOT EXISTS stock.tickets (
    stream uuid PRIMARY KEY, version bigint NOT NULL, status text, priority text, team uuid, assignee uuid,
    opened_at timestamptz, updated_at timestamptz
)
"""
SAVE: LiteralString = """
INSERT INTO stock.tickets AS t (stream, version, status, priority, team, assignee, opened_at, updated_at)
VALUES (%(stream)s, %(version)s, %(status)s, %(priority)s, %(team)s, %(assignee)s, %(opened_at)s, %(updated_at)s)
    ON CONFLICT (stream) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at,
       status = coalesce(excluded.status, t.status), priority = coalesce(excluded.priority, t.priority),
       team = coalesce(excluded.team, t.team), assignee = coalesce(excluded.assignee, t.assignee)
"""
STATUSES: dict[type, str] = {
    t.Opened: "new",
    t.Assigned: "open",
    t.PutPending: "pending",
    t.PutOnHold: "on_hold",
    t.Reopened: "open",
    t.Resolved: "resolved",
    t.Closed: "closed",
}


class StockView(PostgresTrackingRecorder):
    """The row and how far it came, in one transaction."""

    SCHEMA: ClassVar[LiteralString] = "stock"

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.sql_create_statements.append(SQL(CREATE))

    @classmethod
    def environment(cls) -> dict[str, str]:
        """Its own tables beside the log, by the library's own Postgres module."""
        named = StockTickets.name.upper()
        return {
            f"{named}_PERSISTENCE_MODULE": "eventsourcing.postgres",
            f"{named}_POSTGRES_SCHEMA": cls.SCHEMA,
            f"{named}_CREATE_TABLE": "y",
        }

    def save(self, values: dict[str, Any], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(SAVE, values, prepare=True)


class StockTickets(Projection[StockView]):
    name = "stock_tickets"
    topics = tuple(fact.type_name for fact in get_args(t.TicketFact))

    def __init__(self, view: StockView) -> None:
        super().__init__(view)
        self.applied = 0

    def process_event(self, domain_event: Event, tracking: Tracking) -> None:
        fact, at = domain_event.envelope.fact, domain_event.envelope.occurred_at
        self.view.save(_values(domain_event.originator_id, domain_event.originator_version, fact, at), tracking)
        self.applied += 1


def _values(stream: UUID, version: int, fact: Any, at: datetime | None) -> dict[str, Any]:
    return {
        "stream": stream,
        "version": version,
        "status": STATUSES.get(type(fact)),
        "priority": getattr(fact, "priority", None),
        "team": getattr(fact, "to_team" if isinstance(fact, t.Escalated | t.DeEscalated) else "team", None),
        "assignee": getattr(fact, "agent", None),
        "opened_at": at if isinstance(fact, t.Opened) else None,
        "updated_at": at,
    }
