"""reports: which facts about each ticket do analysts count? Figures follow occurrence, the state follows the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, ClassVar, LiteralString, cast
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates.envelope import Recorded
from aggregates.moment import by_occurrence
from aggregates.ticket.events import (
    Assigned,
    Closed,
    DeEscalated,
    Escalated,
    FieldChanged,
    MarkedSpam,
    Merged,
    MessageReceived,
    NoteAdded,
    Opened,
    Reopened,
    ReplyAdded,
    Resolved,
    Status,
    TicketFact,
)
from aggregates.ticket.state import Changes, Ticket, amended, changes, renewed
from projections.batch import Table

NEW = Ticket()
MICROSECOND = timedelta(microseconds=1)
PEOPLE = frozenset({"agent", "import"})
NOW = """
number requester channel category team assignee priority ticket_type status level spam resolution_code time_spent source
"""
COLUMNS = """
stream version number requester channel category team assignee priority ticket_type status level spam resolution_code
time_logged source course_status course_team course_assignee last_team last_assignee last_at status_since opened_at
first_assigned_at first_requester_message_at first_public_reply_at first_resolved_at last_resolved_at closed_at
requester_messages public_replies automatic_replies notes reopens escalations de_escalations assignee_stations
team_stations micros_new micros_open micros_pending micros_on_hold micros_resolved
"""
LOAD: LiteralString = """
SELECT stream, version, number, requester, channel, category, team, assignee, priority, ticket_type, status, level,
       spam, resolution_code, time_logged, source, course_status, course_team, course_assignee, last_team,
       last_assignee, last_at, status_since, opened_at, first_assigned_at, first_requester_message_at,
       first_public_reply_at, first_resolved_at, last_resolved_at, closed_at, requester_messages, public_replies,
       automatic_replies, notes, reopens, escalations, de_escalations, assignee_stations, team_stations, micros_new,
       micros_open, micros_pending, micros_on_hold, micros_resolved
  FROM reports WHERE stream = ANY (%(streams)s)
"""
SAVE: LiteralString = """
INSERT INTO reports
    (stream, version, number, requester, channel, category, team, assignee, priority, ticket_type, status, level, spam,
     resolution_code, time_logged, source, course_status, course_team, course_assignee, last_team, last_assignee,
     last_at, status_since, opened_at, first_assigned_at, first_requester_message_at, first_public_reply_at,
     first_resolved_at, last_resolved_at, closed_at, requester_messages, public_replies, automatic_replies, notes,
     reopens, escalations, de_escalations, assignee_stations, team_stations, micros_new, micros_open, micros_pending,
     micros_on_hold, micros_resolved)
SELECT * FROM unnest(
       %(stream)s::uuid[], %(version)s::bigint[], %(number)s::bigint[], %(requester)s::uuid[], %(channel)s::text[],
       %(category)s::text[], %(team)s::uuid[], %(assignee)s::uuid[], %(priority)s::text[], %(ticket_type)s::text[],
       %(status)s::text[], %(level)s::int[], %(spam)s::boolean[], %(resolution_code)s::text[],
       %(time_logged)s::bigint[], %(source)s::text[], %(course_status)s::text[], %(course_team)s::uuid[],
       %(course_assignee)s::uuid[], %(last_team)s::uuid[], %(last_assignee)s::uuid[], %(last_at)s::timestamptz[],
       %(status_since)s::timestamptz[], %(opened_at)s::timestamptz[], %(first_assigned_at)s::timestamptz[],
       %(first_requester_message_at)s::timestamptz[], %(first_public_reply_at)s::timestamptz[],
       %(first_resolved_at)s::timestamptz[], %(last_resolved_at)s::timestamptz[], %(closed_at)s::timestamptz[],
       %(requester_messages)s::int[], %(public_replies)s::int[], %(automatic_replies)s::int[], %(notes)s::int[],
       %(reopens)s::int[], %(escalations)s::int[], %(de_escalations)s::int[], %(assignee_stations)s::int[],
       %(team_stations)s::int[], %(micros_new)s::bigint[], %(micros_open)s::bigint[], %(micros_pending)s::bigint[],
       %(micros_on_hold)s::bigint[], %(micros_resolved)s::bigint[])
    ON CONFLICT (stream) DO UPDATE SET
       (version, number, requester, channel, category, team, assignee, priority, ticket_type, status, level, spam,
        resolution_code, time_logged, source, course_status, course_team, course_assignee, last_team, last_assignee,
        last_at, status_since, opened_at, first_assigned_at, first_requester_message_at, first_public_reply_at,
        first_resolved_at, last_resolved_at, closed_at, requester_messages, public_replies, automatic_replies, notes,
        reopens, escalations, de_escalations, assignee_stations, team_stations, micros_new, micros_open,
        micros_pending, micros_on_hold, micros_resolved)
     = (excluded.version, excluded.number, excluded.requester, excluded.channel, excluded.category, excluded.team,
        excluded.assignee, excluded.priority, excluded.ticket_type, excluded.status, excluded.level, excluded.spam,
        excluded.resolution_code, excluded.time_logged, excluded.source, excluded.course_status, excluded.course_team,
        excluded.course_assignee, excluded.last_team, excluded.last_assignee, excluded.last_at, excluded.status_since,
        excluded.opened_at, excluded.first_assigned_at, excluded.first_requester_message_at,
        excluded.first_public_reply_at, excluded.first_resolved_at, excluded.last_resolved_at, excluded.closed_at,
        excluded.requester_messages, excluded.public_replies, excluded.automatic_replies, excluded.notes,
        excluded.reopens, excluded.escalations, excluded.de_escalations, excluded.assignee_stations,
        excluded.team_stations, excluded.micros_new, excluded.micros_open, excluded.micros_pending,
        excluded.micros_on_hold, excluded.micros_resolved)
