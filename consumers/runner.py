"""runner: how does a batch get into a read model, whole and once?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, LiteralString
from uuid import UUID

import structlog
from psycopg import Connection

from aggregates.envelope import Stored
from commands.log import read_streams
from consumers import metrics
from consumers.builds import Build, enter
from consumers.checkpoints import hold, move
from consumers.faults import described, is_content
from consumers.feed import Part
from consumers.folding import Folded, fold_stream, has_gap, in_order
from consumers.parked import park, park_behind, parked_since
from projections.projection import Projection, Row

log = structlog.get_logger(__name__)

# A crash may lose the last batches, but then their checkpoints too: they come again. It saves an fsync a batch.
RELAXED: LiteralString = "SET LOCAL synchronous_commit = off"
Streams = Mapping[UUID, Sequence[Stored]]
Write = Callable[[Sequence[Folded]], None]


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch's events."""

    applied: int = 0
    duplicates: int = 0
    parked: int = 0
    gaps: int = 0


def apply(connection: Connection[Any], build: Build, projection: Projection[Any], parts: Sequence[Part]) -> Applied:
    """One transaction: rows, parked events and checkpoints. Fenced, or psycopg's errors: nothing was done."""
    with connection.transaction():
        connection.execute(RELAXED)
        hold(connection, build.schema, parts)
        enter(connection, build.schema)
        done = _apply_events(connection, build, projection, _by_stream(parts, projection.kinds))
        move(connection, build.schema, parts)
    _count(build, parts, done)
    return done


def _apply_events(connection: Connection[Any], build: Build, projection: Projection[Any], streams: Streams) -> Applied:
    if not streams:
        return Applied()
    flowing, behind = _set_aside(streams, parked_since(connection, build.schema, streams))
    park_behind(connection, build.schema, behind)
    rows = projection.load(connection, list(flowing))
    fresh, gaps = _without_gaps(connection, rows, flowing)
    history = partial(_history, connection)
    folded = [fold_stream(projection, s, rows.get(s), events, history) for s, events in fresh.items()]
    stuck = [f for f in folded if f.stuck]
    stuck += save_each(connection, partial(_write, connection, projection), [f for f in folded if f.row is not None])
    stuck = list({f.stream: f for f in stuck}.values())
    park(connection, build.schema, stuck)
    _tell(build, stuck)
    return _account(streams, fresh, stuck, len(behind), gaps)


def _by_stream(parts: Sequence[Part], kinds: frozenset[str]) -> Streams:
    """Other kinds of streams are left out before anybody decodes them."""
    streams: defaultdict[UUID, list[Stored]] = defaultdict(list)
    for part in parts:
        for event in part.events:
            if event.type.partition(".")[0] in kinds:
                streams[event.stream].append(event)
    return streams


def _set_aside(streams: Streams, parked: Mapping[UUID, int]) -> tuple[Streams, list[Stored]]:
    flowing = {stream: events for stream, events in streams.items() if stream not in parked}
    behind = [e for stream, since in parked.items() for e in streams[stream] if e.version > since]
    return flowing, behind


def _without_gaps(
    connection: Connection[Any], rows: Mapping[UUID, Row], streams: Streams
) -> tuple[dict[UUID, Sequence[Stored]], int]:
    """Each stream's events beyond its row, one after the other; what is missing is read from the store."""
    at = {stream: row.version for stream, row in rows.items()}
    fresh: dict[UUID, Sequence[Stored]] = {}
    for stream, events in streams.items():
        new = in_order(events, at.get(stream, 0))
        if new:
            fresh[stream] = new
    torn = [(stream, at.get(stream, 0)) for stream, new in fresh.items() if has_gap(new, at.get(stream, 0))]
    if torn:
        fresh |= _group(read_streams(connection, torn))
    return fresh, len(torn)


def _group(events: Iterable[Stored]) -> dict[UUID, list[Stored]]:
    grouped: defaultdict[UUID, list[Stored]] = defaultdict(list)
    for event in events:
        grouped[event.stream].append(event)
    return grouped


def _history(connection: Connection[Any], stream: UUID) -> Sequence[Stored]:
    return read_streams(connection, [(stream, 0)])


def save_each(connection: Connection[Any], write: Write, folded: Sequence[Folded]) -> list[Folded]:
    """Those whose rows cannot be saved, found by halving; all others are saved."""
    if not folded:
        return []
    try:
        with connection.transaction():
            write(folded)
        return []
    except Exception as error:
        if not is_content(error):
            raise
        if len(folded) == 1:
            return [folded[0].refused(described(error))]
    middle = len(folded) // 2
    return save_each(connection, write, folded[:middle]) + save_each(connection, write, folded[middle:])


def _write(connection: Connection[Any], projection: Projection[Any], folded: Sequence[Folded]) -> None:
    anew = [f.stream for f in folded if f.anew]
    if anew:
        projection.erase(connection, anew)
    projection.save(connection, [f.row for f in folded])


def _account(
    streams: Streams, fresh: Mapping[UUID, Sequence[Stored]], stuck: Sequence[Folded], behind: int, gaps: int
) -> Applied:
    came = sum(map(len, streams.values()))
    parked = sum(len(f.stuck) for f in stuck)
    new = sum(map(len, fresh.values()))
    return Applied(new - parked, max(came - new - behind, 0), parked + behind, gaps)


def _tell(build: Build, stuck: Sequence[Folded]) -> None:
    for folded in stuck:
        first = folded.stuck[0]
        log.error(
            "parked", build=build.schema, stream=str(first.stream), version=first.version,
            position=first.position, type=first.type, error=folded.error,
        )  # fmt: skip


def _count(build: Build, parts: Sequence[Part], done: Applied) -> None:
    metrics.APPLIED.labels(build.view).inc(done.applied)
    metrics.DUPLICATES.labels(build.view).inc(done.duplicates)
    metrics.PARKED.labels(build.view).inc(done.parked)
    metrics.GAPS.labels(build.view).inc(done.gaps)
    if done.applied or done.parked:
        position = max(part.position for part in parts)
        log.debug("applied", build=build.schema, position=position, applied=done.applied, parked=done.parked)
