"""queues_fold: what does a work list show of a ticket, and what did it show in each stretch before?"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple, TypeVar, cast
from uuid import UUID

from aggregates.envelope import Recorded
from aggregates.moment import Basis, by_occurrence
from aggregates.ticket.events import (
    Closed,
    MarkedSpam,
    Merged,
    MessageReceived,
    Opened,
    ReplyAdded,
    Resolved,
    TicketFact,
)
from aggregates.ticket.state import Ticket, changes, renewed

T = TypeVar("T")
NEW = Ticket()
NAMES = "number requester subject channel category team assignee priority status level tags"
KEPT = frozenset(NAMES.split())
"""What the table keeps of a ticket, and so what a row that was saved and loaded again would hold."""
PEOPLE = frozenset({"agent", "import"})


@dataclass(frozen=True, slots=True)
class Line:
    """One ticket in a work list. `ticket` holds no more than that shows.

    updated_at      when what was told last of it happened
    waiting_since   the oldest requester message that nobody answered
    """

    updated_at: datetime | None = None
    ticket: Ticket = NEW
    opened_at: datetime | None = None
    waiting_since: datetime | None = None
    last_requester_message_at: datetime | None = None
    last_public_reply_at: datetime | None = None


UNTOLD = Line()


class Span(NamedTuple):
    """A stretch that is over, in which `line` stayed the same: from position `since` up to, but not with, `until`.

    until_at   by instants it lasted from when the line was updated up to this; None: positions alone tell
    basis      by which course of events it was so; None: by both, which were one
    """

    basis: Basis | None
    since: int | None
    until: int | None
    until_at: datetime | None
    line: Line


class Unsaved(NamedTuple):
    """Spans that no table holds yet, newest first: a chain, so that many are not copied per event."""

    span: Span
    before: Unsaved | None


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One ticket. It is the last stretch of all, which still lasts: `past` are those before it.

    line          state in order of version, waiting in order of occurrence
    since         the position from which on it is so
    course        all in order of occurrence: kept apart from the first late fact on
    course_since  the position from which on that is known
    """

    stream: UUID
    version: int = 0
    line: Line = UNTOLD
    since: int = 0
    course: Line | None = None
    course_since: int = 0
    past: Unsaved | None = field(default=None, compare=False, repr=False)

    @property
    def spans(self) -> Iterator[Span]:
        link = self.past
        while link is not None:
            yield link.span
            link = link.before


def went_on(row: QueueRow, event: Recorded) -> QueueRow | None:
    """The row after one more event. None: it happened before what the row tells of last."""
    if event.fact.bookkeeping and row.version:
        return replace(row, version=event.version)
    newest = row.course or row.line
    if newest.updated_at is not None and event.at < newest.updated_at:
        return None
    after = step(newest, event)
    if row.course is not None:
        return _went_apart(row, event, row.course, after)
    if after == row.line:
        return replace(row, version=event.version)
    over = _link(row.past, Span(None, row.since, event.position, event.at, row.line))
    return QueueRow(row.stream, event.version, after, event.position, past=over)


def whole(history: Sequence[Recorded]) -> QueueRow:
    """The row, and every stretch, of a whole history."""
    row = QueueRow(history[0].stream)
    for event in _told_of(history):
        after = went_on(row, event)
        if after is None:
            return _whole_apart(history)
        row = after
    return replace(row, version=history[-1].version)


def _told_of(history: Sequence[Recorded]) -> Iterator[Recorded]:
    """What the system notes about itself is no news, unless nothing else is known."""
    yield history[0]
    yield from (event for event in history[1:] if not event.fact.bookkeeping)


def step(line: Line, event: Recorded) -> Line:
    """After one more event of the course that it tells of."""
    fact, at = event.fact, event.at
    waiting, asked, replied = line.waiting_since, line.last_requester_message_at, line.last_public_reply_at
    if isinstance(fact, MessageReceived):
        return _told(line, event, waiting or at, at, replied)
    if _settles(event):
        return _told(line, event, None, asked, at if isinstance(fact, ReplyAdded) else replied)
    return _told(line, event, waiting, asked, replied)


