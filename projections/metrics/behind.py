"""behind: which tickets and events is a number made of?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection, sql
from psycopg.rows import class_row
from pydantic import AwareDatetime, Field, TypeAdapter

from projections.cursor import Page, decode, page
from projections.metrics.answer import Period
from projections.metrics.measure import Column, Metric, Part, Points, Quotient
from projections.metrics.periods import named
from projections.metrics.question import Question
from projections.metrics.relations import relation
from projections.metrics.statements import conditions, counted, given, source_of

EVIDENCE: LiteralString = """
SELECT stream AS ticket, number, version, at, place, ({value})::float8 AS value, ({among}) AS among
  FROM ({relation}) f
 WHERE {conditions} AND ({value}) IS NOT NULL AND ({any})
"""
AFTER: LiteralString = " AND (at, stream, place) > (%(after_at)s, %(after_ticket)s, %(after_place)s)"
ORDER: LiteralString = " ORDER BY at, stream, place LIMIT %(limit)s"
ADDS: dict[Column, LiteralString] = {"rows": "1", "time": "time / 1000000.0", "amount": "amount", "cost": "cost"}
KEY: TypeAdapter[tuple[datetime, UUID, int]] = TypeAdapter(
    tuple[AwareDatetime, UUID, Annotated[int, Field(ge=0, le=2**31 - 1)]]
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One event, or one ticket as it stood at the end of the period, that a number is made of.

    version   the ticket's, of the event; of what stood, that of the event since which it stood so
    value     what it adds: 1 where something is counted, seconds where it is timed; 0: it is only divided by
    among     whether it is among those that a share or an average divides by
    """

    ticket: UUID
    number: int
    version: int
    at: datetime
    place: int
    value: float
    among: bool


async def behind(
    connection: AsyncConnection[Any], asked: Question, metric: Metric, limit: int, cursor: str | None
) -> Page[Evidence]:
    """Of the whole period and all groups that are left by the filters, in order of time. Raises InvalidCursor."""
    period = Period(asked.since, asked.until, named(asked.since, asked.until, asked.zone))
    whole = replace(asked, metrics=(metric,), earlier=(), buckets=(period,))
    where, values = conditions(whole)
    value, among = _value(metric)
    query = sql.SQL(EVIDENCE).format(
        value=value,
        among=among,
        relation=relation(source_of(whole, metric), asked.time, whole.periods),
        conditions=where,
        any=sql.SQL(" OR ").join(map(counted, metric.parts)),
    )
    parameters = given(whole, metric.parts) | values | {"limit": limit + 1}
    if cursor is not None:
        at, ticket, place = decode(KEY, cursor)
        parameters |= {"after_at": at, "after_ticket": ticket, "after_place": place}
    async with connection.cursor(row_factory=class_row(Evidence)) as rows:
        await rows.execute(query + sql.SQL(AFTER if cursor else "") + sql.SQL(ORDER), parameters)
        return page(await rows.fetchall(), limit, KEY, lambda row: (row.at, row.ticket, row.place))


def _value(metric: Metric) -> tuple[sql.Composable, sql.Composable]:
    """What a row adds, and whether it is divided by."""
    match metric.formula:
        case Quotient(over, under):
            return _adds(((1, over),)), counted(under)
        case Points(parts):
            return _adds(parts), sql.SQL("false")
        case Part() as part:
            return _adds(((1, part),)), sql.SQL("false")


def _adds(parts: tuple[tuple[int, Part], ...]) -> sql.Composable:
    once: LiteralString = "CASE WHEN {counted} THEN {times} * ({adds}) ELSE 0 END"
    return sql.SQL(" + ").join(
        sql.SQL(once).format(counted=counted(part), times=sql.Literal(times), adds=sql.SQL(ADDS[part.of]))
        for times, part in parts
    )