"""
KEPT = frozenset(NOW.split())
Write = Callable[[Ticket, Changes], Ticket]
"""`renewed` where somebody holds the ticket as it was, `amended` where nobody does."""
ERASE: LiteralString = "DELETE FROM reports WHERE stream = ANY (%(streams)s)"
TYPES = f"""
uuid int8 int8 uuid text text uuid uuid text text text int4 bool text int8 text text {"uuid " * 4} {"timestamptz " * 9}
{"int4 " * 9} {"int8 " * 5}
"""
REPORTS = Table("reports", COLUMNS, SAVE, TYPES)


@dataclass(slots=True)
class Figures:
    """What is counted and timed, in order of occurrence. Durations in whole microseconds, up to `last_at`."""

    last_team: UUID | None = None
    last_assignee: UUID | None = None
    last_at: datetime | None = None
    opened_at: datetime | None = None
    first_assigned_at: datetime | None = None
    first_requester_message_at: datetime | None = None
    first_public_reply_at: datetime | None = None
    first_resolved_at: datetime | None = None
    last_resolved_at: datetime | None = None
    closed_at: datetime | None = None
    requester_messages: int = 0
    public_replies: int = 0
    automatic_replies: int = 0
    notes: int = 0
    reopens: int = 0
    escalations: int = 0
    de_escalations: int = 0
    assignee_stations: int = 0
    team_stations: int = 0
    micros_new: int = 0
    micros_open: int = 0
    micros_pending: int = 0
    micros_on_hold: int = 0
    micros_resolved: int = 0


figure_values = attrgetter(*(figure.name for figure in fields(Figures)))
now_values = attrgetter(*NOW.split())


@dataclass(slots=True)
class ReportRow:
    """Written to while it is folded, and by nobody else.

    `now` is the state in order of version, `course` in order of occurrence: the same object where they agree.
    """

    stream: UUID
    version: int = 0
    now: Ticket = NEW
    course: Ticket = NEW
    figures: Figures = field(default_factory=Figures)
    status_since: datetime | None = None


class Reports:
    name: ClassVar[str] = "reports"
    version: ClassVar[int] = 2
    kinds: ClassVar[frozenset[str]] = frozenset({"ticket"})

    def load(self, connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, ReportRow]:
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            cursor.execute(LOAD, {"streams": list(streams)}, prepare=True)
            return {values[0]: _loaded(values) for values in cursor}

    def fold(self, row: ReportRow | None, event: Recorded) -> ReportRow | None:
        if row is None:
            return _told(ReportRow(event.stream), event, renewed)
        return None if _late(row, event) else _told(replace(row, figures=replace(row.figures)), event, renewed)

    def refold(self, history: Sequence[Recorded]) -> ReportRow:
        ticket = Ticket()
        row = ReportRow(history[0].stream, 0, ticket, ticket)
        for event in history:
            if _late(row, event):
                return _reordered(history)
            row = _told(row, event, amended)
        return row

    def save(self, connection: Connection[Any], rows: Sequence[ReportRow]) -> None:
        REPORTS.save(connection, [_values(row) for row in rows])

    def copy(self, connection: Connection[Any], rows: Sequence[ReportRow]) -> None:
        REPORTS.copy(connection, [_values(row) for row in rows])

    def total(self, connection: Connection[Any]) -> None:
        """Nothing is summed: analysts do that."""

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        connection.execute(ERASE, {"streams": list(streams)})


def _late(row: ReportRow, event: Recorded) -> bool:
    """What the system notes about itself never is: it moves no figure."""
    last = row.figures.last_at
    return last is not None and not event.fact.bookkeeping and event.at < last


def _told(row: ReportRow, event: Recorded, write: Write) -> ReportRow:
    """The same row after one more event that is not late."""
    before, together = row.course.status, row.course is row.now
    _stand(row, event, write)
    if not event.fact.bookkeeping:
        course = row.now if together else renewed(row.course, _kept(row.course, event))
        _count(row.figures, before, course, event)
        row.course = _course(course, row.now)
    return row


def _reordered(history: Sequence[Recorded]) -> ReportRow:
    row, course = ReportRow(history[0].stream, now=Ticket()), Ticket()
    for event in history:
        _stand(row, event, amended)
    for event in sorted((event for event in history if not event.fact.bookkeeping), key=by_occurrence):
        before = course.status
        course = amended(course, _kept(course, event))
        _count(row.figures, before, course, event)
    row.course = _course(course, row.now)
    return row


def _stand(row: ReportRow, event: Recorded, write: Write) -> None:
    """Where the ticket stands after one more event, in order of version."""
    row.version = event.version
    before = row.now.status
    if not event.fact.bookkeeping:
        row.now = write(row.now, _kept(row.now, event))
    if row.status_since is None or row.now.status != before:
        row.status_since = event.at


def _kept(ticket: Ticket, event: Recorded) -> Changes:
    """What the event changes, of what the table keeps: a row that was saved and loaded again would hold no more."""
    changed = changes(ticket, cast(TicketFact, event.fact))
    return {name: value for name, value in changed.items() if name in KEPT}


def _count(figures: Figures, before: Status, after: Ticket, event: Recorded) -> None:
    """One more event, no earlier than the last one, that led from status `before` to `after`."""
    at = event.at
    if figures.last_at is not None and before != "closed" and figures.opened_at is not None:
        stretch = f"micros_{before}"
        setattr(figures, stretch, getattr(figures, stretch) + (at - figures.last_at) // MICROSECOND)
    figures.last_at = at
    _count_fact(figures, event, at)
    _count_stations(figures, after, at)


def _count_fact(figures: Figures, event: Recorded, at: datetime) -> None:
    match event.fact:
        case FieldChanged() | Assigned():
            """The most frequent facts: each case before their own would cost time."""
        case Opened():
            figures.opened_at = figures.opened_at or at
        case MessageReceived():
            figures.first_requester_message_at = figures.first_requester_message_at or at
            figures.requester_messages += 1
        case ReplyAdded(automatic=automatic) if automatic or event.actor.kind not in PEOPLE:
            figures.automatic_replies += 1
        case ReplyAdded():
            figures.first_public_reply_at = figures.first_public_reply_at or at
            figures.public_replies += 1
        case NoteAdded():
            figures.notes += 1
        case Resolved():
            figures.first_resolved_at = figures.first_resolved_at or at
            figures.last_resolved_at = at
        case Closed() | MarkedSpam() | Merged():
            figures.closed_at = at
        case Reopened():
            figures.reopens += 1
            figures.closed_at = None
        case Escalated():
            figures.escalations += 1
        case DeEscalated():
            figures.de_escalations += 1


def _count_stations(figures: Figures, after: Ticket, at: datetime) -> None:
    """A station is whoever holds the ticket next: getting it back from nobody is none."""
    if after.team is not None and after.team != figures.last_team:
        figures.last_team = after.team
        figures.team_stations += 1
    if after.assignee is not None and after.assignee != figures.last_assignee:
        figures.last_assignee = after.assignee
        figures.assignee_stations += 1
        figures.first_assigned_at = figures.first_assigned_at or at


def _course(course: Ticket, now: Ticket) -> Ticket:
    """The course as it is kept: `now` itself where the two agree, else the three fields that figures read."""
    if course is now or (course.status, course.team, course.assignee) == (now.status, now.team, now.assignee):
        return now
    return Ticket(status=course.status, team=course.team, assignee=course.assignee)


def _values(row: ReportRow) -> tuple[Any, ...]:
    team, assignee, last_at, *figures = figure_values(row.figures)
    course = row.course
    return (
        *(row.stream, row.version, *now_values(row.now), course.status, course.team, course.assignee),
        *(team, assignee, last_at, row.status_since, *figures),
    )


def _loaded(values: tuple[Any, ...]) -> ReportRow:
    stream, version, *state = values[:16]
    status, team, assignee, *stations, last_at, since = values[16:23]
    figures: tuple[Any, ...] = (*stations, last_at, *values[23:])
    now = Ticket(**dict(zip(NOW.split(), state, strict=True)))
    course = _course(Ticket(status=status, team=team, assignee=assignee), now)
    return ReportRow(stream, version, now, course, Figures(*figures), since)
