"""goals: what was measured for goals in their periods, as known at a position, and on which grounds?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from aggregates.goals.terms import TIMED, Figure, GoalMetric, GoalTerms, Share
from projections.metrics.answer import Grounds, Version
from projections.metrics.goal_periods import Judged
from projections.metrics.goal_standing import BEST_SCORE, Measured
from projections.metrics.measure import MICROSECONDS
from projections.metrics.relations import SIZES

KINDS: Mapping[GoalMetric, tuple[str, str | None]] = {
    "resolution": ("fully_resolved", None),
    "first_reply": ("reply", "first"),
    "next_reply": ("reply", "next"),
    "satisfaction": ("rated", None),
    "sla_compliance": ("sla", None),
    "backlog": ("open", None),
}
# Whose a figure is: of what somebody did, who did it; else who had the ticket.
DONE: frozenset[GoalMetric] = frozenset({"first_reply", "next_reply", "satisfaction"})
RANKS = {"p50": 0.5, "p90": 0.9, "p95": 0.95}
NOTHING = Measured()

ASKED: LiteralString = """
  FROM jsonb_to_recordset(%(asked)s) AS p (
       place int, kind text, detail text, value text, since timestamptz, until timestamptz, done boolean,
       least bigint, most bigint, rank float8, team uuid, agent uuid, ticket_types text[], channels text[],
       categories text[], priorities text[], tags text[])
"""
COUNTED: LiteralString = """
       AND (p.team IS NULL OR f.team = p.team) AND (p.ticket_types IS NULL OR f.ticket_type = ANY (p.ticket_types))
       AND (p.channels IS NULL OR f.channel = ANY (p.channels)) AND (p.tags IS NULL OR f.tags && p.tags)
       AND (p.categories IS NULL OR f.category = ANY (p.categories))
       AND (p.priorities IS NULL OR f.priority = ANY (p.priorities))
       AND f.since <= %(position)s AND (f.until IS NULL OR f.until > %(position)s)
"""
EVENTS: LiteralString = (
    """
  FROM read.figures f
 CROSS JOIN LATERAL (
       SELECT CASE p.value WHEN 'calendar' THEN f.micros WHEN 'business' THEN f.business_micros ELSE f.amount END
       ) v (value)
 WHERE f.kind = p.kind AND f.at >= p.since AND f.at < p.until AND f.at <= %(at)s AND v.value IS NOT NULL
       AND (p.detail IS NULL OR f.detail = p.detail)
       AND (p.agent IS NULL OR CASE WHEN p.done THEN f.agent ELSE f.assignee END = p.agent)
"""
    + COUNTED
)
# Of open tickets, the period's end alone counts. What lasted then is looked up size by size: see figures.sql.
OPEN: LiteralString = """
  FROM (SELECT b.*
          FROM unnest(%(sizes)s::smallint[]) w (size)
         CROSS JOIN LATERAL (
               SELECT * FROM read.figure_spans
                WHERE coalesce(size_at, 63::smallint) = w.size AND from_at <= least(p.until, %(at)s)
                  AND (to_at IS NULL OR to_at > least(p.until, %(at)s)) AND status NOT IN ('resolved', 'closed')
                  AND until IS NULL
                  AND from_at > CASE WHEN w.size > 52 THEN '-infinity'
                                     ELSE least(p.until, %(at)s) - (1::bigint << w.size) * interval '1 microsecond' END
               OFFSET 0) b
         UNION ALL
        SELECT * FROM read.figure_spans
         WHERE until > %(position)s AND from_at <= least(p.until, %(at)s)
           AND (to_at IS NULL OR to_at > least(p.until, %(at)s))
         UNION ALL
        SELECT * FROM read.figure_spans
         WHERE ended > %(position)s AND from_at <= least(p.until, %(at)s) AND to_at <= least(p.until, %(at)s)) f
 WHERE f.status NOT IN ('resolved', 'closed') AND (p.agent IS NULL OR f.assignee = p.agent)
