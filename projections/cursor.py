"""Where does the next page begin? Opaque strings that hold the last row's sort key."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


class InvalidCursor(ValueError):
    """Not a cursor that this list handed out for this order."""


def encode(adapter: TypeAdapter[T], key: T) -> str:
    return base64.urlsafe_b64encode(adapter.dump_json(key)).decode().rstrip("=")


def decode(adapter: TypeAdapter[T], cursor: str) -> T:
    """Raises InvalidCursor, whatever the string holds."""
    try:
        return adapter.validate_json(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (ValidationError, binascii.Error, ValueError):
        raise InvalidCursor("this cursor does not belong to this list") from None


def page(rows: list[Any], limit: int) -> tuple[list[Any], bool]:
    """Of one row more than asked for: the page, and whether another one follows."""
    return rows[:limit], len(rows) > limit
