"""families: how is what one kind of row tells said as a count, an average and percentiles?"""

from __future__ import annotations

from collections.abc import Iterator

from aggregates.fact import Fact
from projections.metrics.answer import Unit
from projections.metrics.measure import Formula, Metric, Part, Quotient, Rows, Source

PERCENTILES = (50, 90, 95)
AVERAGE = "The exact average: whole microseconds added up and divided once by how many there are."
RANK = "The nearest rank: the shortest such time that {percent} % of them do not exceed, so always one that occurred."


def count(
    name: str,
    title: str,
    rows: Rows,
    words: str,
    reads: tuple[type[Fact], ...],
    *,
    unit: Unit = "events",
    detail: str = "",
    source: Source = "events",
) -> Metric:
    return Metric(name, title, unit, words, source, Part("count", rows), reads, detail)


def timed(
    name: str,
    title: str,
    rows: Rows,
    words: str,
    reads: tuple[type[Fact], ...],
    *,
    detail: str = "",
    source: Source = "events",
) -> Iterator[Metric]:
    """`{name}_avg`, `{name}_p50`, `{name}_p90` and `{name}_p95`."""

    def one(suffix: str, how: str, formula: Formula, last: str) -> Metric:
        return Metric(
            f"{name}_{suffix}", f"{title}, {how}", "seconds", f"{words} {last}", source, formula, reads, detail
        )

    average = Quotient(Part("sum", rows, "time"), Part("count", rows, "time"))
    yield one("avg", "average", average, AVERAGE)
    for percent in PERCENTILES:
        percentile = Part("percentile", rows, "time", percent / 100)
        yield one(f"p{percent}", f"p{percent}", percentile, RANK.format(percent=percent))


def share(
    name: str,
    title: str,
    among: Rows,
    only: Rows,
    words: str,
    reads: tuple[type[Fact], ...],
    *,
    detail: str = "",
) -> Metric:
    """Of rows, how many are some of them."""
    formula = Quotient(Part("count", only), Part("count", among))
    return Metric(name, title, "share", words, "events", formula, reads, detail)
