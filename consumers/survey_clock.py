"""survey_clock: who finds resolved tickets whose customers are to be asked, and asks each of them once?

What was resolved is found in the log and kept until a survey has asked about it or never will. What is asked is decided
on the ticket's and the customer's own streams in their newest versions, and written to both or neither. So a second
clock, or one that died at any line, costs a look, and nobody is asked twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from operator import attrgetter
from typing import Any, LiteralString, cast

import structlog
from psycopg import Connection
from psycopg.rows import class_row

from aggregates.envelope import Recorded, Stored, recorded
from aggregates.surveys.surveys import SURVEY_LIST
from aggregates.ticket.events import Resolved
from commands.append import Append, append_blocking
from commands.database import connect
from consumers import metrics
from consumers.sla_store import histories
from consumers.standby import SURVEYS, become_active
from consumers.survey_sight import Due, Sight, surveys

log = structlog.get_logger(__name__)

BATCH = 100
READ_AHEAD = 20_000
POLL_SECONDS = 1.0

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
        listed = histories(connection, [SURVEY_LIST]).get(SURVEY_LIST, [])
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
    sight = Sight(connection, due)
    decided = [(one, sight.decide(one, now)) for one in due]
    asked = [(one, command) for one, command in decided if isinstance(command, Append)]
    outcomes = append_blocking(connection, [command for _, command in asked]) if asked else []
    metrics.ASKED.inc(sum(outcome.kind == "accepted" for outcome in outcomes))
    # Somebody wrote meanwhile: what was decided for that customer after it stands on what did not happen.
    missed = {sight.customer(one) for (one, _), outcome in zip(asked, outcomes, strict=True) if not outcome.written}
    _settle(connection, [(one, found) for one, found in decided if sight.customer(one) not in missed])
    return len(due)


def _settle(connection: Connection[Any], decided: Sequence[tuple[Due, Append | datetime | None]]) -> None:
    later = [one.named | {"due_at": at} for one, at in decided if isinstance(at, datetime)]
    with connection.cursor() as cursor:
        cursor.executemany(LATER, later)
        cursor.executemany(SETTLED, [one.named for one, found in decided if not isinstance(found, datetime)])


def _resolved(connection: Connection[Any], after: int, upto: int) -> list[Recorded]:
    with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
        cursor.execute(RESOLVED, {"after": after, "upto": upto, "type": Resolved.type_name}, prepare=True)
        return [recorded(stored) for stored in cursor.fetchall()]


def _kept(event: Recorded, listed: Sequence[Recorded]) -> Iterator[dict[str, object]]:
    for version in surveys(listed, event.position).asking:
        due = Due(version.survey, event.stream, event.version, event.position)
        yield due.named | {"position": event.position, "due_at": event.at + version.terms.waits}


def _now(connection: Connection[Any]) -> datetime:
    """By the database's clock, as what is recorded: whoever runs us may have another one."""
    row = connection.execute(NOW, prepare=True).fetchone()
    return cast(tuple[datetime], row)[0]
