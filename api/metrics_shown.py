"""metrics_shown: what do readers get to see of definitions, of reports, and of what is behind a number?"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.shown import Human, Shown
from projections.metrics import dimensions
from projections.metrics.answer import AsOf, Every, MetricShown, Unit
from projections.metrics.measure import Metric
from projections.metrics.reports import Report


class MetricDefinition(Shown):
    """Of one metric. Whatever it means changes with its version only."""

    name: str = Field(examples=["first_reply_p90"])
    title: str
    unit: Unit
    definition: str = Field(description="from when to when, what counts and what does not")
    version: int
    aggregated: str = Field(description="how rows become one number", examples=["p90, nearest rank"])
    business_time: bool = Field(description="whether it can be asked in business time, too")
    dimensions: list[str] = Field(description="what it can be grouped by")
    filters: list[str] = Field(description="what it can be filtered by")
    detail: str | None = Field(description="what its dimension `detail` tells")
    reads: list[str] = Field(description="types of the events that move it", examples=[["ticket.opened.v1"]])


class MetricDefinitions(Shown):
    metrics: list[MetricDefinition]


class ReportShown(Shown):
    name: str
    title: str
    description: str
    metrics: list[str]
    group_by: list[str] = Field(description="unless asked otherwise")
    bucket: Every | None = Field(description="unless asked otherwise")
    dimensions: list[str] = Field(description="what it can be grouped by")


class ReportsShown(Shown):
    reports: list[ReportShown]


class EvidenceShown(Shown):
    """An event, or a ticket as it stood at the end of the period: see it at `T-1042@12`."""

    ticket: UUID
    number: Human
    version: int = Field(description="the ticket's, of that event; of what stood, of the event since which it stood so")
    at: datetime
    value: float = Field(description="what it adds: 1 where something is counted, seconds where it is timed")
    among: bool = Field(description="whether it is one of those that a share or an average divides by")


class EvidencePage(Shown):
    """The tickets and events that a number is made of, in order of time."""

    metric: MetricShown
    as_of: AsOf
    items: list[EvidenceShown]
    next: str | None = Field(description="the `cursor` of the next page")


def metric_definition(metric: Metric) -> MetricDefinition:
    able = dimensions.of([metric])
    return MetricDefinition(
        name=metric.name,
        title=metric.title,
        unit=metric.unit,
        definition=metric.words,
        version=metric.version,
        aggregated=metric.how,
        business_time=metric.business,
        dimensions=[dimension.name for dimension in able if dimension.grouped],
        filters=[dimension.name for dimension in able],
        detail=metric.detail or None,
        reads=[fact.type_name for fact in metric.reads],
    )


def report_shown(report: Report) -> ReportShown:
    return ReportShown(
        name=report.name,
        title=report.title,
        description=report.words,
        metrics=list(report.names),
        group_by=list(report.group_by),
        bucket=report.bucket,
        dimensions=[dimension.name for dimension in dimensions.of(report.metrics) if dimension.grouped],
    )
