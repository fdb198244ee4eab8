"""compliance: into which days, weeks or months of a time zone does a period fall, and which share was kept in each?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import Query

from aggregates.errors import Unacceptable
from aggregates.ticket.events import Metric
from api.sla_shown import BucketShown, ComplianceShown, MetricCompliance
from api.strict import invalid
from projections.metrics.periods import days
from projections.sla_report_queries import Outcomes

Unit = Literal["month", "week", "day"]
By = Annotated[Unit, Query(description="weeks begin on Monday")]
LONGEST: Mapping[Unit, timedelta] = MappingProxyType(
    {"day": timedelta(days=400), "week": timedelta(days=2_000), "month": timedelta(days=3_660)}
)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
Counts = Mapping[int, Outcomes]


def periods(since: datetime, until: datetime, by: Unit, zone: ZoneInfo) -> list[tuple[date, datetime]]:
    """The local day on which each begins, and that instant; of all that reach into [since, until).

    Raises RequestValidationError and Unacceptable.
    """
    if not EARLIEST <= since < until <= LATEST:
        raise invalid("query.to", "not_after_from")
    if until - since > LONGEST[by]:
        raise Unacceptable("sla.period_too_long", f"Ask for {LONGEST[by].days} days at most by {by}.", field="to")
    return list(days(since, until, by, zone))


def compliance(starts: Sequence[date], outcomes: Iterable[Outcomes]) -> ComplianceShown:
    """Every metric that ended in the period at all, with all of its buckets."""
    by_metric: defaultdict[Metric, dict[int, Outcomes]] = defaultdict(dict)
    for one in outcomes:
        by_metric[one.metric][one.bucket] = one
    return ComplianceShown(metrics=[_metric(metric, starts, counts) for metric, counts in by_metric.items()])


def _metric(metric: Metric, starts: Sequence[date], counts: Counts) -> MetricCompliance:
    buckets = [_bucket(day, counts.get(place)) for place, day in enumerate(starts)]
    met, breached = sum(b.met for b in buckets), sum(b.breached for b in buckets)
    return MetricCompliance(
        metric=metric, met=met, breached=breached, compliance=_share(met, breached), buckets=buckets
    )


def _bucket(starts: date, counted: Outcomes | None) -> BucketShown:
    met, breached = (counted.met, counted.breached) if counted else (0, 0)
    return BucketShown(starts=starts, met=met, breached=breached, compliance=_share(met, breached))


def _share(met: int, breached: int) -> float | None:
    return met / (met + breached) if met or breached else None
