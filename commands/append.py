"""What is asked of the event store in one call, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import AsyncConnection, Connection
from psycopg.rows import tuple_row

OutcomeKind = Literal["accepted", "duplicate", "reused", "conflict", "stale_read", "reserved"]


@dataclass(frozen=True, slots=True)
class Write:
    """Events for one stream that must be at version `expected`: pairs of type and state."""

    stream: UUID
    expected: int
    events: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Append:
    """What one command writes: all of it or nothing.

    caller, request   who asks and a keyed digest of what: a retry of the same finds its own success
    reads             streams and versions that the decision stood on, and that must not have moved
    reserve           (namespace, key, stream): names that only one stream may hold
    """

    command_id: UUID
    caller: str
    request: bytes
    writes: tuple[Write, ...]
    reads: tuple[tuple[UUID, int], ...] = ()
    reserve: tuple[tuple[str, bytes, UUID], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """accepted or duplicate: at these positions; else nothing was written, and why."""

    kind: OutcomeKind
    first_position: int = 0
    last_position: int = 0

    @property
    def written(self) -> bool:
        return self.kind in ("accepted", "duplicate")


APPEND: LiteralString = """
SELECT command, outcome, first_position, last_position FROM store.append(
    %(command_ids)b::uuid[], %(callers)b::text[], %(requests)b::bytea[],
    %(write_commands)s::int[], %(write_streams)b::uuid[], %(write_expected)s::bigint[], %(write_counts)s::int[],
    %(event_commands)s::int[], %(event_writes)s::int[], %(event_types)b::text[], %(event_states)b::bytea[],
    %(read_commands)s::int[], %(read_streams)b::uuid[], %(read_versions)s::bigint[],
    %(reserve_commands)s::int[], %(reserve_namespaces)b::text[], %(reserve_keys)b::bytea[],
    %(reserve_streams)b::uuid[])
"""


async def append(connection: AsyncConnection[Any], commands: Sequence[Append]) -> list[Outcome]:
    """One autocommit call, no round trip under the lock. Outcomes are in the order of the commands."""
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(APPEND, _parameters(commands), prepare=True)
        return _outcomes(commands, await cursor.fetchall())


def append_blocking(connection: Connection[Any], commands: Sequence[Append]) -> list[Outcome]:
    """The same from code that runs without an event loop."""
    with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        cursor.execute(APPEND, _parameters(commands), prepare=True)
        return _outcomes(commands, cursor.fetchall())


def _parameters(commands: Sequence[Append]) -> dict[str, list[Any]]:
    writes = [(place, write) for place, command in enumerate(commands, 1) for write in command.writes]
    events = [(place, w, event) for w, (place, write) in enumerate(writes, 1) for event in write.events]
    reads = [(place, *read) for place, command in enumerate(commands, 1) for read in command.reads]
    reserve = [(place, *name) for place, command in enumerate(commands, 1) for name in command.reserve]
    return {
        "command_ids": [command.command_id for command in commands],
        "callers": [command.caller for command in commands],
        "requests": [command.request for command in commands],
        "write_commands": [place for place, _ in writes],
        "write_streams": [write.stream for _, write in writes],
        "write_expected": [write.expected for _, write in writes],
        "write_counts": [len(write.events) for _, write in writes],
        "event_commands": [place for place, _, _ in events],
        "event_writes": [w for _, w, _ in events],
        "event_types": [event[0] for _, _, event in events],
        "event_states": [event[1] for _, _, event in events],
        "read_commands": [place for place, _, _ in reads],
        "read_streams": [stream for _, stream, _ in reads],
        "read_versions": [version for _, _, version in reads],
        "reserve_commands": [place for place, _, _, _ in reserve],
        "reserve_namespaces": [namespace for _, namespace, _, _ in reserve],
        "reserve_keys": [key for _, _, key, _ in reserve],
        "reserve_streams": [stream for _, _, _, stream in reserve],
    }


def _outcomes(commands: Sequence[Append], rows: Sequence[tuple[Any, ...]]) -> list[Outcome]:
    by_place = {place: Outcome(kind, first or 0, last or 0) for place, kind, first, last in rows}
    return [by_place[place] for place in range(1, len(commands) + 1)]
