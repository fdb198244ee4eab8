"""metrics: what does Prometheus learn from an API process?"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from commands.append import Append, Outcome
from commands.store import EventStore

REQUESTS = Histogram(
    "chronodesk_http_request_seconds",
    "How long requests took, by route template",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
APPENDS = Counter("chronodesk_appends_total", "Commands that reached the store, by outcome", ["outcome"])
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
BATCH = Histogram("chronodesk_append_batch", "Commands that shared one commit", buckets=SIZES)


class MeasuredStore(EventStore):
    async def _append(self, commands: Sequence[Append]) -> Sequence[Outcome]:
        outcomes = await super()._append(commands)
        BATCH.observe(len(commands))
        for outcome in outcomes:
            APPENDS.labels(outcome.kind).inc()
        return outcomes
