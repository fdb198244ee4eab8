"""tally: a read model small enough to see through: which events came, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from aggregates.envelope import Recorded
from aggregates.ticket.events import NoteAdded
from consumers.builds import Ddl

TABLES = """
CREATE TABLE tally (
    stream uuid PRIMARY KEY, version bigint NOT NULL, trail text NOT NULL CHECK (trail NOT LIKE '%%refuse me%%'),
    at timestamptz NOT NULL
);
""".replace("%%", "%")
READ_VIEWS = "CREATE VIEW read.tally AS SELECT * FROM tally;"
DDL = Ddl(TABLES, READ_VIEWS)

LOAD: LiteralString = "SELECT stream, version, trail, at FROM tally WHERE stream = ANY (%(streams)s)"
SAVE: LiteralString = """
INSERT INTO tally (stream, version, trail, at)
SELECT * FROM unnest(%(streams)s::uuid[], %(versions)s::bigint[], %(trails)s::text[], %(ats)s::timestamptz[])
    ON CONFLICT (stream) DO UPDATE SET version = excluded.version, trail = excluded.trail, at = excluded.at
"""
ERASE: LiteralString = "DELETE FROM tally WHERE stream = ANY (%(streams)s)"


@dataclass(frozen=True, slots=True)
class Tallied:
    stream: UUID
    version: int
    trail: str
    at: datetime


class Tally:
    """`explode` in a note makes the fold raise while `broken`; `refuse me` breaks the table's own rule."""

    name: ClassVar[str] = "tally"
    version: ClassVar[int] = 1
    kinds: ClassVar[frozenset[str]] = frozenset({"ticket"})

    def __init__(self, broken: bool = True) -> None:
        self.broken = broken
        self.refolds = 0
        self.erased: list[UUID] = []

    def load(self, connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, Tallied]:
        with connection.cursor(row_factory=class_row(Tallied)) as cursor:
            rows = cursor.execute(LOAD, {"streams": list(streams)}).fetchall()
        return {row.stream: row for row in rows}

    def fold(self, row: Tallied | None, event: Recorded) -> Tallied | None:
        if row is not None and event.at < row.at:
            return None
        return self._add(row, event)

    def refold(self, history: Sequence[Recorded]) -> Tallied:
        self.refolds += 1
        row = None
        for event in history:
            row = self._add(row, event)
        assert row is not None
        return row

    def save(self, connection: Connection[Any], rows: Sequence[Tallied]) -> None:
        columns = {
            "streams": [row.stream for row in rows],
            "versions": [row.version for row in rows],
            "trails": [row.trail for row in rows],
            "ats": [row.at for row in rows],
        }
        connection.execute(SAVE, columns)

    def copy(self, connection: Connection[Any], rows: Sequence[Tallied]) -> None:
        self.save(connection, rows)

    def total(self, connection: Connection[Any]) -> None:
        pass

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        self.erased += streams
        connection.execute(ERASE, {"streams": list(streams)})

    def _add(self, row: Tallied | None, event: Recorded) -> Tallied:
        word = str(event.fact.body) if isinstance(event.fact, NoteAdded) else event.fact.type_name.split(".")[1]
        if self.broken and word == "explode":
            raise ZeroDivisionError(word)
        trail = f"{row.trail} {word}" if row else word
        return Tallied(event.stream, event.version, trail, max(event.at, row.at) if row else event.at)
