"""What of a clock has passed by now, as far as one row of the sla view tells?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from aggregates.business_time import prepared
from aggregates.sla.clock import CALENDAR_TIME, Book
from aggregates.sla.stopwatch import BusinessTime, Stopwatch
from aggregates.sla.terms import TimeKind


@dataclass(frozen=True, slots=True)
class Standstill:
    """What had elapsed by `since`, and whether and in which time it has run from then on."""

    micros: int
    since: datetime
    running: bool
    time: TimeKind
    calendar: UUID | None
    calendar_version: int | None

    def elapsed(self, now: datetime, book: Book) -> timedelta:
        """Raises LookupError for a calendar that the book does not have."""
        counted = timedelta(microseconds=self.micros)
        return counted + self._watch(book).between(self.since, max(self.since, now)) if self.running else counted

    def _watch(self, book: Book) -> Stopwatch:
        if self.time == "calendar" or self.calendar is None:
            return CALENDAR_TIME
        return BusinessTime(prepared(book.hours(self.calendar, self.calendar_version or 0)))
