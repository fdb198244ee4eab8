"""figures_time: which policy held when, and how much time passed within the hours that it named?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from aggregates.sla.clock import Ground, Grounds
from aggregates.ticket.events import SlaApplied

Values = tuple[Any, ...]
Held = tuple[datetime, Ground]
MICROSECOND = timedelta(microseconds=1)
NO_POLICY: Values = (None, None, None, None)


class Policies:
    """Of one ticket, in order of occurrence. now: the policy and calendar that hold, each with its version."""

    def __init__(self, grounds: Grounds) -> None:
        self.now = NO_POLICY
        self._grounds = grounds
        self._held: list[tuple[datetime, Ground | None]] = []

    def follow(self, fact: SlaApplied, at: datetime) -> None:
        """From now on this one holds. Raises LookupError for a policy or calendar that was never published."""
        ground = self._grounds.of(fact)
        self._held.append((at, ground))
        self.now = _named(ground)

    def passed(self, start: datetime, end: datetime) -> int | None:
        """Microseconds of business time, over changes of calendar; None if for any part of it there was no calendar."""
        passed, until = timedelta(0), end
        for since, ground in reversed(self._held):
            if since >= until and since > start:
                continue
            if ground is None or ground.business is None:
                return None
            passed += ground.business.between(max(since, start), until)
            if since <= start:
                return passed // MICROSECOND
            until = since
        return None

    def at(self, at: datetime) -> Values:
        held = [ground for since, ground in self._held if since <= at]
        return _named(held[-1] if held else None)

    def met(self, at: datetime) -> Values:
        """What held before what happened then; if nothing did, what held first at that instant."""
        return _newest(self._until(at), at)

    def breached(self, policy: UUID, version: int, at: datetime) -> Values:
        """The breach names its policy."""
        held = [one for one in self._until(at) if (one[1].policy, one[1].policy_version) == (policy, version)]
        return _newest(held, at) if held else (policy, version, None, None)

    def _until(self, at: datetime) -> list[Held]:
        return [(since, ground) for since, ground in self._held if ground is not None and since <= at]


def _newest(held: list[Held], at: datetime) -> Values:
    before = [ground for since, ground in held if since < at]
    return _named(before[-1] if before else held[0][1] if held else None)


def _named(ground: Ground | None) -> Values:
    if ground is None:
        return NO_POLICY
    calendar_version = None if ground.calendar is None else ground.calendar_version
    return ground.policy, ground.policy_version, ground.calendar, calendar_version
