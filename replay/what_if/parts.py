"""Which part of a log does one process ask what if?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from uuid import UUID

from replay.what_if.folding import Asked
from replay.what_if.given import Given

FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Range:
    """Streams with after < id <= last."""

    after: UUID = FIRST
    last: UUID = LAST

    def split(self, parts: int) -> list[Range]:
        """Ids are spread evenly, so these are about equally many."""
        ends = [self.after.int + (self.last.int - self.after.int) * part // parts for part in range(parts + 1)]
        return [Range(UUID(int=after), UUID(int=last)) for after, last in pairwise(ends)]

    def fraction(self, reached: UUID) -> float:
        return (reached.int - self.after.int) / (self.last.int - self.after.int)


@dataclass(frozen=True, slots=True)
class Part:
    """A range of tickets, as of position `head`. changes: a file for what would have changed, one a line."""

    url: str
    given: Given
    asked: Asked
    head: int
    within: Range = field(default_factory=Range)
    changes: Path | None = None

    def split(self, parts: int) -> list[Part]:
        """Each with a file of its own."""
        return [
            replace(self, within=within, changes=self.changes and self.changes.with_name(f".{n}.{self.changes.name}"))
            for n, within in enumerate(self.within.split(parts))
        ]
