"""sla_report_queries: which promises were broken, and which share of them was kept?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import AwareDatetime, Field, TypeAdapter

from aggregates.moment import Moment
from aggregates.ticket.events import Metric, Status
from projections.cursor import Page, bound, decode, page, unbound

BREACHES: LiteralString = """
SELECT ticket, number, version, metric, cycle, target, due, status, team, agent, policy, policy_version, noted_at,
       withdrawn_at
  FROM read.sla_breaches
"""
# As far as it was known at an instant of the past.
KNOWN: Mapping[bool, LiteralString] = MappingProxyType(
    {
        False: " WHERE noted_at <= %(known)s AND (withdrawn_at IS NULL OR withdrawn_at > %(known)s)",
        True: " WHERE withdrawn_at <= %(known)s",
    }
)
WITHDRAWN: Mapping[bool, LiteralString] = MappingProxyType(
    {False: " WHERE withdrawn_at IS NULL", True: " WHERE withdrawn_at IS NOT NULL"}
)
CONDITIONS: Mapping[str, LiteralString] = MappingProxyType(
    {
        "since": " AND due >= %(since)s",
        "until": " AND due < %(until)s",
        "team": " AND team = %(team)s",
        "agent": " AND agent = %(agent)s",
        "metric": " AND metric = %(metric)s",
        "policy": " AND policy = %(policy)s",
        "ticket": " AND ticket = %(ticket)s",
    }
)
AFTER: LiteralString = " AND (due, ticket, version) < (%(k0)s, %(k1)s, %(k2)s)"
NEWEST: LiteralString = " ORDER BY due DESC, ticket DESC, version DESC LIMIT %(limit)s"
# What will be broken only if nothing happens counts once it was due. `starts` are the buckets' beginnings, in order.
OUTCOMES: LiteralString = """
SELECT metric, width_bucket(outcome_at, %(starts)s::timestamptz[]) - 1 AS bucket,
       count(met_at) AS met, count(*) - count(met_at) AS breached
  FROM read.sla_clocks
 WHERE outcome_at >= %(since)s AND outcome_at < least(%(until)s, %(now)s) GROUP BY 1, 2 ORDER BY 1, 2
"""
KEY: TypeAdapter[tuple[Any, ...]] = TypeAdapter(tuple[AwareDatetime, UUID, Annotated[int, Field(ge=0, le=2**62)]])


@dataclass(frozen=True, slots=True)
class BreachFilter:
    """What is None is not asked for; since <= due < until. Either those that stand, or those that were withdrawn."""

    since: datetime | None = None
    until: datetime | None = None
    team: UUID | None = None
    agent: UUID | None = None
    metric: Metric | None = None
    policy: UUID | None = None
    ticket: UUID | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class BreachRow:
    """Whom and what it met when it fell due, as it was noted in the ticket at `version`."""

    ticket: UUID
    number: int
    version: int
    metric: Metric
    cycle: int
    target: int
    due: datetime
    status: Status
    team: UUID | None
    agent: UUID | None
    policy: UUID
    policy_version: int
    noted_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Cycles that ended in the bucket of this number, from 0: kept promises by when, broken ones by when due."""

    metric: Metric
    bucket: int
    met: int
    breached: int


async def breaches(
    connection: AsyncConnection[Any],
    wanted: BreachFilter,
    limit: int,
    cursor: str | None = None,
    known: datetime | None = None,
) -> Page[BreachRow]:
    """Breaches that were noted, newest first; only what was known by then, if that is given. Raises InvalidCursor."""
    query, parameters = _asked(wanted, limit, cursor, known)
    async with connection.cursor(row_factory=class_row(BreachRow)) as rows:
        await rows.execute(query, parameters)
        return page(await rows.fetchall(), limit, KEY, lambda row: (row.due, row.ticket, row.version))


async def breaches_known(
    connection: AsyncConnection[Any], wanted: BreachFilter, moment: Moment, limit: int, cursor: str | None = None
) -> Page[BreachRow]:
    """The same as it was known at the instant of that moment. Raises InvalidCursor."""
    found = await breaches(connection, wanted, limit, unbound(cursor, moment.past), moment.at)
    return bound(found, moment.past)


async def outcomes(
    connection: AsyncConnection[Any], since: datetime, until: datetime, starts: Sequence[datetime], now: datetime
) -> list[Outcomes]:
    """Cycles that ended in [since, until) and by `now`, per metric and bucket; none where none did.

    `starts`: when each bucket begins, the first no later than `since`.
    """
    async with connection.cursor(row_factory=class_row(Outcomes)) as rows:
        parameters = {"since": since, "until": until, "starts": list(starts), "now": now}
        await rows.execute(OUTCOMES, parameters)
        return await rows.fetchall()


def _asked(
    wanted: BreachFilter, limit: int, cursor: str | None, known: datetime | None = None
) -> tuple[LiteralString, dict[str, Any]]:
    parameters = {name: value for name in CONDITIONS if (value := getattr(wanted, name)) is not None}
    query = BREACHES + (WITHDRAWN if known is None else KNOWN)[wanted.withdrawn]
    query += "".join(CONDITIONS[name] for name in parameters)
    if cursor is not None:
        key: tuple[Any, ...] = decode(KEY, cursor)
        parameters |= {f"k{place}": part for place, part in enumerate(key)}
        query += AFTER
    return query + NEWEST, parameters | {"limit": limit + 1, "known": known}
