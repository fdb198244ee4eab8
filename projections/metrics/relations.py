"""relations: which rows does a metric's source read, as known at one position of the log, whatever their table?

Each has the same columns, so that any metric can be counted, timed, grouped and filtered alike. `time` is in whole
microseconds, `bucket` counts from 0 through the buckets of the period before and then those of the period asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from datetime import datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any, LiteralString

from psycopg import sql

from projections.metrics.answer import Period, TimeKind
from projections.metrics.measure import Source
from projections.sizes import MICROSECOND, before

SIZES = range(1, 64)
FEW = 64
TIMES: Mapping[TimeKind, sql.Identifier] = MappingProxyType(
    {"calendar": sql.Identifier("micros"), "business": sql.Identifier("business_micros")}
)
SPENT: Mapping[TimeKind, sql.Identifier] = MappingProxyType(
    {"calendar": sql.Identifier("spent"), "business": sql.Identifier("business_spent")}
)

KNOWN: LiteralString = "AND since <= %(position)s AND (until IS NULL OR until > %(position)s)"
EVENTS: LiteralString = """
SELECT stream, place, number, kind, at, version, {time} AS time, amount, cost, currency, detail, agent, requester,
       channel, category, team, assignee, priority, ticket_type, level, tags, policy, policy_version, calendar,
       calendar_version, width_bucket(at, %(begins)s::timestamptz[]) - 1 AS bucket
  FROM read.figures
 WHERE kind = ANY (%(kinds)s) AND at >= %(since)s AND at < %(until)s {known}
"""
# What a ticket was until its last resolution, status by status; null where the time of a part of it is not known.
LIVES: LiteralString = """
SELECT stream, place, number, v.kind, at, version, v.time, amount, detail, agent, requester, channel, category, team,
       assignee, priority, ticket_type, level, tags, policy, policy_version, calendar, calendar_version,
       width_bucket(at, %(begins)s::timestamptz[]) - 1 AS bucket
  FROM read.figures
 CROSS JOIN LATERAL (VALUES ('agent_work', {spent}[1]), ('pending', {spent}[2]), ('on_hold', {spent}[3]),
                            ('requester_wait', {spent}[1] + {spent}[3])) v (kind, time)
 WHERE figures.kind = 'fully_resolved' AND at >= %(since)s AND at < %(until)s AND v.kind = ANY (%(kinds)s) {known}
"""
STRETCHES: LiteralString = """
SELECT stream, place, number, 'stretch' AS kind, to_at AS at, to_version AS version, {time} AS time, status,
       assignee AS agent, requester, channel, category, team, assignee, priority, ticket_type, level, tags, policy,
       policy_version, calendar, calendar_version, width_bucket(to_at, %(begins)s::timestamptz[]) - 1 AS bucket
  FROM read.figure_spans
 WHERE to_at >= %(since)s AND to_at < %(until)s AND ended <= %(position)s {known}
"""
# Tickets that were open at any of the instants at which buckets end; others may be among them. They are looked up size
# by size, see `_lookups`; what ended behind the position lasted then. OFFSET 0: joined at will, the whole table would
# be read.
OPEN: LiteralString = """
SELECT s.*, s.assignee AS agent, 'open' AS kind, CASE WHEN s.ended <= %(position)s THEN s.to_at END AS ends
  FROM (SELECT b.*
          FROM unnest(%(sizes)s::smallint[], %(begins_after)s::timestamptz[], %(begins_by)s::timestamptz[],
                      %(lasts_over)s::timestamptz[]) AS w (size, after, by, over)
         CROSS JOIN LATERAL (SELECT * FROM read.figure_spans
                              WHERE coalesce(size_at, 63::smallint) = w.size AND from_at > w.after
                                AND from_at <= w.by AND (to_at IS NULL OR to_at > w.over)
                                AND (ended IS NULL OR ended <= %(position)s OR to_at > %(last)s)
                                AND status NOT IN ('resolved', 'closed') AND until IS NULL OFFSET 0) b
         UNION ALL
        SELECT * FROM read.figure_spans
         WHERE until > %(position)s AND from_at <= %(last)s AND (to_at IS NULL OR to_at > %(first)s)
           AND (ended IS NULL OR ended <= %(position)s OR to_at > %(last)s)
         UNION ALL
        SELECT * FROM read.figure_spans WHERE ended > %(position)s AND to_at <= %(last)s) s
 WHERE status NOT IN ('resolved', 'closed') {known}
"""
# One row for each ticket that is open from an instant on (n = 1), and from an instant on no more (n = -1).
LEVELS: LiteralString = """
SELECT o.*, m.at, m.n, width_bucket(m.at - interval '1 microsecond', %(ends)s::timestamptz[]) AS bucket
  FROM ({open}) o
 CROSS JOIN LATERAL (VALUES (o.from_at, 1), (o.ends, -1)) m (at, n)
 WHERE m.at <= %(last)s
"""
# One row for each ticket and each instant at which it is open.
AGES: LiteralString = """
SELECT o.*, (extract(epoch FROM (%(ends)s::timestamptz[])[bucket + 1] - o.opened_at) * 1000000)::bigint AS time,
       bucket, o.from_version AS version, o.from_at AS at
  FROM ({open}) o
 CROSS JOIN LATERAL generate_series(
       width_bucket(o.from_at - interval '1 microsecond', %(ends)s::timestamptz[]),
       coalesce(width_bucket(o.ends - interval '1 microsecond', %(ends)s::timestamptz[]),
                cardinality(%(ends)s::timestamptz[])) - 1) AS bucket
"""
RELATIONS: Mapping[Source, LiteralString] = MappingProxyType(
    {"events": EVENTS, "lives": LIVES, "stretches": STRETCHES, "levels": LEVELS, "ages": AGES}
)


def few(ends: Sized) -> bool:
    """Whether what stood at the end of each can be listed, instant by instant."""
    return len(ends) <= FEW


def relation(source: Source, time: TimeKind, periods: Sequence[Period]) -> sql.Composable:
    known = sql.SQL(KNOWN)
    opened = sql.SQL(OPEN).format(known=known)
    return sql.SQL(RELATIONS[source]).format(time=TIMES[time], spent=SPENT[time], known=known, open=opened)


def parameters(periods: Sequence[Period], position: int) -> dict[str, Any]:
    """Of every relation; the periods follow each other."""
    ends = [period.until for period in periods]
    sizes, begins_after, begins_by, lasts_over = zip(*_lookups(ends), strict=True)
    return {
        "position": position,
        "since": periods[0].since,
        "until": ends[-1],
        "begins": [period.since for period in periods],
        "ends": ends,
        "first": ends[0],
        "last": ends[-1],
        "sizes": list(sizes),
        "begins_after": list(begins_after),
        "begins_by": list(begins_by),
        "lasts_over": list(lasts_over),
    }


def _lookups(instants: Sequence[datetime]) -> Iterator[tuple[int, datetime, datetime, datetime]]:
    """Sizes, and where the index is read for each: what began after an instant and by another, and lasted over a third.

    What is shorter than the way from one instant to the next lasts over none, mostly: it is looked for at each. What is
    longer lasts over many: it is read once.
    """
    first, last = instants[0], instants[-1]
    shortest = min((later - sooner for sooner, later in pairwise(instants)), default=timedelta.max)
    for size in SIZES:
        if few(instants) and (1 << size) * MICROSECOND <= shortest:
            yield from ((size, before(instant, size), instant, instant) for instant in instants)
        else:
            yield size, before(first, size), last, first
