"""sla_moves: how does a new policy, calendar or tier reach the tickets that are open? Each once, and it can be watched.

A change is found in the log and kept until it has passed through all open tickets, in order of their ids. A ticket
opened after it was decided on the changed configuration, so only those that the view knew at that position matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, cast
from uuid import UUID

import structlog
from psycopg import AsyncConnection, Connection
from psycopg.rows import class_row

from aggregates.calendar import CalendarPublished
from aggregates.customer import TierChanged
from aggregates.envelope import Recorded, Stored, recorded
from aggregates.sla.noting import Note, moved, replay_facts
from aggregates.sla.policies import POLICY_LIST, PoliciesOrdered, PolicyPublished, PolicyRetired
from aggregates.ticket.state import Ticket
from consumers import metrics
from consumers.builds import build_position, live_build
from consumers.sla_store import Configuration, Noted, histories, write

log = structlog.get_logger(__name__)

VIEW = "sla"
PAGE = 250
READ_AHEAD = 20_000
REACHING = (PolicyPublished, PoliciesOrdered, PolicyRetired, CalendarPublished, TierChanged)
TYPES = [fact.type_name for fact in REACHING]

POSITION: LiteralString = """
SELECT c.position, least(h.position, c.position + %(ahead)s) AS upto
  FROM consumers.sla_clock c CROSS JOIN store.head h
"""
CHANGES: LiteralString = """
SELECT notification_id AS position, originator_id AS stream, originator_version AS version, topic AS type,
       recorded_at, state
  FROM store.events
 WHERE notification_id > %(after)s AND notification_id <= %(upto)s AND topic = ANY (%(types)s)
 ORDER BY notification_id
"""
READ_TO: LiteralString = "UPDATE consumers.sla_clock SET position = %(upto)s WHERE position < %(upto)s"
KEEP: LiteralString = """
INSERT INTO consumers.sla_moves (position, cause, kind, since)
VALUES (%(position)s, %(cause)s, %(kind)s, %(since)s) ON CONFLICT DO NOTHING
"""
NEXT: LiteralString = """
SELECT position, cause, kind, since, after, total FROM consumers.sla_moves
 WHERE finished_at IS NULL AND since <= clock_timestamp() AND position <= %(upto)s ORDER BY since, position LIMIT 1
"""
COUNT: LiteralString = "SELECT count(*) FROM read.sla_tickets WHERE status <> 'closed'"
COUNT_OF: LiteralString = "SELECT count(*) FROM read.sla_tickets WHERE status <> 'closed' AND requester = %(of)s"
TICKETS: LiteralString = """
SELECT id FROM read.sla_tickets WHERE status <> 'closed' AND id > %(after)s ORDER BY id LIMIT %(limit)s
"""
TICKETS_OF: LiteralString = """
SELECT id FROM read.sla_tickets WHERE status <> 'closed' AND requester = %(of)s AND id > %(after)s
 ORDER BY id LIMIT %(limit)s
"""
START: LiteralString = """
UPDATE consumers.sla_moves SET total = %(total)s, started_at = clock_timestamp() WHERE position = %(position)s
"""
GO_ON: LiteralString = """
UPDATE consumers.sla_moves SET after = %(to)s, looked_at = looked_at + %(looked_at)s, moved = moved + %(moved)s
 WHERE position = %(position)s AND after = %(after)s
"""
RECENT: LiteralString = """
SELECT position, cause, kind, since, total, looked_at, moved, started_at, finished_at
  FROM consumers.sla_moves ORDER BY position DESC LIMIT %(limit)s
