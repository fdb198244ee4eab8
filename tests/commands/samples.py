"""samples: events and commands for tests that do not care what they say."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from aggregates.envelope import Actor, Envelope, encode, envelope_of
from aggregates.fact import Fact
from aggregates.ticket.events import NoteAdded
from commands.append import Append, Write
from commands.context import Context, command_id

ADA = Actor(kind="agent", id="00000000-0000-0000-0000-0000000000ad")


def envelope(fact: Fact | None = None, command: UUID | None = None) -> Envelope[Fact]:
    fact = fact or NoteAdded(body="a note")
    command = command or uuid4()
    return envelope_of(fact.type_name)(actor=ADA, command_id=command, correlation_id=command, fact=fact)


def events(*facts: Fact) -> tuple[tuple[str, bytes], ...]:
    return tuple((fact.type_name, encode(envelope(fact))) for fact in facts)


def notes(count: int = 1) -> tuple[tuple[str, bytes], ...]:
    return events(*(NoteAdded(body=f"note {n}") for n in range(count)))


def an_append(*writes: Write, command: UUID | None = None, caller: str = "ada", request: bytes = b"r") -> Append:
    return Append(command or uuid4(), caller, request, writes)


def a_context(actor: Actor = ADA, key: str | None = None, caller: str = "ada", **given: object) -> Context:
    id = command_id(caller, key or str(uuid4()))
    fields = {"request": b"request", "expected_version": None} | given
    return Context(
        now=datetime.now(UTC),
        actor=actor,
        caller=caller,
        command_id=id,
        correlation_id=id,
        **fields,  # type: ignore[arg-type]
    )
