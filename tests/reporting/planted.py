"""planted: a desk on which every text that anybody may type is a word that can be found again."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from pydantic import ValidationError

from aggregates.envelope import encode, envelope_of
from aggregates.fact import Fact
from aggregates.ticket.events import Opened
from commands.append import Append, Write, append_blocking
from tests.aggregates.cast import AS_ADA
from tests.aggregates.samples import envelopes

CANARY = "canary-3c1d"
# Any text to a fact, and to whoever enters it a name from a list.
CHOSEN = {"zone", "currency"}
numbers = itertools.count(5_000)


def plant(connection: Connection[Any]) -> None:
    """One stream a sample of a fact that holds any text; a ticket's begins with its opening."""
    for fact in (with_canary(envelope.fact) for envelope in envelopes()):
        if CANARY not in fact.model_dump_json():
            continue
        kind = fact.type_name.partition(".")[0]
        if kind == "ticket":
            opened = Opened(
                number=next(numbers), requester=uuid4(), subject=CANARY, channel="email", category=CANARY,
                tags=(CANARY,), fields={CANARY: CANARY, "floor": CANARY, "vip": True},
            )  # fmt: skip
            write(connection, uuid4(), opened, *([fact] if not isinstance(fact, Opened) else []))
        elif kind in ("team", "agent", "customer", "organisation", "calendar"):
            write(connection, uuid4(), fact)


def write(connection: Connection[Any], stream: UUID, *facts: Fact, version: int = 0) -> None:
    command = uuid4()
    events = tuple((fact.type_name, encode(_envelope(fact, command))) for fact in facts)
    (outcome,) = append_blocking(connection, [Append(command, "test", b"", (Write(stream, version, events),))])
    assert outcome.kind == "accepted"


def with_canary(fact: Fact) -> Fact:
    """The same with the canary wherever any text may stand: what is not replaced is an enumeration, id or instant."""
    told = fact.model_dump(mode="json")
    for place in list(_texts(told)):
        was = _put(told, place, CANARY)
        try:
            type(fact).model_validate_json(json.dumps(told))
        except ValidationError:
            _put(told, place, was)
    return type(fact).model_validate_json(json.dumps(told))


def _texts(told: Any, *place: Any) -> Iterator[tuple[Any, ...]]:
    parts = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for key, value in parts:
        if isinstance(value, str) and key not in CHOSEN:
            yield (*place, key)
        yield from _texts(value, *place, key)


def _put(told: Any, place: tuple[Any, ...], text: str) -> str:
    for key in place[:-1]:
        told = told[key]
    was, told[place[-1]] = told[place[-1]], text
    return str(was)


def _envelope(fact: Fact, command: UUID) -> Any:
    return envelope_of(fact.type_name)(
        actor=AS_ADA, command_id=command, correlation_id=command, subject=uuid4() if fact.personal else None, fact=fact
    )
