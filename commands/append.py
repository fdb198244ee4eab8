"""What is asked of the event store in one call, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, Literal, LiteralString
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.adapt import Dumper
from psycopg.pq import Format
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
    %(command_ids)s::uuid[], %(callers)s::text[], %(requests)s::bytea[],
    %(write_commands)s::int[], %(write_streams)s::uuid[], %(write_expected)s::bigint[], %(write_counts)s::int[],
    %(event_commands)s::int[], %(event_writes)s::int[], %(event_types)s::text[], %(event_states)s::bytea[])
"""
GUARDED_APPEND: LiteralString = """
SELECT command, outcome, first_position, last_position FROM store.append(
    %(command_ids)s::uuid[], %(callers)s::text[], %(requests)s::bytea[],
    %(write_commands)s::int[], %(write_streams)s::uuid[], %(write_expected)s::bigint[], %(write_counts)s::int[],
    %(event_commands)s::int[], %(event_writes)s::int[], %(event_types)s::text[], %(event_states)s::bytea[],
    %(read_commands)s::int[], %(read_streams)s::uuid[], %(read_versions)s::bigint[],
    %(reserve_commands)s::int[], %(reserve_namespaces)s::text[], %(reserve_keys)s::bytea[],
    %(reserve_streams)s::uuid[])
"""


LONE_APPEND: LiteralString = """
SELECT command, outcome, first_position, last_position FROM store.append_one(
    %(command_id)s::uuid, %(caller)s::text, %(request)s::bytea,
    %(write_streams)s::uuid[], %(write_expected)s::bigint[], %(write_counts)s::int[],
    %(event_types)s::text[], %(event_states)s::bytea[])
"""
GUARDED_LONE_APPEND: LiteralString = """
SELECT command, outcome, first_position, last_position FROM store.append_one(
    %(command_id)s::uuid, %(caller)s::text, %(request)s::bytea,
    %(write_streams)s::uuid[], %(write_expected)s::bigint[], %(write_counts)s::int[],
    %(event_types)s::text[], %(event_states)s::bytea[],
    %(read_streams)s::uuid[], %(read_versions)s::bigint[],
    %(reserve_namespaces)s::text[], %(reserve_keys)s::bytea[], %(reserve_streams)s::uuid[])
"""


async def append(connection: AsyncConnection[Any], commands: Sequence[Append]) -> list[Outcome]:
    """One autocommit call, no round trip under the lock. Outcomes are in the order of the commands."""
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(*_call(commands), prepare=True)
        return _outcomes(commands, await cursor.fetchall())


def append_blocking(connection: Connection[Any], commands: Sequence[Append]) -> list[Outcome]:
    """The same from code that runs without an event loop."""
    with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        cursor.execute(*_call(commands), prepare=True)
        return _outcomes(commands, cursor.fetchall())


def _call(commands: Sequence[Append]) -> tuple[LiteralString, dict[str, object]]:
    """The statement and its parameters; the guards only where there are any, for each costs its microseconds."""
    if len(commands) == 1:
        return _lone_call(commands[0])
    if any(command.reads or command.reserve for command in commands):
        return GUARDED_APPEND, _written(commands) | _guards(commands)
    return APPEND, _written(commands)


def _lone_call(command: Append) -> tuple[LiteralString, dict[str, object]]:
    events = [event for write in command.writes for event in write.events]
    written: dict[str, object] = {
        "command_id": command.command_id,
        "caller": command.caller,
        "request": command.request,
        "write_streams": _uuids(write.stream for write in command.writes),
        "write_expected": _bigints(write.expected for write in command.writes),
        "write_counts": _ints(len(write.events) for write in command.writes),
        "event_types": _texts(kind for kind, _ in events),
        "event_states": _bytes(state for _, state in events),
    }
    if command.reads or command.reserve:
        return GUARDED_LONE_APPEND, written | _guards([command])
    return LONE_APPEND, written


