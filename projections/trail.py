"""trail: who did what kind of thing when, and because of what? Every event of the log, without what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates.envelope import Recorded
from aggregates.kinds import KINDS
from aggregates.sla.noting import event_id
from aggregates.ticket.events import Opened
from projections.batch import Table

COLUMNS = """
position stream version id number type recorded_at occurred_at actor_kind actor_id command_id correlation_id
causation_id
"""
LOAD: LiteralString = """
SELECT s.stream, t.version, t.number FROM unnest(%(streams)s::uuid[]) AS s (stream)
 CROSS JOIN LATERAL
       (SELECT version, number FROM trail WHERE stream = s.stream ORDER BY version DESC LIMIT 1) AS t
"""
SAVE: LiteralString = """
INSERT INTO trail
    (position, stream, version, id, number, type, recorded_at, occurred_at, actor_kind, actor_id, command_id,
     correlation_id, causation_id)
SELECT * FROM unnest(
       %(position)s::bigint[], %(stream)s::uuid[], %(version)s::bigint[], %(id)s::uuid[], %(number)s::bigint[],
       %(type)s::text[], %(recorded_at)s::timestamptz[], %(occurred_at)s::timestamptz[], %(actor_kind)s::text[],
       %(actor_id)s::text[], %(command_id)s::uuid[], %(correlation_id)s::uuid[], %(causation_id)s::uuid[])
    ON CONFLICT (stream, version) DO NOTHING
"""
ERASE: LiteralString = "DELETE FROM trail WHERE stream = ANY (%(streams)s)"
TYPES = "int8 uuid int8 uuid int8 text timestamptz timestamptz text text uuid uuid uuid"
TRAIL = Table("trail", COLUMNS, SAVE, TYPES)


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Events that no table holds yet, newest first: a chain, so that none of it is copied per event."""

    event: Recorded
    number: int | None
    before: Unsaved | None


@dataclass(frozen=True, slots=True)
class TrailRow:
    """How far a stream's trail goes; `number` from a ticket's opening on."""

    stream: UUID
    version: int = 0
    number: int | None = None
    unsaved: Unsaved | None = field(default=None, compare=False, repr=False)


class Trail:
    """A row is saved once: whoever goes on after `save` loads it again, or its events are sent a second time."""

    name: ClassVar[str] = "trail"
    version: ClassVar[int] = 1
    kinds: ClassVar[frozenset[str]] = frozenset(KINDS)

    def load(self, connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, TrailRow]:
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            cursor.execute(LOAD, {"streams": list(streams)}, prepare=True)
            return {stream: TrailRow(stream, version, number) for stream, version, number in cursor}

    def fold(self, row: TrailRow | None, event: Recorded) -> TrailRow:
        row = row or TrailRow(event.stream)
        number = event.fact.number if isinstance(event.fact, Opened) else row.number
        return TrailRow(event.stream, event.version, number, Unsaved(event, number, row.unsaved))

    def refold(self, history: Sequence[Recorded]) -> TrailRow:
        number, unsaved = None, None
        for event in history:
            if isinstance(event.fact, Opened):
                number = event.fact.number
            unsaved = Unsaved(event, number, unsaved)
        return TrailRow(history[0].stream, history[-1].version, number, unsaved)

    def save(self, connection: Connection[Any], rows: Sequence[TrailRow]) -> None:
        TRAIL.save(connection, _lines(rows))

    def copy(self, connection: Connection[Any], rows: Sequence[TrailRow]) -> None:
        TRAIL.copy(connection, _lines(rows))

    def total(self, connection: Connection[Any]) -> None:
        """Nothing is summed."""

    def erase(self, connection: Connection[Any], streams: Sequence[UUID]) -> None:
        connection.execute(ERASE, {"streams": list(streams)})


def _lines(rows: Sequence[TrailRow]) -> list[tuple[Any, ...]]:
    return [_values(unsaved.event, unsaved.number) for row in rows for unsaved in _unsaved(row)]


def _unsaved(row: TrailRow) -> Iterator[Unsaved]:
    link = row.unsaved
    while link is not None:
        yield link
        link = link.before


def _values(event: Recorded, number: int | None) -> tuple[Any, ...]:
    e = event.envelope
    return (
        *(event.position, event.stream, event.version, event_id(event.stream, event.version), number),
        *(e.fact.type_name, event.recorded_at, event.at, e.actor.kind, e.actor.id, e.command_id, e.correlation_id),
        e.causation_id,
    )
