"""figures_time: which policy held when, and how much time passed within the hours that it named?"""

from __future__ import annotations

from bisect import insort
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from aggregates.sla.clock import Ground, Grounds
from aggregates.ticket.events import SlaApplied

Values = tuple[Any, ...]
MICROSECOND = timedelta(microseconds=1)
NO_POLICY: Values = (None, None, None, None)
UNTIMED: Values = (None, None, None, None)
UNSPENT: Values = (None, None)
CANONICAL = itemgetter(0, 1)
KIND, AT, VERSION, STARTED_AT, BUSINESS, AMOUNT, TIMES, REQUESTER = 1, 2, 3, 4, 7, 8, 14, 16
POLICY, POLICY_VERSION = -4, -3


class Held(NamedTuple):
    """From when on a policy held, by the event of this version. since: also for what else happened at that instant."""

    at: datetime
    version: int
    since: bool
    ground: Ground | None
    named: Values


class Policies:
    """Of one ticket, as they are known. What holds is a matter of instants, and of versions where those are one."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds
        self._held: list[Held] = []

    def add(self, fact: SlaApplied, at: datetime, version: int) -> None:
        """Raises LookupError for a policy or calendar that was never published."""
        ground = self._grounds.of(fact)
        insort(self._held, Held(at, version, fact.since is not None, ground, _named(ground)), key=CANONICAL)

    def held(self, at: datetime, version: int) -> Values:
        """The policy and the calendar, each with its version, that the event of this version met."""
        return next((held.named for held in reversed(self._held) if _met(held, at, version)), NO_POLICY)

    def passed(self, start: datetime, end: datetime, version: int) -> int | None:
        """Microseconds of business time up to that event; None if for any part of it there was no calendar."""
        passed, until = timedelta(0), end
        for held in reversed(self._held):
            since, ground = held.at, held.ground
            if not _met(held, end, version) or (since >= until and since > start):
                continue
            if ground is None or ground.business is None:
                return None
            passed += ground.business.between(max(since, start), until)
            if since <= start:
                return passed // MICROSECOND
            until = since
        return None

    def timed(self, start: datetime, from_version: int, end: datetime, version: int) -> Values:
        return start, from_version, (end - start) // MICROSECOND, self.passed(start, end, version)

    def at(self, at: datetime) -> Values:
        return next((held.named for held in reversed(self._held) if held.at <= at), NO_POLICY)

    def kept(self, at: datetime) -> Values:
        """What a promise was kept under: what held before that; if nothing did, what held first at that instant."""
        return _newest([held for held in self._held if held.ground is not None and held.at <= at], at)

    def broken(self, policy: UUID, version: int, at: datetime) -> Values:
        """A breach names its policy."""
        held = [held for held in self._held if held.named[:2] == (policy, version) and held.at <= at]
        return _newest(held, at) if held else (policy, version, None, None)

    def judged(self, figure: Values) -> Values:
        """The same figure by the policies that are known now."""
        kind, at, version, started_at = figure[KIND : STARTED_AT + 1]
        business = None if started_at is None else self.passed(started_at, at, version)
        if kind == "sla":
            policy = self.kept(at) if figure[AMOUNT] else self.broken(figure[POLICY], figure[POLICY_VERSION], at)
        else:
            policy = self.at(at) if kind == "rating_requested" else self.held(at, version)
        return (*figure[:BUSINESS], business, *figure[AMOUNT:POLICY], *policy)


def _met(held: Held, at: datetime, version: int) -> bool:
    return held.at < at or (held.at == at and (held.since or held.version < version))


def _newest(held: list[Held], at: datetime) -> Values:
    before = [one.named for one in held if one.at < at]
    return before[-1] if before else held[0].named if held else NO_POLICY


def _named(ground: Ground | None) -> Values:
    if ground is None:
        return NO_POLICY
    calendar_version = None if ground.calendar is None else ground.calendar_version
    return ground.policy, ground.policy_version, ground.calendar, calendar_version
