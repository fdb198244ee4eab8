"""check: what does one check of the whole desk answer?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Tell = Callable[[str, int, int], None]
"""What is being done, and how many of how many are done."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how many of what; fault: the first thing that is wrong, without what any event says."""

    name: str
    count: int
    of: str
    fault: str | None = None

    @property
    def line(self) -> str:
        return f"{self.count:,} {self.of}" if self.fault is None else f"{self.fault} (after {self.count:,} {self.of})"
