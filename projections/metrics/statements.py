"""statements: how does a question become SQL? Names come from definitions alone, values go as parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, LiteralString

from psycopg import sql

from projections.metrics.dimensions import DIMENSIONS, Key, Type
from projections.metrics.measure import Metric, Part, Source
from projections.metrics.question import Question
from projections.metrics.relations import parameters, relation

Wanted = Literal["groups", "total"]
MOST_ROWS = 20_000

ANSWER: LiteralString = """
SELECT {shown}
  FROM (SELECT *, bucket < {now} AS earlier FROM ({relation}) rows) f {tags}
 WHERE {conditions}
 GROUP BY GROUPING SETS ({sets}) LIMIT {limit}
"""
GROUNDS: LiteralString = """
SELECT DISTINCT policy, policy_version, calendar, calendar_version
  FROM (SELECT *, bucket < {now} AS earlier FROM ({relation}) rows) f
 WHERE {conditions} AND NOT earlier AND ({counted})
"""
TAGS: LiteralString = "LEFT JOIN LATERAL unnest(f.tags) AS tag ON true"
# What a level is made of comes and goes: rows add up to it.
COUNT: Mapping[Source, LiteralString] = MappingProxyType(
    {
        "levels": "coalesce(sum(n) FILTER (WHERE {only}), 0)",
        **dict.fromkeys(("events", "lives", "stretches", "ages"), "count({of}) FILTER (WHERE {only})"),
    }
)
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
    """One scan: what it gives after `total`, `earlier` and `bucket` is the group, then the parts in their order."""

    query: sql.Composed
    parameters: Mapping[str, Any]
    parts: tuple[Part, ...]
    source: Source


def statements(asked: Question) -> list[Statement]:
    """One a source, or two where the total is not of the same rows."""
    return [
        _statement(asked, source, parts, wanted)
        for source, parts in _scans(asked.metrics)
        for wanted in _wanted(asked, source)
    ]


def grounds(asked: Question) -> list[Statement]:
    """Which policies and calendars business times and kept promises stand on."""
    standing = [metric for metric in asked.metrics if metric.grounded or (metric.business and asked.time == "business")]
    return [_grounds(asked, source, parts) for source, parts in _scans(standing)]


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


def _scans(metrics: Sequence[Metric]) -> list[tuple[Source, tuple[Part, ...]]]:
    """Each part once. All kinds of events in one: those of a ticket lie side by side."""
    found: dict[Source, dict[Part, None]] = {}
    for metric in metrics:
        found.setdefault(metric.source, {}).update(dict.fromkeys(metric.parts))
    return [(source, tuple(parts)) for source, parts in found.items()]


def _wanted(asked: Question, source: Source) -> list[tuple[Wanted, ...]]:
    """Rows of several tags, and of tickets open at several instants, are not those of the total."""
    if asked.bucket is None and not asked.group_by:
        return [("total",)]
    if "tag" in asked.group_by or (source == "ages" and asked.bucket is not None):
        return [("groups",), ("total",)]
    return [("groups", "total")]


def _statement(asked: Question, source: Source, parts: tuple[Part, ...], wanted: tuple[Wanted, ...]) -> Statement:
    where, values = conditions(asked)
    if source == "ages" and wanted == ("total",) and asked.bucket is not None:
        where, values = _at_the_end(where, values, asked)
    query = sql.SQL(ANSWER).format(
        shown=sql.SQL(", ").join([*_keys(asked, wanted), *(_aggregate(part, source) for part in parts)]),
        now=sql.Literal(len(asked.earlier)),
        relation=relation(source, asked.time),
        tags=sql.SQL(TAGS if "tag" in asked.group_by and "groups" in wanted else ""),
        conditions=where,
        sets=sql.SQL(", ").join(_set(asked, one) for one in wanted),
        limit=sql.Literal(MOST_ROWS + 1),
    )
    return Statement(query, given(asked, parts) | values, parts, source)


def _keys(asked: Question, wanted: tuple[Wanted, ...]) -> list[sql.Composable]:
    """Whether it is a total, of the period before, which bucket, and the group."""
    if "groups" not in wanted:
        return [sql.SQL("true, earlier, NULL"), *(sql.SQL("NULL") for _ in asked.group_by)]
    named = [sql.SQL("{}::text").format(sql.Identifier(name)) for name in asked.group_by]
    return [sql.SQL("GROUPING(bucket) = 1, earlier, bucket"), *named]


def _set(asked: Question, wanted: Wanted) -> sql.Composable:
    names = ["earlier"] if wanted == "total" else ["earlier", "bucket", *asked.group_by]
    return sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Identifier, names)))


def _at_the_end(
    where: sql.Composable, values: dict[str, Any], asked: Question
) -> tuple[sql.Composable, dict[str, Any]]:
    last = [len(asked.earlier) - 1, len(asked.periods) - 1]
    return sql.SQL("{} AND bucket = ANY (%(last_buckets)s)").format(where), values | {"last_buckets": last}


def _grounds(asked: Question, source: Source, parts: tuple[Part, ...]) -> Statement:
    where, values = conditions(asked)
    query = sql.SQL(GROUNDS).format(
        now=sql.Literal(len(asked.earlier)),
        relation=relation(source, asked.time),
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
            return sql.SQL(COUNT[source]).format(of=of, only=only)
        case "tickets":
            return sql.SQL(TICKETS).format(only=only)
        case "sum":
            return sql.SQL(MONEY if part.of == "cost" else SUM).format(of=of, only=only)
        case "percentile":
            return sql.SQL(PERCENTILE).format(fraction=sql.Literal(part.fraction), of=of, only=only)
