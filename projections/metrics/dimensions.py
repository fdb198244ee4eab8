"""dimensions: by what can figures be grouped and filtered, and which values are there?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, LiteralString, get_args
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from aggregates.errors import Unacceptable
from aggregates.text import SafeText
from aggregates.ticket.events import Channel, Level, Priority, Status, TicketType
from projections.metrics.measure import RESOLUTION_CODE, Metric, Source

Key = str | int | UUID | None
Type = Literal["uuid", "text", "int"]
EVERY: frozenset[Source] = frozenset(get_args(Source))
LASTING: frozenset[Source] = frozenset({"stretches", "levels", "ages"})
MOST_VALUES = 100
TYPES: Mapping[Type, TypeAdapter[Key]] = MappingProxyType(
    {"uuid": TypeAdapter(UUID), "text": TypeAdapter(SafeText), "int": TypeAdapter(Level)}
)


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to tell rows apart.

    values   all that there are, in their order, where they are known
    grouped  false: for filters alone
    typed    the reportable field (aggregates/reportable.py) that it shows, where people type it
    """

    name: LiteralString
    words: str
    type: Type = "text"
    values: tuple[str, ...] = ()
    sources: frozenset[Source] = EVERY
    grouped: bool = True
    typed: str = ""


DIMENSIONS: Mapping[str, Dimension] = MappingProxyType(
    {
        dimension.name: dimension
        for dimension in (
            Dimension("team", "the ticket's team, right after the event", "uuid"),
            Dimension("assignee", "who had the ticket, right after the event", "uuid"),
            Dimension("agent", "whose work it is: who did it or, of what lasts, who has the ticket", "uuid"),
            Dimension("priority", "", values=("urgent", "high", "normal", "low")),
            Dimension("channel", "how the ticket came", values=get_args(Channel)),
            Dimension("category", "", typed="ticket.category"),
            Dimension("ticket_type", "", values=get_args(TicketType)),
            Dimension("level", "of escalation; of an escalation, the one it came to", "int"),
            Dimension("tag", "a ticket with several counts for each, and once in the total", typed="ticket.tags"),
            Dimension("requester", "a customer's id", "uuid", grouped=False),
            Dimension("status", "", values=get_args(Status), sources=LASTING),
            Dimension("detail", "what the metric's definition says", sources=frozenset({"events"})),
            Dimension("currency", "of costs", sources=frozenset({"events"})),
        )
    }
)
assert set(DIMENSIONS["priority"].values) == set(get_args(Priority))  # noqa: S101


def of(metrics: Iterable[Metric]) -> list[Dimension]:
    """What all of them can be grouped and filtered by."""
    asked = list(metrics)
    return [dimension for dimension in DIMENSIONS.values() if all(_known(dimension, metric) for metric in asked)]


def typed(metrics: Iterable[Metric], names: Iterable[str]) -> Mapping[str, str]:
    """Of these dimensions, those that show what people typed, and the reportable field that each shows."""
    codes = any(metric.detail == RESOLUTION_CODE for metric in metrics)
    fields = {name: DIMENSIONS[name].typed for name in names}
    if codes and "detail" in fields:
        fields["detail"] = "ticket.resolution_code"
    return {name: field for name, field in fields.items() if field}


def _known(dimension: Dimension, metric: Metric) -> bool:
    if dimension.name == "detail" and not metric.detail:
        return False
    return metric.source in dimension.sources


def keys(dimension: Dimension, values: Iterable[str | None]) -> tuple[Key, ...]:
    """What somebody filters by, as the database knows it; empty or None: what has none. Raises Unacceptable."""
    found = tuple(_key(dimension, value) for value in values)
    if len(found) > MOST_VALUES:
        detail = f"Ask for {MOST_VALUES} values at most."
        raise Unacceptable("report.too_many_values", detail, field=dimension.name)
    return found


def _key(dimension: Dimension, value: str | None) -> Key:
    if not value:
        return None
    if dimension.values and value not in dimension.values:
        raise Unacceptable("report.value_unknown", f"One of {', '.join(dimension.values)}.", field=dimension.name)
    try:
        return TYPES[dimension.type].validate_python(value)
    except ValidationError:
        detail = {"uuid": "Not a UUID.", "int": "Not a level.", "text": "Not a text."}[dimension.type]
        raise Unacceptable("report.value_unknown", detail, field=dimension.name) from None
