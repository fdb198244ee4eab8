"""worker: what does one worker do with its share of the streams?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import tuple_row

from aggregates.envelope import Recorded, decode
from commands.database import connect
from commands.log import read_streams
from consumers.builds import Build, enter
from consumers.folding import Folded, fold_stream
from consumers.parked import park
from consumers.runner import RELAXED, save_each
from projections.projection import Projection
from replay.rebuild.plan import Span

FETCHED = 1_000
COPIED = 4_000
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
Values = tuple[UUID, int, int, datetime, str, bytes]


@dataclass(frozen=True, slots=True)
class Share:
    """Fold the streams of this span, as they were at this position, into this build."""

    url: str
    build: Build
    make: Callable[[], Projection[Any]]
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
        done = Folding(connection, share, share.make()).run(counted)
    counted(max(share.span.events - done.events, 0))
    return done


class Folding:
    """One share, within one transaction."""

    def __init__(self, connection: Connection[Any], share: Share, projection: Projection[Any]) -> None:
        self._connection, self._share, self._projection = connection, share, projection
        # Some learn here what they need to know before they fold.
        projection.load(connection, [])

    def run(self, counted: Counted) -> Done:
        events = streams = parked = waiting = 0
        folded: list[Folded] = []
        for stream, rows in groupby(self._rows(), itemgetter(0)):
            taken = list(rows)
            folded.append(self._folded(stream, taken))
            waiting += len(taken)
            if waiting >= COPIED:
                parked += self._copy(folded)
                counted(waiting)
                events, streams, waiting, folded = events + waiting, streams + len(folded), 0, []
        parked += self._copy(folded)
        counted(waiting)
        return Done(events + waiting, streams + len(folded), parked)

    def _rows(self) -> Iterator[Values]:
        share, kinds = self._share, list(self._projection.kinds)
        asked = {"after": share.span.after, "upto": share.span.upto, "position": share.position, "kinds": kinds}
        with self._connection.cursor("events", row_factory=tuple_row) as cursor:
            cursor.execute(EVENTS, asked, binary=True)
            while rows := cursor.fetchmany(FETCHED):
                yield from rows

    def _folded(self, stream: UUID, rows: Sequence[Values]) -> Folded:
        """What came of a stream. What fails is folded again the runner's careful way."""
        try:
            # Folded as a whole: event by event it is the same, and no faster.
            history = [Recorded(place, stream, v, at, decode(name, state)) for _, v, place, at, name, state in rows]
            return Folded(stream, (), self._projection.refold(history))
        except (psycopg.Error, MemoryError):
            raise
        except Exception:
            return self._folded_with_care(stream)

    def _folded_with_care(self, stream: UUID) -> Folded:
        events = [e for e in read_streams(self._connection, [(stream, 0)]) if e.position <= self._share.position]
        return fold_stream(self._projection, stream, None, events, lambda _: events)

    def _copy(self, folded: Sequence[Folded]) -> int:
        """How many streams had to be parked, wholly or in part."""
        unsaved = save_each(self._connection, self._write, [one for one in folded if one.row is not None])
        refused = {one.stream: self._folded_with_care(one.stream).refused(one.error or "") for one in unsaved}
        stuck = [refused.get(one.stream, one) for one in folded if one.stuck or one.stream in refused]
        park(self._connection, self._share.build.schema, stuck)
        return len(stuck)

    def _write(self, folded: Sequence[Folded]) -> None:
        self._projection.copy(self._connection, [one.row for one in folded])
