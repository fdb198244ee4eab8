"""When are a condition's value and a ticket's the same?"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from aggregates.sla.terms import Attribute, Condition, Conditional


def conditions(terms: Conditional) -> Iterator[tuple[str, Condition]]:
    """Each with its place."""
    yield from ((f"terms.all.{place}", condition) for place, condition in enumerate(terms.all))
    yield from ((f"terms.any.{place}", condition) for place, condition in enumerate(terms.any))


def teams_named(condition: Condition) -> tuple[UUID, ...]:
    if condition.attribute != "team":
        return ()
    found = (uuid_or_none(value) for value in condition.values)
    return tuple(team for team in found if team is not None)


def comparable(attribute: Attribute, value: object) -> object:
    """What two values have in common that are the same: True is not 1, but 3.0 is 3; tags know no upper case."""
    if isinstance(value, bool):
        return ("bool", value)
    if not isinstance(value, str):
        return value
    if attribute == "team":
        return uuid_or_none(value) or value
    if attribute == "tag":
        return value.strip().lower()
    return value.strip() if attribute == "category" else value


def uuid_or_none(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
