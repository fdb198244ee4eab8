"""catalogue: which metrics are there, and what exactly does each of them mean?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aggregates.errors import NotFound
from projections.metrics.definitions import flow, replies, resolutions, satisfaction, sla, standing, work
from projections.metrics.measure import Metric

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for part in (flow, replies, resolutions, sla, standing, work, satisfaction)
        for metric in part.METRICS
    }
)


def metric(name: str) -> Metric:
    """Raises NotFound."""
    found = METRICS.get(name)
    if found is None:
        raise NotFound("metric.not_found", "There is no such metric.")
    return found
