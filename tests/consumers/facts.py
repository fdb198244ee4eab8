"""facts: how does a test get events into the store?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection

from aggregates.envelope import Actor, Envelope, encode, envelope_of
from aggregates.fact import Fact
from aggregates.ticket.events import NoteAdded, Opened
from commands.append import Append, Write, append_blocking

ACTOR = Actor(kind="system", id="test")
numbers = itertools.count(1)


def envelope(fact: Fact, command: UUID, occurred_at: datetime | None = None) -> tuple[str, bytes]:
    wrapped: Envelope[Any] = envelope_of(fact.type_name)(
        actor=ACTOR, command_id=command, correlation_id=command, occurred_at=occurred_at, fact=fact
    )
    return fact.type_name, encode(wrapped)


def opened() -> Opened:
    return Opened(number=next(numbers), requester=uuid4(), subject="Printer on fire", channel="email")


def note(text: str) -> NoteAdded:
    return NoteAdded(body=text)


def append(connection: Connection[Any], *writes: tuple[UUID, int, Sequence[Fact]]) -> int:
    """One command a write; the last position."""
    commands = [
        Append(
            (command := uuid4()), "test", b"", (Write(stream, expected, tuple(envelope(f, command) for f in facts)),)
        )
        for stream, expected, facts in writes
    ]
    outcomes = append_blocking(connection, commands)
    assert {outcome.kind for outcome in outcomes} == {"accepted"}
    return max(outcome.last_position for outcome in outcomes)


def append_raw(connection: Connection[Any], stream: UUID, expected: int, type_name: str, state: bytes) -> int:
    write = Write(stream, expected, ((type_name, state),))
    (outcome,) = append_blocking(connection, [Append(uuid4(), "test", b"", (write,))])
    assert outcome.kind == "accepted"
    return outcome.last_position


def open_tickets(connection: Connection[Any], count: int, notes: int = 2) -> list[UUID]:
    """Each opened, then with notes n1, n2, ..."""
    streams = [uuid4() for _ in range(count)]
    for start in range(0, count, 500):
        some = streams[start : start + 500]
        append(connection, *((s, 0, [opened(), *(note(f"n{i}") for i in range(1, notes + 1))]) for s in some))
    return streams
