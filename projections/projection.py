"""What is a projection? A name, a version, its tables, a fold from events to rows, and how rows are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import UUID

from psycopg import Connection

from aggregates.envelope import Recorded


class Row(Protocol):
    """What a projection keeps of one stream, as of `version` of it."""

    @property
    def stream(self) -> UUID: ...
    @property
    def version(self) -> int: ...


RowT = TypeVar("RowT", bound=Row)


class Projection(Protocol[RowT]):
    """One read model. Folding is pure, per stream and repeatable: two builds of one log are equal to the byte.

    Whatever takes a connection runs with the build's schema first on the search_path and within the runner's
    transaction, and is batched, never one statement a row.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    kinds: ClassVar[frozenset[str]]
    """Which streams it reads: the first word of their event types, e.g. `ticket`."""

    def load(self, connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, RowT]:
        """The rows of these streams, as far as there are any."""
        ...

    def fold(self, row: RowT | None, event: Recorded) -> RowT | None:
        """The row after one more event (None before the first). None: only the whole history can tell (a late fact)."""
        ...

    def refold(self, history: Sequence[Recorded]) -> RowT:
        """The row after a stream's whole history, given in order of version, late facts or not.

        The same as folding one by one and several times faster: a rebuild's way. Whoever has to know which event
        cannot be applied folds one by one.
        """
        ...

    def save(self, connection: Connection[Any], rows: Sequence[RowT]) -> None:
        """Insert or replace the rows, with whatever hangs on them."""
        ...

    def copy(self, connection: Connection[Any], rows: Sequence[RowT]) -> None:
        """Put in rows of streams that this build has never seen, by COPY: a rebuild's way, before there are indexes."""
        ...

    def total(self, connection: Connection[Any]) -> None:
        """Sum over streams, where a view keeps sums: `save` moves them, `copy` leaves them to this, once at its end."""
        ...

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        """Take away everything kept of these streams, before they are saved anew from their whole history."""
        ...


def tables(name: str) -> str:
    """DDL of a projection's tables and their keys, run once a build with the build's schema first on the search_path.

    All that `save` needs; readers need the indexes, too.
    """
    return _ddl(f"{name}.sql")


def indexes(name: str) -> str:
    """DDL of the indexes for readers, run likewise: at once for a live build, after the last `copy` for others."""
    return _ddl(f"{name}_indexes.sql")


def read_views(name: str) -> str:
    """DDL of the views in schema `read` through which everybody queries, run when a build goes live."""
    return _ddl(f"{name}_read.sql")


def _ddl(file: str) -> str:
    return files("projections").joinpath(file).read_text()
