"""statements: how does a question become SQL? Names come from definitions alone, values go as parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import Any, Literal, LiteralString

from psycopg import sql

from projections.metrics.answer import Period
from projections.metrics.dimensions import DIMENSIONS, Key, Type
from projections.metrics.measure import Metric, Part, Source
from projections.metrics.question import Question
from projections.metrics.relations import few, parameters, relation

Wanted = Literal["groups", "total"]
MOST_ROWS = 20_000

ANSWER: LiteralString = """
SELECT {shown}
  FROM (SELECT *, bucket < {now} AS earlier FROM ({relation}) rows) f {tags}
 WHERE {conditions}
 GROUP BY {sets} LIMIT {limit}
"""
GROUNDS: LiteralString = """
SELECT DISTINCT policy, policy_version, calendar, calendar_version
  FROM (SELECT *, bucket < {now} AS earlier FROM ({relation}) rows) f
 WHERE {conditions} AND NOT earlier AND ({counted})
"""
TAGS: LiteralString = "LEFT JOIN LATERAL unnest(f.tags) AS tag ON true"
COUNT: LiteralString = "count({of}) FILTER (WHERE {only})"
# What a level of many instants is made of comes and goes: rows add up to it.
LEVEL: LiteralString = "coalesce(sum(n) FILTER (WHERE {only}), 0)"
TICKETS: LiteralString = "count(DISTINCT stream) FILTER (WHERE {only})"
SUM: LiteralString = "coalesce(sum({of}) FILTER (WHERE {only}), 0)"
# Money of two currencies has no sum.
MONEY: LiteralString = """CASE WHEN min(currency) FILTER (WHERE {only}) = max(currency) FILTER (WHERE {only})
       THEN sum(cost) FILTER (WHERE {only}) END"""
PERCENTILE: LiteralString = "percentile_disc({fraction}) WITHIN GROUP (ORDER BY {of}) FILTER (WHERE {only})"
COLUMNS: Mapping[str, LiteralString] = MappingProxyType(
    {"rows": "*", "time": "time", "amount": "amount", "cost": "cost"}
)
ARRAYS: Mapping[Type, LiteralString] = MappingProxyType({"uuid": "uuid[]", "text": "text[]", "int": "int[]"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One scan: what it gives after `total`, `earlier` and `bucket` is the group, then the parts in their order.

    summed   its groups add up to the total, which it does not give
    """

    query: sql.Composed
    parameters: Mapping[str, Any]
    parts: tuple[Part, ...]
    source: Source
    summed: bool = False


def statements(asked: Question) -> list[Statement]:
    """One or two a source, and one more where the total is not of the same rows."""
    return list(
        chain.from_iterable(_statements(asked, source, parts) for source, parts in _scans(asked, asked.metrics))
    )


def grounds(asked: Question) -> list[Statement]:
    """Which policies and calendars business times and kept promises stand on."""
    standing = [metric for metric in asked.metrics if metric.grounded or (metric.business and asked.time == "business")]
    return [_grounds(asked, source, parts) for source, parts in _scans(asked, standing)]


def source_of(asked: Question, metric: Metric) -> Source:
    """Of a few instants, or where the tickets of each are listed anyway, they are counted as they are listed."""
    aged = any(other.source == "ages" for other in asked.metrics)
    return "ages" if metric.source == "levels" and (aged or few(asked.periods)) else metric.source


def conditions(asked: Question) -> tuple[sql.Composable, dict[str, Any]]:
    """What is filtered by, any of several values."""
    found: list[sql.Composable] = [sql.SQL("true")]
    values: dict[str, Any] = {}
    for name, keys in asked.filters.items():
        found.append(_condition(name, keys))
        values[f"of_{name}"] = [key for key in keys if key is not None]
    return sql.SQL(" AND ").join(found), values


def counted(part: Part) -> sql.Composable:
    """Whether a row is one of the part's."""
    kind, only = sql.Literal(part.rows.kind), sql.SQL(part.rows.only)
    return sql.SQL("kind = {kind} AND ({only})").format(kind=kind, only=only)


def given(asked: Question, parts: Sequence[Part]) -> dict[str, Any]:
    kinds = sorted({part.rows.kind for part in parts})
    return parameters(asked.periods, asked.as_of.position) | {"kinds": kinds}


def _scans(asked: Question, metrics: Sequence[Metric]) -> list[tuple[Source, tuple[Part, ...]]]:
    """Each part once. Kinds of events of which all parts add up come by themselves: Postgres counts them in parallel,
    and sorts none of them.
    """
    found: dict[tuple[Source, bool], dict[Part, None]] = {}
    ranked = {part.rows.kind for metric in metrics for part in metric.parts if not part.adds_up}
    for metric in metrics:
        source = source_of(asked, metric)
        for part in metric.parts:
            added = source == "events" and part.rows.kind not in ranked
            found.setdefault((source, added), {})[part] = None
    return [(source, tuple(parts)) for (source, _), parts in found.items()]


