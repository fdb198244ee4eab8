"""What surrounds a fact: who did it, why, when, and its place in the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, ValidationError

from aggregates.fact import FACTS, Fact
from aggregates.text import SafeText

FactT = TypeVar("FactT", bound=Fact, covariant=True)
ActorKind = Literal["agent", "customer", "system", "rule", "import"]
ActorId = Annotated[SafeText, StringConstraints(min_length=1, max_length=200)]


class Actor(BaseModel):
    """Who did it: an agent or customer by id, a rule as `id@version`, an import by its source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ActorKind
    id: ActorId

    @property
    def agent(self) -> UUID | None:
        """The agent who acts; None if it is anybody or anything else."""
        try:
            return UUID(self.id) if self.kind == "agent" else None
        except ValueError:
            return None

    @property
    def automatic(self) -> bool:
        """No person acts, but a rule or the system."""
        return self.kind in ("rule", "system")


class Envelope(BaseModel, Generic[FactT]):
    """Everything about an event that its author states; these bytes are what the hash chain covers.

    causation_id   the event or rule that caused it, if any
    subject        the customer whose personal data `fact` holds, if any
    occurred_at    when it happened, where that differs from when it was recorded
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    actor: Actor
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None = None
    subject: UUID | None = None
    occurred_at: AwareDatetime | None = None
    fact: FactT


class UndecodableEvent(ValueError):
    """An event whose type is unknown, or whose state does not fit its type. Names no content."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One row of the log, undecoded. `state` is verbatim what was hashed."""

    position: int
    stream: UUID
    version: int
    type: str
    recorded_at: datetime
    state: bytes


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decoded event."""

    position: int
    stream: UUID
    version: int
    recorded_at: datetime
    envelope: Envelope[Fact]

    @property
    def fact(self) -> Fact:
        return self.envelope.fact

    @property
    def actor(self) -> Actor:
        return self.envelope.actor

    @property
    def at(self) -> datetime:
        """When it happened."""
        return self.envelope.occurred_at or self.recorded_at


@cache
def envelope_of(type_name: str) -> type[Envelope[Any]]:
    """The envelope model of one kind of fact. Raises UndecodableEvent for a kind that does not exist."""
    fact = FACTS.get(type_name)
    if fact is None:
        raise UndecodableEvent(f"unknown event type {type_name!r}")
    return Envelope[fact]  # type: ignore[valid-type]


@cache
def _reader(type_name: str) -> Callable[[bytes], Envelope[Fact]]:
    """What `model_validate_json` does, without asking anew for each event how it is done."""
    return envelope_of(type_name).__pydantic_validator__.validate_json


def encode(envelope: Envelope[Fact]) -> bytes:
    """The bytes that are stored, hashed and carried; field order is the models' own."""
    return envelope.model_dump_json().encode()


def decode(type_name: str, state: bytes) -> Envelope[Fact]:
    try:
        return _reader(type_name)(state)
    except ValidationError as error:
        where = sorted({".".join(map(str, e["loc"])) for e in error.errors(include_input=False, include_url=False)})
        raise UndecodableEvent(f"{type_name} does not fit its model at {', '.join(where)}") from None


def recorded(stored: Stored) -> Recorded:
    """Decode one row. Raises UndecodableEvent."""
    return Recorded(
        position=stored.position,
        stream=stored.stream,
        version=stored.version,
        recorded_at=stored.recorded_at,
        envelope=decode(stored.type, stored.state),
    )
