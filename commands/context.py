"""Who asks, when, and under which identity? Everything impure that a command needs, and what it gets back."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from aggregates.envelope import Actor
from aggregates.fact import Command, Fact

COMMANDS = UUID("6f1d7a52-5a53-4a0b-8a44-5f5a37f6a7ce")


@dataclass(frozen=True, slots=True)
class Context:
    """`caller` is whose Idempotency-Keys these are, `request` a digest that tells one request from another.

    `expected_version` comes from If-Match.
    `occurred_at` is for what a channel hands in late; status facts never take it.
    """

    now: datetime
    actor: Actor
    caller: str
    request: bytes
    command_id: UUID
    correlation_id: UUID
    expected_version: int | None = None
    causation_id: UUID | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was written to `stream`, which is at `version` now. No facts: it was so already."""

    stream: UUID
    version: int
    position: int
    facts: tuple[Fact, ...]

    @property
    def events(self) -> list[str]:
        """By type."""
        return [fact.type_name for fact in self.facts]


def command_id(caller: str, key: str, place: int = 0) -> UUID:
    """The same caller's same key means the same command, and so does its place in a bulk."""
    return uuid5(COMMANDS, f"{caller}\n{place}\n{key}")


def digest(secret: bytes, target: str, command: Command) -> bytes:
    """What tells one request from another; keyed, because it is kept and covers personal text."""
    words = f"{type(command).__name__}\n{target}\n{command.model_dump_json()}"
    return hmac.digest(secret, words.encode(), hashlib.sha256)
