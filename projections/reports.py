"""reports: which facts about each ticket do analysts count? Figures follow occurrence, the state follows the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, ClassVar, LiteralString, cast
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates.envelope import Recorded
from aggregates.ticket.events import (
    Assigned,
    CategoryChanged,
    Closed,
    DeEscalated,
    Escalated,
    Imported,
    MarkedSpam,
    Merged,
    MessageReceived,
    NoteAdded,
    Opened,
    PriorityChanged,
    PutOnHold,
    PutPending,
    Reopened,
    ReplyAdded,
    Resolved,
    Routed,
    TicketFact,
    TimeLogged,
    TypeChanged,
    Unassigned,
)
from aggregates.ticket.state import Ticket, evolve
from projections.batch import Table

NEW = Ticket()
MICROSECOND = timedelta(microseconds=1)
PEOPLE = frozenset({"agent", "import"})
SEEN = (
    *(Opened, Imported, ReplyAdded, Assigned, Unassigned, Routed, Escalated, DeEscalated, PriorityChanged),
    *(CategoryChanged, TypeChanged, PutPending, PutOnHold, Reopened, Resolved, Closed, MarkedSpam, Merged, TimeLogged),
)
"""The facts that change the part of the state that reports show."""

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
ERASE: LiteralString = "DELETE FROM reports WHERE stream = ANY (%(streams)s)"
REPORTS = Table("reports", COLUMNS, SAVE)


@dataclass(frozen=True, slots=True)
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


NONE_YET = Figures()
figure_values = attrgetter(*(figure.name for figure in fields(Figures)))
now_values = attrgetter(*NOW.split())


@dataclass(frozen=True, slots=True)
class ReportRow:
    """`now` is the state in order of version, `course` in order of occurrence: the same object where they agree."""

    stream: UUID
    version: int = 0
    now: Ticket = NEW
    course: Ticket = NEW
    figures: Figures = NONE_YET
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
        row = row or ReportRow(event.stream)
        if event.fact.bookkeeping:
            return _passed(row, event)
        if row.figures.last_at is not None and event.at < row.figures.last_at:
            return None
        now = _evolved(row.now, event)
        course = now if row.course is row.now else _evolved(row.course, event)
        figures = counted(row.figures, row.course, course, event)
        return ReportRow(row.stream, event.version, now, _course(course, now), figures, _since(row, now, event))

    def refold(self, history: Sequence[Recorded]) -> ReportRow:
        row = ReportRow(history[0].stream)
        for event in history:
            if event.fact.bookkeeping:
                row = _passed(row, event)
                continue
            now = _evolved(row.now, event)
            row = ReportRow(row.stream, event.version, now, status_since=_since(row, now, event))
        told = (event for event in history if not event.fact.bookkeeping)
        course, figures = NEW, NONE_YET
        for event in sorted(told, key=lambda event: (event.at, event.version)):
            before, course = course, _evolved(course, event)
            figures = counted(figures, before, course, event)
        return replace(row, course=_course(course, row.now), figures=figures)

    def save(self, connection: Connection[Any], rows: Sequence[ReportRow]) -> None:
        REPORTS.save(connection, [_values(row) for row in rows])

    def copy(self, connection: Connection[Any], rows: Sequence[ReportRow]) -> None:
        REPORTS.copy(connection, [_values(row) for row in rows])

    def total(self, connection: Connection[Any]) -> None:
        """Nothing is summed: analysts do that."""

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        connection.execute(ERASE, {"streams": list(streams)})


def counted(figures: Figures, before: Ticket, after: Ticket, event: Recorded) -> Figures:
    """The figures after one more event, no earlier than the last one, that led from `before` to `after`."""
    at = event.at
    changes: dict[str, Any] = _of_fact(figures, event) | _of_stations(figures, after, at)
    if figures.last_at is not None and before.status != "closed" and figures.opened_at is not None:
        stretch = f"micros_{before.status}"
        changes[stretch] = getattr(figures, stretch) + (at - figures.last_at) // MICROSECOND
    return replace(figures, last_at=at, **changes)


def _of_fact(figures: Figures, event: Recorded) -> dict[str, Any]:
    at = event.at
    match event.fact:
        case Opened():
            return {"opened_at": figures.opened_at or at}
        case MessageReceived():
            first = figures.first_requester_message_at or at
            return {"first_requester_message_at": first, "requester_messages": figures.requester_messages + 1}
        case ReplyAdded(automatic=automatic):
            return _of_reply(figures, at, automatic or event.actor.kind not in PEOPLE)
        case NoteAdded():
            return {"notes": figures.notes + 1}
        case Escalated():
            return {"escalations": figures.escalations + 1}
        case DeEscalated():
            return {"de_escalations": figures.de_escalations + 1}
        case Reopened():
            return {"reopens": figures.reopens + 1, "closed_at": None}
        case Resolved():
            return {"first_resolved_at": figures.first_resolved_at or at, "last_resolved_at": at}
        case Closed() | MarkedSpam() | Merged():
            return {"closed_at": at}
        case _:
            return {}


def _of_reply(figures: Figures, at: datetime, automatic: bool) -> dict[str, Any]:
    if automatic:
        return {"automatic_replies": figures.automatic_replies + 1}
    first = figures.first_public_reply_at or at
    return {"first_public_reply_at": first, "public_replies": figures.public_replies + 1}


def _of_stations(figures: Figures, after: Ticket, at: datetime) -> dict[str, Any]:
    """A station is whoever holds the ticket next: getting it back from nobody is none."""
    changes: dict[str, Any] = {}
    if after.team is not None and after.team != figures.last_team:
        changes |= {"last_team": after.team, "team_stations": figures.team_stations + 1}
    if after.assignee is not None and after.assignee != figures.last_assignee:
        changes |= {"last_assignee": after.assignee, "assignee_stations": figures.assignee_stations + 1}
        changes["first_assigned_at"] = figures.first_assigned_at or at
    return changes


def _evolved(ticket: Ticket, event: Recorded) -> Ticket:
    if not isinstance(event.fact, SEEN):
        return ticket
    return _narrowed(evolve(ticket, cast(TicketFact, event.fact)))


def _narrowed(t: Ticket) -> Ticket:
    """What the table keeps of it, and so what a row that was saved and loaded again would hold."""
    return Ticket(
        number=t.number,
        requester=t.requester,
        channel=t.channel,
        category=t.category,
        team=t.team,
        assignee=t.assignee,
        priority=t.priority,
        ticket_type=t.ticket_type,
        status=t.status,
        level=t.level,
        spam=t.spam,
        resolution_code=t.resolution_code,
        time_spent=t.time_spent,
        source=t.source,
    )


def _passed(row: ReportRow, event: Recorded) -> ReportRow:
    """What the system noted about itself moves no figure."""
    return replace(row, version=event.version, status_since=row.status_since or event.at)


def _since(row: ReportRow, now: Ticket, event: Recorded) -> datetime:
    """Since when the ticket has its status."""
    same = row.status_since is not None and row.now.status == now.status
    return row.status_since if same and row.status_since else event.at


def _course(course: Ticket, now: Ticket) -> Ticket:
    """The course as it is kept: `now` itself where the two agree, else the three fields that figures read."""
    if (course.status, course.team, course.assignee) == (now.status, now.team, now.assignee):
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
