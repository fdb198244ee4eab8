"""How do many rows go to Postgres in one statement? As one array literal a column, or by COPY."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType, NoneType
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection, sql

from aggregates.text import Erased


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


ENCODERS: Mapping[type, Callable[[Any], str]] = MappingProxyType(
    {
        NoneType: lambda _: "NULL",
        bool: lambda value: "t" if value else "f",
        int: str,
        Decimal: str,
        str: _quoted,
        UUID: lambda value: value.hex,
        datetime: datetime.isoformat,
        # Arrays of arrays are rectangular: one that stands in a column is a text, to be cast.
        list: lambda value: _quoted(array(value)),
    }
)

COPY: LiteralString = "COPY {} ({}) FROM STDIN"
COPY_BINARY: LiteralString = "COPY {} ({}) FROM STDIN (FORMAT BINARY)"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a read model. `saving` inserts or replaces rows that come as one array a column.

    types   of the columns, where psycopg can write them all in binary (no JSON): a fifth of the time
    """

    name: str
    columns: str
    saving: LiteralString
    types: str = ""

    def save(self, connection: Connection[Any], rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            connection.execute(self.saving, columns(self.columns, rows), prepare=True)

    def copy(self, connection: Connection[Any], rows: Sequence[tuple[Any, ...]]) -> None:
        """The same for rows that are not there yet."""
        if rows:
            names = sql.SQL(", ").join(map(sql.Identifier, self.columns.split()))
            statement = sql.SQL(COPY_BINARY if self.types else COPY).format(sql.Identifier(self.name), names)
            with connection.cursor().copy(statement) as copy:
                if self.types:
                    copy.set_types(self.types.split())
                for row in rows:
                    copy.write_row(row)


def columns(names: str, rows: Iterable[tuple[Any, ...]]) -> dict[str, str]:
    """The parameters of an `INSERT ... SELECT FROM unnest(...)`: each column's values, in the order of the rows."""
    columns = names.split()
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return {name: array(column) for name, column in zip(columns, values, strict=True)}


def array(values: Iterable[Any]) -> str:
    """A Postgres array literal. psycopg's own dumping of lists took more than twice as long."""
    return "{" + ",".join([ENCODERS[type(value)](value) for value in values]) + "}"


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
