"""measure: what is a metric? A name, what it means in words, which rows it reads and how these become one number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal, LiteralString

from aggregates.fact import Fact
from projections.metrics.answer import Unit, Value

Source = Literal["events", "lives", "stretches", "levels", "ages"]
"""Which rows a metric reads, and by which instant of theirs it counts them.

events      what happened in the period
lives       tickets of which the last resolution fell in the period: what their whole life was made of
stretches   times in a status, or with an agent, that ended in the period
levels      tickets as they stood at the end of the period
ages        the same, by how long ago each was opened
"""
How = Literal["count", "tickets", "sum", "percentile"]
Column = Literal["rows", "time", "amount", "cost"]
Got = int | Decimal | None
MICROSECONDS = 1_000_000
RESOLUTION_CODE = "the resolution's code"
DECIMALS = 6
ROUNDED: frozenset[Unit] = frozenset({"seconds", "money"})


@dataclass(frozen=True, slots=True)
class Rows:
    """Those of one kind; and `only` those for which this holds."""

    kind: str
    only: LiteralString = "true"


@dataclass(frozen=True, slots=True)
class Part:
    """One number out of rows: how many have a value, of how many tickets, their sum or nearest-rank percentile."""

    how: How
    rows: Rows
    of: Column = "rows"
    fraction: float = 0

    @property
    def adds_up(self) -> bool:
        """Whether groups of rows without a row in common add up to all of them."""
        return self.how in ("count", "sum") and self.of != "cost"


@dataclass(frozen=True, slots=True)
class Quotient:
    """Null where `under` is nought."""

    over: Part
    under: Part


@dataclass(frozen=True, slots=True)
class Points:
    """So many for each row that a part counts."""

    parts: tuple[tuple[int, Part], ...]


Formula = Part | Quotient | Points


@dataclass(frozen=True, slots=True)
class Metric:
    """One definition. Change what it says and raise its version.

    words    exact: from when to when, what counts and what does not
    reads    the facts that move it
    detail   what the dimension `detail` tells of its rows; empty: nothing
    """

    name: str
    title: str
    unit: Unit
    words: str
    source: Source
    formula: Formula
    reads: tuple[type[Fact], ...]
    detail: str = ""
    version: int = 1

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(_parts(self.formula))

    @property
    def timed(self) -> bool:
        """Whether it tells how long something took."""
        return any(part.of == "time" for part in self.parts)

    @property
    def business(self) -> bool:
        """Whether that is known in business time, too."""
        return self.timed and self.source != "ages"

    @property
    def grounded(self) -> bool:
        """Whether it says what became of promises."""
        return any(part.rows.kind == "sla" for part in self.parts)

    @property
    def how(self) -> str:
        match self.formula:
            case Points():
                return "points"
            case Quotient(over=Part(how="sum"), under=Part(how="count")):
                return "average"
            case Quotient():
                return "quotient"
            case Part(how="percentile", fraction=fraction):
                return f"p{fraction * 100:.0f}, nearest rank"
            case Part(how=how):
                return {"tickets": "count of tickets", "count": "count", "sum": "sum"}[how]


def value(metric: Metric, got: Mapping[Part, Got]) -> Value:
    """Exact but for its last decimals: seconds and money are rounded once, to six of them."""

    def of(part: Part) -> Got:
        return got.get(part, _nothing(part))

    match metric.formula:
        case Points(parts):
            return sum(points * int(of(part) or 0) for points, part in parts)
        case Quotient(over, under):
            whole, count = of(over), of(under)
            return None if whole is None or not count else _float(metric, over, Fraction(whole) / Fraction(count))
        case Part(of="time" | "cost") as part if part.how != "count":
            found = of(part)
            return None if found is None else _float(metric, part, Fraction(found))
        case Part() as part:
            found = of(part)
            return None if found is None else int(found)


def grown(value: Value, previous: Value) -> Value:
    if value is None or previous is None:
        return None
    change = value - previous
    return round(change, 12) if isinstance(change, float) else change


def _nothing(part: Part) -> Got:
    """Of no rows at all."""
    return None if part.how == "percentile" or part.of == "cost" else 0


def _float(metric: Metric, part: Part, exact: Fraction) -> float:
    seconds = exact / MICROSECONDS if part.of == "time" else exact
    return float(round(seconds, DECIMALS) if metric.unit in ROUNDED else seconds)


def _parts(formula: Formula) -> Iterator[Part]:
    match formula:
        case Part():
            yield formula
        case Quotient(over, under):
            yield from (over, under)
        case Points(parts):
            yield from (part for _, part in parts)
