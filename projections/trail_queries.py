"""trail_queries: events by actor, type, time and cause, newest first, and which event stands behind which."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import AwareDatetime, Field, TypeAdapter

from aggregates.envelope import ActorKind
from aggregates.moment import Basis
from projections.cursor import Page, decode, page

Key = Annotated[int, Field(ge=0, le=2**62)]

TRACES: LiteralString = """
SELECT position, stream, version, id, number, type, recorded_at, occurred_at, actor_kind, actor_id, command_id,
       correlation_id, causation_id
  FROM read.trail WHERE true
"""
CONDITIONS: Mapping[str, LiteralString] = MappingProxyType(
    {
        "actor_kind": " AND actor_kind = %(actor_kind)s",
        "actor_id": " AND actor_id = %(actor_id)s",
        "types": " AND type = ANY (%(types)s)",
        "stream": " AND stream = %(stream)s",
        "cause": " AND (command_id = %(cause)s OR causation_id = %(cause)s"
        " OR correlation_id = %(cause)s AND correlation_id <> command_id)",
    }
)
# One actor's events come in the order of the index; those of several have to be sorted.
ONE_ACTOR: LiteralString = " AND actor_kind = %(one_kind)s AND actor_id = %(one)s"
ANY_ACTOR: LiteralString = """
   AND (actor_kind, actor_id) IN (SELECT * FROM unnest(%(actor_kinds)s::text[], %(actor_ids)s::text[]))
"""
# Asked once, not once a row.
RECORDED: Mapping[str, LiteralString] = MappingProxyType(
    {
        "since": " AND position > (SELECT store.position_at(%(since)s - interval '1 microsecond'))",
        "until": " AND position <= (SELECT store.position_at(%(until)s - interval '1 microsecond'))",
    }
)
OCCURRED: Mapping[str, LiteralString] = MappingProxyType(
    {"since": " AND occurred_at >= %(since)s", "until": " AND occurred_at < %(until)s"}
)
AT_POSITIONS: LiteralString = " AND position = ANY (%(positions)s)"
CALLED: LiteralString = " AND id = ANY (%(ids)s)"
BEGUN_BY: LiteralString = """
   AND command_id = %(command)s AND causation_id IS NULL ORDER BY position LIMIT %(limit)s
"""
CAUSED: LiteralString = " AND causation_id = ANY (%(ids)s) ORDER BY position LIMIT %(limit)s"
# Each distinct id by one step down the index, however many events each has.
IMPORTED_AS: LiteralString = """
WITH RECURSIVE known (id) AS (
    SELECT min(actor_id) FROM read.trail WHERE actor_kind = 'import'
     UNION ALL
    SELECT (SELECT min(actor_id) FROM read.trail WHERE actor_kind = 'import' AND actor_id > known.id)
      FROM known WHERE known.id IS NOT NULL
)
SELECT 'import', id FROM known WHERE lower(split_part(id, ':', 2)) = lower(%(name)s)
"""
NAMED: LiteralString = """
SELECT 'agent', id::text FROM read.agents WHERE lower(name) = lower(%(name)s)
 UNION ALL
SELECT 'customer', id::text FROM read.customers WHERE lower(name) = lower(%(name)s)
"""


@dataclass(frozen=True, slots=True)
class Trace:
    """One event, without what it says. `number`: of the ticket, where it is one."""

    position: int
    stream: UUID
    version: int
    id: UUID
    number: int | None
    type: str
    recorded_at: datetime
    occurred_at: datetime
    actor_kind: ActorKind
    actor_id: str
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """What is None is not asked for. since <= when < until, by `basis`.

    actors   any of these, each by kind and id; an empty list is nobody
    cause    a command, a request or an event: whatever it led to directly
    """

    actor_kind: ActorKind | None = None
    actors: Collection[tuple[str, str]] | None = None
    types: Collection[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    basis: Basis = "recorded"
    cause: UUID | None = None
    stream: UUID | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Newest first: by when it was recorded, or by when it happened."""

    key: TypeAdapter[tuple[Any, ...]]
    of: Callable[[Trace], tuple[Any, ...]]
    before: LiteralString
    by: LiteralString


