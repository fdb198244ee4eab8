"""How does the outcome of a what-if read? The same past and the same rules always read the same, to the byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aggregates.sla.explain import Account
from aggregates.ticket.events import Metric
from replay.sla_report import Kept, span_told
from replay.what_if.changes import told
from replay.what_if.folding import Asked, Explained, Findings, Place


@dataclass(frozen=True, slots=True)
class Row:
    """Promises kept and broken, as it was and as it would have been."""

    before: Kept
    after: Kept


@dataclass(frozen=True, slots=True)
class Report:
    """`seconds` by the clock on the wall, for whoever asks how fast it was: it is no part of what was found."""

    asked: Asked
    position: int
    findings: Findings
    teams: Mapping[UUID, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def places(self) -> list[Place]:
        return sorted(
            self.findings.places, key=lambda place: (place.metric, self.team(place.team), str(place.team), place.month)
        )

    @property
    def metrics(self) -> list[Metric]:
        return sorted({place.metric for place in self.places})

    def row(self, places: Iterable[Place]) -> Row:
        """Of all these together."""
        chosen = tuple(places)
        return Row(_kept(self.findings.before, chosen), _kept(self.findings.after, chosen))

    @property
    def worst(self) -> list[Explained]:
        """What changes sides, the furthest over its target first."""
        return sorted(self.findings.worst, key=lambda explained: explained.change.rank)

    def team(self, id: UUID | None) -> str:
        return "" if id is None else self.teams.get(id, str(id))

    def as_json(self) -> dict[str, Any]:
        findings, asked = self.findings, self.asked
        return {
            "at": asked.now.isoformat(),
            "position": self.position,
            "tickets": findings.tickets,
            "events": findings.events,
            "tickets_changed": findings.changed,
            "unjudged": dict(sorted(findings.unjudged.items())),
            "totals": [
                {"metric": metric, **_told(self.row(place for place in self.places if place.metric == metric))}
                for metric in self.metrics
            ],
            "figures": [
                {
                    "metric": place.metric,
                    "team": None if place.team is None else str(place.team),
                    "team_name": None if place.team is None else self.team(place.team),
                    "month": place.month,
                    **_told(self.row([place])),
                }
                for place in self.places
            ],
            "moves": [
                {"metric": metric, "before": before, "after": after, "clocks": clocks}
                for (metric, before, after), clocks in sorted(findings.moves.items())
            ],
            "changes": [explained_told(explained) for explained in self.worst],
        }


def explained_told(explained: Explained) -> dict[str, Any]:
    whole = told(explained.change)
    whole["before"]["spans"] = _spans(explained.before)
    whole["after"]["spans"] = _spans(explained.after)
    return whole


def _spans(account: Account | None) -> list[dict[str, Any]]:
    return [] if account is None else [span_told(step) for step in account.steps]


def _told(row: Row) -> dict[str, Any]:
    return {"before": _kept_told(row.before), "after": _kept_told(row.after)}


def _kept_told(kept: Kept) -> dict[str, Any]:
    compliance = round(kept.ratio, 4) if kept.met + kept.breached else None
    return {"met": kept.met, "breached": kept.breached, "compliance": compliance}


def _kept(counts: Counter[Any], places: Iterable[Place]) -> Kept:
    chosen = tuple(places)
    return Kept(*(sum(counts[place, came] for place in chosen) for came in ("met", "breached")))
