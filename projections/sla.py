"""sla: which clocks run on each ticket, what falls due next, and which promises were broken?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates.envelope import Recorded
from aggregates.sla.agenda import agenda
from aggregates.sla.clock import Book, Clock
from aggregates.sla.clocks import Clocks, clocks, instant
from aggregates.ticket.events import SlaApplied, SlaBreached, SlaBreachWithdrawn
from projections.batch import Table
from projections.remembered import Remembered

MICROSECOND = timedelta(microseconds=1)
Values = tuple[Any, ...]
UNHELD: Values = (None, None, None)
Part = tuple[str, Any, int]

LOAD: LiteralString = """
SELECT stream, version, position, number, requester, team, assignee, priority, status, policy, policy_version, calendar,
       calendar_version, opened_at, next_at, due_at, pressing_at
  FROM sla_tickets WHERE stream = ANY (%(streams)s)
"""
COLUMNS = """
stream version position number requester team assignee priority status policy policy_version calendar calendar_version
opened_at next_at due_at pressing_at
"""
SAVE: LiteralString = """
INSERT INTO sla_tickets
SELECT * FROM unnest(
       %(stream)s::uuid[], %(version)s::bigint[], %(position)s::bigint[], %(number)s::bigint[], %(requester)s::uuid[],
       %(team)s::uuid[], %(assignee)s::uuid[], %(priority)s::text[], %(status)s::text[], %(policy)s::uuid[],
       %(policy_version)s::int[], %(calendar)s::uuid[], %(calendar_version)s::int[], %(opened_at)s::timestamptz[],
       %(next_at)s::timestamptz[], %(due_at)s::timestamptz[], %(pressing_at)s::timestamptz[])
    ON CONFLICT (stream) DO UPDATE SET
       (version, position, number, requester, team, assignee, priority, status, policy, policy_version, calendar,
        calendar_version, opened_at, next_at, due_at, pressing_at)
     = (excluded.version, excluded.position, excluded.number, excluded.requester, excluded.team, excluded.assignee,
        excluded.priority, excluded.status, excluded.policy, excluded.policy_version, excluded.calendar,
        excluded.calendar_version, excluded.opened_at, excluded.next_at, excluded.due_at,
        excluded.pressing_at)
"""
CLOCK_COLUMNS = """
stream metric cycle target time running why started_at since micros warn_at due_at breached_at met_at ended_at
team assignee priority
"""
SAVE_CLOCKS: LiteralString = """
INSERT INTO sla_clocks
SELECT * FROM unnest(
       %(stream)s::uuid[], %(metric)s::text[], %(cycle)s::int[], %(target)s::int[], %(time)s::text[],
       %(running)s::boolean[], %(why)s::text[], %(started_at)s::timestamptz[], %(since)s::timestamptz[],
       %(micros)s::bigint[], %(warn_at)s::timestamptz[], %(due_at)s::timestamptz[], %(breached_at)s::timestamptz[],
       %(met_at)s::timestamptz[], %(ended_at)s::timestamptz[], %(team)s::uuid[], %(assignee)s::uuid[],
       %(priority)s::text[])
    ON CONFLICT (stream, metric, cycle) DO UPDATE SET
       (target, time, running, why, started_at, since, micros, warn_at, due_at, breached_at, met_at, ended_at, team,
        assignee, priority)
     = (excluded.target, excluded.time, excluded.running, excluded.why, excluded.started_at, excluded.since,
        excluded.micros, excluded.warn_at, excluded.due_at, excluded.breached_at, excluded.met_at, excluded.ended_at,
        excluded.team, excluded.assignee, excluded.priority)
"""
BREACH_COLUMNS = """
stream version metric cycle target due status team agent policy policy_version noted_at withdrawn_at
"""
SAVE_BREACHES: LiteralString = """
INSERT INTO sla_breaches
SELECT * FROM unnest(
       %(stream)s::uuid[], %(version)s::bigint[], %(metric)s::text[], %(cycle)s::int[], %(target)s::int[],
       %(due)s::timestamptz[], %(status)s::text[], %(team)s::uuid[], %(agent)s::uuid[], %(policy)s::uuid[],
       %(policy_version)s::int[], %(noted_at)s::timestamptz[], %(withdrawn_at)s::timestamptz[])
    ON CONFLICT (stream, version) DO UPDATE SET withdrawn_at = excluded.withdrawn_at