def _written(commands: Sequence[Append]) -> dict[str, object]:
    writes = [(place, write) for place, command in enumerate(commands, 1) for write in command.writes]
    events = [(place, w, event) for w, (place, write) in enumerate(writes, 1) for event in write.events]
    return {
        "command_ids": _uuids(command.command_id for command in commands),
        "callers": _texts(command.caller for command in commands),
        "requests": _bytes(command.request for command in commands),
        "write_commands": _ints(place for place, _ in writes),
        "write_streams": _uuids(write.stream for _, write in writes),
        "write_expected": _bigints(write.expected for _, write in writes),
        "write_counts": _ints(len(write.events) for _, write in writes),
        "event_commands": _ints(place for place, _, _ in events),
        "event_writes": _ints(w for _, w, _ in events),
        "event_types": _texts(event[0] for _, _, event in events),
        "event_states": _bytes(event[1] for _, _, event in events),
    }


def _guards(commands: Sequence[Append]) -> dict[str, object]:
    reads = [(place, *read) for place, command in enumerate(commands, 1) for read in command.reads]
    reserve = [(place, *name) for place, command in enumerate(commands, 1) for name in command.reserve]
    return {
        "read_commands": _ints(place for place, _, _ in reads),
        "read_streams": _uuids(stream for _, stream, _ in reads),
        "read_versions": _bigints(version for _, _, version in reads),
        "reserve_commands": _ints(place for place, _, _, _ in reserve),
        "reserve_namespaces": _texts(namespace for _, namespace, _, _ in reserve),
        "reserve_keys": _bytes(key for _, _, key, _ in reserve),
        "reserve_streams": _uuids(stream for _, _, _, stream in reserve),
    }


# Arrays packed by ourselves: psycopg's dumping of eighteen lists took longer than the append, and so did the server's
# reading of texts.


class PackedArray(bytes):
    """An array of one dimension as Postgres receives it in binary."""


class PackedArrayDumper(Dumper):
    """The statement's casts say of what."""

    format = Format.BINARY

    def dump(self, obj: PackedArray) -> bytes:
        return obj


psycopg.adapters.register_dumper(PackedArray, PackedArrayDumper)

UUID_OID, TEXT_OID, BYTEA_OID, INT_OID, BIGINT_OID = 2950, 25, 17, 23, 20
PACKED_LENGTH, PACKED_INT, PACKED_BIGINT = Struct("!i").pack, Struct("!ii").pack, Struct("!iq").pack
PACKED_HEAD = Struct("!iiiii").pack


def _array(oid: int, elements: Sequence[bytes]) -> PackedArray:
    """Of elements that each come with their length."""
    dimensions = 1 if elements else 0
    return PackedArray(PACKED_HEAD(dimensions, 0, oid, len(elements), 1)[: 12 + 8 * dimensions] + b"".join(elements))


def _ints(values: Iterable[int]) -> PackedArray:
    return _array(INT_OID, [PACKED_INT(4, value) for value in values])


def _bigints(values: Iterable[int]) -> PackedArray:
    return _array(BIGINT_OID, [PACKED_BIGINT(8, value) for value in values])


def _uuids(values: Iterable[UUID]) -> PackedArray:
    return _array(UUID_OID, [PACKED_LENGTH(16) + value.bytes for value in values])


def _bytes(values: Iterable[bytes]) -> PackedArray:
    return _array(BYTEA_OID, [PACKED_LENGTH(len(value)) + value for value in values])


def _texts(values: Iterable[str]) -> PackedArray:
    encoded = [value.encode() for value in values]
    return _array(TEXT_OID, [PACKED_LENGTH(len(value)) + value for value in encoded])


def _outcomes(commands: Sequence[Append], rows: Sequence[tuple[Any, ...]]) -> list[Outcome]:
    by_place = {place: Outcome(kind, first or 0, last or 0) for place, kind, first, last in rows}
    return [by_place[place] for place in range(1, len(commands) + 1)]
