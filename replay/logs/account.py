"""What came of an import? Counted while it runs; nothing that the log held goes unmentioned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from replay.logs.steps import Remark

Fate = Literal["new", "extended", "unchanged", "changed"]


@dataclass(frozen=True, slots=True)
class Changed:
    """A case whose history is not the one imported before: `place` is the first fact that differs."""

    case: str
    place: int
    stored: str
    told: str


@dataclass(slots=True)
class Account:
    source: str
    cases: int = 0
    events: int = 0
    seconds: float = 0.0
    tickets: Counter[Fate] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    remarks: Counter[Remark] = field(default_factory=Counter)
    changed: list[Changed] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)
    broken: str | None = None
    interrupted: bool = False
    interleaved: bool = False

    @property
    def written(self) -> int:
        return self.facts.total()

    @property
    def whole(self) -> bool:
        """Whether all of the log was read, and none of it contradicts what was imported before."""
        return self.broken is None and not self.interrupted and not self.changed and not self.skipped

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "cases": self.cases,
            "events": self.events,
            "seconds": round(self.seconds, 3),
            "tickets": {fate: self.tickets[fate] for fate in ("new", "extended", "unchanged", "changed")},
            "facts": {"total": self.written, **dict(sorted(self.facts.items()))},
            "not_as_it_stands": [
                {"why": r.why, "attribute": r.attribute, "value": r.value, "times": n} for r, n in ordered(self.remarks)
            ],
            "changed_history": [
                {"case": c.case, "fact": c.place, "stored": c.stored, "told": c.told} for c in self.changed
            ],
            "cases_left_out": self.skipped,
            "fields_taken_by_name": self.taken,
            "broken": self.broken,
            "interrupted": self.interrupted,
            "interleaved": self.interleaved,
        }


def ordered(remarks: Counter[Remark]) -> list[tuple[Remark, int]]:
    return sorted(remarks.items(), key=lambda item: (-item[1], item[0].why, item[0].attribute, item[0].value))
