"""What came of a past as it was, and what would have come of it by other rules? One ticket's facts, folded twice."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from aggregates.business_time import BeyondCalendars
from aggregates.envelope import Recorded
from aggregates.moment import by_occurrence
from aggregates.sla.clock import Clock, Grounds
from aggregates.sla.clocks import Clocks, clocks, instant
from aggregates.sla.explain import Account, explain
from aggregates.sla.stopwatch import NOTHING
from aggregates.ticket.events import DeEscalated, Escalated, Imported, Metric, Opened, Routed, SlaApplied
from replay.sla_report import outcomes
from replay.tickets import Period
from replay.what_if.rules import Library, Rules

Came = Literal["met", "breached", "open", "nothing"]
"""Of a promise. open: it still runs or waits; nothing: there was none, or it lapsed."""
Unjudged = Literal[
    "never_judged", "no_policy_before", "no_policy_after", "unreadable", "unknown_version", "beyond_calendars"
]
KEPT = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """Outcomes within this period, of one metric or team if they are named, as things stood at `now`.

    keep  how many of the tickets that change sides to keep and explain
    """

    now: datetime
    period: Period = field(default_factory=Period)
    metric: Metric | None = None
    team: UUID | None = None
    keep: int = KEPT


class Side(NamedTuple):
    """What came of one clock. over: what it took beyond its target, if that was met or broken."""

    came: Came
    at: datetime | None = None
    team: UUID | None = None
    target: int | None = None
    elapsed: timedelta = NOTHING
    over: timedelta = NOTHING


class Place(NamedTuple):
    """Where an outcome counts: at its own instant (UTC), with the team that held the ticket then."""

    metric: Metric
    team: UUID | None
    month: str


@dataclass(frozen=True, slots=True)
class Change:
    """A clock of which something else would have come."""

    ticket: UUID
    number: int
    metric: Metric
    cycle: int
    before: Side
    after: Side

    @property
    def over(self) -> timedelta:
        """How far beyond its target the broken one of the two is."""
        return max((side.over for side in (self.before, self.after) if side.came == "breached"), default=NOTHING)

    @property
    def rank(self) -> tuple[timedelta, int, str, int]:
        """The furthest over comes first when sorted; there are no two of one rank."""
        return -self.over, self.number, self.metric, self.cycle


@dataclass(frozen=True, slots=True)
class Explained:
    """A change and both of its clocks, span by span; None where nothing was ever promised."""

    change: Change
    before: Account | None
    after: Account | None

    def __lt__(self, other: Explained) -> bool:
        """Less worth keeping."""
        return self.change.rank > other.change.rank


@dataclass(slots=True)
class Findings:
    """Of some tickets; those of others can be added.

    moves      clocks by metric and by what came of them before and after
    worst      a heap
    changed    tickets with a clock of which something else would have come
    unjudged   tickets that count in nothing on one side or on both, by why
    """

    before: Counter[tuple[Place, Came]] = field(default_factory=Counter)
    after: Counter[tuple[Place, Came]] = field(default_factory=Counter)
    moves: Counter[tuple[Metric, Came, Came]] = field(default_factory=Counter)
    worst: list[Explained] = field(default_factory=list)
    unjudged: Counter[Unjudged] = field(default_factory=Counter)
    tickets: int = 0
    events: int = 0
    changed: int = 0

    @property
    def places(self) -> set[Place]:
        return {place for counts in (self.before, self.after) for place, _ in counts}

    def add(self, other: Findings, keep: int) -> None:
        self.before += other.before
        self.after += other.after
        self.moves += other.moves
        self.unjudged += other.unjudged
        self.tickets += other.tickets
        self.events += other.events
        self.changed += other.changed
        for explained in other.worst:
            self.keep(explained, keep)

    def keep(self, explained: Explained, most: int) -> None:
        heapq.heappush(self.worst, explained)
        if len(self.worst) > most:
            heapq.heappop(self.worst)

    def keeps(self, change: Change, most: int) -> bool:
        """Whether it is among the `most` worst so far."""
        return most > 0 and (len(self.worst) < most or change.rank < self.worst[0].change.rank)


class Comparison:
    """Folds tickets by what really held, and by what would have held by the rules."""

    def __init__(self, library: Library, rules: Rules, asked: Asked) -> None:
        self.findings = Findings()
        self._library, self._rules, self._asked = library, rules, asked
        self._before, self._after = Grounds(library), Grounds(rules.library)

    def take(self, stream: UUID, history: Sequence[Recorded]) -> list[Change]:
        """One ticket, whose facts are given in order of version. What would have changed, the worst first."""
        known = [event for event in history if instant(event) <= self._asked.now]
        if not any(isinstance(event.fact, Opened) for event in known):
            return []
        self.findings.tickets += 1
        self.findings.events += len(known)
        try:
            before = clocks(known, self._before)
            replayed = self._rules.replay(known)
            after = before if replayed is known else clocks(replayed, self._after)
            return self._compared(stream, known, before, after)
        except BeyondCalendars:
            self.findings.unjudged["beyond_calendars"] += 1
        except LookupError:
            self.findings.unjudged["unknown_version"] += 1
        return []

    def _compared(self, stream: UUID, known: Sequence[Recorded], before: Clocks, after: Clocks) -> list[Change]:
        teams = Teams(known)
        was, would = (self._sides(folded, teams) for folded in (before, after))
        self._count(was, self.findings.before)
        self._count(would, self.findings.after)
        self._note_unjudged(known, after)
        changes = sorted(self._changes(stream, before.ticket.number, was, would), key=lambda change: change.rank)
        self.findings.changed += bool(changes)
        for change in changes:
            self.findings.moves[change.metric, change.before.came, change.after.came] += 1
            if self.findings.keeps(change, self._asked.keep):
                self.findings.keep(self._explained(change, before, after), self._asked.keep)
        return changes

    def _sides(self, folded: Clocks, teams: Teams) -> dict[tuple[Metric, int], Side]:
        now, metric = self._asked.now, self._asked.metric
        sides = {
            (clock.metric, clock.cycle): _open(clock, now)
            for clock in folded
            if clock.promised and metric in (None, clock.metric)
        }
        for clock, at, kept, target, over in outcomes(folded, now):
            if (clock.metric, clock.cycle) in sides:
                team = teams.of_outcome(clock, at)
                came: Came = "met" if kept else "breached"
                elapsed = over + timedelta(seconds=target)
                sides[clock.metric, clock.cycle] = Side(came, at, team, target, elapsed, over)
        return sides

    def _count(self, sides: Mapping[tuple[Metric, int], Side], counts: Counter[tuple[Place, Came]]) -> None:
        for (metric, _), side in sides.items():
            if side.at is not None and self._counts(side):
                counts[Place(metric, side.team, f"{side.at.astimezone(UTC):%Y-%m}"), side.came] += 1

    def _counts(self, side: Side) -> bool:
        """Whether it is an outcome that was asked for."""
        asked = self._asked
        return side.at is not None and side.at in asked.period and asked.team in (None, side.team)

    def _changes(
        self,
        stream: UUID,
        number: int,
        was: Mapping[tuple[Metric, int], Side],
        would: Mapping[tuple[Metric, int], Side],
    ) -> Iterator[Change]:
        for metric, cycle in was.keys() | would.keys():
            before, after = was.get((metric, cycle), NEVER), would.get((metric, cycle), NEVER)
            if before.came != after.came and (self._counts(before) or self._counts(after)):
                yield Change(stream, number, metric, cycle, before, after)

    def _note_unjudged(self, known: Sequence[Recorded], after: Clocks) -> None:
        if not any(isinstance(event.fact, SlaApplied) for event in known):
            imported = any(isinstance(event.fact, Imported) for event in known)
            self.findings.unjudged["never_judged" if imported else "no_policy_before"] += 1
        if not any(clock.promised for clock in after):
            self.findings.unjudged["no_policy_after"] += 1

    def _explained(self, change: Change, before: Clocks, after: Clocks) -> Explained:
        return Explained(
            change, self._account(change, before, self._library), self._account(change, after, self._rules.library)
        )

    def _account(self, change: Change, folded: Clocks, library: Library) -> Account | None:
        told = explain(folded, self._asked.now, library.calendar_name, metric=change.metric)
        return next((account for account in told.clocks if account.cycle == change.cycle), None)


class Teams:
    """Who held a ticket when."""

    def __init__(self, history: Sequence[Recorded]) -> None:
        given = sorted((event for event in history if isinstance(event.fact, GIVES)), key=by_occurrence)
        self._held = [(event.at, _given(event.fact)) for event in given]

    def at(self, instant: datetime) -> UUID | None:
        return next((team for since, team in reversed(self._held) if since <= instant), None)

    def of_outcome(self, clock: Clock, at: datetime) -> UUID | None:
        """A clock of ownership is its own team's, however it ends."""
        if clock.breach is not None:
            return clock.breach.team
        return self.at(clock.started_at if clock.metric == "ownership" else at)


GIVES = (Opened, Routed, Escalated, DeEscalated)
NEVER = Side("nothing")


def _given(fact: object) -> UUID | None:
    return fact.to_team if isinstance(fact, Escalated | DeEscalated) else fact.team  # type: ignore[attr-defined]


def _open(clock: Clock, now: datetime) -> Side:
    running = clock.state(now) in ("running", "paused", "warned")
    return Side("open" if running else "nothing", target=clock.target, elapsed=clock.elapsed(now))
