"""Which ticket does an address name, and what of its history counts in the past that it names?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from aggregates.envelope import Recorded, recorded
from aggregates.errors import NotFound, Unacceptable
from aggregates.moment import Basis, Moment, by_occurrence
from commands.log import END_OF_TIME, RESERVED, stream_after
from commands.tickets import NUMBER, number_key
from replay.audit.address import TICKET, Instant, Point, Position, Version
from replay.past.moments import moment_of_instant, moment_of_position, moment_of_version


class NotKnownThen(NotFound):
    """Nothing of the ticket counts in that past. occurred: it does if its events count from when they happened."""

    def __init__(self, first: Recorded, happened: datetime, moment: Moment) -> None:
        self.occurred = moment.basis == "recorded" and happened <= moment.at
        known = f"It was recorded on {_said(first.recorded_at)}"
        happened_at = "" if happened == first.recorded_at else f" and had happened on {_said(happened)}"
        super().__init__("ticket.not_known_then", f"This ticket was not known then. {known}{happened_at}.")


async def stream_of(connection: AsyncConnection[Any], ticket: str) -> UUID:
    """By its id or its number. Raises NotFound, and Unacceptable for what is neither."""
    number = TICKET.fullmatch(ticket)
    if number is None:
        try:
            return UUID(ticket)
        except ValueError:
            raise Unacceptable("ticket.malformed", "Name a ticket by its number, like T-1042, or by its id.") from None
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(RESERVED, {"namespace": NUMBER, "key": number_key(int(number[1]))}, prepare=True)
        stream: UUID | None = await cursor.fetchone()
    if stream is None:
        raise NotFound("ticket.not_found", "There is no such ticket.")
    return stream


async def history_of(connection: AsyncConnection[Any], ticket: UUID) -> list[Recorded]:
    """All of it, in order of version. Raises NotFound."""
    stored = await stream_after(connection, ticket, 0)
    if not stored or not stored[0].type.startswith("ticket."):
        raise NotFound("ticket.not_found", "There is no such ticket.")
    return [recorded(one) for one in stored]


async def past_of(
    connection: AsyncConnection[Any],
    history: Sequence[Recorded],
    point: Point | None,
    basis: Basis,
    *,
    known: bool = True,
) -> list[Recorded]:
    """What of it counts then, in the order in which it is folded. Raises NotFound and Unacceptable.

    known   NotKnownThen where nothing of it does
    """
    moment = await moment_of(connection, history, point, basis)
    told = moment.facts(history)
    if known and not told:
        raise NotKnownThen(history[0], min(history, key=by_occurrence).at, moment)
    return told


async def moment_of(
    connection: AsyncConnection[Any], history: Sequence[Recorded], point: Point | None, basis: Basis
) -> Moment:
    match point:
        case Version(number):
            return moment_of_version(history, number, basis)
        case Instant(at):
            return await moment_of_instant(connection, at, basis)
        case Position(number):
            return await moment_of_position(connection, number, basis)
        case None:
            return Moment(basis, END_OF_TIME, history[-1].recorded_at)


def _said(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
