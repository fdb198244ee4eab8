"""What is a measure? A figure of ours, what stands beside it, and the ratio that is asked for."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """`ours` and `beside` in `unit`; `target` is the least ratio, or the least figure where nothing stands beside.

    most: `ours` may be no more than this.
    """

    name: str
    unit: str
    ours: float
    beside: float | None = None
    peer: str = ""
    target: float | None = None
    most: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.beside if self.beside else None

    @property
    def reached(self) -> bool:
        if self.most is not None:
            return self.ours <= self.most
        figure = self.ratio if self.ratio is not None else self.ours
        return self.target is None or figure >= self.target

    def cells(self) -> tuple[str, ...]:
        beside = f"{_figure(self.beside)} {self.peer}" if self.beside else ""
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        asked = self.target if self.most is None else self.most
        target = "" if asked is None else f"{'at most ' if self.most is not None else ''}{asked:g}"
        verdict = "" if asked is None else "reached" if self.reached else "MISSED"
        return (self.name, f"{_figure(self.ours)} {self.unit}", beside, ratio, target, verdict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio, "reached": self.reached}


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def told(measure: Measure) -> Measure:
    """At once, where all of it takes half an hour."""
    print(f"{measure.name}: {measure.ours:,.1f} {measure.unit}", file=sys.stderr, flush=True)
    return measure


def high_water(pid: int) -> float:
    """Peak resident memory of a process, in MiB; of a server process of Postgres with the buffers that it touched."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) / 1024 if match else 0.0
