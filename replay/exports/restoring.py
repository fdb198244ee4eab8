"""How does a lossless export become a desk again? All of it in one transaction, or nothing.

Only what the hash chain covers is believed: streams, names, numbers and the head follow from the events. Of commands
the file adds what no event holds, the digest by which a retry is known again: whoever falsified that could have a retry
refused, or answered with what the command wrote, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row

from aggregates.envelope import UndecodableEvent, decode
from aggregates.ticket.events import Opened
from replay.exports.lines import BrokenExport, Lines
from replay.exports.ndjson import EventLine, Header, command_of
from replay.logs.eventlog import opened
from replay.proof.chain import VERSIONS
from replay.reserved import NAMING, Name, names_of

BATCH = 5_000
# Held until the end: nobody appends to a desk that is being restored.
LOCK: LiteralString = "SELECT pg_advisory_xact_lock(4242, 1)"
EMPTY: LiteralString = """
SELECT NOT EXISTS (SELECT FROM store.events) AND NOT EXISTS (SELECT FROM store.streams)
   AND NOT EXISTS (SELECT FROM store.commands) AND NOT EXISTS (SELECT FROM store.reservations)
   AND NOT EXISTS (SELECT FROM store.head WHERE position > 0)
"""
COPY_EVENTS: LiteralString = """
COPY store.events (originator_id, originator_version, topic, state, notification_id, recorded_at, hash)
FROM STDIN (FORMAT BINARY)
"""
EVENT_TYPES = ("uuid", "int8", "text", "bytea", "int8", "timestamptz", "bytea")
COPY_COMMANDS: LiteralString = """
COPY store.commands (command_id, caller, request, first_position, last_position) FROM STDIN (FORMAT BINARY)
"""
COMMAND_TYPES = ("uuid", "text", "bytea", "int8", "int8")
# Who took a name keeps it: taking it again, as the same customer does with the same address, changes nothing.
TAKE: LiteralString = """
INSERT INTO store.reservations (namespace, key, stream)
SELECT * FROM unnest(%(namespaces)s::text[], %(keys)s::bytea[], %(streams)s::uuid[]) ON CONFLICT DO NOTHING
"""
STREAMS: LiteralString = """
INSERT INTO store.streams (id, version) SELECT originator_id, max(originator_version) FROM store.events GROUP BY 1
"""
HEAD: LiteralString = """
UPDATE store.head AS h
   SET log_id = %(log_id)s, position = %(position)s, hash = %(hash)s, recorded_at = coalesce(
           (SELECT e.recorded_at FROM store.events e WHERE e.notification_id = %(position)s), h.recorded_at)
"""
NUMBERS: LiteralString = """
SELECT setval('store.ticket_numbers', %(number)s) FROM store.ticket_numbers WHERE %(number)s >= last_value
"""
PROVENANCE: LiteralString = """
INSERT INTO store.restored (position, hash, release, exported_at)
VALUES (%(position)s, %(hash)s, %(release)s, %(exported_at)s)
"""
WAKE: LiteralString = "SELECT pg_notify('events', '')"
ANALYZE: LiteralString = "ANALYZE store.events, store.streams, store.commands, store.reservations"


class NotEmpty(Exception):
    """There is something in the desk already."""


@dataclass(frozen=True, slots=True)
class Restored:
    log_id: UUID
    events: int
    streams: int
    commands: int
    names: int
    seconds: float


@dataclass(slots=True)
class Command:
    id: UUID
    caller: str
    request: bytes
    first: int
    last: int


@dataclass(slots=True)
class Derived:
    """What follows from the events read so far, and is not in the store yet."""

    secret: bytes
    names: list[Name] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    number: int = 0
    """The highest number of a ticket."""

    def take(self, event: EventLine) -> None:
        if event.command is not None:
            self._begin(event, event.command.caller, event.command.request)
        elif self.commands and self.commands[-1].last == event.position - 1:
            self._go_on(self.commands[-1], event)
        if event.type in NAMING:
            self._name(event)

    def finished(self) -> list[Command]:
        """All but the last: the next event may be that one's, too."""
        done, self.commands = self.commands[:-1], self.commands[-1:]
        return done

    def _begin(self, event: EventLine, caller: str, request: bytes) -> None:
        id = command_of(event.verbatim)
        if id is not None:
            self.commands.append(Command(id, caller, request, event.position, event.position))

    def _go_on(self, command: Command, event: EventLine) -> None:
        if command_of(event.verbatim) == command.id:
            command.last = event.position

    def _name(self, event: EventLine) -> None:
        try:
            fact = decode(event.type, event.verbatim).fact
        except UndecodableEvent:
            return
        self.names += names_of(event.stream, fact, self.secret)
        if isinstance(fact, Opened):
            self.number = max(self.number, fact.number)