ORDERS: Mapping[Basis, Order] = MappingProxyType(
    {
        "recorded": Order(
            TypeAdapter(tuple[Key]),
            lambda trace: (trace.position,),
            " AND position < %(k0)s",
            " ORDER BY position DESC LIMIT %(limit)s",
        ),
        "occurred": Order(
            TypeAdapter(tuple[AwareDatetime, Key]),
            lambda trace: (trace.occurred_at, trace.position),
            " AND (occurred_at, position) < (%(k0)s, %(k1)s)",
            " ORDER BY occurred_at DESC, position DESC LIMIT %(limit)s",
        ),
    }
)


async def search(
    connection: AsyncConnection[Any], wanted: TrailFilter, limit: int, cursor: str | None = None
) -> Page[Trace]:
    """Raises InvalidCursor."""
    order, (conditions, asked) = ORDERS[wanted.basis], _asked(wanted)
    if cursor is not None:
        conditions += order.before
        asked |= {f"k{place}": value for place, value in enumerate(_place(order, cursor))}
    found = await _traces(connection, conditions + order.by, asked | {"limit": limit + 1})
    return page(found, limit, order.key, order.of)


async def at_positions(connection: AsyncConnection[Any], positions: Sequence[int]) -> list[Trace]:
    return await _traces(connection, AT_POSITIONS, {"positions": list(positions)})


async def called(connection: AsyncConnection[Any], ids: Sequence[UUID]) -> list[Trace]:
    """The events that others name by these ids as their causes."""
    return await _traces(connection, CALLED, {"ids": list(ids)})


async def begun_by(connection: AsyncConnection[Any], command: UUID, limit: int) -> list[Trace]:
    """What a command wrote without another cause, oldest first."""
    return await _traces(connection, BEGUN_BY, {"command": command, "limit": limit})


async def caused(connection: AsyncConnection[Any], ids: Sequence[UUID], limit: int) -> list[Trace]:
    """The events that name one of these ids as their cause, oldest first."""
    return await _traces(connection, CAUSED, {"ids": list(ids), "limit": limit})


async def actors_named(connection: AsyncConnection[Any], name: str) -> list[tuple[str, str]]:
    """Kind and id of everybody of that name: agents, customers, and people in whose place an import speaks."""
    known = await (await connection.execute(NAMED, {"name": name})).fetchall()
    imported = await (await connection.execute(IMPORTED_AS, {"name": name})).fetchall()
    return [*known, *imported]


def _asked(wanted: TrailFilter) -> tuple[LiteralString, dict[str, Any]]:
    times = RECORDED if wanted.basis == "recorded" else OCCURRED
    asked: dict[str, Any] = {
        name: value
        for name in ("actor_kind", "types", "stream", "cause", "since", "until")
        if (value := getattr(wanted, name)) is not None
    }
    if wanted.types is not None:
        asked["types"] = list(wanted.types)
    conditions = "".join([{**CONDITIONS, **times}[name] for name in asked])
    if wanted.actors is None:
        return conditions, asked
    if len(wanted.actors) == 1:
        ((kind, id),) = wanted.actors
        return conditions + ONE_ACTOR, asked | {"one_kind": kind, "one": id}
    kinds, ids = [kind for kind, _ in wanted.actors], [id for _, id in wanted.actors]
    return conditions + ANY_ACTOR, asked | {"actor_kinds": kinds, "actor_ids": ids}


def _place(order: Order, cursor: str) -> tuple[Any, ...]:
    place: tuple[Any, ...] = decode(order.key, cursor)
    return place


async def _traces(connection: AsyncConnection[Any], conditions: LiteralString, asked: Mapping[str, Any]) -> list[Trace]:
    async with connection.cursor(binary=True, row_factory=class_row(Trace)) as cursor:
        await cursor.execute(TRACES + conditions, asked)
        return await cursor.fetchall()
