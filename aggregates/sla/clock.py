"""What is one clock: a cycle of a metric, its spans, and what came of it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, get_args
from uuid import UUID

from aggregates.business_time import Hours, prepared
from aggregates.sla.stopwatch import NOTHING, BusinessTime, CalendarTime, Stopwatch
from aggregates.sla.terms import Terms, TimeKind, Warning
from aggregates.ticket.events import Metric, Priority, SlaApplied, Status
from aggregates.ticket.state import Ticket

Why = Literal["new", "open", "pending", "on_hold", "resolved", "closed", "spam", "no_policy"]
State = Literal["running", "paused", "warned", "breached", "met", "ended"]
CALENDAR_TIME = CalendarTime()
# In which statuses a metric stands still by its definition, whatever a policy says.
STILL: dict[Metric, frozenset[Status]] = {
    "pausable_update": frozenset({"pending"}),
    "requester_wait": frozenset({"pending"}),
    "agent_work": frozenset({"pending", "on_hold"}),
}
PAUSED_BY_POLICY: frozenset[Metric] = frozenset({"resolution", "ownership"})


class Book(Protocol):
    """Immutable versions of policies and calendars. Raises LookupError for one that was never published."""

    def terms(self, policy: UUID, version: int) -> Terms: ...
    def hours(self, calendar: UUID, version: int) -> Hours: ...


class Reading(NamedTuple):
    """How a clock goes at an instant. target: in seconds; None: nothing is promised."""

    running: bool
    why: Why
    time: TimeKind
    target: int | None
    ground: Ground | None

    @property
    def watch(self) -> Stopwatch:
        business = self.ground and self.ground.business
        return business if self.time == "business" and business else CALENDAR_TIME


Readings = Mapping[Metric, Reading]
METRICS: tuple[Metric, ...] = get_args(Metric)
NO_POLICY = Reading(False, "no_policy", "calendar", None, None)
UNGROUNDED: Readings = MappingProxyType(dict.fromkeys(METRICS, NO_POLICY))


@dataclass(frozen=True, slots=True)
class Ground:
    """What a span stands on: one version of a policy and of a calendar."""

    policy: UUID
    policy_version: int
    calendar: UUID | None
    calendar_version: int
    terms: Terms = field(compare=False, repr=False)
    business: Stopwatch | None = field(compare=False, repr=False)
    _readings: dict[tuple[Priority, Status, bool], Readings] = field(default_factory=dict, compare=False, repr=False)

    def readings(self, ticket: Ticket) -> Readings:
        """How each metric goes on a ticket like this: the same object for the same answer, worked out once."""
        alike = (ticket.priority, ticket.status, ticket.spam)
        found = self._readings.get(alike)
        if found is None:
            found = self._readings[alike] = {metric: self._reading(metric, ticket) for metric in METRICS}
        return found

    def _reading(self, metric: Metric, ticket: Ticket) -> Reading:
        target = self.terms.target(metric, ticket.priority)
        return Reading(*self._goes(metric, ticket), self._time(metric), target, self)

    def _time(self, metric: Metric) -> TimeKind:
        if self.business is None:
            return "calendar"
        target = self.terms.targets.get(metric)
        return "business" if target is None else target.time

    def _goes(self, metric: Metric, ticket: Ticket) -> tuple[bool, Why]:
        """Whether the clock runs, and the one word that says why or why not."""
        status = ticket.status
        if not ticket.active:
            return False, "spam" if ticket.spam else status
        if status in STILL.get(metric, ()) or (metric in PAUSED_BY_POLICY and status in self.terms.pauses):
            return False, status
        return True, status


class Grounds:
    """Each ground once, for all tickets whose clocks are folded with it."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._known: dict[tuple[object, ...], Ground] = {}

    def of(self, fact: SlaApplied) -> Ground | None:
        """None: nothing is promised. Raises LookupError for a version that the book does not have."""
        if fact.policy is None:
            return None
        key = (fact.policy, fact.policy_version, fact.calendar, fact.calendar_version)
        if key not in self._known:
            hours = None if fact.calendar is None else self._book.hours(fact.calendar, fact.calendar_version)
            business = None if hours is None else BusinessTime(prepared(hours))
            self._known[key] = Ground(*key, self._book.terms(fact.policy, fact.policy_version), business)
        return self._known[key]


class Span(NamedTuple):
    """A stretch in which nothing about a clock changed.

    end       None: it still lasts
    before    what had elapsed when it began
    due       when the target would be reached, if the clock ran on like this
    """

    start: datetime
    end: datetime | None
    reading: Reading
    before: timedelta
    due: datetime | None

    def elapsed(self, now: datetime) -> timedelta:
        """What it counts by its end, or by `now`."""
        if not self.reading.running:
            return NOTHING
        return self.reading.watch.between(self.start, max(self.start, now if self.end is None else self.end))


class Warned(NamedTuple):
    warning: Warning
    target: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Breach:
    """Whom and what it met when it fell due."""

    due: datetime
    target: int
    status: Status
    team: UUID | None
    agent: UUID | None
    policy: UUID
    policy_version: int


@dataclass(frozen=True, slots=True)
class Met:
    at: datetime
    target: int
    elapsed: timedelta


@dataclass(slots=True)
class Clock:
    """One cycle of one metric.

    current     the span that lasts; None once the cycle has ended
    coming      warnings of the current span, soonest first
    counted     what had elapsed when the current span began
    reading     the last one
    promised    whether it ever had a target
    ended_at    when the cycle ended, or, of a lasting one, when the ticket was last resolved
    """

    metric: Metric
    cycle: int
    started_at: datetime
    spans: list[Span] = field(default_factory=list)
    current: Span | None = None
    coming: list[Warned] = field(default_factory=list)
    warned: list[Warned] = field(default_factory=list)
    breach: Breach | None = None
    met: Met | None = None
    ended_at: datetime | None = None
    counted: timedelta = NOTHING
    reading: Reading = NO_POLICY
    promised: bool = False

    @property
    def due(self) -> datetime | None:
        """When it will be breached, if nothing changes."""
        return self.current.due if self.current is not None and self.breach is None else None

    @property
    def target(self) -> int | None:
        """In seconds, as it was promised last."""
        return self.reading.target

    @property
    def all_spans(self) -> Sequence[Span]:
        return self.spans if self.current is None else [*self.spans, self.current]

    def elapsed(self, now: datetime) -> timedelta:
        return self.counted if self.current is None else self.counted + self.current.elapsed(now)

    def remaining(self, now: datetime) -> timedelta | None:
        """Of the target, negative once it has passed; None if nothing is promised."""
        return None if self.target is None else timedelta(seconds=self.target) - self.elapsed(now)

    def broken(self, ticket: Ticket) -> Breach | None:
        """The breach that was, or else the one that its current span ends in if the ticket stays as it is."""
        span = self.current
        if self.breach is not None:
            return self.breach
        if span is None or span.due is None or span.reading.ground is None or span.reading.target is None:
            return None
        ground, holder = span.reading.ground, (ticket.status, ticket.team, ticket.assignee)
        return Breach(span.due, span.reading.target, *holder, ground.policy, ground.policy_version)

    def state(self, now: datetime) -> State:
        """ended: without an answer, because the ticket was resolved, or because nothing was promised."""
        if self.breach is not None or (self.due is not None and self.due < now):
            return "breached"
        if self.met is not None or self.ended_at is not None:
            return "met" if self.met is not None else "ended"
        if self.current is None or not self.current.reading.running:
            return "paused"
        target = self.target
        warned = any(warned.at <= now and warned.target == target for warned in (*self.warned, *self.coming))
        return "warned" if warned else "running"