def restore(
    connection: Connection[Any],
    path: Path,
    secret: bytes,
    told: Callable[[int, float], None] = lambda done, part: None,
) -> Restored:
    """`connection`: the owner's. `secret`: the desk's, under which addresses are reserved and retries recognised.

    Raises BrokenExport, NotEmpty, OSError and psycopg.Error; then the desk is as empty as before.
    """
    started = time.monotonic()
    with opened(path) as (file, counted), connection.transaction():
        lines = Lines(file)
        _enter(connection)
        derived = Derived(secret)
        for batch in _batches(lines.events()):
            _write(connection, batch, derived)
            told(lines.position, counted.fraction)
        _copy(connection, COPY_COMMANDS, COMMAND_TYPES, map(_command, derived.commands))
        _settle(connection, lines, derived)
        counts = _counts(connection)
    connection.execute(ANALYZE)
    return Restored(lines.header.log_id, lines.position, *counts, time.monotonic() - started)


def _enter(connection: Connection[Any]) -> None:
    connection.execute(LOCK)
    if not _one(connection, EMPTY):
        raise NotEmpty("this desk holds something already: a restore needs a database that was migrated and never used")


def _write(connection: Connection[Any], events: list[EventLine], derived: Derived) -> None:
    _copy(connection, COPY_EVENTS, EVENT_TYPES, map(_row, events))
    for event in events:
        derived.take(event)
    _copy(connection, COPY_COMMANDS, COMMAND_TYPES, map(_command, derived.finished()))
    _take(connection, derived)


def _copy(connection: Connection[Any], query: LiteralString, types: Iterable[str], rows: Iterable[Any]) -> None:
    with connection.cursor() as cursor, cursor.copy(query) as copying:
        copying.set_types(list(types))
        for row in rows:
            copying.write_row(row)


def _row(event: EventLine) -> tuple[Any, ...]:
    return event.stream, event.version, event.type, event.verbatim, event.position, event.recorded_at, event.hash


def _command(command: Command) -> tuple[Any, ...]:
    return command.id, command.caller, command.request, command.first, command.last


def _take(connection: Connection[Any], derived: Derived) -> None:
    names, derived.names = derived.names, []
    if names:
        namespaces, keys, streams = map(list, zip(*names, strict=True))
        connection.execute(TAKE, {"namespaces": namespaces, "keys": keys, "streams": streams})


def _settle(connection: Connection[Any], lines: Lines, derived: Derived) -> None:
    """Whatever counts over all events, and the mark that they were not recorded here."""
    wrong = connection.execute(VERSIONS).fetchone()
    if wrong is not None:
        position, stream, version, expected = wrong
        says = f"it is version {version} of stream {stream}, where {expected} should follow"
        raise BrokenExport(position + 1, says, position)
    header: Header = lines.header
    connection.execute(STREAMS)
    connection.execute(HEAD, {"log_id": header.log_id, "position": lines.position, "hash": lines.hash})
    connection.execute(NUMBERS, {"number": derived.number})
    source = {"release": header.release, "exported_at": header.exported_at}
    connection.execute(PROVENANCE, {"position": lines.position, "hash": lines.hash, **source})
    connection.execute(WAKE)


def _counts(connection: Connection[Any]) -> tuple[int, int, int]:
    streams = _one(connection, "SELECT count(*) FROM store.streams")
    commands = _one(connection, "SELECT count(*) FROM store.commands")
    return streams, commands, _one(connection, "SELECT count(*) FROM store.reservations")


def _one(connection: Connection[Any], query: LiteralString) -> Any:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(query).fetchone()


def _batches(events: Iterator[EventLine]) -> Iterator[list[EventLine]]:
    while batch := list(islice(events, BATCH)):
        yield batch
