"""survey_clock: who finds resolved tickets whose customers are to be asked, and asks each of them once?

What was resolved is found in the log and kept until a survey has asked about it or never will. What is asked is decided
on the ticket's and the customer's own streams in their newest versions, and written to both or neither. So a second
clock, or one that died at any line, costs a look, and nobody is asked twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import attrgetter
from typing import Any, LiteralString, cast
from uuid import UUID, uuid5

import structlog
from psycopg import Connection
from psycopg.rows import class_row

from aggregates.customer import Customer
from aggregates.envelope import Actor, Envelope, Recorded, Stored, encode, recorded
from aggregates.fact import Fact
from aggregates.kinds import evolved
from aggregates.sla.noting import event_id
from aggregates.surveys.asking import Asked, Resolution, asking
from aggregates.surveys.surveys import SURVEY_LIST, SurveyList
from aggregates.ticket.events import Opened, Resolved
from commands.append import Append, Write, append_blocking
from commands.database import connect
from consumers import metrics
from consumers.sla_store import histories
from consumers.standby import SURVEYS, become_active

log = structlog.get_logger(__name__)

BATCH = 100
READ_AHEAD = 20_000
POLL_SECONDS = 1.0
CALLER = "surveys"
CLOCK = Actor(kind="system", id=CALLER)

POSITION: LiteralString = """
SELECT c.position, least(h.position, c.position + %(ahead)s) AS upto
  FROM consumers.survey_clock c CROSS JOIN store.head h
"""
RESOLVED: LiteralString = """
SELECT notification_id AS position, originator_id AS stream, originator_version AS version, topic AS type,
       recorded_at, state
  FROM store.events
 WHERE notification_id > %(after)s AND notification_id <= %(upto)s AND topic = %(type)s
 ORDER BY notification_id
"""
READ_TO: LiteralString = "UPDATE consumers.survey_clock SET position = %(upto)s WHERE position < %(upto)s"
KEEP: LiteralString = """
INSERT INTO consumers.survey_due (survey, ticket, version, position, due_at)
VALUES (%(survey)s, %(ticket)s, %(version)s, %(position)s, %(due_at)s) ON CONFLICT DO NOTHING
"""
NOW: LiteralString = "SELECT clock_timestamp()"
DUE: LiteralString = """
SELECT survey, ticket, version, position FROM consumers.survey_due
 WHERE due_at <= %(now)s ORDER BY due_at LIMIT %(limit)s
"""
LATER: LiteralString = """
UPDATE consumers.survey_due SET due_at = %(due_at)s
 WHERE (survey, ticket, version) = (%(survey)s, %(ticket)s, %(version)s)
"""
SETTLED: LiteralString = """
DELETE FROM consumers.survey_due WHERE (survey, ticket, version) = (%(survey)s, %(ticket)s, %(version)s)
"""


@dataclass(frozen=True, slots=True)
class Due:
    """What a survey may ask about: the resolution at this version of a ticket, at this position of the log."""

    survey: UUID
    ticket: UUID
    version: int
    position: int

    @property
    def named(self) -> dict[str, object]:
        return {"survey": self.survey, "ticket": self.ticket, "version": self.version}


class SurveyClock:
    """One active, any number standing by; two at once do no harm."""

    def __init__(self, url: str) -> None:
        self._url = url

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop or something fails; call it again then: all it needs is in the store."""
        with closing(connect(self._url, name="survey clock")) as connection:
            if not become_active(connection, SURVEYS, stopping):
                return
            log.info("the survey clock is active")
            while not stopping.is_set():
                busy = find(connection)
                busy = ask(connection) == BATCH or busy
                if not busy:
                    stopping.wait(POLL_SECONDS)


def find(connection: Connection[Any]) -> bool:
    """Keep what was resolved since the last look, for each survey that was in force then. Whether there is more."""
    with connection.transaction():
        at, upto = cast(tuple[int, int], connection.execute(POSITION, {"ahead": READ_AHEAD}).fetchone())
        if at == upto:
            return False
        listed = _history(connection, SURVEY_LIST)
        resolved = _resolved(connection, at, upto) if listed else []
        with connection.cursor() as cursor:
            cursor.executemany(KEEP, [due for event in resolved for due in _kept(event, listed)])
        connection.execute(READ_TO, {"upto": upto})
    return upto - at == READ_AHEAD


