"""Which promises were kept, month by month, and which were broken worst? Folded from the log itself."""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from aggregates.envelope import Recorded
from aggregates.sla.catalogue import Catalogue
from aggregates.sla.clock import Clock, Grounds
from aggregates.sla.clocks import Clocks, clocks, instant
from aggregates.sla.explain import Account, Step, explain
from aggregates.ticket.events import Metric
from projections.sla_catalogue import refresh
from replay.judge import Told
from replay.tickets import Period, pages

WORST = 10


class Outcome(NamedTuple):
    """A promise that was kept or broken, at the exact instant it was. over: what it took beyond its target."""

    clock: Clock
    at: datetime
    kept: bool
    target: int
    over: timedelta


def outcomes(folded: Clocks, now: datetime) -> Iterator[Outcome]:
    """Of all clocks of a ticket by `now`; those that still run, or whose promise lapsed, are neither."""
    for clock in folded:
        broken = clock.broken(folded.ticket)
        if broken is not None and broken.due < now:
            over = clock.elapsed(now) - timedelta(seconds=broken.target)
            yield Outcome(clock, broken.due, False, broken.target, over)
        elif clock.met is not None:
            left = clock.met.elapsed - timedelta(seconds=clock.met.target)
            yield Outcome(clock, clock.met.at, True, clock.met.target, left)


@dataclass(frozen=True, slots=True)
class Kept:
    met: int
    breached: int

    @property
    def ratio(self) -> float:
        return self.met / (self.met + self.breached)


@dataclass(frozen=True, slots=True)
class Worst:
    """`account`: the clock with its spans, whose seconds add up to what it took."""

    ticket: UUID
    number: int
    over: timedelta
    target: int
    account: Account


@dataclass(slots=True)
class Report:
    """
    months        kept and broken promises by metric and month, of the instant at which they were (UTC)
    fold_seconds  of one core's time, for folding alone; `seconds` is all of it by the clock on the wall
    """

    months: dict[tuple[Metric, str], Kept] = field(default_factory=dict)
    worst: list[Worst] = field(default_factory=list)
    tickets: int = 0
    events: int = 0
    seconds: float = 0.0
    fold_seconds: float = 0.0

    def total(self, metric: Metric) -> Kept:
        of = [kept for (found, _), kept in self.months.items() if found == metric]
        return Kept(sum(kept.met for kept in of), sum(kept.breached for kept in of))

    @property
    def metrics(self) -> list[Metric]:
        return list(dict.fromkeys(metric for metric, _ in self.months))

    def as_json(self) -> dict[str, Any]:
        return {
            "compliance": [
                {"metric": metric, "month": month, "met": k.met, "breached": k.breached, "ratio": round(k.ratio, 4)}
                for (metric, month), k in self.months.items()
            ],
            "worst": [_told(one) for one in self.worst],
            "tickets": self.tickets,
            "events": self.events,
            "seconds": round(self.seconds, 3),
            "fold_seconds": round(self.fold_seconds, 3),
        }


class Reporting:
    """One pass through the log, as things stood at the end of the period or, if that is still to come, `now`."""

    def __init__(
        self,
        connection: Connection[Any],
        now: datetime,
        period: Period,
        worst: int = WORST,
        metric: Metric | None = None,
    ) -> None:
        """`metric`: only this one."""
        self._connection, self._period, self._most, self._metric = connection, period, worst, metric
        self._now = min(now, period.end)
        self._book = Catalogue()
        self._grounds = Grounds(self._book)
        self._kept: Counter[tuple[Metric, str, bool]] = Counter()
        self._worst: list[tuple[timedelta, int, Outcome, UUID, Clocks]] = []
        self._place = count()

    def run(self, told: Told = lambda tickets, fraction: None) -> Report:
        """Outcomes within the period, of tickets whenever they were opened. Raises psycopg.Error."""
        report, started = Report(), time.monotonic()
        for page in pages(self._connection, Period()):
            refresh(self._book, self._connection)
            began = time.process_time()
            for stream, history in page.histories.items():
                self._take(stream, clocks(self._known(history), self._grounds))
                report.events += len(history)
            report.fold_seconds += time.process_time() - began
            report.tickets += len(page.histories)
            told(report.tickets, page.fraction)
        report.months = self._months()
        report.worst = [self._explained(*one[2:]) for one in sorted(self._worst, key=lambda one: one[:2], reverse=True)]
        report.seconds = time.monotonic() - started
        return report

    def _known(self, history: Sequence[Recorded]) -> Sequence[Recorded]:
        """What had happened by then."""
        return [event for event in history if instant(event) <= self._now]

    def _take(self, stream: UUID, folded: Clocks) -> None:
        for outcome in outcomes(folded, self._now):
            metric = outcome.clock.metric
            if outcome.at not in self._period or self._metric not in (None, metric):
                continue
            self._kept[metric, f"{outcome.at.astimezone(UTC):%Y-%m}", outcome.kept] += 1
            if not outcome.kept:
                # The count keeps heapq from comparing what cannot be; of equals, the earliest stays.
                heapq.heappush(self._worst, (outcome.over, -next(self._place), outcome, stream, folded))
                if len(self._worst) > self._most:
                    heapq.heappop(self._worst)

    def _months(self) -> dict[tuple[Metric, str], Kept]:
        found = sorted({(metric, month) for metric, month, _ in self._kept})
        return {key: Kept(self._kept[(*key, True)], self._kept[(*key, False)]) for key in found}

    def _explained(self, outcome: Outcome, stream: UUID, folded: Clocks) -> Worst:
        clock = outcome.clock
        told = explain(folded, self._now, self._book.calendar_name, metric=clock.metric, unpromised=True)
        (account,) = [account for account in told.clocks if account.cycle == clock.cycle]
        return Worst(stream, folded.ticket.number, outcome.over, outcome.target, account)


def _told(worst: Worst) -> dict[str, Any]:
    account = worst.account
    return {
        "ticket": str(worst.ticket),
        "number": worst.number,
        "metric": account.metric,
        "cycle": account.cycle,
        "target": worst.target,
        "elapsed": account.elapsed.total_seconds(),
        "over": worst.over.total_seconds(),
        "breached_at": None if account.breached_at is None else account.breached_at.isoformat(),
        "spans": [span_told(step) for step in account.steps],
    }


def span_told(step: Step) -> dict[str, Any]:
    standing = step.standing
    return {
        "from": step.since.isoformat(),
        "to": None if step.until is None else step.until.isoformat(),
        "running": step.running,
        "why": step.why,
        "time": step.time,
        "policy": None if standing.policy is None else f"{standing.policy}@{standing.policy_version}",
        "calendar": None if standing.calendar is None else f"{standing.calendar}@{standing.calendar_version}",
        "seconds": step.seconds.total_seconds(),
        "sum": step.sum.total_seconds(),
    }
