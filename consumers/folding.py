"""folding: what does a stream's row become, given what a batch brought? Pure, the reading of histories aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from aggregates.envelope import Stored, recorded
from consumers.faults import described
from projections.projection import Projection, Row

History = Callable[[UUID], Sequence[Stored]]
"""All events of a stream, read from the store."""


@dataclass(slots=True)
class Folded:
    """One stream's outcome.

    row      to be saved; None: nothing new
    anew     the row comes from the whole history: erase what was kept before saving it
    fresh    the batch's events beyond the row that was there
    stuck    those of them that cannot be applied: the first one because of `error`, the others behind it
    """

    stream: UUID
    fresh: Sequence[Stored]
    row: Row | None = None
    anew: bool = False
    stuck: Sequence[Stored] = ()
    error: str | None = None

    @property
    def applied(self) -> int:
        return len(self.fresh) - len(self.stuck)

    def refused(self, error: str) -> Folded:
        """The same stream when its row cannot be saved: nothing of it counts."""
        return Folded(self.stream, self.fresh, stuck=self.fresh, error=error)


def fold_stream(
    projection: Projection[Any], stream: UUID, row: Row | None, fresh: Sequence[Stored], history: History
) -> Folded:
    """`fresh` follows the row without a gap."""
    folded = Folded(stream, fresh)
    for place, event in enumerate(fresh):
        if row is not None and event.version <= row.version:
            continue
        try:
            row, anew = _next(projection, row, event, fresh[-1].version, history)
        except (psycopg.Error, MemoryError):
            # Only the reading of a history talks to the database: not this event's fault.
            raise
        except Exception as error:
            folded.stuck, folded.error = fresh[place:], described(error)
            break
        folded.row, folded.anew = row, folded.anew or anew
    return folded


def _next(
    projection: Projection[Any], row: Row | None, event: Stored, last: int, history: History
) -> tuple[Row | None, bool]:
    folded = projection.fold(row, recorded(event))
    if folded is not None:
        return folded, False
    whole = history(event.stream)
    try:
        return _refold(projection, whole, last), True
    except psycopg.Error:
        raise
    except Exception:
        # What stands behind this event may be at fault: it must not take this one with it.
        return _refold(projection, whole, event.version), True


def _refold(projection: Projection[Any], history: Sequence[Stored], upto: int) -> Row:
    row: Row = projection.refold([recorded(event) for event in history if event.version <= upto])
    return row


def in_order(events: Sequence[Stored], version: int) -> list[Stored]:
    """Beyond `version`, each once, by version."""
    by_version = {event.version: event for event in events if event.version > version}
    return [by_version[v] for v in sorted(by_version)]


def has_gap(fresh: Sequence[Stored], version: int) -> bool:
    """Whether versions are missing between the row and the last event."""
    return bool(fresh) and fresh[-1].version - version != len(fresh)
