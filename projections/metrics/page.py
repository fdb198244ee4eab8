"""page: how do the definitions read on paper? `python -m projections.metrics` writes docs/metrics.md from them."""

from __future__ import annotations

from collections.abc import Iterator

from projections.metrics import dimensions
from projections.metrics.catalogue import METRICS
from projections.metrics.dimensions import DIMENSIONS
from projections.metrics.measure import Metric
from projections.metrics.reports import LISTED, Report

HEAD = """# Figures

Generated from the definitions by `python -m projections.metrics > docs/metrics.md`; a test fails while it is stale.

Every figure is of a period `[from, to)`, counted by when things happened, as known at one position of the log: asked
again for that position it is the same to the last digit. Durations are exact to the microsecond and null until both
ends exist; averages are exact, percentiles are nearest rank, so each is a ticket that exists. A share of nothing is
null. In business time only the hours count that the policies then in force named; what was in force at no time for a
part of it has none, and does not count. What a ticket is grouped by is what it was right after the event.
"""


def page() -> str:
    return "\n".join([HEAD, *_dimensions(), *_reports(), *_metrics()]) + "\n"


def _dimensions() -> Iterator[str]:
    yield "## Dimensions\n\n| name | | values |\n| --- | --- | --- |"
    for each in DIMENSIONS.values():
        words = each.words if each.grouped else f"{each.words}; for filters only"
        yield f"| `{each.name}` | {words} | {', '.join(each.values)} |"


def _reports() -> Iterator[str]:
    yield "\n## Reports\n\n| name | | metrics | grouped by | buckets |\n| --- | --- | --- | --- | --- |"
    for report in LISTED:
        yield _report(report)


def _report(report: Report) -> str:
    names = ", ".join(f"`{name}`" for name in report.names)
    return f"| `{report.name}` | {report.words} | {names} | {', '.join(report.group_by)} | {report.bucket or ''} |"


def _metrics() -> Iterator[str]:
    yield "\n## Metrics"
    for metric in METRICS.values():
        yield from _metric(metric)


def _metric(metric: Metric) -> Iterator[str]:
    yield f"\n### `{metric.name}`: {metric.title}\n\n{metric.words}\n"
    yield f"- version {metric.version}, in {metric.unit}: {metric.how}{', or in business time' * metric.business}"
    yield f"- grouped by {', '.join(each.name for each in dimensions.of([metric]) if each.grouped)}"
    if metric.detail:
        yield f"- `detail`: {metric.detail}"
    yield f"- reads {', '.join(f'`{fact.type_name}`' for fact in metric.reads)}"
