"""How does an imported past get its policies, and what came of them, into the store? Many tickets a call, each once.

Only facts are written: nobody is told, nothing is escalated or closed for what lies in the past. What falls due after a
ticket's import belongs to the clock process, which does what the policy says about it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection

from aggregates.envelope import Actor, Envelope, Recorded, encode, envelope_of
from aggregates.fact import Fact
from aggregates.sla.agenda import agenda
from aggregates.sla.clock import Book
from aggregates.sla.clocks import clocks
from aggregates.sla.judging import judged
from aggregates.sla.matching import in_force
from aggregates.sla.noting import calendars_of, tier_of
from aggregates.sla.policies import POLICY_LIST, PolicyList
from aggregates.sla.values import conditions
from aggregates.ticket.events import Closed, Opened, SlaApplied
from aggregates.ticket.state import Ticket
from commands.append import Append, Outcome, Write
from consumers.sla_store import Configuration, histories
from replay.appender import Appender
from replay.interrupts import STOPS, interrupted
from replay.logs.batches import Batch
from replay.tickets import PAGE, Page, Period, pages

JUDGE = Actor(kind="system", id="sla-apply")
CALLER = "sla apply"
TRIES = 5
Told = Callable[[int, float], None]


class NoPolicies(Exception):
    """Nothing was ever published, or all of it is retired."""


class NothingInForce(Exception):
    """`earliest`: from when on a policy holds."""

    def __init__(self, earliest: datetime) -> None:
        super().__init__(earliest)
        self.earliest = earliest


class KeptMoving(Exception):
    """Somebody writes to these tickets or to the policies all the time."""


@dataclass(slots=True)
class Verdict:
    """What came of a run. facts: that were written, or, in a dry run, would have been."""

    dry: bool = False
    tickets: int = 0
    judged: int = 0
    seconds: float = 0.0
    facts: Counter[str] = field(default_factory=Counter)
    interrupted: bool = False

    def as_json(self) -> dict[str, Any]:
        seconds = max(self.seconds, 1e-9)
        return {
            "dry_run": self.dry,
            "tickets": self.tickets,
            "tickets_judged": self.judged,
            **{kind: self.facts[f"ticket.{kind}.v1"] for kind in KINDS},
            "seconds": round(self.seconds, 3),
            "tickets_a_second": round(self.tickets / seconds, 1),
            "events_a_second": round(self.facts.total() / seconds, 1),
            "interrupted": self.interrupted,
        }


KINDS = ("sla_applied", "sla_warned", "sla_breached", "sla_met", "sla_breach_withdrawn", "sla_met_withdrawn")


class Judgement:
    """One run: reads and decides on `reading`, appends on `writing`."""

    def __init__(
        self,
        reading: Connection[Any],
        writing: Connection[Any],
        now: datetime,
        *,
        dry: bool = False,
        page: int = PAGE,
        told: Told = lambda tickets, fraction: None,
    ) -> None:
        self.verdict = Verdict(dry)
        self._reading, self._writing, self._now, self._page, self._told = reading, writing, now, page, told
        self._configuration = Configuration(reading)
        self._again: list[UUID] = []

    def run(self, opened: Period) -> Verdict:
        """Judge what was opened in this period and is not judged yet. Ctrl-C ends it early, and the verdict says so.

        Raises NoPolicies, NothingInForce, KeptMoving and psycopg.Error; tickets that went before stay judged.
        """
        started = time.monotonic()
        self._configuration.refresh()
        require_policies(self._configuration.policies, opened.start)
        try:
            self._append(pages(self._reading, opened, self._page))
            self._once_more()
        except STOPS as stop:
            if not interrupted(stop):
                raise
            self.verdict.interrupted = True
        self.verdict.seconds = time.monotonic() - started
        return self.verdict

    def _append(self, found: Iterable[Page]) -> None:
        with Appender(self._writing, self._settle) as appender:
            for page in found:
                batch = self._decided(page.histories)
                self.verdict.tickets += len(page.histories)
                if self.verdict.dry:
                    self._settle(batch, [Outcome("accepted")] * len(batch.commands))
                else:
                    appender.put(batch)
                self._told(self.verdict.tickets, page.fraction)

    def _once_more(self) -> None:
        """Somebody else wrote to these meanwhile, or to what they stand on: judge what they hold now."""
        for _ in range(TRIES):
            again, self._again = self._again, []
            if not again:
                return
            self.verdict.tickets -= len(again)
            self._append([Page(histories(self._reading, again), 1.0)])
        if self._again:
            raise KeptMoving(f"{len(self._again):,} tickets")

    def _settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Runs in the appender's thread, one batch at a time."""
        for owner, facts, outcome in zip(batch.owners, batch.facts, outcomes, strict=True):
            if outcome.kind == "accepted":
                self.verdict.judged += 1
                self.verdict.facts.update(facts)
            else:
                # Also one that was here before: another run judged it, perhaps by other policies.
                self._again.append(owner)

    def _decided(self, found: Mapping[UUID, Sequence[Recorded]]) -> Batch:
        self._configuration.refresh()
        requesters = {stream: requester_of(history) for stream, history in found.items()}
        tiered = any(asks_for_tier(self._configuration.policies))
        self._configuration.refresh(id for id in requesters.values() if tiered and id is not None)
        policies, desk, batch = self._configuration.policies, self._configuration.desk(), Batch()
        calendars = calendars_of(desk)
        for stream, history in found.items():
            ticket = Ticket(requester=requesters[stream])
            series = judged(history, policies, calendars, tier_of(ticket, desk), self._now)
            facts = [*series, *due(history, series, self._configuration.book, self._now)]
            if facts:
                batch.add(self._command(stream, history, facts, ticket.requester if tiered else None), stream)
        return batch

    def _command(
        self, stream: UUID, history: Sequence[Recorded], facts: Sequence[Fact], requester: UUID | None
    ) -> Append:
        version = history[-1].version
        command_id = uuid5(stream, f"{CALLER} {version}")
        events = tuple((fact.type_name, encode(_enveloped(fact, command_id))) for fact in facts)
        stood_on = [] if requester is None else [requester]
        for fact in facts:
            if isinstance(fact, SlaApplied):
                stood_on += [POLICY_LIST] if fact.calendar is None else [POLICY_LIST, fact.calendar]
        reads = self._configuration.reads(stood_on)
        return Append(command_id, CALLER, command_id.bytes, (Write(stream, version, events),), reads)


