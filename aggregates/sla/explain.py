"""Why does a clock say what it says? Its spans, each with what it counted and what it stood on; they add up exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from uuid import UUID

from aggregates.sla.agenda import closes_at
from aggregates.sla.clock import Clock, Ground, Span, State, Why
from aggregates.sla.clocks import Clocks
from aggregates.sla.terms import TimeKind
from aggregates.ticket.events import Metric, Status


@dataclass(frozen=True, slots=True)
class Standing:
    """The versions of a policy and of a calendar that something stands on. policy None: nothing is promised."""

    policy: UUID | None
    policy_version: int | None
    policy_name: str | None
    calendar: UUID | None
    calendar_version: int | None
    calendar_name: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One span of a clock.

    until      None: it still lasts; what it counted is as of when it was asked for
    seconds    what it counted, exact to the microsecond
    sum        that and what all spans before it counted
    due        when the target would be reached, if the clock ran on like this
    """

    since: datetime
    until: datetime | None
    running: bool
    why: Why
    seconds: timedelta
    sum: timedelta
    time: TimeKind
    standing: Standing
    target: int | None
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Account:
    """One clock and its steps, whose `seconds` add up to `elapsed`. remaining: negative once the target has passed."""

    metric: Metric
    cycle: int
    state: State
    target: int | None
    elapsed: timedelta
    remaining: timedelta | None
    due: datetime | None
    warned_at: datetime | None
    breached_at: datetime | None
    met_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A ticket's clocks as of `at`. closes_at: when it closes by itself, if nothing changes."""

    at: datetime
    number: int
    status: Status
    standing: Standing
    opened_at: datetime | None
    first_resolved_at: datetime | None
    last_resolved_at: datetime | None
    closes_at: datetime | None
    clocks: tuple[Account, ...]


def explain(
    clocks: Clocks,
    now: datetime,
    name_of: Callable[[UUID], str | None],
    *,
    metric: Metric | None = None,
    unpromised: bool = False,
) -> Explanation:
    """Every clock of a ticket, or those of one metric, by when they began; `name_of` knows calendars.

    `unpromised`: those that never had a target, too.
    """
    chosen = [
        clock for clock in clocks if (clock.promised or unpromised) and (metric is None or clock.metric == metric)
    ]
    return Explanation(
        at=now,
        number=clocks.ticket.number,
        status=clocks.ticket.status,
        standing=_standing(clocks.ground, name_of),
        opened_at=clocks.opened_at,
        first_resolved_at=clocks.first_resolved_at,
        last_resolved_at=clocks.resolved_at,
        closes_at=closes_at(clocks),
        clocks=tuple(_account(clock, now, name_of) for clock in sorted(chosen, key=lambda c: (c.started_at, c.metric))),
    )


def _account(clock: Clock, now: datetime, name_of: Callable[[UUID], str | None]) -> Account:
    spans = clock.all_spans
    counted = [span.elapsed(now) for span in spans]
    sums = list(accumulate(counted))
    return Account(
        metric=clock.metric,
        cycle=clock.cycle,
        state=clock.state(now),
        target=clock.target,
        elapsed=clock.elapsed(now),
        remaining=clock.remaining(now),
        due=clock.due,
        warned_at=_warned_at(clock, now),
        breached_at=_breached_at(clock, now),
        met_at=clock.met.at if clock.met else None,
        started_at=clock.started_at,
        ended_at=clock.ended_at,
        steps=tuple(_step(*one, name_of) for one in zip(spans, counted, sums, strict=True)),
    )


def _step(span: Span, counted: timedelta, summed: timedelta, name_of: Callable[[UUID], str | None]) -> Step:
    reading = span.reading
    return Step(
        since=span.start,
        until=span.end,
        running=reading.running,
        why=reading.why,
        seconds=counted,
        sum=summed,
        time=reading.time,
        standing=_standing(reading.ground, name_of),
        target=reading.target,
        due=span.due,
    )


def _warned_at(clock: Clock, now: datetime) -> datetime | None:
    """When it was first warned of the target that holds."""
    given = [warned.at for warned in (*clock.warned, *clock.coming) if warned.target == clock.target]
    return min((at for at in given if at <= now), default=None)


def _breached_at(clock: Clock, now: datetime) -> datetime | None:
    """When it was due, to the microsecond: also where nothing has happened to the ticket since."""
    if clock.breach is not None:
        return clock.breach.due
    return clock.due if clock.state(now) == "breached" else None


def _standing(ground: Ground | None, name_of: Callable[[UUID], str | None]) -> Standing:
    if ground is None:
        return Standing(None, None, None, None, None, None)
    calendar = ground.calendar
    return Standing(
        policy=ground.policy,
        policy_version=ground.policy_version,
        policy_name=ground.terms.name,
        calendar=calendar,
        calendar_version=ground.calendar_version if calendar else None,
        calendar_name=name_of(calendar) if calendar else None,
    )
