"""goal_standing: what was measured for a goal, and how does it stand by that?"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Literal

from aggregates.goals.terms import TIMED, Figure, GoalTerms, Share, exactly
from projections.metrics.catalogue import METRICS
from projections.metrics.measure import MICROSECONDS, Metric

Standing = Literal["nothing_measured", "on_track", "behind", "unreachable", "reached", "missed"]
"""unreachable: whatever else is measured, unless something that counted is taken back."""
BEST_SCORE = 5
SUFFIX = {"average": "avg"}


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one period.

    measured   how many have a value, of which `good` are as the goal wants them
    total      their sum, in microseconds or scores
    rank       the percentile that the goal asks for
    """

    measured: int = 0
    good: int = 0
    total: int = 0
    rank: int | None = None


def value(terms: GoalTerms, found: Measured) -> Fraction | None:
    """A share from 0 to 1, or the statistic in seconds, scores or tickets; None where nothing was measured."""
    target = terms.target
    if isinstance(target, Figure) and target.statistic == "count":
        return Fraction(found.measured)
    if not found.measured:
        return None
    if isinstance(target, Share):
        return Fraction(found.good, found.measured)
    whole = Fraction(found.total, found.measured) if target.statistic == "average" else Fraction(found.rank or 0)
    return whole / MICROSECONDS if terms.metric in TIMED else whole


def wanted(target: Share | Figure) -> Fraction:
    return exactly(target.percent) / 100 if isinstance(target, Share) else exactly(target.value)


def standing(terms: GoalTerms, found: Measured, *, over: bool) -> Standing:
    """`over`: the period has ended."""
    target, now = terms.target, value(terms, found)
    if now is None:
        return "nothing_measured"
    at_most = isinstance(target, Figure) and target.bound == "at_most"
    holds = now <= wanted(target) if at_most else now >= wanted(target)
    if over:
        return "reached" if holds else "missed"
    if holds:
        return "on_track"
    return "unreachable" if _spoilt(terms) else "behind"


def needed(terms: GoalTerms, found: Measured) -> int | None:
    """How many good ones in a row would bring a share to its target; None: it is there, or it never will be."""
    now = value(terms, found)
    if not isinstance(terms.target, Share) or now is None or now >= wanted(terms.target) or _spoilt(terms):
        return None
    share = wanted(terms.target)
    return ceil((share * found.measured - found.good) / (1 - share))


def definition(terms: GoalTerms) -> Metric:
    """What is measured, in the words of the metrics' catalogue."""
    target, metric = terms.target, terms.metric
    if metric == "satisfaction":
        return METRICS["satisfaction" if isinstance(target, Share) else "satisfaction_score"]
    if metric == "sla_compliance":
        return METRICS[metric if terms.promise is None else f"sla_{terms.promise}"]
    if metric == "backlog":
        return METRICS[metric]
    name = "full_resolution" if metric == "resolution" else metric
    how = target.statistic if isinstance(target, Figure) else "average"
    return METRICS[f"{name}_{SUFFIX.get(how, how)}"]


def _spoilt(terms: GoalTerms) -> bool:
    """Whether a single miss is one too many: 100 %, or the best score on average."""
    target = terms.target
    if isinstance(target, Share):
        return target.percent == 100
    return terms.metric == "satisfaction" and target.bound == "at_least" and wanted(target) >= BEST_SCORE
