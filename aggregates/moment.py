"""Which past is asked for: what was known then, or what had happened by then?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from aggregates.envelope import Recorded

Basis = Literal["recorded", "occurred"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of the past, found in the log.

    basis      recorded: the state as it was known then, each fact in order of version;
               occurred: the course of events, each fact in order of occurrence
    position   no event behind this one is known
    at         the instant at which clocks are read
    by         occurred only: no fact that happened later counts; None: all that is known does
    version    of the one stream that is asked about: nothing beyond it counts
    """

    basis: Basis
    position: int
    at: datetime
    by: datetime | None = None
    version: int | None = None

    @property
    def past(self) -> str:
        """The same for two moments of one past. Of what had happened by an instant more may become known."""
        return f"{self.basis} {self.by.astimezone(UTC).isoformat() if self.by else self.position}"

    def __contains__(self, event: Recorded) -> bool:
        return (
            event.position <= self.position
            and (self.version is None or event.version <= self.version)
            and (self.by is None or event.at <= self.by)
        )

    def facts(self, history: Iterable[Recorded]) -> list[Recorded]:
        """Those of one stream's events that count, in the order in which they are folded."""
        told = [event for event in history if event in self]
        if self.basis == "occurred":
            told.sort(key=by_occurrence)
        return told


def by_occurrence(event: Recorded) -> tuple[datetime, int]:
    """Sorts one stream's events as they happened; those of one instant as they were recorded."""
    return event.at, event.version
