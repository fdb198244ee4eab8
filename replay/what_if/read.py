"""What does a what-if read of the log? Published rules as of one position, and tickets by ranges of their ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from aggregates.customer import CustomerRegistered, Tier
from aggregates.envelope import Recorded, Stored, UndecodableEvent, recorded
from aggregates.fact import Fact
from aggregates.sla.clocks import READ
from aggregates.team import Team
from consumers.sla_store import Configuration
from replay.tickets import BEGINNING
from replay.what_if.courses import Tiers
from replay.what_if.parts import Range
from replay.what_if.rules import Rules

STREAMS: LiteralString = """
SELECT id FROM store.streams WHERE id > %(after)s AND id <= %(last)s ORDER BY id LIMIT %(limit)s
"""
FACTS: LiteralString = """
SELECT notification_id AS position, originator_id AS stream, originator_version AS version, topic AS type,
       recorded_at, state
  FROM store.events
 WHERE originator_id > %(after)s AND originator_id <= %(last)s AND notification_id <= %(head)s
   AND topic = ANY (%(types)s)
 ORDER BY originator_id, originator_version
"""
CALENDARS: LiteralString = """
SELECT originator_id FROM store.events WHERE topic = 'calendar.created.v1' AND notification_id <= %(head)s
"""
TIERS: LiteralString = """
SELECT originator_id, recorded_at, topic, convert_from(state, 'UTF8')::jsonb -> 'fact' ->> 'tier'
  FROM store.events
 WHERE topic IN ('customer.registered.v1', 'customer.tier_changed.v1') AND notification_id <= %(head)s
 ORDER BY notification_id
"""
PAGE = 250


@dataclass(frozen=True, slots=True)
class Page:
    """Whole tickets, as far as somebody asks about their facts, each in order of version.

    unreadable  tickets of which an event cannot be read
    fraction    how much of the range lies behind it
    """

    histories: Mapping[UUID, Sequence[Recorded]]
    unreadable: int
    fraction: float


class Published(Configuration):
    """What was published, and what else stood in the log, up to one position of it."""

    def __init__(self, connection: Connection[Any], head: int) -> None:
        super().__init__(connection)
        self._head = head

    def _learn(self, event: Recorded) -> None:
        if event.position <= self._head:
            super()._learn(event)


def pages(connection: Connection[Any], head: int, within: Range, rules: Rules) -> Iterator[Page]:
    """All tickets of a range, as of position `head`. Raises psycopg.Error."""
    read: tuple[type[Fact], ...] = (*READ, *rules.reads)
    types = sorted({fact.type_name for fact in read})
    after = within.after
    while True:
        asked = {"after": after, "last": within.last, "head": head, "types": types, "limit": PAGE}
        streams = [id for (id,) in connection.execute(STREAMS, asked, prepare=True)]
        if not streams:
            return
        with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
            cursor.execute(FACTS, asked | {"last": streams[-1]}, prepare=True)
            histories, unreadable = _decoded(cursor.fetchall())
        after = streams[-1]
        yield Page(histories, unreadable, within.fraction(after))


def _decoded(rows: Sequence[Stored]) -> tuple[Mapping[UUID, Sequence[Recorded]], int]:
    found: defaultdict[UUID, list[Recorded]] = defaultdict(list)
    broken: set[UUID] = set()
    for stored in rows:
        try:
            found[stored.stream].append(recorded(stored))
        except UndecodableEvent:
            broken.add(stored.stream)
    return {stream: history for stream, history in found.items() if stream not in broken}, len(broken)


def published_calendars(connection: Connection[Any], head: int) -> list[UUID]:
    return [id for (id,) in connection.execute(CALENDARS, {"head": head})]


def tiers(connection: Connection[Any], head: int) -> Mapping[UUID, Tiers]:
    """Of the customers that ever had another one than everybody has. The first was theirs before, too."""
    found: defaultdict[UUID, list[tuple[datetime, Tier]]] = defaultdict(list)
    for customer, at, topic, tier in connection.execute(TIERS, {"head": head}):
        if topic == CustomerRegistered.type_name and tier != "standard":
            found[customer].append((BEGINNING, tier))
        elif topic != CustomerRegistered.type_name:
            found[customer].append((at, tier))
    return found


def team_names(connection: Connection[Any], teams: Iterable[UUID]) -> dict[UUID, str]:
    """As they are called now."""
    configuration = Configuration(connection)
    configuration.refresh(teams)
    return {id: entry.name for id, entry in configuration.desk().entries.items() if isinstance(entry, Team)}
