"""Which part of the log is exported? Chosen once, at the start: what is appended meanwhile is not in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from aggregates.errors import NotFound, Unacceptable
from aggregates.moment import Basis
from commands.log import RESERVED, read_head
from commands.tickets import NUMBER, number_key

POSITION_AT: LiteralString = "SELECT store.position_at(%(instant)s)"
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """since, until   from this instant on, and before that one; by when it was recorded, or happened
    tickets        by number; none: all streams
    upto           only the log's first so many events
    """

    since: datetime | None = None
    until: datetime | None = None
    basis: Basis = "recorded"
    tickets: tuple[int, ...] = ()
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """The events with after < position <= upto, of these streams (None: all), that `asked` does not leave out."""

    log_id: UUID
    after: int
    upto: int
    streams: tuple[UUID, ...] | None
    asked: Asked

    @property
    def whole(self) -> bool:
        """Whether it is the log's first `upto` events, all of them: a desk can be restored from those."""
        return self.after == 0 and self.streams is None and not self.dated

    @property
    def dated(self) -> bool:
        """Whether only the event itself tells if it belongs here."""
        return self.asked.basis == "occurred" and not (self.asked.since is None and self.asked.until is None)

    def holds(self, at: datetime) -> bool:
        """Whether what happened at this instant belongs here."""
        since, until = self.asked.since, self.asked.until
        return not self.dated or ((since is None or since <= at) and (until is None or at < until))


def scope_of(connection: Connection[Any], asked: Asked) -> Scope:
    """Raises Unacceptable for a position that the log has not reached, NotFound for a ticket that does not exist."""
    head = read_head(connection)
    if asked.upto is not None and asked.upto > head.position:
        raise Unacceptable("at_position.beyond_head", f"The log ends at position {head.position}.", field="upto")
    after, upto = 0, head.position if asked.upto is None else asked.upto
    if asked.basis == "recorded":
        after = 0 if asked.since is None else _before(connection, asked.since)
        upto = upto if asked.until is None else min(upto, _before(connection, asked.until))
    return Scope(head.log_id, min(after, upto), upto, _streams(connection, asked.tickets), asked)


def _before(connection: Connection[Any], instant: datetime) -> int:
    """The last position that was recorded before this instant."""
    row = connection.execute(POSITION_AT, {"instant": instant - MICROSECOND}).fetchone()
    return int(row[0]) if row else 0


def _streams(connection: Connection[Any], tickets: Sequence[int]) -> tuple[UUID, ...] | None:
    return tuple(dict.fromkeys(_ticket(connection, number) for number in tickets)) or None


def _ticket(connection: Connection[Any], number: int) -> UUID:
    row = connection.execute(RESERVED, {"namespace": NUMBER, "key": number_key(number)}).fetchone()
    if row is None:
        raise NotFound("ticket.not_found", f"There is no ticket T-{number}.")
    return UUID(str(row[0]))
