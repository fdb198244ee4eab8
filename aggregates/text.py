"""Which text may enter the log, and which of it is somebody's personal data?"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, Strict, StringConstraints


class Sortable(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...


T = TypeVar("T", bound=Sortable)

# The store's bytea takes U+0000 gladly, and Postgres text never does: every view would choke on it for ever.
# Lone surrogates are refused by pydantic's str itself.
SafeText = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


class Erased(BaseModel):
    """What is left of a personal text after its customer was erased."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    erased: Literal[True] = True


class PersonalData:
    """Marks a field whose text belongs to the envelope's `subject`."""


Personal = Annotated[SafeText | Erased, PersonalData()]

# Commands are strict about length; facts are not, so that history always loads.
Name = Annotated[SafeText, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Line = Annotated[SafeText, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Body = Annotated[SafeText, StringConstraints(strip_whitespace=True, min_length=1, max_length=100_000)]
Tag = Annotated[SafeText, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=80)]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


def distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    """Each once, in order: the same set always reads the same, so that a repeated request is recognised."""
    return tuple(sorted(set(values)))


# JSON readers outside Python lose integers beyond 2**53.
SafeInt = Annotated[int, Field(ge=-(2**53), le=2**53)]


def _float(value: object) -> object:
    if not isinstance(value, float):
        raise ValueError("not a float")
    return value


# Nothing becomes another kind on the way: not a too big integer a rounded float, not a too long text a number.
Whole = Annotated[SafeInt, Strict()]
Real = Annotated[FiniteFloat, BeforeValidator(_float)]
FieldValue = bool | Whole | Real | Personal | None
EnteredFieldValue = bool | Whole | Real | Annotated[SafeText, StringConstraints(min_length=1, max_length=2_000)] | None


def shown(text: str | Erased | None) -> str | None:
    """The text a reader may see: None once it was erased."""
    return text if isinstance(text, str) else None
