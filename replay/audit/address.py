"""What does somebody name who writes T-1042@12, T-1042@2012-03-01T09:00Z or T-1042@#98765?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from aggregates.errors import Unacceptable

TICKET = re.compile(r"[Tt]-([0-9]{1,18})")
VERSION = re.compile(r"[0-9]{1,18}")
POSITION = re.compile(r"#([0-9]{1,18})")
FORMS = "Write a version (12), a day or an instant (2012-03-01, 2012-03-01T09:00Z) or a position (#98765)."


@dataclass(frozen=True, slots=True)
class Version:
    """The ticket's own first events, up to and with this one."""

    number: int


@dataclass(frozen=True, slots=True)
class Instant:
    at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """The log's first events, up to and with this one."""

    number: int


Point = Version | Instant | Position


@dataclass(frozen=True, slots=True)
class Address:
    """`ticket`: its number or id, as it was written. No point: as it is now."""

    ticket: str
    point: Point | None = None


def address(text: str) -> Address:
    """Raises Unacceptable."""
    ticket, at, point = text.partition("@")
    return Address(ticket, parsed(point) if at else None)


def parsed(text: str, field: str | None = None) -> Point:
    """A day is its first instant; where no offset is given, it is UTC. Raises Unacceptable naming `field`."""
    text = text.strip().removeprefix("@")
    position = POSITION.fullmatch(text)
    if position is not None:
        return Position(int(position[1]))
    if VERSION.fullmatch(text):
        return Version(int(text))
    try:
        at = datetime.fromisoformat(text)
        return Instant((at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, OverflowError):
        raise Unacceptable("point.malformed", FORMS, field=field) from None


def between(text: str) -> tuple[Point | None, Point | None]:
    """`@12..@15`, `@12..` up to now, `..@15` from the beginning. Raises Unacceptable."""
    first, dots, last = text.partition("..")
    if not dots:
        raise Unacceptable("range.malformed", "Write two points: @12..@15, or one of them with two dots: @12..")
    return tuple(parsed(point) if point.strip() else None for point in (first, last))  # type: ignore[return-value]


def written(point: Point | None) -> str:
    match point:
        case Version(number):
            return f"@{number}"
        case Position(number):
            return f"@#{number}"
        case Instant(at):
            return f"@{at:%Y-%m-%dT%H:%M:%SZ}"
        case None:
            return "now"
