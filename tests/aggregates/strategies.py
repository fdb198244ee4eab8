"""Any fact and any command, drawn from the models' own annotations: a new one is covered by being there."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from aggregates.fact import FACTS, Fact
from aggregates.kinds import kind_of
from aggregates.sla.terms import Warning
from tests.aggregates import cast

M = TypeVar("M", bound=BaseModel)

# Few ids, so that histories meet themselves again; each name, tag, field name and language tag is a word of these.
IDS = sorted({value for value in vars(cast).values() if isinstance(value, UUID)})
WORDS = ("de", "en", "fra", "vip")
CURRENCIES = ("EUR", "JPY", "NIX")
FACT_TEXT = st.one_of(st.sampled_from(("", *WORDS)), st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
Strategy = st.SearchStrategy[Any]


@cache
def facts(kind: str) -> st.SearchStrategy[Fact]:
    """Any fact of one kind of stream."""
    return st.one_of(*(of(fact) for name, fact in sorted(FACTS.items()) if kind_of(name) == kind))


@cache
def of(model: type[M]) -> st.SearchStrategy[M]:
    """Any instance of a model; what has a default is there or not."""
    if issubclass(model, Warning):
        return st.one_of(st.integers(1, 99).map(_percent), st.integers(1, 2**20).map(_left))
    hints = get_type_hints(model, include_extras=True)
    fields = {name: drawn(hints[name]) for name in model.model_fields}
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    return st.fixed_dictionaries(
        {name: fields[name] for name in sorted(required)},
        optional={name: fields[name] for name in sorted(set(fields) - required)},
    ).map(model.model_validate)


def _percent(percent: int) -> Warning:
    return Warning(percent=percent)


def _left(left: int) -> Warning:
    return Warning(left=left)


def drawn(annotation: Any, notes: tuple[object, ...] = ()) -> Strategy:
    """Values that fit an annotation; `notes` are what Annotated says about it."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return drawn(parts[0], (*notes, *_flat(parts[1:])))
    if origin in (Union, types.UnionType):
        return st.one_of(*(drawn(part) for part in parts))
    if origin is Literal:
        return st.sampled_from(parts)
    if origin is tuple:
        least = _bound(notes, "min_length", 0)
        return st.lists(drawn(parts[0]), min_size=least, max_size=max(least, 3)).map(tuple)
    if origin is dict:
        keys, values = drawn(parts[0]), drawn(parts[1])
        return st.dictionaries(keys, values, min_size=_bound(notes, "min_length", 0), max_size=3)
    return _plain(annotation, notes)


def _plain(annotation: Any, notes: tuple[object, ...]) -> Strategy:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return of(annotation)
    plain: Mapping[Any, Callable[[], Strategy]] = {
        str: lambda: st.sampled_from(_words(notes)) if _entered(notes) else FACT_TEXT,
        int: lambda: st.integers(_bound(notes, "ge", -(2**31)), _bound(notes, "le", 2**31)),
        float: lambda: _floats(notes),
        bool: st.booleans,
        UUID: lambda: st.sampled_from(IDS),
        AwareDatetime: lambda: st.datetimes(timezones=st.just(UTC)),
        date: st.dates,
        type(None): st.none,
    }
    if annotation not in plain:
        raise TypeError(f"say here how to draw {annotation!r}")
    return plain[annotation]()


def _floats(notes: tuple[object, ...]) -> Strategy:
    least, most = (_bound(notes, name, 0) for name in ("ge", "le"))
    return st.floats(least, most) if most else st.floats(allow_nan=False, allow_infinity=False)


def _flat(notes: tuple[object, ...]) -> Iterator[object]:
    for note in notes:
        yield from note.metadata if isinstance(note, FieldInfo) else (note,)


def _bound(notes: tuple[object, ...], name: str, otherwise: int) -> int:
    bounds = [getattr(note, name) for note in notes if getattr(note, name, None) is not None]
    return int(bounds[-1]) if bounds else otherwise


def _words(notes: tuple[object, ...]) -> tuple[str, ...]:
    patterns = [note.pattern for note in notes if isinstance(note, StringConstraints) and note.pattern]
    return tuple(word for word in WORDS if all(re.search(pattern, word) for pattern in patterns)) or CURRENCIES


def _entered(notes: tuple[object, ...]) -> bool:
    """Text of a command has a length or a form; that of a fact only must not hold U+0000."""
    texts = [note for note in notes if isinstance(note, StringConstraints)]
    return any(note.max_length is not None or note.pattern != r"^[^\x00]*$" for note in texts)