"""
FINISH: LiteralString = """
UPDATE consumers.sla_moves SET finished_at = clock_timestamp() WHERE position = %(position)s
RETURNING looked_at, moved
"""


@dataclass(frozen=True, slots=True)
class Move:
    """after: the last ticket it has passed; total: how many were open when it began."""

    position: int
    cause: UUID
    kind: str
    since: datetime
    after: UUID
    total: int | None

    @property
    def customer(self) -> UUID | None:
        return self.cause if self.kind == "customer" else None


@dataclass(frozen=True, slots=True)
class Progress:
    """`looked_at` of `total` open tickets, of which `moved` got something else; total None: it has not begun."""

    position: int
    cause: UUID
    kind: str
    since: datetime
    total: int | None
    looked_at: int
    moved: int
    started_at: datetime | None
    finished_at: datetime | None


async def recent_moves(connection: AsyncConnection[Any], limit: int) -> list[Progress]:
    """The newest first."""
    async with connection.cursor(row_factory=class_row(Progress)) as cursor:
        await cursor.execute(RECENT, {"limit": limit})
        return await cursor.fetchall()


class Moves:
    def __init__(self, connection: Connection[Any], configuration: Configuration) -> None:
        self._connection, self._configuration = connection, configuration

    def advance(self) -> bool:
        """Find new changes, and bring one a page further. Whether there is more to do at once."""
        behind = self._find()
        move = self._next()
        return behind if move is None else self._pass_on(move)

    def _find(self) -> bool:
        with self._connection.transaction():
            at, upto = cast(tuple[int, int], self._connection.execute(POSITION, {"ahead": READ_AHEAD}).fetchone())
            if at == upto:
                return False
            with self._connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
                cursor.execute(CHANGES, {"after": at, "upto": upto, "types": TYPES}, prepare=True)
                changes = [_kept(recorded(stored)) for stored in cursor.fetchall()]
            with self._connection.cursor() as cursor:
                cursor.executemany(KEEP, [change for change in changes if change is not None])
            self._connection.execute(READ_TO, {"upto": upto})
        return upto - at == READ_AHEAD

    def _next(self) -> Move | None:
        """The earliest that has begun and whose tickets the view knows."""
        build = live_build(self._connection, VIEW)
        if build is None:
            return None
        with self._connection.cursor(row_factory=class_row(Move)) as cursor:
            return cursor.execute(NEXT, {"upto": build_position(self._connection, build.schema)}).fetchone()

    def _pass_on(self, move: Move) -> bool:
        if move.total is None:
            self._connection.execute(START, {"position": move.position, "total": self._count(move)})
        page = self._page(move)
        settled = not page or self._move(move, page)
        if settled and len(page) < PAGE:
            row = self._connection.execute(FINISH, {"position": move.position}).fetchone()
            looked_at, done = row if row is not None else (0, 0)
            log.info("moved open tickets", cause=move.kind, position=move.position, looked_at=looked_at, moved=done)
        return True

    def _move(self, move: Move, page: list[UUID]) -> bool:
        """The cursor moves only past tickets that are settled: whoever was written to meanwhile is asked again."""
        found = histories(self._connection, page)
        tickets = {stream: replay_facts(history) for stream, history in found.items()}
        self._configuration.refresh(t.requester for t in tickets.values() if t.requester is not None)
        noted = list(self._noted(move, tickets, found))
        outcomes = write(self._connection, noted) if noted else []
        if any(not outcome.written for outcome in outcomes):
            return False
        done = {"position": move.position, "after": move.after, "to": page[-1], "looked_at": len(page)}
        self._connection.execute(GO_ON, {**done, "moved": len(noted)})
        metrics.MOVED.inc(len(noted))
        return True

    def _noted(
        self, move: Move, tickets: Mapping[UUID, Ticket], found: Mapping[UUID, Sequence[Recorded]]
    ) -> Iterator[Noted]:
        policies, desk = self._configuration.policies, self._configuration.desk()
        for stream, ticket in tickets.items():
            history = found[stream]
            fact = moved(ticket, history, policies, desk, move.since)
            if fact is None:
                continue
            on = (POLICY_LIST, fact.calendar, ticket.requester)
            reads = self._configuration.reads(id for id in on if id is not None)
            yield Noted(stream, len(history), ticket, (Note(fact),), reads)

    def _count(self, move: Move) -> int:
        statement = COUNT if move.customer is None else COUNT_OF
        row = self._connection.execute(statement, {"of": move.customer}).fetchone()
        return row[0] if row else 0

    def _page(self, move: Move) -> list[UUID]:
        statement = TICKETS if move.customer is None else TICKETS_OF
        asked = {"of": move.customer, "after": move.after, "limit": PAGE}
        return [row[0] for row in self._connection.execute(statement, asked)]


def _kept(event: Recorded) -> dict[str, Any] | None:
    """From when it reaches the tickets that are open then; None: it reaches new ones only."""
    fact, since = event.fact, event.recorded_at
    if isinstance(fact, PolicyPublished | PoliciesOrdered | PolicyRetired) and fact.reach != "open":
        return None
    if isinstance(fact, PolicyPublished | CalendarPublished) and fact.effective_from is not None:
        since = max(since, fact.effective_from)
    kind = event.fact.type_name.partition(".")[0]
    return {"position": event.position, "cause": event.stream, "kind": kind, "since": since}
