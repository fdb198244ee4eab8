"""Which promises ran on a ticket, when and why did they run or stand still, and what came of each? A pure fold.

Facts are read in order of occurrence. What holds at an instant - policy, calendar, priority - is what held *then*: a
change begins a new span and leaves the spans before it as they were. Warnings, breaches and met targets come from the
fold alone; the facts that record them are only compared with it (see agenda.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from operator import attrgetter, itemgetter
from typing import cast, get_args
from uuid import UUID

from aggregates.envelope import Recorded
from aggregates.fact import Fact
from aggregates.sla.clock import UNGROUNDED, Book, Clock, Ground, Grounds, Met, Reading, Readings, Span, Warned
from aggregates.sla.stopwatch import NOTHING
from aggregates.sla.terms import Warning
from aggregates.ticket.events import (
    Assigned,
    Closed,
    DeEscalated,
    Escalated,
    Imported,
    MarkedSpam,
    Merged,
    MessageReceived,
    Metric,
    Opened,
    PriorityChanged,
    PutOnHold,
    PutPending,
    Reopened,
    ReplyAdded,
    Resolved,
    Routed,
    SlaApplied,
    SlaMark,
    TicketFact,
    Unassigned,
)
from aggregates.ticket.state import Ticket, amended, changes

# Their time goes on where it stopped when a resolved ticket is reopened; the others begin another cycle.
LASTING: tuple[Metric, ...] = ("resolution", "requester_wait", "agent_work", "ownership")
FROM_OPENING: tuple[Metric, ...] = ("first_reply", "resolution", "requester_wait", "agent_work", "assignment")
REPLIES: tuple[Metric, ...] = ("first_reply", "next_reply")
UPDATES: tuple[Metric, ...] = ("update", "pausable_update")
ENDED_BY_RESOLVING: frozenset[Metric] = frozenset({"next_reply", "update", "pausable_update", "assignment"})
PEOPLE = frozenset({"agent", "import"})
READ: frozenset[type[Fact]] = frozenset(
    {
        *(Opened, Imported, MessageReceived, ReplyAdded, SlaApplied, Routed, Assigned, Unassigned, Escalated),
        *(DeEscalated, PriorityChanged, PutPending, PutOnHold, Reopened, Resolved, Closed, MarkedSpam, Merged),
    }
)
"""The facts that a clock reads."""
MARKS: frozenset[type[Fact]] = frozenset(get_args(SlaMark))
POLICY_COMES = (Opened, SlaApplied)


class Clocks:
    """All clocks of one ticket. `apply` its facts as they are `in_order`."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds
        self._ground: Ground | None = None
        self._readings: Readings | None = None
        self._open: dict[Metric, Clock] = {}
        self._cycles: dict[Metric, int] = {}
        self._next: datetime | None = None  # Nothing falls due before it.
        self._opening: UUID | None = None
        self._answered = False
        self._replied = False
        self.ticket = Ticket()
        self.finished: list[Clock] = []
        self.marks: list[Recorded] = []
        self.opened_at: datetime | None = None
        self.imported_at: datetime | None = None
        self.resolved_at: datetime | None = None
        self.first_resolved_at: datetime | None = None
        self.last_at: datetime | None = None

    def __iter__(self) -> Iterator[Clock]:
        """Finished ones first."""
        yield from self.finished
        yield from self._open.values()

    @property
    def open(self) -> Iterable[Clock]:
        """Those that are not finished; lasting ones stay open on a resolved ticket."""
        return self._open.values()

    @property
    def ground(self) -> Ground | None:
        """What holds for the ticket now."""
        return self._ground

    def apply(self, event: Recorded, at: datetime) -> None:
        """One more fact, no earlier than the last. Raises LookupError for a version that the book does not have.

        at: its `instant`, which who put the facts in order knows.
        """
        fact, ticket = cast(TicketFact, event.fact), self.ticket
        if type(fact) not in READ:
            if type(fact) in MARKS:
                self.marks.append(event)
            return
        self.last_at = at
        self._fall_due(at)
        team, active, handed = ticket.team, ticket.active, False
        amended(ticket, changes(ticket, fact))
        match fact:
            case Assigned():
                """The most frequent of these facts: each case before its own would cost time."""
            case Opened():
                self._opening, self.opened_at, handed = event.envelope.command_id, at, True
                self._start(FROM_OPENING, at)
            case Imported():
                self.imported_at = event.recorded_at
            case SlaApplied():
                self._ground = self._grounds.of(fact)
            case MessageReceived() if self._answered and "next_reply" not in self._open and not self._over:
                self._start(("next_reply",), at)
            case ReplyAdded(automatic=False) if event.actor.kind in PEOPLE:
                self._answer(event.envelope.command_id, at)
            case Resolved():
                self.first_resolved_at, self.resolved_at = self.first_resolved_at or at, at
                self._settle(at)
            case Closed() | MarkedSpam() | Merged():
                self._settle(at, kept=isinstance(fact, Closed))
            case Reopened():
                self._resume(active, at)
        if ticket.assignee is not None and "assignment" in self._open:
            self._end("assignment", at)
        if handed or ticket.team != team:
            self._change_hands(at)
        self._read(at)

    @property
    def _over(self) -> bool:
        return self.ticket.status == "closed"

    def _answer(self, command: UUID, at: datetime) -> None:
        """A person's public reply. One that came with the opening was no answer yet: the next one is."""
        if command != self._opening or at != self.opened_at:
            self._answered = True
            for metric in REPLIES:
                self._end(metric, at)
        self._replied = True
        for metric in UPDATES:
            self._end(metric, at)
        if self.ticket.active:
            self._start(UPDATES, at)

    def _settle(self, at: datetime, *, kept: bool = True) -> None:
        """Whoever marks a ticket as spam, or merges it, has kept no promise by that."""
        for metric in ENDED_BY_RESOLVING:
            self._end(metric, at, met=False)
        for metric in LASTING:
            clock = self._open.get(metric)
            if clock is None or clock.ended_at is not None:
                continue
            clock.ended_at = at
            if kept:
                clock.met = self._kept(clock, at)

    def _resume(self, active: bool, at: datetime) -> None:
        """`active`: whether the ticket was so before."""
        for metric in LASTING:
            clock = self._open.get(metric)
            if clock is not None:
                clock.met = clock.ended_at = None
        if self._replied and not active:
            self._start(UPDATES, at)

    def _change_hands(self, at: datetime) -> None:
        clock = self._open.get("ownership")
        if clock is not None:
            kept = clock.met
            self._end("ownership", at)
            clock.met = kept or clock.met
        if self.ticket.team is not None:
            self._start(("ownership",), at)

    def _start(self, metrics: Iterable[Metric], at: datetime) -> None:
        for metric in metrics:
            if metric not in self._open:
                self._cycles[metric] = self._cycles.get(metric, 0) + 1
                self._open[metric] = Clock(metric, self._cycles[metric], at)
                self._readings = None

    def _end(self, metric: Metric, at: datetime, *, met: bool = True) -> None:
        clock = self._open.pop(metric, None)
        if clock is None:
            return
        if met:
            clock.met = self._kept(clock, at)
        self._close_span(clock, at)
        clock.ended_at = clock.ended_at or at
        self.finished.append(clock)

    def _kept(self, clock: Clock, at: datetime) -> Met | None:
        """The promise was kept, if there was one and it was not broken before."""
        if clock.breach is not None or clock.reading.target is None:
            return None
        return Met(at, clock.reading.target, clock.elapsed(at))

    def _read(self, at: datetime) -> None:
        """From now on each clock goes as the ticket says."""
        readings = UNGROUNDED if self._ground is None else self._ground.readings(self.ticket)
        if readings is self._readings:
            return
        self._readings = readings
        for clock in self._open.values():
            reading = readings[clock.metric]
            if clock.current is None or clock.current.reading != reading:
                self._close_span(clock, at)
                self._open_span(clock, at, reading)

    def _close_span(self, clock: Clock, at: datetime) -> None:
        span, clock.current, clock.coming = clock.current, None, []
        if span is not None and at > span.start:
            clock.counted += span.elapsed(at)
            clock.spans.append(Span(span.start, at, span.reading, span.before, span.due))

    def _open_span(self, clock: Clock, at: datetime, reading: Reading) -> None:
        before, due = clock.counted, None
        if reading.running and reading.target is not None and clock.breach is None:
            due = reading.watch.after(at, timedelta(seconds=reading.target) - before)
            clock.coming = _warnings(clock, at, reading, before, due)
            self._next = _sooner(self._next, clock.coming[0].at if clock.coming else due)
        clock.current, clock.reading = Span(at, None, reading, before, due), reading
        clock.promised = clock.promised or reading.target is not None

    def _fall_due(self, at: datetime) -> None:
        """What fell due before `at` met the ticket as it has been since the last fact."""
        if self._next is None or self._next >= at:
            return
        self._next = None
        for clock in self._open.values():
            while clock.coming and clock.coming[0].at < at:
                clock.warned.append(clock.coming.pop(0))
            if clock.due is not None and clock.due < at:
                clock.breach = clock.broken(self.ticket)
                clock.coming = []
            self._next = _sooner(self._next, _soonest(clock))


