"""What is a measure? A figure of ours, what stands beside it, and the ratio that is asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """`ours` and `beside` in `unit`; `target` is the least ratio, or the least figure where nothing stands beside."""

    name: str
    unit: str
    ours: float
    beside: float | None = None
    peer: str = ""
    target: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.beside if self.beside else None

    @property
    def reached(self) -> bool:
        figure = self.ratio if self.ratio is not None else self.ours
        return self.target is None or figure >= self.target

    def cells(self) -> tuple[str, ...]:
        beside = f"{self.beside:,.0f} {self.peer}" if self.beside else ""
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        target = f"{self.target:g}" if self.target is not None else ""
        verdict = "" if self.target is None else "reached" if self.reached else "MISSED"
        return (self.name, f"{self.ours:,.0f} {self.unit}", beside, ratio, target, verdict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio, "reached": self.reached}
