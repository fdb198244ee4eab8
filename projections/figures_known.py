"""figures_known: from which position on did each row of a ticket hold, and up to which one?

As long as no fact is late, rows are only added, ended and put in the place of others. A late one makes another course
of events: what that has in common with what was known before stays, and only the rest is told anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aggregates.envelope import Recorded
from aggregates.sla.clock import Grounds
from aggregates.sla.clocks import instant, timed
from aggregates.ticket.events import SlaApplied
from projections.figures_fold import SILENT, Course
from projections.figures_time import Values


@dataclass(slots=True)
class Line:
    """What was known from position `since` up to, but not with, `until`; and from position `ended` on, its end."""

    values: Values
    since: int
    end: Values | None = None
    ended: int | None = None
    until: int | None = None


class Ledger:
    """Rows by their places, of which each key has one at a time. Nothing but their ends ever changes.

    position   of the event that is being told
    touched    the places that changed since somebody cleared it
    """

    def __init__(self) -> None:
        self.position = 0
        self.lines: list[Line] = []
        self.touched: set[int] = set()
        self._holding: dict[object, int] = {}

    def add(self, key: object, values: Values) -> None:
        self._holding[key] = place = len(self.lines)
        self.lines.append(Line(values, self.position))
        self.touched.add(place)

    def end(self, key: object, end: Values) -> None:
        line = self.lines[self._holding[key]]
        line.end, line.ended = end, self.position
        self.touched.add(self._holding[key])

    def drop(self, key: object) -> None:
        place = self._holding.pop(key)
        self.lines[place].until = self.position
        self.touched.add(place)

    def become(self, other: Ledger) -> None:
        """Let go of what `other` does not hold, and take in what it holds besides."""
        theirs = dict(other.held())
        for key, line in list(self.held()):
            if key not in theirs or not _goes_on(line, theirs[key]):
                self.drop(key)
        for key, line in theirs.items():
            if key not in self._holding:
                self.add(key, line.values)
            if line.end is not None and self.lines[self._holding[key]].end is None:
                self.end(key, line.end)

    def held(self) -> Iterator[tuple[object, Line]]:
        return ((key, self.lines[place]) for key, place in self._holding.items())


class Known:
    """One ticket, told event by event in order of version."""

    def __init__(self, stream: UUID, grounds: Grounds) -> None:
        self._stream, self._grounds = stream, grounds
        self.figures, self.spans = Ledger(), Ledger()
        self._course = Course(stream, grounds, self.figures, self.spans)

    def told(self, event: Recorded) -> bool:
        """Whether it could be told. False: it came late, and only the whole history says what was known since."""
        if type(event.fact) in SILENT:
            return True
        at, moves = instant(event), _moves(event)
        if moves and self._late(event, at):
            return False
        self._stand_at(event.position)
        if moves:
            self._course.apply(event, at)
        else:
            self._course.learn(event, at)
            self._course.note(event, at)
        return True

    def told_late(self, history: Sequence[Recorded]) -> None:
        """`history` up to the late fact, in order of version."""
        figures, spans = Ledger(), Ledger()
        self._course = _course(history, self._grounds, figures, spans)
        self._stand_at(history[-1].position)
        self.figures.become(figures)
        self.spans.become(spans)
        self._course.go_on(self.figures, self.spans)

    def _late(self, event: Recorded, at: datetime) -> bool:
        """In the order of the fold it comes before what happened last, or before an instant that was told of."""
        last, noted, fact = self._course.last_at, self._course.noted_at, event.fact
        since = type(fact) is SlaApplied and fact.since is not None
        return (last is not None and (at < last or (since and at == last))) or (noted is not None and at <= noted)

    def _stand_at(self, position: int) -> None:
        self.figures.position = self.spans.position = position


def known(history: Sequence[Recorded], grounds: Grounds) -> Known:
    """All that was ever known of a ticket, from its whole history in order of version."""
    found = Known(history[0].stream, grounds)
    for place, event in enumerate(history, 1):
        if not found.told(event):
            found.told_late(history[:place])
    return found


def _course(history: Sequence[Recorded], grounds: Grounds, figures: Ledger, spans: Ledger) -> Course:
    """What happened, as far as it is known now."""
    course = Course(history[0].stream, grounds, figures, spans)
    told = [event for event in history if type(event.fact) not in SILENT]
    notes = [(event, instant(event)) for event in told if not _moves(event)]
    for event, at in notes:
        course.learn(event, at)
    for at, event in timed(event for event in told if _moves(event)):
        course.apply(event, at)
    for event, at in notes:
        course.note(event, at)
    return course


def _moves(event: Recorded) -> bool:
    """Whether the course of events is another by it. What else the system notes about itself is never late."""
    return not event.fact.bookkeeping or type(event.fact) is SlaApplied


def _goes_on(line: Line, other: Line) -> bool:
    return line.values == other.values and (line.end is None or line.end == other.end)
