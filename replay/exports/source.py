"""What of the log comes to an export, in which order? A page at a time, so that memory does not grow with the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from aggregates.envelope import Recorded, Stored, UndecodableEvent, recorded
from aggregates.kinds import evolved
from aggregates.moment import by_occurrence
from commands.log import read_streams
from replay.exports.scope import Scope

PAGE = 2_000
ROWS: LiteralString = """
SELECT notification_id AS position, originator_id AS stream, originator_version AS version,
       topic AS type, recorded_at, state, hash
  FROM store.events WHERE notification_id > %(after)s AND notification_id <= %(upto)s
 ORDER BY notification_id LIMIT %(limit)s
"""
ROWS_OF_STREAMS: LiteralString = """
SELECT notification_id AS position, originator_id AS stream, originator_version AS version,
       topic AS type, recorded_at, state, hash
  FROM store.events
 WHERE notification_id > %(after)s AND notification_id <= %(upto)s AND originator_id = ANY (%(streams)s)
 ORDER BY notification_id LIMIT %(limit)s
"""
FIRST: LiteralString = """
SELECT notification_id AS position, originator_id AS stream, originator_version AS version,
       topic AS type, recorded_at, state
  FROM store.events WHERE originator_id = ANY (%(streams)s) AND originator_version = 1
"""
# In the order in which they were opened; `length` is what a page of them is measured by.
TICKETS: LiteralString = """
SELECT e.notification_id AS position, e.originator_id AS stream, s.version AS length
  FROM store.events e JOIN store.streams s ON s.id = e.originator_id
 WHERE e.notification_id > %(after)s AND e.notification_id <= %(upto)s
   AND e.originator_version = 1 AND e.topic LIKE 'ticket.%%'
   AND (%(streams)s::uuid[] IS NULL OR e.originator_id = ANY (%(streams)s))
 ORDER BY e.notification_id LIMIT %(limit)s
"""

Told = Callable[[int, float], None]
"""How many events are done, and which part of the whole that is."""


@dataclass(frozen=True, slots=True)
class Row(Stored):
    hash: bytes


@dataclass(slots=True)
class Counts:
    """unreadable   events that this release cannot decode: only a lossless export has them"""

    events: int = 0
    streams: int = 0
    unreadable: int = 0
    seen: set[UUID] = field(default_factory=set)
    """Streams of a part of the log. Of a whole one the first versions are counted, in no memory at all."""


class Source:
    """The events of one scope, counted as they are handed out."""

    def __init__(self, connection: Connection[Any], scope: Scope, told: Told = lambda done, part: None) -> None:
        self.connection = connection
        self.scope = scope
        self.counts = Counts()
        self._told = told

    def rows(self) -> Iterator[list[Row]]:
        """Pages in order of position, verbatim."""
        for page in self._pages():
            kept = [row for row in page if self.scope.holds(_at(row))] if self.scope.dated else page
            for row in kept:
                self._count(row)
            yield kept
            self._told(self.counts.events, self._part(page[-1].position))

    def events(self) -> Iterator[list[Recorded]]:
        """The same, decoded."""
        return (list(self._decoded(page)) for page in self.rows())

    def tickets(self) -> Iterator[list[list[Recorded]]]:
        """Pages of tickets in the order of their opening: each one's story, as it happened, of which some is `inside`.

        What lies before the scope is there as well: from it follows how the ticket stood.
        """
        for last, streams in self._openings():
            stories: dict[UUID, list[Recorded]] = {stream: [] for stream in streams}
            for event in self._decoded(self.history(streams)):
                stories[event.stream].append(event)
            yield [sorted(story, key=by_occurrence) for story in stories.values() if self._counted(story)]
            self._told(self.counts.events, last / max(self.scope.upto, 1))

    def inside(self, event: Recorded) -> bool:
        return event.position > self.scope.after and self.scope.holds(event.at)

    def history(self, streams: Sequence[UUID]) -> Iterable[Stored]:
        """All that the log's first `upto` events tell of these streams, one after the other."""
        rows = read_streams(self.connection, [(stream, 0) for stream in streams])
        return (row for row in rows if row.position <= self.scope.upto)

    def first(self, streams: Sequence[UUID]) -> Iterator[Recorded]:
        """How each of these streams began."""
        with self.connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
            rows = cursor.execute(FIRST, {"streams": list(streams)}, prepare=True).fetchall() if streams else []
        return (event for row in rows if (event := decoded(row)) is not None)

    def states(self, streams: Sequence[UUID]) -> dict[UUID, Any]:
        """What these streams had come to at the end of the scope."""
        states: dict[UUID, Any] = {}
        for row in self.history(streams):
            event = decoded(row)
            if event is not None:
                states[row.stream] = evolved(states.get(row.stream), event.fact)
        return states

    def _pages(self) -> Iterator[list[Row]]:
        scope, after = self.scope, self.scope.after
        query = ROWS if scope.streams is None else ROWS_OF_STREAMS
        streams = None if scope.streams is None else list(scope.streams)
        with self.connection.cursor(binary=True, row_factory=class_row(Row)) as cursor:
            while True:
                asked: dict[str, Any] = {"after": after, "upto": scope.upto, "limit": PAGE}
                asked |= {} if streams is None else {"streams": streams}
                page = cursor.execute(query, asked, prepare=True).fetchall()
                if not page:
                    return
                yield page
                after = page[-1].position

    def _openings(self) -> Iterator[tuple[int, list[UUID]]]:
        """Streams that have about a page of events together, and where the last of them begins."""
        scope, after = self.scope, 0
        streams = None if scope.streams is None else list(scope.streams)
        while True:
            asked = {"after": after, "upto": scope.upto, "streams": streams, "limit": PAGE}
            found = self.connection.execute(TICKETS, asked, binary=True).fetchall()
            if not found:
                return
            page, length = [], 0
            for position, stream, events in found:
                page.append(stream)
                after, length = position, length + events
                if length >= PAGE:
                    yield after, page
                    page, length = [], 0
            if page:
                yield after, page

    def _decoded(self, rows: Iterable[Stored]) -> Iterator[Recorded]:
        for row in rows:
            event = decoded(row)
            if event is None:
                self.counts.unreadable += 1
            else:
                yield event

    def _counted(self, story: Sequence[Recorded]) -> int:
        """How many of these events are inside."""
        inside = [event for event in story if self.inside(event)]
        for event in inside:
            self._count(event)
        return len(inside)

    def _count(self, event: Stored | Recorded) -> None:
        counts = self.counts
        counts.events += 1
        if self.scope.whole:
            counts.streams += event.version == 1
        elif event.stream not in counts.seen:
            counts.seen.add(event.stream)
            counts.streams += 1

    def _part(self, position: int) -> float:
        return (position - self.scope.after) / max(self.scope.upto - self.scope.after, 1)


def decoded(row: Stored) -> Recorded | None:
    """None where this release cannot read it."""
    try:
        return recorded(row)
    except UndecodableEvent:
        return None


def _at(row: Stored) -> datetime:
    event = decoded(row)
    return row.recorded_at if event is None else event.at