def ask(connection: Connection[Any]) -> int:
    """Settle up to BATCH that are due, or put them off; how many were looked at."""
    now = _now(connection)
    with connection.cursor(row_factory=class_row(Due)) as cursor:
        due = cursor.execute(DUE, {"now": now, "limit": BATCH}, prepare=True).fetchall()
    if not due:
        return 0
    # Who may be asked about several tickets is asked about the one that was resolved last.
    due.sort(key=attrgetter("position"), reverse=True)
    sight = _Sight.of(connection, due)
    outlook = [(one, sight.asking(one, now)) for one in due]
    asked = [(one, found) for one, found in outlook if isinstance(found, Asked)]
    outcomes = append_blocking(connection, [sight.command(*pair) for pair in asked]) if asked else []
    # Who was written to meanwhile is looked at again; till then nothing is settled.
    written = {one for (one, _), outcome in zip(asked, outcomes, strict=True) if outcome.written}
    metrics.ASKED.inc(sum(outcome.kind == "accepted" for outcome in outcomes))
    with connection.cursor() as cursor:
        cursor.executemany(LATER, [one.named | {"due_at": at} for one, at in outlook if isinstance(at, datetime)])
        cursor.executemany(SETTLED, [one.named for one, found in outlook if found is None or one in written])
    return len(due)


@dataclass(frozen=True, slots=True)
class _Sight:
    """Tickets, their customers and the surveys, as they are now."""

    streams: Mapping[UUID, Sequence[Recorded]]

    @classmethod
    def of(cls, connection: Connection[Any], due: Sequence[Due]) -> _Sight:
        tickets = histories(connection, list({one.ticket for one in due}))
        customers = {customer for history in tickets.values() if (customer := _requester(history)) is not None}
        return cls({**tickets, **histories(connection, [SURVEY_LIST, *customers])})

    def asking(self, due: Due, now: datetime) -> Asked | datetime | None:
        history, listed = self.streams[due.ticket], self.streams.get(SURVEY_LIST, ())
        requester = _requester(history)
        customer = None if requester is None else _state(self.streams.get(requester, ()))
        if not isinstance(customer, Customer):
            return None
        then, today = _surveys(listed, due.position), _surveys(listed)
        return asking(Resolution(history, due.version), due.survey, then, today, customer, now)

    def command(self, due: Due, asked: Asked) -> Append:
        customer = cast(UUID, _requester(self.streams[due.ticket]))
        # The same resolution is asked about once by the same survey: whichever clock comes second finds it done.
        command = uuid5(due.ticket, f"survey {due.survey} {due.version}")
        cause = event_id(due.ticket, due.version)
        writes = tuple(
            Write(stream, len(self.streams[stream]), ((fact.type_name, _encoded(fact, command, cause)),))
            for stream, fact in ((due.ticket, asked.request), (customer, asked.asked))
        )
        return Append(command, CALLER, b"", writes, ((SURVEY_LIST, len(self.streams[SURVEY_LIST])),))


def _resolved(connection: Connection[Any], after: int, upto: int) -> list[Recorded]:
    with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
        cursor.execute(RESOLVED, {"after": after, "upto": upto, "type": Resolved.type_name}, prepare=True)
        return [recorded(stored) for stored in cursor.fetchall()]


def _kept(event: Recorded, listed: Sequence[Recorded]) -> Iterator[dict[str, object]]:
    for version in _surveys(listed, event.position).asking:
        due = Due(version.survey, event.stream, event.version, event.position)
        yield due.named | {"position": event.position, "due_at": event.at + version.terms.waits}


def _surveys(listed: Sequence[Recorded], before: int | None = None) -> SurveyList:
    """As they are, or were at a position of the log."""
    state = _state([event for event in listed if before is None or event.position < before])
    return state if isinstance(state, SurveyList) else SurveyList()


def _state(history: Sequence[Recorded]) -> Any:
    return reduce(evolved, (event.fact for event in history), None)


def _requester(history: Sequence[Recorded]) -> UUID | None:
    """Whose ticket it is never changes."""
    return next((event.fact.requester for event in history if isinstance(event.fact, Opened)), None)


def _history(connection: Connection[Any], stream: UUID) -> Sequence[Recorded]:
    return histories(connection, [stream]).get(stream, ())


def _encoded(fact: Fact, command: UUID, cause: UUID) -> bytes:
    return encode(Envelope[Any](actor=CLOCK, command_id=command, correlation_id=command, causation_id=cause, fact=fact))


def _now(connection: Connection[Any]) -> datetime:
    """By the database's clock, as what is recorded: whoever runs us may have another one."""
    row = connection.execute(NOW, prepare=True).fetchone()
    return cast(tuple[datetime], row)[0]
