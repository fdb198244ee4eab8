"""sla_clock: who notices that something falls due, notes it in the ticket's stream, and does what the policy says?

The view only tells which tickets to look at, by an index; what is noted is decided on the ticket's own stream in its
newest version, and written only if that is still the newest. So a view that lags or a second clock cost a look, and
nothing is noted twice, too late in its own terms, or for a promise that somebody has just kept.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import structlog
from psycopg import Connection
from psycopg.errors import InvalidSchemaName, UndefinedTable

from aggregates.envelope import Recorded
from aggregates.sla.matching import standing, stood_on
from aggregates.sla.noting import Note, due_notes, replay_facts
from aggregates.sla.policies import POLICY_LIST
from aggregates.sla.reactions import named
from aggregates.ticket.state import Ticket
from commands.database import connect
from consumers import metrics
from consumers.sla_moves import Moves
from consumers.sla_store import Configuration, Noted, histories, write
from consumers.standby import SLA_CLOCK, become_active

log = structlog.get_logger(__name__)

BATCH = 250
POLL_SECONDS = 0.1
NO_VIEW_SECONDS = 1.0
# The view hears of what was noted within moments; whoever it keeps for due is looked at again after this.
AGAIN = timedelta(seconds=10)
NEVER = 2**62

NOW: LiteralString = "SELECT clock_timestamp()"
DUE: LiteralString = """
SELECT id, version FROM read.sla_tickets t
 WHERE next_at <= %(now)s
   AND NOT EXISTS (SELECT FROM unnest(%(looked)s::uuid[], %(upto)s::bigint[]) AS l (id, upto)
                    WHERE l.id = t.id AND t.version < l.upto)
 ORDER BY next_at LIMIT %(limit)s
"""


class SlaClock:
    """One active, any number standing by; two at once do no harm."""

    def __init__(self, url: str) -> None:
        self._url = url

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop or something fails; call it again then: all it needs is in the store."""
        with closing(connect(self._url, name="sla clock")) as connection:
            metrics.CLOCK_ACTIVE.set(0)
            if not become_active(connection, SLA_CLOCK, stopping):
                return
            log.info("the sla clock is active")
            metrics.CLOCK_ACTIVE.set(1)
            try:
                self._tick_on(connection, stopping)
            finally:
                metrics.CLOCK_ACTIVE.set(0)

    def _tick_on(self, connection: Connection[Any], stopping: threading.Event) -> None:
        configuration = Configuration(connection)
        notes, moves = Notes(connection, configuration), Moves(connection, configuration)
        while not stopping.is_set():
            try:
                busy = notes.take() == BATCH
                busy = moves.advance() or busy
            except (UndefinedTable, InvalidSchemaName):
                # The view's first build is not there yet.
                stopping.wait(NO_VIEW_SECONDS)
                continue
            if not busy:
                stopping.wait(POLL_SECONDS)


class Notes:
    """What falls due, a batch of tickets at a time."""

    def __init__(self, connection: Connection[Any], configuration: Configuration) -> None:
        self._connection, self._configuration = connection, configuration
        # Tickets whose notes the view has yet to hear of: the version by which it has, and until when we wait for it.
        self._looked: dict[UUID, tuple[int, datetime]] = {}

    def take(self) -> int:
        """Note what is due on up to BATCH tickets; how many were looked at."""
        now = self._now()
        due = self._due(now)
        if not due:
            return 0
        noted = self._decided(histories(self._connection, due), now)
        outcomes = write(self._connection, noted) if noted else []
        # What the view took for due and is not, or not yet, must not be looked at over and over.
        self._looked |= {stream: (NEVER, now + AGAIN) for stream in due}
        for note, outcome in zip(noted, outcomes, strict=True):
            if outcome.written:
                self._looked[note.stream] = (note.version + len(note.notes), now + AGAIN)
                metrics.NOTED.inc(len(note.notes) if outcome.kind == "accepted" else 0)
            else:
                del self._looked[note.stream]
        return len(due)

    def _due(self, now: datetime) -> list[UUID]:
        self._looked = {id: look for id, look in self._looked.items() if look[1] > now}
        asked = {
            "now": now,
            "limit": BATCH,
            "looked": list(self._looked),
            "upto": [version for version, _ in self._looked.values()],
        }
        return [id for id, _ in self._connection.execute(DUE, asked, prepare=True)]

    def _decided(self, found: Mapping[UUID, Sequence[Recorded]], now: datetime) -> list[Noted]:
        tickets = {stream: replay_facts(history) for stream, history in found.items()}
        self._configuration.refresh()
        self._configuration.refresh(id for ticket in tickets.values() for id in self._asked_about(ticket))
        policies, desk = self._configuration.policies, self._configuration.desk()
        decided = []
        for stream, history in found.items():
            notes = due_notes(history, self._configuration.book, policies, desk, now)
            if notes:
                ticket = tickets[stream]
                decided.append(Noted(stream, len(history), ticket, notes, self._stood_on(ticket, notes, now)))
        return decided

    def _asked_about(self, ticket: Ticket) -> set[UUID]:
        """Whom and what the reactions of the ticket's policy may ask the desk about."""
        held = ticket.sla
        if held is None or held.policy is None:
            return set()
        terms = self._configuration.book.terms(held.policy, held.policy_version)
        if not terms.reactions:
            return set()
        return {*named(terms), *(id for id in (ticket.requester, ticket.team) if id is not None)}

    def _stood_on(self, ticket: Ticket, notes: Sequence[Note], now: datetime) -> tuple[tuple[UUID, int], ...]:
        """Only what a rule did stands on configuration: a breach is a breach."""
        if not any(note.actor.kind == "rule" for note in notes):
            return ()
        policies = self._configuration.policies
        more = stood_on(policies, ticket.requester, standing(ticket), policies.moment(now))
        return self._configuration.reads((POLICY_LIST, *more, *self._asked_about(ticket)))

    def _now(self) -> datetime:
        """By the database's clock, as what is recorded: whoever runs us may have another one."""
        row = self._connection.execute(NOW, prepare=True).fetchone()
        assert row is not None  # noqa: S101
        instant: datetime = row[0]
        return instant
