"""What may a condition compare, and when do two values count as the same?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args
from uuid import UUID

from aggregates.customer import Tier
from aggregates.desk import Desk
from aggregates.errors import Unacceptable
from aggregates.sla.terms import Attribute, Condition, Terms, Value
from aggregates.ticket.events import Channel, Priority, TicketType

VOCABULARY: Mapping[Attribute, frozenset[Value]] = {
    "priority": frozenset(get_args(Priority)),
    "channel": frozenset(get_args(Channel)),
    "type": frozenset(get_args(TicketType)),
    "tier": frozenset(get_args(Tier)),
}


def conditions(terms: Terms) -> Iterator[tuple[str, Condition]]:
    """Each with its place."""
    yield from ((f"terms.all.{place}", condition) for place, condition in enumerate(terms.all))
    yield from ((f"terms.any.{place}", condition) for place, condition in enumerate(terms.any))


def check_conditions(terms: Terms, desk: Desk) -> None:
    """Raises Unacceptable or UnknownReference for what could never hold."""
    for where, condition in conditions(terms):
        if (condition.attribute == "field") != bool(condition.name):
            detail = "A condition on a custom field says its name, and no other does."
            raise Unacceptable("policy.condition_name", detail, field=f"{where}.name")
        for place, value in enumerate(condition.values):
            if not _possible(condition.attribute, value):
                detail = f"No ticket has such a {condition.attribute}."
                raise Unacceptable("policy.condition_value", detail, field=f"{where}.values.{place}")
        for team in teams_named(condition):
            desk.team(team, f"{where}.values")


def teams_named(condition: Condition) -> tuple[UUID, ...]:
    if condition.attribute != "team":
        return ()
    found = (_uuid(value) for value in condition.values)
    return tuple(team for team in found if team is not None)


def comparable(attribute: Attribute, value: object) -> object:
    """What two values have in common that are the same: True is not 1, but 3.0 is 3; tags know no upper case."""
    if isinstance(value, bool):
        return ("bool", value)
    if not isinstance(value, str):
        return value
    if attribute == "team":
        return _uuid(value) or value
    if attribute == "tag":
        return value.strip().lower()
    return value.strip() if attribute == "category" else value


def _possible(attribute: Attribute, value: Value) -> bool:
    if attribute == "field":
        return True
    if attribute in VOCABULARY:
        return value in VOCABULARY[attribute]
    if attribute == "team":
        return value is None or _uuid(value) is not None
    return value is None or isinstance(value, str)


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
