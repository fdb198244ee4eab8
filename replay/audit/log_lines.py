"""What does each event of a ticket say in one line: when, who, what and why?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from aggregates.envelope import Actor, Recorded
from aggregates.sla.noting import event_id
from replay.phrases import Names, phrase, said_by, short


@dataclass(frozen=True, slots=True)
class Line:
    """`occurred_at` only where it differs from `recorded_at`; ids stay beside the names."""

    version: int
    position: int
    recorded_at: datetime
    occurred_at: datetime | None
    type: str
    actor: Actor
    who: str
    what: str
    why: str
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None


def lines(events: Iterable[Recorded], names: Names) -> Iterator[Line]:
    """One a given event, in the order given. A cause among them is said by its version."""
    known = list(events)
    versions = {event_id(event.stream, event.version): event.version for event in known}
    for event in known:
        envelope = event.envelope
        yield Line(
            version=event.version,
            position=event.position,
            recorded_at=event.recorded_at,
            occurred_at=envelope.occurred_at if envelope.occurred_at != event.recorded_at else None,
            type=event.fact.type_name,
            actor=event.actor,
            who=said_by(event.actor, names),
            what=phrase(event.fact, names),
            why=_why(event, versions, names),
            command_id=envelope.command_id,
            correlation_id=envelope.correlation_id,
            causation_id=envelope.causation_id,
        )


def mentioned(events: Iterable[Recorded]) -> set[str]:
    """All ids in these events for which there may be a name."""
    found: set[str] = set()
    for event in events:
        found.add(event.actor.id.partition("@")[0])
        found |= set(_ids(event.fact))
    return found


def _why(event: Recorded, versions: dict[UUID, int], names: Names) -> str:
    envelope = event.envelope
    cause = envelope.causation_id
    if cause in versions:
        return f"because of @{versions[cause]}"
    if cause is not None:
        return f"because of {short(str(cause))}"
    return f"command {short(str(envelope.command_id))}"


def _ids(value: object) -> Iterator[str]:
    match value:
        case UUID():
            yield str(value)
        case BaseModel():
            for _, inner in value:
                yield from _ids(inner)
        case tuple() | list() | frozenset():
            for inner in value:
                yield from _ids(inner)
        case _:
            return
