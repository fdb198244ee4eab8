"""What has to be noted in a ticket's stream, and when? The fold says what is true, the stream what was noted of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from aggregates.sla.clock import Breach, Clock, Warned
from aggregates.sla.clocks import Clocks
from aggregates.sla.terms import FOUR_DAYS
from aggregates.ticket.events import (
    Closed,
    Metric,
    SlaBreached,
    SlaBreachWithdrawn,
    SlaMark,
    SlaMet,
    SlaMetWithdrawn,
    SlaWarned,
)

Key = tuple[Metric, int]


@dataclass(frozen=True, slots=True)
class Item:
    """`fact` is to be noted once `at` has passed. acts: and what the policy says is to follow does follow."""

    at: datetime
    fact: SlaMark | Closed
    acts: bool = False


def agenda(clocks: Clocks) -> list[Item]:
    """All that is not noted yet, past and coming, soonest first; withdrawals before what takes their place.

    An instant before the import of a ticket's history acts on nothing and closes nothing: nobody is paged for 2011.
    """
    noted = _Noted(clocks)
    items = [item for clock in clocks if clock.promised for item in _of_clock(clock, clocks, noted)]
    closing = closes_at(clocks)
    if closing is not None:
        items.append(Item(closing, Closed(was="resolved", cause="auto")))
    return sorted(items, key=lambda item: item.at)


def closes_at(clocks: Clocks) -> datetime | None:
    """When a resolved ticket closes by itself."""
    if clocks.ticket.status != "resolved" or clocks.resolved_at is None:
        return None
    seconds = FOUR_DAYS if clocks.ground is None else clocks.ground.terms.auto_close
    if seconds is None:
        return None
    at = clocks.resolved_at + timedelta(seconds=seconds)
    return at if _is_ours(clocks, at) else None


class _Noted:
    """What the stream says of each cycle, as far as it was not withdrawn."""

    def __init__(self, clocks: Clocks) -> None:
        self.breaches: dict[Key, datetime] = {}
        self.mets: dict[Key, datetime] = {}
        self.warnings: set[tuple[object, ...]] = set()
        for event in clocks.marks:
            self._note(cast(SlaMark, event.fact))

    def _note(self, mark: SlaMark) -> None:
        key = (mark.metric, mark.cycle)
        match mark:
            case SlaWarned():
                self.warnings.add((*key, mark.percent, mark.left, mark.target))
            case SlaBreached():
                self.breaches[key] = mark.due
            case SlaBreachWithdrawn():
                self.breaches.pop(key, None)
            case SlaMet():
                self.mets[key] = mark.at
            case SlaMetWithdrawn():
                self.mets.pop(key, None)


def _of_clock(clock: Clock, clocks: Clocks, noted: _Noted) -> Iterator[Item]:
    breach = clock.broken(clocks.ticket)
    yield from _withdrawn(clock, breach, noted)
    for warned in (*clock.warned, *clock.coming):
        if (clock.metric, clock.cycle, *_told(warned)) not in noted.warnings:
            yield Item(warned.at, _warning(clock, warned), _is_ours(clocks, warned.at))
    if breach is not None and noted.breaches.get((clock.metric, clock.cycle)) != breach.due:
        yield Item(breach.due, _breached(clock, breach), _is_ours(clocks, breach.due))
    met = clock.met
    if met is not None and noted.mets.get((clock.metric, clock.cycle)) != met.at:
        elapsed = met.elapsed.total_seconds()
        yield Item(
            met.at, SlaMet(metric=clock.metric, cycle=clock.cycle, target=met.target, at=met.at, elapsed=elapsed)
        )


def _withdrawn(clock: Clock, breach: Breach | None, noted: _Noted) -> Iterator[Item]:
    """At once: an instant that has long passed, and comes before all else of this clock."""
    key = (clock.metric, clock.cycle)
    due, met = noted.breaches.get(key), noted.mets.get(key)
    if due is not None and (breach is None or breach.due != due):
        yield Item(clock.started_at, SlaBreachWithdrawn(metric=clock.metric, cycle=clock.cycle, due=due))
    if met is not None and (clock.met is None or clock.met.at != met):
        yield Item(clock.started_at, SlaMetWithdrawn(metric=clock.metric, cycle=clock.cycle, at=met))


def _told(warned: Warned) -> tuple[object, ...]:
    return warned.warning.percent, warned.warning.left, warned.target


def _warning(clock: Clock, warned: Warned) -> SlaWarned:
    return SlaWarned(
        metric=clock.metric,
        cycle=clock.cycle,
        target=warned.target,
        percent=warned.warning.percent,
        left=warned.warning.left,
        at=warned.at,
    )


def _breached(clock: Clock, breach: Breach) -> SlaBreached:
    return SlaBreached(
        metric=clock.metric,
        cycle=clock.cycle,
        target=breach.target,
        due=breach.due,
        in_status=breach.status,
        team=breach.team,
        agent=breach.agent,
        policy=breach.policy,
        policy_version=breach.policy_version,
    )


def _is_ours(clocks: Clocks, at: datetime) -> bool:
    return clocks.imported_at is None or at >= clocks.imported_at