"""
MEASURED: LiteralString = (
    "SELECT p.place, m.measured, m.good, m.total, m.rank"
    + ASKED
    + """ CROSS JOIN LATERAL (
SELECT count(*) AS measured, count(*) FILTER (WHERE v.value BETWEEN p.least AND p.most) AS good,
       coalesce(sum(v.value), 0) AS total,
       percentile_disc(p.rank) WITHIN GROUP (ORDER BY v.value) FILTER (WHERE p.rank IS NOT NULL) AS rank
"""
    + EVENTS
    + ") m WHERE p.kind <> 'open'"
)
MEASURED_OPEN: LiteralString = (
    "SELECT p.place, m.measured, 0, 0, NULL::bigint"
    + ASKED
    + " CROSS JOIN LATERAL (SELECT count(*) AS measured "
    + OPEN
    + COUNTED
    + ") m WHERE p.kind = 'open'"
)
# Of what was measured in business time, or promised.
GROUNDS: LiteralString = (
    "SELECT p.place, m.*"
    + ASKED
    + " CROSS JOIN LATERAL (SELECT DISTINCT f.policy, f.policy_version, f.calendar, f.calendar_version"
    + EVENTS
    + ") m WHERE p.kind = 'sla' OR p.value = 'business'"
)
Named = dict[int, set[tuple[UUID, int]]]


async def measured(
    connection: AsyncConnection[Any], asked: Sequence[Judged], position: int, at: datetime
) -> list[Measured]:
    """Of all these periods, of whichever goals: two statements at most. Nothing counts that happened after `at`."""
    rows = [asked_of(place, one) for place, one in enumerate(asked)]
    found: dict[int, Measured] = {}
    for query in (MEASURED, MEASURED_OPEN):
        if any((row["kind"] == "open") == (query is MEASURED_OPEN) for row in rows):
            async with connection.cursor(row_factory=tuple_row) as cursor:
                await cursor.execute(query, parameters(rows, position, at))
                found |= {place: Measured(n, good, int(sum), rank) async for place, n, good, sum, rank in cursor}
    return [found.get(place, NOTHING) for place in range(len(rows))]


async def grounds(
    connection: AsyncConnection[Any], asked: Sequence[Judged], position: int, at: datetime
) -> list[Grounds]:
    """Which versions of policies and calendars the figures of each period stand on, if they stand on any."""
    rows = [asked_of(place, one) for place, one in enumerate(asked)]
    policies: Named = defaultdict(set)
    calendars: Named = defaultdict(set)
    if any(row["kind"] == "sla" or row["value"] == "business" for row in rows):
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(GROUNDS, parameters(rows, position, at))
            async for place, policy, policy_version, calendar, calendar_version in cursor:
                policies[place] |= {(policy, policy_version)} if policy is not None else set()
                calendars[place] |= {(calendar, calendar_version)} if calendar is not None else set()
    return [Grounds(versions(policies[place]), versions(calendars[place])) for place in range(len(rows))]


def versions(named: Iterable[tuple[UUID, int]]) -> tuple[Version, ...]:
    return tuple(Version(id, version) for id, version in sorted(named))


def parameters(rows: Sequence[Mapping[str, Any]], position: int, at: datetime) -> dict[str, Any]:
    return {"asked": Jsonb(rows), "position": position, "at": at, "sizes": list(SIZES)}


def asked_of(place: int, one: Judged) -> dict[str, Any]:
    terms, target = one.version.terms, one.version.terms.target
    kind, detail = KINDS[terms.metric]
    least, most = _good(terms)
    return {
        "place": place,
        "kind": kind,
        "detail": terms.promise or detail,
        "value": terms.time if terms.metric in TIMED else "amount",
        "since": one.period.since.isoformat(),
        "until": one.period.until.isoformat(),
        "done": terms.metric in DONE,
        "least": least,
        "most": most,
        "rank": RANKS.get(target.statistic) if isinstance(target, Figure) else None,
        "team": terms.team and str(terms.team),
        "agent": terms.agent and str(terms.agent),
        **{name: list(values) or None for name, values in terms.conditions},
    }


def _good(terms: GoalTerms) -> tuple[int | None, int | None]:
    """Between which values, both included, one is as a share wants it."""
    match terms.target:
        case Share(within=int(within)):
            return 0, within * MICROSECONDS
        case Share(score=int(score)):
            return score, BEST_SCORE
        case Share():
            return 1, 1
        case _:
            return None, None