def clocks(history: Iterable[Recorded], book: Book | Grounds) -> Clocks:
    """The clocks of a ticket, from all of its facts in any order. Whoever folds many tickets keeps the Grounds."""
    folded = Clocks(book if isinstance(book, Grounds) else Grounds(book))
    for at, event in timed(history):
        folded.apply(event, at)
    return folded


def in_order(history: Iterable[Recorded]) -> list[Recorded]:
    """Facts as they take effect; those of one instant as they were written.

    But a policy that holds *since* an instant holds for what happened then: it follows on the opening, or on what held
    before.
    """
    return [event for _, event in timed(history)]


def timed(history: Iterable[Recorded]) -> list[tuple[datetime, Recorded]]:
    """The same, each with its instant."""
    found: list[tuple[datetime, Recorded]] = []
    written = sorted(history, key=attrgetter("version"))
    for at, event in sorted(zip(map(instant, written), written, strict=True), key=itemgetter(0)):
        fact, place = event.fact, len(found)
        if type(fact) is SlaApplied and fact.since is not None:
            while place and found[place - 1][0] == at and not isinstance(found[place - 1][1].fact, POLICY_COMES):
                place -= 1
        found.insert(place, (at, event))
    return found


def instant(event: Recorded) -> datetime:
    """When a fact takes effect, in UTC: a policy may hold since earlier than it was written.

    Instants of one zone are compared and subtracted several times faster than those of two.
    """
    fact = event.fact
    at = fact.since or event.at if type(fact) is SlaApplied else event.at
    return at.astimezone(UTC)


def _warnings(clock: Clock, at: datetime, reading: Reading, before: timedelta, due: datetime | None) -> list[Warned]:
    """Those that lie before the breach, each once for one target."""
    if reading.ground is None or reading.target is None:
        return []
    given = [(warned.warning, warned.target) for warned in clock.warned]
    coming: list[Warned] = []
    for warning in reading.ground.terms.warnings:
        after = _warns_after(warning, reading.target)
        if (warning, reading.target) in given or after <= NOTHING:
            continue
        instant = reading.watch.after(at, after - before)
        if instant is not None and (due is None or instant < due):
            coming.append(Warned(warning, reading.target, instant))
    return sorted(coming, key=lambda warned: warned.at)


def _warns_after(warning: Warning, target: int) -> timedelta:
    if warning.percent is not None:
        return timedelta(seconds=target) * warning.percent / 100
    return timedelta(seconds=target - (warning.left or 0))


def _soonest(clock: Clock) -> datetime | None:
    return clock.coming[0].at if clock.coming else clock.due


def _sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
