"""How do many rows go to Postgres in one statement? As one array a column, in text form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from aggregates.text import Erased, shown


def columns(names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """The parameters of an `INSERT ... SELECT FROM unnest(...)`: each column's values, in the rows' order."""
    values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
    return dict(zip(names, values, strict=True))


def dumped(value: object) -> str:
    """JSON text, erased texts as `{"erased": true}` and ids as strings."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def hidden(text: str | None) -> str | Erased:
    """The text as the fold knows it: what is null in a table was erased."""
    return Erased() if text is None else text


def _plain(value: object) -> object:
    if isinstance(value, Erased):
        return value.model_dump()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a read model")


__all__ = ["columns", "dumped", "hidden", "shown"]
