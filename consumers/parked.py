"""parked: which streams could a view not apply, and how are they mended?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import class_row

from aggregates.envelope import Stored, recorded
from commands.log import read_streams
from consumers.builds import Build, enter
from consumers.faults import described
from consumers.folding import Folded
from consumers.partition import partition_of
from projections.projection import Projection

SINCE: LiteralString = """
SELECT stream, min(version) FROM consumers.parked
 WHERE schema = %(schema)s AND stream = ANY (%(streams)s) GROUP BY stream
"""
PARK: LiteralString = """
INSERT INTO consumers.parked (schema, stream, version, position, type, error)
SELECT %(schema)s, * FROM unnest(%(streams)s::uuid[], %(versions)s::bigint[], %(positions)s::bigint[],
                                 %(types)s::text[], %(errors)s::text[])
    ON CONFLICT DO NOTHING
"""
LIST: LiteralString = """
SELECT b.view, p.schema AS build, p.stream, min(p.version) AS version, min(p.position) AS position,
       (array_agg(p.type ORDER BY p.version))[1] AS type, (array_agg(p.error ORDER BY p.version))[1] AS error,
       count(*) AS events, min(p.parked_at) AS parked_at
  FROM consumers.parked p JOIN consumers.builds b USING (schema)
 WHERE %(view)s::text IS NULL OR b.view = %(view)s
 GROUP BY b.view, p.schema, p.stream ORDER BY b.view, p.schema, position
"""
EVENTS: LiteralString = """
SELECT version, position, type, error, parked_at FROM consumers.parked
 WHERE schema = %(schema)s AND stream = %(stream)s ORDER BY version
"""
STREAMS: LiteralString = "SELECT DISTINCT stream FROM consumers.parked WHERE schema = %(schema)s ORDER BY stream"
UNPARK: LiteralString = "DELETE FROM consumers.parked WHERE schema = %(schema)s AND stream = %(stream)s"
HOLD: LiteralString = """
SELECT FROM consumers.checkpoints WHERE schema = %(schema)s AND partition = %(partition)s FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class Parked:
    """A stream that a build set aside: its first event that failed, why, and how many wait."""

    view: str
    build: str
    stream: UUID
    version: int
    position: int
    type: str
    error: str | None
    events: int
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """One event that waits. error: None for those behind the one that failed."""

    version: int
    position: int
    type: str
    error: str | None
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class Replayed:
    view: str
    build: str
    stream: UUID
    error: str | None
    """None: mended."""


def parked_since(connection: Connection[Any], schema: str, streams: Iterable[UUID]) -> dict[UUID, int]:
    """The parked ones among these streams, with the version from which on they are."""
    asked = {"schema": schema, "streams": list(streams)}
    return dict(connection.execute(SINCE, asked, prepare=True).fetchall())


def park(connection: Connection[Any], schema: str, stuck: Sequence[Folded]) -> None:
    """The log keeps what the events say: here is only which they are."""
    rows = [
        (event, folded.error if place == 0 else None) for folded in stuck for place, event in enumerate(folded.stuck)
    ]
    _insert(connection, schema, rows)


def park_behind(connection: Connection[Any], schema: str, events: Sequence[Stored]) -> None:
    """Later events of a stream that is parked already."""
    _insert(connection, schema, [(event, None) for event in events])


def list_parked(connection: Connection[Any], view: str | None = None) -> list[Parked]:
    with connection.cursor(row_factory=class_row(Parked)) as cursor:
        return cursor.execute(LIST, {"view": view}).fetchall()


def parked_events(connection: Connection[Any], build: Build, stream: UUID) -> list[ParkedEvent]:
    """What of a stream waits, in order of version; nothing where it is not parked."""
    with connection.cursor(row_factory=class_row(ParkedEvent)) as cursor:
        return cursor.execute(EVENTS, {"schema": build.schema, "stream": stream}).fetchall()


def drop(connection: Connection[Any], build: Build, projection: Projection[Any], stream: UUID) -> int:
    """Take the stream out of the view, half applied as it is, and wait for it no longer; how many events waited.

    The log keeps it: with its next event it is tried again as a whole, and so it is by a rebuild.
    """
    with connection.transaction():
        connection.execute(HOLD, {"schema": build.schema, "partition": partition_of(stream)})
        enter(connection, build.schema)
        waited = connection.execute(UNPARK, {"schema": build.schema, "stream": stream}).rowcount
        if waited:
            projection.erase(connection, [stream])
    return waited


def as_json(row: Parked | ParkedEvent | Replayed) -> dict[str, Any]:
    return {key: value if isinstance(value, int | None) else str(value) for key, value in asdict(row).items()}


def replay(connection: Connection[Any], build: Build, projection: Projection[Any]) -> list[Replayed]:
    """Fold each parked stream of a build anew from the store; those that succeed are parked no longer."""
    streams = [row[0] for row in connection.execute(STREAMS, {"schema": build.schema}).fetchall()]
    return [
        Replayed(build.view, build.schema, stream, _replay_one(connection, build, projection, stream))
        for stream in streams
    ]


def _replay_one(connection: Connection[Any], build: Build, projection: Projection[Any], stream: UUID) -> str | None:
    try:
        with connection.transaction():
            # The runner holds the same row in each batch: it sees this stream either parked or mended.
            connection.execute(HOLD, {"schema": build.schema, "partition": partition_of(stream)})
            enter(connection, build.schema)
            row = projection.refold([recorded(event) for event in read_streams(connection, [(stream, 0)])])
            projection.erase(connection, [stream])
            projection.save(connection, [row])
            connection.execute(UNPARK, {"schema": build.schema, "stream": stream})
    except psycopg.OperationalError:
        raise
    except Exception as error:
        return described(error)
    return None


def _insert(connection: Connection[Any], schema: str, rows: Sequence[tuple[Stored, str | None]]) -> None:
    if not rows:
        return
    columns = {
        "schema": schema,
        "streams": [event.stream for event, _ in rows],
        "versions": [event.version for event, _ in rows],
        "positions": [event.position for event, _ in rows],
        "types": [event.type for event, _ in rows],
        "errors": [error for _, error in rows],
    }
    connection.execute(PARK, columns)
