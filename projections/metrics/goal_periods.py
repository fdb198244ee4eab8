"""goal_periods: which periods does a goal have, and by which of its versions is each of them judged?

By the version that is in force when the period ends, and one that still runs by the version in force now. So whoever
corrects a goal corrects the period that runs, and none that is over; a goal that ends within one leaves it unjudged.
Where another length or zone comes into force, the first period begins where the last one judged has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from aggregates.business_time import zone_of
from aggregates.errors import Unacceptable
from aggregates.goals.goals import Stretch, Version
from projections.metrics.answer import Period
from projections.metrics.periods import days, named

MOST = 1_000
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Judged:
    version: Version
    period: Period


def judged(stretches: Iterable[Stretch], since: datetime, until: datetime, now: datetime) -> list[Judged]:
    """Those that reach into [since, until) and have begun by `now`, in order of time. Raises Unacceptable."""
    found: list[Judged] = []
    over: datetime | None = None
    for stretch in stretches:
        if stretch.begins > now:
            break
        for begins, ends in _within(stretch, max(stretch.begins, since), min(until, now), now):
            begins = begins if over is None else max(begins, over)
            if since < ends and begins < min(until, ends):
                found.append(_judged(stretch.version, begins, ends))
        if len(found) > MOST:
            detail = f"Ask for {MOST} periods at most."
            raise Unacceptable("goal.too_many_periods", detail, field="from")
        over = _last_end(stretch, over)
    return found


def running(stretches: Iterable[Stretch], now: datetime) -> Judged | None:
    """The period that runs at this instant; None: the goal is not in force."""
    found = judged(stretches, now, NEVER, now)
    return found[-1] if found else None


def _within(stretch: Stretch, since: datetime, until: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Whole local periods from the one at `since` on, that begin by `until` and end while the version is in force."""
    runs = stretch.ends is None or stretch.ends > now
    for begins, ends in _periods(stretch.version, since):
        if begins > until or not (runs or ends <= _end(stretch)):
            break
        yield begins, ends


def _last_end(stretch: Stretch, over: datetime | None) -> datetime | None:
    """When the last period ended that this version has judged, or one before it."""
    if stretch.ends is None:
        return over
    begins, _ = next(_periods(stretch.version, stretch.ends))
    return begins if begins > stretch.begins else over


def _periods(version: Version, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    return pairwise(begins for _, begins in days(since, NEVER, version.terms.period, zone_of(version.terms.zone)))


def _end(stretch: Stretch) -> datetime:
    return NEVER if stretch.ends is None else stretch.ends


def _judged(version: Version, begins: datetime, ends: datetime) -> Judged:
    return Judged(version, Period(begins, ends, named(begins, ends, zone_of(version.terms.zone))))
