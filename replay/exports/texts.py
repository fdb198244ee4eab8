"""What of a fact may leave the desk without its customers' words? The models say which fields hold those."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from aggregates.fact import Fact, marked
from aggregates.text import PersonalData

Texts = Literal["none", "public", "all"]
"""public: only what the requester could read: the ticket's own thread, and what they said of it when asked; none of
it ever by default."""

# What is not named here is internal: a field that somebody adds stays inside.
PUBLIC = frozenset({
    ("ticket.opened.v1", "subject"),
    ("ticket.message_received.v1", "body"),
    ("ticket.reply_added.v1", "body"),
    ("ticket.satisfaction_rated.v1", "comment"),
})  # fmt: skip
UNTOLD = object()


def told(fact: Fact, texts: Texts) -> dict[str, Any]:
    """The fact's fields as JSON, less the personal ones that `texts` leaves out."""
    fields = fact.model_dump(mode="json")
    return fields if texts == "all" or not fact.personal else _kept(type(fact), fields, texts)


def _kept(model: type[BaseModel], fields: dict[str, Any], texts: Texts) -> dict[str, Any]:
    personal = _personal(model, texts)
    less = {name: _less(fields[name], annotation, texts) for name, annotation in personal.items() if name in fields}
    return {name: less.get(name, value) for name, value in fields.items() if less.get(name) is not UNTOLD}


@cache
def _personal(model: type[BaseModel], texts: Texts) -> dict[str, Any]:
    """The fields that may hold what is not to be told, with the marks that pydantic took off them."""
    type_name = getattr(model, "type_name", "")
    annotations = {
        name: Annotated[field.annotation, None, *field.metadata] for name, field in model.model_fields.items()
    }
    return {
        name: annotation
        for name, annotation in annotations.items()
        if marked(annotation) and not (texts == "public" and (type_name, name) in PUBLIC)
    }


def _less(value: Any, annotation: Any, texts: Texts) -> Any:
    """The value without personal text; UNTOLD where it is one."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        personal = any(isinstance(mark, PersonalData) for mark in parts[1:])
        return UNTOLD if personal and _is_text(value) else _less(value, parts[0], texts)
    if origin in (Union, UnionType):
        left = [_less(value, part, texts) for part in parts]
        return next((found for found in left if found is UNTOLD or found != value), value)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(value, dict):
        return _kept(annotation, value, texts) if value.keys() <= annotation.model_fields.keys() else value
    if origin is tuple and isinstance(value, list):
        return [left for item in value if (left := _less(item, parts[0], texts)) is not UNTOLD]
    if origin is dict and isinstance(value, dict):
        return {k: left for k, item in value.items() if (left := _less(item, parts[1], texts)) is not UNTOLD}
    return value


def _is_text(value: Any) -> bool:
    """A text, or what is left of one."""
    return isinstance(value, str | dict)
