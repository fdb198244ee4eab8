"""panels: what of an answered report is drawn? A few pictures, each of one unit, of the biggest groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from projections.metrics.answer import Answer, MetricShown, Period, Row, Unit, Value
from replay.report.words import called

BIGGEST = 7
OTHERS = "others"
NOW, BEFORE = "this period", "the period before"
ADDED: frozenset[Unit] = frozenset({"tickets", "events", "money", "points"})
UNITS: dict[Unit, str] = {"seconds": "Durations", "share": "Shares", "score": "Scores", "number": "Numbers"}
Group = tuple[str | None, ...]
Place = tuple[Period | None, Group]


@dataclass(frozen=True, slots=True)
class Series:
    """A value an x; None where there is nothing to tell. `aside`: for comparison, or the rest."""

    name: str
    values: tuple[Value, ...]
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """`xs`: buckets in order of time, or else groups or metrics. `parts`: at each x the series add up to a whole."""

    title: str
    unit: Unit
    xs: tuple[str, ...]
    series: tuple[Series, ...]
    over_time: bool
    parts: bool = False

    @property
    def values(self) -> list[float]:
        return [value for series in self.series for value in series.values if value is not None]


@dataclass(frozen=True, slots=True)
class Drawing:
    """`left_out`: groups that are too small to be drawn, and that do not add up to `others` in every panel."""

    panels: tuple[Panel, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Kin:
    """Metrics of one unit that share a panel."""

    title: str
    unit: Unit
    metrics: tuple[MetricShown, ...]

    def name(self, metric: MetricShown) -> str:
        return metric.title.removeprefix(f"{self.title}, ")


def drawing(answer: Answer) -> Drawing:
    """Time goes to the right where there are buckets: of each group then, or else of each metric."""
    if not answer.group_by:
        return Drawing(tuple(_metrics(answer)))
    groups = ranked(answer)
    drawn, rest = groups[:BIGGEST], groups[BIGGEST:]
    panels = _groups_in_time if buckets_of(answer) else _groups
    lost = not all(adds_up(answer, metric) for metric in answer.metrics)
    return Drawing(tuple(panels(answer, drawn, rest)), len(rest) if lost else 0)


def ranked(answer: Answer) -> list[Group]:
    """The biggest first, by what can be counted: the slowest team is not the biggest one."""
    by = next((metric for metric in answer.metrics if metric.unit in ADDED), None) or next(iter(answer.metrics), None)
    sizes: dict[Group, float] = {}
    for row in answer.rows:
        group = group_of(row)
        sizes[group] = sizes.get(group, 0) + ((row.values[by.name] if by else None) or 0)
    return sorted(sizes, key=lambda group: -sizes[group])


def adds_up(answer: Answer, metric: MetricShown) -> bool:
    """Counts do, durations and shares do not; a ticket of many tags counts for each, and currencies have no sum."""
    return metric.unit in ADDED and not {"tag", "currency"} & set(answer.group_by)


def group_of(row: Row) -> Group:
    return tuple(row.group.values())


def buckets_of(answer: Answer) -> list[Period]:
    return list(dict.fromkeys(row.bucket for row in answer.rows if row.bucket is not None))


def _metrics(answer: Answer) -> Iterator[Panel]:
    for kin in _kins(answer.metrics):
        if buckets := buckets_of(answer):
            xs = tuple(bucket.label for bucket in buckets)
            series = [Series(kin.name(one), tuple(row.values[one.name] for row in answer.rows)) for one in kin.metrics]
            whole = len(series) == 1 and kin.unit in ADDED
            yield Panel(kin.title, kin.unit, xs, tuple(series), over_time=True, parts=whole)
        else:
            xs, before = tuple(map(kin.name, kin.metrics)), answer.total.previous or {}
            both = [Series(NOW, tuple(answer.total.values[one.name] for one in kin.metrics))]
            if any(before.get(one.name) is not None for one in kin.metrics):
                both.append(Series(BEFORE, tuple(before[one.name] for one in kin.metrics), aside=True))
            yield Panel(kin.title, kin.unit, xs, tuple(both), over_time=False)


def _groups(answer: Answer, drawn: Sequence[Group], rest: Sequence[Group]) -> Iterator[Panel]:
    """Each group has its place, each metric its bar."""
    names = _names(answer)
    at = {group_of(row): row for row in answer.rows}
    for kin in _kins(answer.metrics):
        others = (OTHERS,) if rest and all(adds_up(answer, one) for one in kin.metrics) else ()
        series = []
        for one in kin.metrics:
            values = [at[group].values[one.name] for group in drawn]
            together = [_sum(at[group].values[one.name] for group in rest)] if others else []
            series.append(Series(kin.name(one), (*values, *together)))
        xs = (*(names[group] for group in drawn), *others)
        yield Panel(kin.title, kin.unit, xs, tuple(series), over_time=False)


def _groups_in_time(answer: Answer, drawn: Sequence[Group], rest: Sequence[Group]) -> Iterator[Panel]:
    """A panel each metric, in which each group goes its way."""
    names, buckets = _names(answer), buckets_of(answer)
    at = {(row.bucket, group_of(row)): row for row in answer.rows}
    for one in answer.metrics:
        value = _reader(at, one)
        series = [Series(names[group], tuple(value((bucket, group)) for bucket in buckets)) for group in drawn]
        whole = adds_up(answer, one)
        if rest and whole:
            together = tuple(_sum(value((bucket, group)) for group in rest) for bucket in buckets)
            series.append(Series(OTHERS, together, aside=True))
        xs = tuple(bucket.label for bucket in buckets)
        yield Panel(one.title, one.unit, xs, tuple(series), over_time=True, parts=whole)


def _reader(at: dict[Place, Row], metric: MetricShown) -> Callable[[Place], Value]:
    return lambda place: at[place].values[metric.name] if place in at else None


def _names(answer: Answer) -> dict[Group, str]:
    return {group_of(row): called(row.labels) for row in answer.rows}


def _kins(metrics: Sequence[MetricShown]) -> Iterator[Kin]:
    """A time with its average and percentiles by itself, all else of one unit; as many as colours tell apart."""
    families: dict[tuple[Unit, str], list[MetricShown]] = {}
    for one in metrics:
        families.setdefault((one.unit, _family(one, metrics)), []).append(one)
    for (unit, family), members in families.items():
        for start in range(0, len(members), BIGGEST):
            some = members[start : start + BIGGEST]
            title = some[0].title if len(some) == 1 else family or UNITS.get(unit, unit.capitalize())
            yield Kin(title, unit, tuple(some))


def _family(metric: MetricShown, among: Sequence[MetricShown]) -> str:
    """`First reply time`, of `First reply time, p90`, where it is not the only one."""
    head, comma, _ = metric.title.partition(", ")
    kin = [one for one in among if one.unit == metric.unit and one.title.startswith(f"{head}, ")]
    return head if comma and len(kin) > 1 else ""


def _sum(values: Iterator[Value]) -> Value:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