def _went_apart(row: QueueRow, event: Recorded, course: Line, after: Line) -> QueueRow:
    """A late fact has parted the course of events from how it became known."""
    line, past = _as_recorded(row.line, event, after), row.past
    if line != row.line:
        past = _link(past, Span("recorded", row.since, event.position, None, row.line))
    if after != course:
        past = _link(past, Span("occurred", row.course_since, event.position, None, course))
        past = _link(past, Span("occurred", None, None, event.at, course))
    return QueueRow(
        row.stream,
        event.version,
        line,
        row.since if line == row.line else event.position,
        after,
        row.course_since if after == course else event.position,
        past,
    )


def _whole_apart(history: Sequence[Recorded]) -> QueueRow:
    """Three sequences: as it was recorded, the course of events as it was known then, and as it is known now."""
    line, course = UNTOLD, _Course()
    told: list[tuple[int, Line]] = []
    known: list[tuple[int, Line]] = []
    for event in _told_of(history):
        newest = course.insert(event)
        line = _as_recorded(line, event, newest)
        told.append((event.position, line))
        known.append((event.position, newest))
    told, known = _stretches(told), _stretches(known)
    past = _by_position("recorded", told, _by_position("occurred", known, None))
    for (_, line), (until_at, _) in pairwise(_stretches(course.told)):
        past = _link(past, Span("occurred", None, None, until_at, line))
    (since, line), (course_since, last) = told[-1], known[-1]
    return QueueRow(history[-1].stream, history[-1].version, line, since, last, course_since, past)


def _by_position(basis: Basis, stretches: Sequence[tuple[int, Line]], past: Unsaved | None) -> Unsaved | None:
    for (since, line), (until, _) in pairwise(stretches):
        past = _link(past, Span(basis, since, until, None, line))
    return past


class _Course:
    """Events in order of occurrence, with the line after each."""

    def __init__(self) -> None:
        self._events: list[Recorded] = []
        self._lines: list[Line] = []

    def insert(self, event: Recorded) -> Line:
        """The newest line. Only what happened after the event is folded again."""
        place = bisect(self._events, by_occurrence(event), key=by_occurrence)
        self._events.insert(place, event)
        del self._lines[place:]
        for later in self._events[place:]:
            self._lines.append(step(self._lines[-1] if self._lines else UNTOLD, later))
        return self._lines[-1]

    @property
    def told(self) -> Iterable[tuple[datetime, Line]]:
        return ((event.at, line) for event, line in zip(self._events, self._lines, strict=True))


def _as_recorded(line: Line, event: Recorded, course: Line) -> Line:
    """State in order of version; who waits is a matter of what happened when."""
    waiting = (course.waiting_since, course.last_requester_message_at, course.last_public_reply_at)
    return _told(line, event, *waiting)


def _told(
    line: Line, event: Recorded, waiting: datetime | None, asked: datetime | None, replied: datetime | None
) -> Line:
    at = event.at
    changed = changes(line.ticket, cast(TicketFact, event.fact))
    ticket = renewed(line.ticket, {name: value for name, value in changed.items() if name in KEPT})
    opened_at = at if isinstance(event.fact, Opened) else line.opened_at
    return Line(at, ticket, opened_at, waiting, asked, replied)


def _settles(event: Recorded) -> bool:
    """Whether everything before it is answered: by a person's public reply, or by an end."""
    match event.fact:
        case ReplyAdded(automatic=automatic):
            return not automatic and event.actor.kind in PEOPLE
        case Resolved() | Closed() | MarkedSpam() | Merged():
            return True
        case _:
            return False


def _stretches(told: Iterable[tuple[T, Line]]) -> list[tuple[T, Line]]:
    """Where each stretch begins."""
    found: list[tuple[T, Line]] = []
    for start, line in told:
        if not found or found[-1][1] != line:
            found.append((start, line))
    return found


def _link(past: Unsaved | None, span: Span) -> Unsaved | None:
    """No list shows a ticket before it was opened, nor what lasted no time."""
    lasted = span.until is not None or span.until_at != span.line.updated_at
    return Unsaved(span, past) if lasted and span.line.opened_at is not None else past
