"""What is a fact, what is a command, and which facts exist? Stored names are stable and never a Python path."""

from __future__ import annotations

from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict

from aggregates.text import PersonalData

FACTS: dict[str, type[Fact]] = {}


class Fact(BaseModel):
    """The payload of an event: past tense, frozen, validated going in and coming out.

    type_name   its stable name and version, e.g. `ticket.escalated.v1`
    status      a status fact is never late: it happens when it is recorded
    bookkeeping what the system notes about itself: it is no change that somebody could have missed (If-Match)
    personal    it may hold a customer's personal data, so its envelope names that customer as `subject`
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type_name: ClassVar[str] = ""
    status: ClassVar[bool] = False
    bookkeeping: ClassVar[bool] = False
    personal: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Takes the class keywords that `__pydantic_init_subclass__` reads once the fields are known."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls, type_name: str = "", status: bool = False, bookkeeping: bool = False, **kwargs: Any
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not type_name:
            return
        if type_name in FACTS:
            raise TypeError(f"two facts are named {type_name}")
        cls.type_name = type_name
        cls.status = status
        cls.bookkeeping = bookkeeping
        cls.personal = _has_personal(cls)
        FACTS[type_name] = cls


class Command(BaseModel):
    """What somebody asks for: imperative, frozen, strict about what it accepts."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def marked(annotation: object) -> bool:
    """Whether personal text may stand in it, however deep: a contact inside a tuple counts."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _has_personal(annotation)
    return isinstance(annotation, PersonalData) or any(marked(part) for part in get_args(annotation))


def _has_personal(model: type[BaseModel]) -> bool:
    return any(marked(part) for field in model.model_fields.values() for part in (field.annotation, *field.metadata))