"""
ERASE: LiteralString = """
WITH clocks AS (DELETE FROM sla_clocks WHERE stream = ANY (%(streams)s)),
     breaches AS (DELETE FROM sla_breaches WHERE stream = ANY (%(streams)s))
DELETE FROM sla_tickets WHERE stream = ANY (%(streams)s)
"""
TYPES = """
uuid int8 int8 int8 uuid uuid uuid text text uuid int4 uuid int4 timestamptz timestamptz timestamptz timestamptz
"""
CLOCK_TYPES = """
uuid text int4 int4 text bool text timestamptz timestamptz int8 timestamptz timestamptz timestamptz timestamptz
timestamptz uuid uuid text
"""
BREACH_TYPES = "uuid int8 text int4 int4 timestamptz text uuid uuid uuid int4 timestamptz timestamptz"
TICKETS = Table("sla_tickets", COLUMNS, SAVE, TYPES)
PARTS = {
    "clock": Table("sla_clocks", CLOCK_COLUMNS, SAVE_CLOCKS, CLOCK_TYPES),
    "breach": Table("sla_breaches", BREACH_COLUMNS, SAVE_BREACHES, BREACH_TYPES),
}


@dataclass(frozen=True, slots=True)
class SlaRow:
    """One ticket. parts: clocks and breaches that are not saved yet, by what they are rows of."""

    stream: UUID
    version: int
    position: int
    values: Values = ()
    parts: Mapping[Part, Values] = field(default_factory=dict, compare=False)


class Sla:
    """Clocks as they were folded last are remembered, so that an event costs no reading of the ticket's history."""

    name: ClassVar[str] = "sla"
    version: ClassVar[int] = 1
    kinds: ClassVar[frozenset[str]] = frozenset({"ticket"})

    def __init__(self, book: Book | None = None) -> None:
        self._clocks: Remembered[Clocks] = Remembered(book)

    def load(self, connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, SlaRow]:
        self._clocks.learn(connection)
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            cursor.execute(LOAD, {"streams": list(streams)}, prepare=True)
            return {row[0]: SlaRow(row[0], row[1], row[2], row[3:]) for row in cursor}

    def fold(self, row: SlaRow | None, event: Recorded) -> SlaRow | None:
        folded = self._clocks.take(event.stream, row)
        if row is None:
            folded = Clocks(self._clocks.grounds)
        at = instant(event)
        if folded is None or _comes_before(event, at, folded.last_at):
            return None
        finished, marks = len(folded.finished), len(folded.marks)
        folded.apply(event, at)
        parts = dict(row.parts) if row is not None else {}
        parts |= _parts(event.stream, folded, finished, marks)
        return self._remember(_row(event, folded, parts), folded)

    def refold(self, history: Sequence[Recorded]) -> SlaRow:
        folded = clocks(history, self._clocks.grounds)
        return self._remember(_row(history[-1], folded, _parts(history[-1].stream, folded, 0, 0)), folded)

    def save(self, connection: Connection[Any], rows: Sequence[SlaRow]) -> None:
        for table, values in _by_table(rows):
            table.save(connection, values)

    def copy(self, connection: Connection[Any], rows: Sequence[SlaRow]) -> None:
        """Nobody folds on from these rows: what is remembered of them only takes memory."""
        self._clocks.forget()
        for table, values in _by_table(rows):
            table.copy(connection, values)

    def total(self, connection: Connection[Any]) -> None:
        """Nothing is summed."""

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        connection.execute(ERASE, {"streams": list(streams)})

    def _remember(self, row: SlaRow, folded: Clocks) -> SlaRow:
        self._clocks.keep(row.stream, row, folded)
        return row