def require_policies(policies: PolicyList, start: datetime) -> None:
    """Raises NoPolicies or NothingInForce."""
    listed = [version for _, versions in policies.current for version in versions]
    if not listed:
        raise NoPolicies
    if not in_force(policies, start, None):
        raise NothingInForce(min(version.effective_from for version in listed))


def due(history: Sequence[Recorded], series: Sequence[SlaApplied], book: Book, now: datetime) -> Iterator[Fact]:
    """What is to be noted by now once the series is applied, as far as nothing follows from it."""
    last = history[-1]
    applied = [
        Recorded(last.position, last.stream, last.version + place, now, _enveloped(fact, last.stream))
        for place, fact in enumerate(series, 1)
    ]
    for item in agenda(clocks([*history, *applied], book)):
        if item.at <= now and not item.acts and not isinstance(item.fact, Closed):
            yield item.fact


def requester_of(history: Sequence[Recorded]) -> UUID | None:
    return next((event.fact.requester for event in history if isinstance(event.fact, Opened)), None)


def asks_for_tier(policies: PolicyList) -> Iterator[bool]:
    for _, versions in policies.current:
        for version in versions:
            yield any(condition.attribute == "tier" for _, condition in conditions(version.terms))


def _enveloped(fact: Fact, command_id: UUID) -> Envelope[Any]:
    return envelope_of(fact.type_name)(actor=JUDGE, command_id=command_id, correlation_id=command_id, fact=fact)