def _statements(asked: Question, source: Source, parts: tuple[Part, ...]) -> list[Statement]:
    """Rows of several tags are not those of the total, nor are tickets that are open at several instants."""
    if asked.bucket is None and not asked.group_by:
        return [_statement(asked, source, parts, ("total",))]
    if "tag" in asked.group_by or (source == "ages" and asked.bucket is not None):
        return [_statement(asked, source, parts, ("groups",)), _statement(_whole(asked), source, parts, ("total",))]
    if source in ("events", "stretches") and all(part.adds_up for part in parts):
        return [_statement(asked, source, parts, ("groups",), summed=True)]
    return [_statement(asked, source, parts, ("groups", "total"))]


def _whole(asked: Question) -> Question:
    """The same in one bucket: of what stands, its end alone counts."""
    period = Period(asked.since, asked.until, "")
    return replace(asked, bucket=None, earlier=(asked.before,) if asked.before else (), buckets=(period,))


def _statement(
    asked: Question, source: Source, parts: tuple[Part, ...], wanted: tuple[Wanted, ...], *, summed: bool = False
) -> Statement:
    where, values = conditions(asked)
    query = sql.SQL(ANSWER).format(
        shown=sql.SQL(", ").join([*_keys(asked, wanted), *(_aggregate(part, source) for part in parts)]),
        now=sql.Literal(len(asked.earlier)),
        relation=relation(source, asked.time, asked.periods),
        tags=sql.SQL(TAGS if "tag" in asked.group_by and "groups" in wanted else ""),
        conditions=where,
        sets=_sets(asked, wanted),
        limit=sql.Literal(MOST_ROWS + 1),
    )
    return Statement(query, given(asked, parts) | values, parts, source, summed)


def _keys(asked: Question, wanted: tuple[Wanted, ...]) -> list[sql.Composable]:
    """Whether it is a total, of the period before, which bucket, and the group."""
    if "groups" not in wanted:
        return [sql.SQL("true, earlier, NULL"), *(sql.SQL("NULL") for _ in asked.group_by)]
    named = [sql.SQL("{}::text").format(sql.Identifier(name)) for name in asked.group_by]
    return [sql.SQL("GROUPING(bucket) = 1, earlier, bucket"), *named]


def _sets(asked: Question, wanted: tuple[Wanted, ...]) -> sql.Composable:
    if wanted == ("total",):
        return sql.Identifier("earlier")
    groups = sql.SQL(", ").join(map(sql.Identifier, ("earlier", "bucket", *asked.group_by)))
    return groups if wanted == ("groups",) else sql.SQL("GROUPING SETS (({}), (earlier))").format(groups)


def _grounds(asked: Question, source: Source, parts: tuple[Part, ...]) -> Statement:
    where, values = conditions(asked)
    query = sql.SQL(GROUNDS).format(
        now=sql.Literal(len(asked.earlier)),
        relation=relation(source, asked.time, asked.periods),
        conditions=where,
        counted=sql.SQL(" OR ").join(map(counted, parts)),
    )
    return Statement(query, given(asked, parts) | values, parts, source)


def _condition(name: str, keys: Sequence[Key]) -> sql.Composable:
    dimension = DIMENSIONS[name]
    values = sql.SQL("{}::{}").format(sql.Placeholder(f"of_{name}"), sql.SQL(ARRAYS[dimension.type]))
    if name == "tag":
        any_of, none = sql.SQL("tags && {}").format(values), sql.SQL("tags = '{{}}'")
        return sql.SQL("({} OR {})").format(any_of, none) if None in keys else any_of
    column = sql.Identifier(name)
    any_of = sql.SQL("{} = ANY ({})").format(column, values)
    return sql.SQL("({} OR {} IS NULL)").format(any_of, column) if None in keys else any_of


def _aggregate(part: Part, source: Source) -> sql.Composable:
    only, of = counted(part), sql.SQL(COLUMNS[part.of])
    match part.how:
        case "count":
            return sql.SQL(LEVEL if source == "levels" else COUNT).format(of=of, only=only)
        case "tickets":
            return sql.SQL(TICKETS).format(only=only)
        case "sum":
            return sql.SQL(MONEY if part.of == "cost" else SUM).format(of=of, only=only)
        case "percentile":
            return sql.SQL(PERCENTILE).format(fraction=sql.Literal(part.fraction), of=of, only=only)
