"""commands: does every event belong to exactly one command, and is every command in the log once?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row
from pydantic_core import from_json

from replay.verify.check import Check, Tell

FETCHED = 1_000
SNAPSHOT: LiteralString = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
HEAD: LiteralString = "SELECT position FROM store.head"
COMMANDS: LiteralString = "SELECT command_id, first_position, last_position FROM store.commands ORDER BY first_position"
EVENTS: LiteralString = "SELECT notification_id, state FROM store.events ORDER BY notification_id"


def check_commands(connection: Connection[Any], tell: Tell) -> Check:
    """What the table of commands says is what the events themselves say, from the first position to the last."""
    with connection.transaction():
        connection.execute(SNAPSHOT)
        row = connection.execute(HEAD).fetchone()
        head, events, commands, reached = row[0] if row else 0, _rows(connection, "events", EVENTS), 0, 0
        for command, first, last in _rows(connection, "commands", COMMANDS):
            fault = _fault(events, command, first, last, reached)
            if fault:
                return Check("commands", commands, "commands", fault)
            commands, reached = commands + 1, last
            if commands % FETCHED == 0:
                tell("reading commands", reached, head)
        fault = None if reached == head else f"position {reached + 1} was written by no command that is known"
        return Check("commands", commands, "commands, each in the log once", fault)


def _fault(events: Iterator[Any], command: UUID, first: int, last: int, reached: int) -> str | None:
    if first > reached + 1:
        return f"position {reached + 1} was written by no command that is known"
    if first <= reached or last < first:
        return f"command {command} claims positions {first} to {last}, but {reached} is another command's"
    for expected in range(first, last + 1):
        position, state = next(events, (None, b""))
        if position != expected:
            return f"command {command} wrote position {expected}, which is not in the log"
        if _command_of(state) != str(command):
            return f"position {position} does not name the command {command} that wrote it"
    return None


def _command_of(state: bytes) -> object:
    try:
        return from_json(state).get("command_id")
    except (ValueError, AttributeError):
        return None


def _rows(connection: Connection[Any], name: str, query: LiteralString) -> Iterator[Any]:
    with connection.cursor(name, row_factory=tuple_row) as cursor:
        cursor.itersize = FETCHED
        cursor.execute(query, binary=True)
        yield from cursor
