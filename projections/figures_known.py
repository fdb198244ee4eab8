"""figures_known: from which position on did each row of a ticket hold, and up to which one?

As long as no fact is late, rows are only added, ended and put in the place of others. A late one makes another course
of events: what that has in common with what was known before stays, and only the rest is told anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from aggregates.envelope import Recorded
from aggregates.sla.clock import Grounds
from aggregates.sla.clocks import instant
from aggregates.ticket.events import SlaApplied
from projections.figures_fold import SILENT, Course
from projections.figures_stretches import FROM_AT, TO_AT, TO_VERSION, ended, spent
from projections.figures_time import AT, KIND, REQUESTER, TIMES, Policies, Values


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

    def retell(self, key: object, values: Values, end: Values | None) -> None:
        """What holds under this key, unless it does."""
        line = self.lines[self._holding[key]] if key in self._holding else None
        if line is not None and (line.values != values or (line.end is not None and line.end != end)):
            self.drop(key)
        if key not in self._holding:
            self.add(key, values)
        if end is not None and self.lines[self._holding[key]].end is None:
            self.end(key, end)

    def become(self, other: Ledger) -> None:
        """Let go of what `other` does not hold, and take in what it holds besides."""
        for key in [key for key in self._holding if key not in other._holding]:
            self.drop(key)
        for key, line in other.held():
            self.retell(key, line.values, line.end)

    def held(self) -> Iterator[tuple[object, Line]]:
        return ((key, self.lines[place]) for key, place in self._holding.items())


class Known:
    """One ticket, told event by event in order of version."""

    def __init__(self, stream: UUID, grounds: Grounds) -> None:
        self._stream, self._policies = stream, Policies(grounds)
        self.figures, self.spans = Ledger(), Ledger()
        self._course = Course(stream, self._policies, self.figures, self.spans)

    def told(self, event: Recorded) -> bool:
        """Whether it could be told. False: it came late, and only the whole history says what was known since.

        Raises LookupError for a policy or calendar that was never published.
        """
        fact = event.fact
        if type(fact) in SILENT:
            return True
        at = instant(event)
        self.figures.position = self.spans.position = event.position
        if type(fact) is SlaApplied:
            self._policies.add(fact, at, event.version)
            if self._late(at) or at == self._course.last_at:
                self._judge_anew()
        elif fact.bookkeeping:
            self._course.learn(event, at)
            self._course.note(event, at)
        elif self._late(at):
            return False
        else:
            self._course.apply(event, at)
        return True

    def told_late(self, history: Sequence[Recorded]) -> None:
        """`history` up to the late fact, in order of version."""
        figures, spans = Ledger(), Ledger()
        self._course = _course(history, self._policies, figures, spans)
        self.figures.become(figures)
        self.spans.become(spans)
        self._course.go_on(self.figures, self.spans)

    def _late(self, at: datetime) -> bool:
        """It comes before what happened last, or no later than an instant that a note tells of."""
        last, noted = self._course.last_at, self._course.noted_at
        return (last is not None and at < last) or (noted is not None and at <= noted)

    def _judge_anew(self) -> None:
        """The course of events is the same by other policies."""
        for key, line in list(self.spans.held()):
            if line.end is not None:
                end = ended(self._policies, line.values[FROM_AT], line.end[TO_AT], line.end[TO_VERSION])
                self.spans.retell(key, line.values, end)
        for key, line in list(self.figures.held()):
            judged = self._policies.judged(line.values)
            if judged[KIND] == "fully_resolved":
                judged = (*judged[:TIMES], *spent(self.spans, judged[AT]), *judged[REQUESTER:])
            self.figures.retell(key, judged, None)


def known(history: Sequence[Recorded], grounds: Grounds) -> Known:
    """All that was ever known of a ticket, from its whole history in order of version."""
    found = Known(history[0].stream, grounds)
    for place, event in enumerate(history, 1):
        if not found.told(event):
            found.told_late(history[:place])
    return found


def _course(history: Sequence[Recorded], policies: Policies, figures: Ledger, spans: Ledger) -> Course:
    """What happened, as far as it is known now."""
    course = Course(history[0].stream, policies, figures, spans)
    told = [(instant(event), event) for event in history if type(event.fact) not in SILENT]
    notes = [(at, event) for at, event in told if event.fact.bookkeeping]
    for at, event in notes:
        course.learn(event, at)
    for at, event in sorted((one for one in told if not one[1].fact.bookkeeping), key=itemgetter(0)):
        course.apply(event, at)
    for at, event in notes:
        course.note(event, at)
    return course