def _by_table(rows: Sequence[SlaRow]) -> Iterator[tuple[Table, list[Values]]]:
    yield TICKETS, [(row.stream, row.version, row.position, *row.values) for row in rows]
    for kind, table in PARTS.items():
        yield table, [values for row in rows for part, values in row.parts.items() if part[0] == kind]


def _comes_before(event: Recorded, at: datetime, last_at: datetime | None) -> bool:
    """In the order of the fold, than what happened last."""
    since = isinstance(event.fact, SlaApplied) and event.fact.since is not None
    return last_at is not None and (at < last_at or (since and at == last_at))


def _row(event: Recorded, folded: Clocks, parts: Mapping[Part, Values]) -> SlaRow:
    t, ground = folded.ticket, folded.ground
    due = [clock.due for clock in folded.open if clock.due is not None]
    pressing = [at for clock in folded.open if (at := _pressing(clock)) is not None]
    items = agenda(folded)
    standing = (
        (None, None, None, None)
        if ground is None
        else (ground.policy, ground.policy_version, ground.calendar, ground.calendar_version)
    )
    values = (
        *(t.number, t.requester, t.team, t.assignee, t.priority, t.status, *standing, folded.opened_at),
        items[0].at if items else None,
        min(due, default=None),
        min(pressing, default=None),
    )
    return SlaRow(event.stream, event.version, event.position, values, parts)


def _parts(stream: UUID, folded: Clocks, finished: int, marks: int) -> dict[Part, Values]:
    """What may have changed: open clocks, and what was finished or noted beyond these many."""
    ticket = folded.ticket
    rows = (
        *((clock, UNHELD) for clock in folded.finished[finished:]),
        *((clock, (ticket.team, ticket.assignee, ticket.priority)) for clock in folded.open),
    )
    found: dict[Part, Values] = {
        ("clock", clock.metric, clock.cycle): (*_clock(stream, clock), *held) for clock, held in rows if clock.promised
    }
    for version, values in _breaches(stream, folded.marks, marks):
        found["breach", "", version] = values
    return found


def _pressing(clock: Clock) -> datetime | None:
    if clock.ended_at is not None:
        return None
    return clock.due if clock.breach is None else clock.breach.due


def _clock(stream: UUID, clock: Clock) -> Values:
    reading, current = clock.reading, clock.current
    warned = [warned.at for warned in (*clock.warned, *clock.coming) if warned.target == clock.target]
    breach = clock.breach
    return (
        *(stream, clock.metric, clock.cycle, clock.target, reading.time),
        *(reading.running and current is not None, reading.why, clock.started_at),
        clock.ended_at if current is None else current.start,
        clock.counted // MICROSECOND,
        *(min(warned, default=None), clock.due, breach.due if breach else None, clock.met.at if clock.met else None),
        clock.ended_at,
    )


def _breaches(stream: UUID, marks: Sequence[Recorded], since: int) -> Iterator[tuple[int, Values]]:
    """Those noted or withdrawn from the mark number `since` on, by the version that noted them."""
    standing: dict[tuple[str, int], Recorded] = {}
    for place, event in enumerate(marks):
        match event.fact:
            case SlaBreached(metric=metric, cycle=cycle):
                standing[metric, cycle] = event
                if place >= since:
                    yield event.version, _breach(stream, event, None)
            case SlaBreachWithdrawn(metric=metric, cycle=cycle):
                breach = standing.pop((metric, cycle), None)
                if breach is not None and place >= since:
                    yield breach.version, _breach(stream, breach, event.recorded_at)


def _breach(stream: UUID, event: Recorded, withdrawn_at: datetime | None) -> Values:
    fact = event.fact
    assert isinstance(fact, SlaBreached)  # noqa: S101
    return (
        *(stream, event.version, fact.metric, fact.cycle, fact.target, fact.due, fact.in_status, fact.team, fact.agent),
        *(fact.policy, fact.policy_version, event.recorded_at, withdrawn_at),
    )
