"""figures: what was measured of each ticket, when, and from which position on is it known? For analysts, no text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates.envelope import Recorded
from aggregates.sla.clock import Book
from projections.batch import Table
from projections.figures_known import Known, Ledger, Line, known
from projections.figures_time import Values
from projections.remembered import Remembered

OPEN: Values = (None,) * 9

LOAD: LiteralString = "SELECT stream, version, position FROM figure_tickets WHERE stream = ANY (%(streams)s)"
TICKET_COLUMNS = "stream version position"
SAVE_TICKETS: LiteralString = """
INSERT INTO figure_tickets
SELECT * FROM unnest(%(stream)s::uuid[], %(version)s::bigint[], %(position)s::bigint[])
    ON CONFLICT (stream) DO UPDATE SET (version, position) = (excluded.version, excluded.position)
"""
COLUMNS = """
stream place number kind at version started_at from_version micros business_micros amount detail actor agent cost
currency spent business_spent requester channel category team assignee priority ticket_type level tags policy
policy_version calendar calendar_version since until
"""
TYPES = """
uuid int4 int8 text timestamptz int8 timestamptz int8 int8 int8 int8 text text uuid numeric
text int8[] int8[] uuid text text uuid uuid text text int4 text[] uuid int4 uuid
int4 int8 int8
"""
SAVE: LiteralString = """
INSERT INTO figures
SELECT stream, place, number, kind, at, version, started_at, from_version, micros, business_micros, amount, detail,
       actor, agent, cost, currency, spent::bigint[], business_spent::bigint[], requester, channel, category, team,
       assignee, priority, ticket_type, level, tags::text[], policy, policy_version, calendar, calendar_version, since,
       until
  FROM unnest(
       %(stream)s::uuid[], %(place)s::int[], %(number)s::bigint[], %(kind)s::text[], %(at)s::timestamptz[],
       %(version)s::bigint[], %(started_at)s::timestamptz[], %(from_version)s::bigint[], %(micros)s::bigint[],
       %(business_micros)s::bigint[], %(amount)s::bigint[], %(detail)s::text[], %(actor)s::text[], %(agent)s::uuid[],
       %(cost)s::numeric[], %(currency)s::text[], %(spent)s::text[], %(business_spent)s::text[],
       %(requester)s::uuid[], %(channel)s::text[], %(category)s::text[], %(team)s::uuid[], %(assignee)s::uuid[],
       %(priority)s::text[], %(ticket_type)s::text[], %(level)s::int[], %(tags)s::text[], %(policy)s::uuid[],
       %(policy_version)s::int[], %(calendar)s::uuid[], %(calendar_version)s::int[], %(since)s::bigint[],
       %(until)s::bigint[])
    AS r (stream, place, number, kind, at, version, started_at, from_version, micros, business_micros, amount, detail,
          actor, agent, cost, currency, spent, business_spent, requester, channel, category, team, assignee, priority,
          ticket_type, level, tags, policy, policy_version, calendar, calendar_version, since, until)
    ON CONFLICT (stream, place) DO UPDATE SET until = excluded.until
"""
SPAN_COLUMNS = """
stream place number status unanswered requester channel category team assignee priority ticket_type level tags opened_at
from_at from_version to_at to_version micros business_micros size_at policy policy_version calendar calendar_version
since ended until
"""
SPAN_TYPES = """
uuid int4 int8 text bool uuid text text uuid uuid text text int4 text[] timestamptz
timestamptz int8 timestamptz int8 int8 int8 int2 uuid int4 uuid int4
int8 int8 int8
"""
SAVE_SPANS: LiteralString = """
INSERT INTO figure_spans
SELECT stream, place, number, status, unanswered, requester, channel, category, team, assignee, priority, ticket_type,
       level, tags::text[], opened_at, from_at, from_version, to_at, to_version, micros, business_micros, size_at,
       policy, policy_version, calendar, calendar_version, since, ended, until
  FROM unnest(
       %(stream)s::uuid[], %(place)s::int[], %(number)s::bigint[], %(status)s::text[], %(unanswered)s::boolean[],
       %(requester)s::uuid[], %(channel)s::text[], %(category)s::text[], %(team)s::uuid[], %(assignee)s::uuid[],
       %(priority)s::text[], %(ticket_type)s::text[], %(level)s::int[], %(tags)s::text[],
       %(opened_at)s::timestamptz[], %(from_at)s::timestamptz[], %(from_version)s::bigint[], %(to_at)s::timestamptz[],
       %(to_version)s::bigint[], %(micros)s::bigint[], %(business_micros)s::bigint[], %(size_at)s::smallint[],
       %(policy)s::uuid[], %(policy_version)s::int[], %(calendar)s::uuid[], %(calendar_version)s::int[],
       %(since)s::bigint[], %(ended)s::bigint[], %(until)s::bigint[])
    AS r (stream, place, number, status, unanswered, requester, channel, category, team, assignee, priority,
          ticket_type, level, tags, opened_at, from_at, from_version, to_at, to_version, micros, business_micros,
          size_at, policy, policy_version, calendar, calendar_version, since, ended, until)
    ON CONFLICT (stream, place) DO UPDATE SET
       (to_at, to_version, micros, business_micros, size_at, policy, policy_version, calendar, calendar_version, ended,
        until)
     = (excluded.to_at, excluded.to_version, excluded.micros, excluded.business_micros, excluded.size_at,
        excluded.policy, excluded.policy_version, excluded.calendar, excluded.calendar_version, excluded.ended,
        excluded.until)
