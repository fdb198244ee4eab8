"""question: what exactly is asked for? Settled, checked and bounded before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from aggregates.business_time import UnknownZone, zone_of
from aggregates.errors import Unacceptable
from projections.metrics import dimensions, periods
from projections.metrics.answer import AsOf, Every, Period, TimeKind
from projections.metrics.dimensions import DIMENSIONS, Key
from projections.metrics.measure import Metric

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
MOST_METRICS = 40
MOST_GROUPINGS = 3
USUAL_DAYS = 30
Instant = datetime | date
"""A date is the local day's beginning."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody may say; what they leave out is settled in `question`. `order`: largest first."""

    metrics: Sequence[Metric]
    report: str
    title: str
    since: Instant | None = None
    until: Instant | None = None
    tz: str = "UTC"
    bucket: Every | None = None
    time: TimeKind = "calendar"
    group_by: Sequence[str] = ()
    filters: Mapping[str, Iterable[str | None]] = field(default_factory=dict)
    compare: bool = True
    order: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that an answer follows from. `earlier`: buckets of the period before, empty if not compared with."""

    report: str
    title: str
    metrics: tuple[Metric, ...]
    since: datetime
    until: datetime
    zone: ZoneInfo
    bucket: Every | None
    time: TimeKind
    group_by: tuple[str, ...]
    filters: Mapping[str, tuple[Key, ...]]
    as_of: AsOf
    before: Period | None
    earlier: tuple[Period, ...]
    buckets: tuple[Period, ...]
    order: str | None = None
    limit: int | None = None

    @property
    def periods(self) -> tuple[Period, ...]:
        return self.earlier + self.buckets


def question(ask: Ask, as_of: AsOf) -> Question:
    """Raises Unacceptable, which names the field. Without `from` and `to`: the last 30 local days, today among them."""
    zone = _zone(ask.tz)
    since, until = _bounds(ask, as_of, zone)
    _check_groups(ask)
    _check_order(ask)
    before = periods.previous(since, until, zone) if ask.compare else None
    return Question(
        report=ask.report,
        title=ask.title,
        metrics=tuple(ask.metrics),
        since=since,
        until=until,
        zone=zone,
        bucket=ask.bucket,
        time=ask.time,
        group_by=tuple(ask.group_by),
        filters=_filters(ask),
        as_of=as_of,
        before=before,
        earlier=tuple(periods.buckets(before.since, before.until, ask.bucket, zone)) if before else (),
        buckets=tuple(periods.buckets(since, until, ask.bucket, zone)),
        order=ask.order,
        limit=ask.limit,
    )


def _zone(tz: str) -> ZoneInfo:
    try:
        return zone_of(tz)
    except UnknownZone:
        raise Unacceptable("report.zone_unknown", "There is no such time zone.", field="tz") from None


def _bounds(ask: Ask, as_of: AsOf, zone: ZoneInfo) -> tuple[datetime, datetime]:
    today = as_of.at.astimezone(zone).date()
    until = _instant(today + timedelta(days=1) if ask.until is None else ask.until, zone, "to")
    last = (until - timedelta(microseconds=1)).astimezone(zone).date()
    since = _instant(last - timedelta(days=USUAL_DAYS - 1) if ask.since is None else ask.since, zone, "from")
    if since >= until:
        raise Unacceptable("report.period_empty", "`to` must lie behind `from`.", field="to")
    return since, until


def _instant(said: Instant, zone: ZoneInfo, field: str) -> datetime:
    detail = f"From {EARLIEST:%Y} up to {LATEST:%Y}."
    if not isinstance(said, datetime):
        if not EARLIEST.date() < said < LATEST.date():
            raise Unacceptable("report.period_out_of_range", detail, field=field)
        said = periods.midnight(said, zone)
    if not EARLIEST <= said <= LATEST:
        raise Unacceptable("report.period_out_of_range", detail, field=field)
    return said.astimezone(UTC)


def _check_groups(ask: Ask) -> None:
    if len(ask.metrics) > MOST_METRICS:
        raise Unacceptable("report.too_many_metrics", f"Ask for {MOST_METRICS} at most.", field="metrics")
    if len(ask.group_by) > MOST_GROUPINGS:
        raise Unacceptable("report.too_many_groupings", f"Group by {MOST_GROUPINGS} at most.", field="group_by")
    if len(set(ask.group_by)) < len(ask.group_by):
        raise Unacceptable("report.grouped_twice", "Group by each dimension once.", field="group_by")
    known = {dimension.name: dimension for dimension in dimensions.of(ask.metrics)}
    for name in ask.group_by:
        if name not in known or not known[name].grouped:
            able = ", ".join(known_name for known_name in known if known[known_name].grouped)
            detail = f"What all of these metrics can be grouped by: {able}."
            raise Unacceptable("report.dimension_unknown", detail, field="group_by")


def _filters(ask: Ask) -> Mapping[str, tuple[Key, ...]]:
    known = {dimension.name for dimension in dimensions.of(ask.metrics)}
    given = {name: tuple(values) for name, values in ask.filters.items()}
    for name, values in given.items():
        if values and name not in known:
            detail = f"What all of these metrics can be filtered by: {', '.join(sorted(known))}."
            raise Unacceptable("report.dimension_unknown", detail, field=name)
    kept = {name: dimensions.keys(DIMENSIONS[name], values) for name, values in given.items() if values}
    return MappingProxyType(kept)


def _check_order(ask: Ask) -> None:
    if ask.order is not None and ask.order not in {metric.name for metric in ask.metrics}:
        raise Unacceptable("report.order_unknown", "Order by a metric that is asked for.", field="order")
    if (ask.order is not None or ask.limit is not None) and ask.bucket is not None:
        raise Unacceptable("report.order_of_buckets", "Rows of buckets come in order of time.", field="bucket")
