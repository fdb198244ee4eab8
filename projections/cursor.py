"""Where does the next page begin? Opaque strings that hold the last row's sort key."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")
KeyT = TypeVar("KeyT")
BOUND: TypeAdapter[tuple[str, str]] = TypeAdapter(tuple[str, str])


class InvalidCursor(ValueError):
    """Not a cursor that this list handed out for this order."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next`: where the next page begins; None on the last one."""

    items: tuple[T, ...]
    next: str | None


def page(rows: Sequence[T], limit: int, adapter: TypeAdapter[KeyT], key: Callable[[T], KeyT]) -> Page[T]:
    """A page of `limit` out of rows that were read one more than that, if there were."""
    items = tuple(rows[:limit])
    return Page(items, encode(adapter, key(items[-1])) if len(rows) > limit else None)


def bound(page: Page[T], past: str) -> Page[T]:
    """The same page, its cursor good for this past alone."""
    return Page(page.items, page.next and encode(BOUND, (past, page.next)))


def unbound(cursor: str | None, past: str) -> str | None:
    """The cursor as it was before it was bound. Raises InvalidCursor for one of another past."""
    if cursor is None:
        return None
    named, inner = decode(BOUND, cursor)
    if named != past:
        raise InvalidCursor("this cursor belongs to another past")
    return inner


def encode(adapter: TypeAdapter[KeyT], key: KeyT) -> str:
    return base64.urlsafe_b64encode(adapter.dump_json(key)).decode().rstrip("=")


def decode(adapter: TypeAdapter[KeyT], cursor: str) -> KeyT:
    """Raises InvalidCursor, whatever the string holds."""
    try:
        return adapter.validate_json(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (ValidationError, ValueError):
        raise InvalidCursor("this cursor does not belong to this list") from None