"""
ERASE: LiteralString = """
WITH figures AS (DELETE FROM figures WHERE stream = ANY (%(streams)s)),
     spans AS (DELETE FROM figure_spans WHERE stream = ANY (%(streams)s))
DELETE FROM figure_tickets WHERE stream = ANY (%(streams)s)
"""
TICKETS = Table("figure_tickets", TICKET_COLUMNS, SAVE_TICKETS, "uuid int8 int8")
FIGURES = Table("figures", COLUMNS, SAVE, TYPES)
SPANS = Table("figure_spans", SPAN_COLUMNS, SAVE_SPANS, SPAN_TYPES)
Unsaved = Mapping[int, Values]
Place = tuple[int, int]
"""A version and a position."""


@dataclass(frozen=True, slots=True)
class FiguresRow:
    """One ticket. figures, spans: those that are not saved yet, or not as they are now, by place."""

    stream: UUID
    version: int
    position: int
    figures: Unsaved = field(default_factory=dict, compare=False)
    spans: Unsaved = field(default_factory=dict, compare=False)


class Figures:
    """Tickets as they were told last are remembered, so that an event costs no reading of the ticket's history."""

    name: ClassVar[str] = "figures"
    version: ClassVar[int] = 1
    kinds: ClassVar[frozenset[str]] = frozenset({"ticket"})

    def __init__(self, book: Book | None = None) -> None:
        self._tickets: Remembered[Known] = Remembered(book)

    def load(self, connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, FiguresRow]:
        self._tickets.learn(connection)
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            cursor.execute(LOAD, {"streams": list(streams)}, prepare=True)
            return {row[0]: FiguresRow(*row) for row in cursor}

    def fold(self, row: FiguresRow | None, event: Recorded) -> FiguresRow | None:
        ticket = self._tickets.take(event.stream, row and _place(row))
        if row is None:
            ticket = Known(event.stream, self._tickets.grounds)
        if ticket is None or not ticket.told(event):
            return None
        figures = _figures(event.stream, ticket.figures, ticket.figures.touched)
        spans = _spans(event.stream, ticket.spans, ticket.spans.touched)
        if row is not None:
            figures, spans = {**row.figures, **figures}, {**row.spans, **spans}
        return self._remember(FiguresRow(event.stream, event.version, event.position, figures, spans), ticket)

    def refold(self, history: Sequence[Recorded]) -> FiguresRow:
        ticket, last = known(history, self._tickets.grounds), history[-1]
        figures = _figures(last.stream, ticket.figures, range(len(ticket.figures.lines)))
        spans = _spans(last.stream, ticket.spans, range(len(ticket.spans.lines)))
        return self._remember(FiguresRow(last.stream, last.version, last.position, figures, spans), ticket)

    def save(self, connection: Connection[Any], rows: Sequence[FiguresRow]) -> None:
        TICKETS.save(connection, _tickets(rows))
        FIGURES.save(connection, [values for row in rows for values in row.figures.values()])
        SPANS.save(connection, [values for row in rows for values in row.spans.values()])

    def copy(self, connection: Connection[Any], rows: Sequence[FiguresRow]) -> None:
        """Nobody folds on from these rows: what is remembered of them only takes memory."""
        self._tickets.forget()
        TICKETS.copy(connection, _tickets(rows))
        FIGURES.copy(connection, [values for row in rows for values in row.figures.values()])
        SPANS.copy(connection, [values for row in rows for values in row.spans.values()])

    def total(self, connection: Connection[Any]) -> None:
        """Nothing is summed: analysts do that."""

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        connection.execute(ERASE, {"streams": list(streams)})

    def _remember(self, row: FiguresRow, ticket: Known) -> FiguresRow:
        ticket.figures.touched.clear()
        ticket.spans.touched.clear()
        self._tickets.keep(row.stream, _place(row), ticket)
        return row


def _place(row: FiguresRow) -> Place:
    return row.version, row.position


def _tickets(rows: Sequence[FiguresRow]) -> list[Values]:
    return [(row.stream, row.version, row.position) for row in rows]


def _figures(stream: UUID, ledger: Ledger, places: Collection[int]) -> dict[int, Values]:
    return {place: _figure(stream, place, ledger.lines[place]) for place in places}


def _figure(stream: UUID, place: int, line: Line) -> Values:
    return (stream, place, *line.values, line.since, line.until)


def _spans(stream: UUID, ledger: Ledger, places: Collection[int]) -> dict[int, Values]:
    return {place: _span(stream, place, ledger.lines[place]) for place in places}


def _span(stream: UUID, place: int, line: Line) -> Values:
    return (stream, place, *line.values, *(line.end or OPEN), line.since, line.ended, line.until)
