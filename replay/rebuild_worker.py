"""rebuild_worker: what does one worker do with its share of the streams?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates.envelope import Recorded, Stored, decode
from commands.database import connect
from commands.log import read_streams
from consumers.builds import Build, enter
from consumers.folding import Folded, fold_stream
from consumers.parked import park
from consumers.runner import RELAXED, save_each
from projections.projection import Projection, Row
from replay.rebuild_plan import Span

FETCHED = 1_000
COPIED = 10_000
"""Events whose rows are copied at once: so memory is bounded whatever the log's size, the longest stream aside."""

# As rows: an object for each event would cost as much as its fold.
EVENTS: LiteralString = """
SELECT originator_id, originator_version, notification_id, recorded_at, topic, state
  FROM store.events
 WHERE originator_id > %(after)s AND originator_id <= %(upto)s AND notification_id <= %(position)s
   AND split_part(topic, '.', 1) = ANY (%(kinds)s)
 ORDER BY originator_id, originator_version
"""
Counted = Callable[[int], None]
Rows = Iterator[tuple[UUID, int, int, Any, str, bytes]]


@dataclass(frozen=True, slots=True)
class Share:
    """Fold the streams of this span, as they were at this position, into this build."""

    url: str
    build: Build
    projection: Projection[Any]
    span: Span
    position: int


@dataclass(frozen=True, slots=True)
class Done:
    """events: those that the projection reads."""

    events: int
    streams: int
    parked: int


def work(share: Share, counted: Counted) -> Done:
    """All of it or, if it fails, nothing. `counted` hears of events now and then, and of as many as the span has."""
    name = f"rebuild {share.build.view}"
    with closing(connect(share.url, name=name, statement_timeout="0")) as connection, connection.transaction():
        connection.execute(RELAXED)
        enter(connection, share.build.schema)
        share.projection.load(connection, [])
        done = _fold_all(connection, share, counted)
    counted(max(share.span.events - done.events, 0))
    return done


def _fold_all(connection: Connection[Any], share: Share, counted: Counted) -> Done:
    events = streams = parked = waiting = 0
    folded: list[Folded] = []
    for stream, rows in groupby(_rows(connection, share), itemgetter(0)):
        length, outcome = _folded(connection, share, stream, rows)
        folded.append(outcome)
        waiting += length
        if waiting >= COPIED:
            parked += _copy(connection, share, folded)
            counted(waiting)
            events, streams, waiting, folded = events + waiting, streams + len(folded), 0, []
    parked += _copy(connection, share, folded)
    counted(waiting)
    return Done(events + waiting, streams + len(folded), parked)


def _rows(connection: Connection[Any], share: Share) -> Rows:
    asked = {
        "after": share.span.after,
        "upto": share.span.upto,
        "position": share.position,
        "kinds": list(share.projection.kinds),
    }
    with connection.cursor("events", row_factory=tuple_row) as cursor:
        cursor.itersize = FETCHED
        cursor.execute(EVENTS, asked, binary=True)
        yield from cursor


def _folded(connection: Connection[Any], share: Share, stream: UUID, rows: Rows) -> tuple[int, Folded]:
    """How many events the stream had, and what came of them. What fails is folded again the runner's careful way."""
    taken = list(rows)
    try:
        return len(taken), Folded(stream, (), fold(share.projection, taken))
    except (psycopg.Error, MemoryError):
        raise
    except Exception:
        return len(taken), _folded_with_care(connection, share, stream)


def fold(projection: Projection[Any], rows: Sequence[tuple[UUID, int, int, Any, str, bytes]]) -> Row | None:
    """One stream's row, event by event; from the first late fact on only the whole history can tell."""
    history: list[Recorded] = []
    row, late, step = None, False, projection.fold
    for stream, version, position, at, type_name, state in rows:
        event = Recorded(position, stream, version, at, decode(type_name, state))
        history.append(event)
        if not late:
            row = step(row, event)
            late = row is None
    return projection.refold(history) if late else row


def _folded_with_care(connection: Connection[Any], share: Share, stream: UUID) -> Folded:
    events: Sequence[Stored] = [e for e in read_streams(connection, [(stream, 0)]) if e.position <= share.position]
    return fold_stream(share.projection, stream, None, events, lambda _: events)


def _copy(connection: Connection[Any], share: Share, folded: Sequence[Folded]) -> int:
    """How many streams had to be parked, wholly or in part."""

    def write(some: Sequence[Folded]) -> None:
        share.projection.copy(connection, [one.row for one in some])

    unsaved = save_each(connection, write, [one for one in folded if one.row is not None])
    refused = [_folded_with_care(connection, share, one.stream).refused(one.error or "") for one in unsaved]
    stuck = [one for one in folded if one.stuck and one.stream not in {r.stream for r in refused}] + refused
    park(connection, share.build.schema, stuck)
    return len(stuck)
