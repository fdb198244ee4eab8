"""How does a log get into the store? Case by case, many in one call, reading on while the store writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import Connection

from commands.append import Outcome
from replay.appender import Appender
from replay.interrupts import STOPS, interrupted
from replay.logs.account import Account
from replay.logs.batches import Batch, Story, prepare
from replay.logs.delimited import CsvLog
from replay.logs.eventlog import BrokenLog, Case, EventLog, is_xml
from replay.logs.lexicon import Lexicon
from replay.logs.mapping import BadMapping, LogMapping
from replay.logs.xes import XesLog

Progress = Callable[[Account, float], None]
BATCH = 500
PEEK = 1_000
TRIES = 5


class CannotImport(Exception):
    """The store refused what should have been appended; the message names the case."""


def open_log(path: Path, mapping: LogMapping) -> EventLog:
    """XES or CSV, plain or gzip, by what is in the file. Raises BrokenLog and OSError."""
    try:
        return XesLog(path) if is_xml(path) else CsvLog(path, mapping.delimiter)
    except EOFError as error:
        raise BrokenLog(1, f"the file cannot be unpacked: {error}") from None


class Import:
    """One run: reads, tells and looks up on `reading`, appends on `writing`, and keeps the account."""

    def __init__(
        self,
        reading: Connection[Any],
        writing: Connection[Any],
        mapping: LogMapping,
        now: datetime,
        batch: int = BATCH,
        progress: Progress = lambda account, fraction: None,
    ) -> None:
        self.account = Account(mapping.source)
        self._reading = reading
        self._writing = writing
        self._lexicon = Lexicon(mapping)
        self._now = now
        self._batch = batch
        self._progress = progress
        self._again: list[Case] = []
        self._seen: set[UUID] = set()

    def run(self, log: EventLog) -> Account:
        """Import what is not there yet. A broken log or Ctrl-C ends it early, and the account says so.

        Raises BadMapping, CannotImport and psycopg.Error; whole cases that went before stay imported.
        """
        started = time.monotonic()
        try:
            cases = self._fresh(checked(log, self._lexicon.mapping))
            self._append(_batches(cases, self._batch), log.progress)
            self._once_more()
        except BrokenLog as broken:
            self.account.broken = str(broken)
        except STOPS as stop:
            if not interrupted(stop):
                raise
            self.account.interrupted = True
        self._notes(log)
        self.account.seconds = time.monotonic() - started
        return self.account

    def _append(self, batches: Iterable[list[Case]], progress: Callable[[], float]) -> None:
        with Appender(self._writing, self._settle) as appender:
            for cases in batches:
                batch = prepare(self._reading, cases, self._lexicon, self._now)
                appender.put(batch)
                self._progress(self.account, progress())
                if batch.broken:
                    raise batch.broken

    def _fresh(self, cases: Iterable[Case]) -> Iterator[Case]:
        """Without what cannot be told: cases without events, and ids that came before."""
        for case in cases:
            if case.rows and not case.id:
                raise BrokenLog(case.line, "a case has no id")
            stream = self._lexicon.ticket(case.id)
            if stream in self._seen or not case.rows:
                self._skip(case)
                continue
            self._seen.add(stream)
            yield case

    def _skip(self, case: Case) -> None:
        why = "is told twice, its second telling" if case.rows else "has no events and"
        self.account.skipped.append(f"case {case.id!r} {why} was left out (line {case.line})")

    def _once_more(self) -> None:
        """Somebody else wrote to these tickets meanwhile: look again at what they hold now."""
        for _ in range(TRIES):
            again, self._again = self._again, []
            if again:
                self._append([again], lambda: 1.0)
        if self._again:
            raise CannotImport(f"case {self._again[0].id!r}: its ticket is written to all the time; try again later")

    def _settle(self, batch: Batch, outcomes: list[Outcome]) -> None:
        """Enter a batch into the account. Runs in the appender's thread, one batch at a time."""
        conflicted: set[UUID] = set()
        for owner, facts, outcome in zip(batch.owners, batch.facts, outcomes, strict=True):
            if outcome.kind == "conflict":
                conflicted.add(owner)
            elif not outcome.written:
                raise CannotImport(f"the store says `{outcome.kind}` to {owner}")
            elif outcome.kind == "accepted":
                self.account.facts.update(facts)
        for story in batch.stories:
            if story.stream in conflicted:
                self._again.append(story.case)
                continue
            self._enter(story)

    def _enter(self, story: Story) -> None:
        account = self.account
        account.cases += 1
        account.events += len(story.case.rows)
        account.tickets[story.fate] += 1
        account.remarks.update(story.told.remarks)
        if story.changed:
            account.changed.append(story.changed)

    def _notes(self, log: EventLog) -> None:
        self.account.taken = {attribute: name for attribute, name in self._lexicon.rest.items() if name}
        if isinstance(log, XesLog) and log.outside:
            self.account.skipped.append(f"{log.outside} events stand in no trace and were left out")
        self.account.interleaved = isinstance(log, CsvLog) and log.interleaved


def checked(log: EventLog, mapping: LogMapping) -> Iterator[Case]:
    """The log's cases, after a look whether it has what the mapping names. Raises BadMapping before the first."""
    cases = log.cases(mapping.case.id)
    first: list[Case] = []
    broken: BrokenLog | None = None
    try:
        while sum(len(case.rows) for case in first[-PEEK:]) < PEEK and (case := next(cases, None)):
            first.append(case)
    except BrokenLog as error:
        broken = error
    _check(first, log.attributes, mapping)
    yield from first
    if broken:
        raise broken
    yield from cases


def _check(first: list[Case], declared: frozenset[str] | None, mapping: LogMapping) -> None:
    events = sum(len(case.rows) for case in first)
    there = (
        declared if declared is not None else {attribute for case in first for row in case.rows for attribute in row}
    )
    missing = [f"{attribute!r} ({place})" for attribute, place in mapping.named.items() if attribute not in there]
    if missing and (events or declared is not None):
        where = "the header does not have" if declared is not None else f"none of the first {events:,} events has"
        raise BadMapping(f"the mapping names {', '.join(missing)}, which {where}; there is: {', '.join(sorted(there))}")


def _batches(cases: Iterable[Case], size: int) -> Iterator[list[Case]]:
    """Cases together until they hold `size` events; those before a break still come."""
    batch: list[Case] = []
    events = 0
    try:
        for case in cases:
            batch.append(case)
            events += len(case.rows)
            if events >= size:
                yield batch
                batch, events = [], 0
    except BrokenLog:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
