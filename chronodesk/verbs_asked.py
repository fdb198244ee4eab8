"""verbs_asked: how does a command of git's on a ticket get at its past, and what of it fails plainly?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from aggregates.moment import Basis
from chronodesk.database import connected_async, told_plainly
from chronodesk.errors import FrontDoorError, Unavailable, UsageError
from chronodesk.start import loaded

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import AsyncConnection

    from aggregates.envelope import Recorded
    from replay.phrases import Names

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="for machines: with all ids and every digit")]
Ticket = Annotated[
    str,
    typer.Argument(
        metavar="TICKET[@WHEN]",
        help="T-1042 or an id; @12 its version, @2012-03-01T09:00Z or @2012-03-01 an instant (UTC), @#98765 a position",
        show_default=False,
    ),
]
ByBasis = Annotated[
    Basis,
    typer.Option(
        "--basis", help="recorded: what was known then; occurred: what had happened, of all that is known (imports)"
    ),
]


@dataclass(frozen=True, slots=True)
class Past:
    """The events of a ticket that count, in the order in which they are folded."""

    ticket: UUID
    events: list[Recorded]
    names: Names


def past(ticket: str, basis: Basis) -> Past:
    """Of an address, as of the moment that it names. Raises FrontDoorError."""
    from replay.audit.address import address
    from replay.audit.addressed import history_of, past_of, stream_of

    async def query(connection: AsyncConnection[Any]) -> Past:
        wanted = address(ticket)
        stream = await stream_of(connection, wanted.ticket)
        events = await past_of(connection, await history_of(connection, stream), wanted.point, basis)
        return Past(stream, events, await named(connection, events))

    return asked(query)


def asked(query: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
    """What it answers on a connection of its own. Raises FrontDoorError, saying what helps."""
    from aggregates.errors import NotFound, Refusal
    from replay.audit.addressed import NotKnownThen

    try:
        with told_plainly():
            return asyncio.run(_connected(query))
    except NotKnownThen as unknown:
        helps = " With --basis occurred you see what had happened by then." if unknown.occurred else ""
        raise FrontDoorError(unknown.detail + helps) from None
    except NotFound as missing:
        raise FrontDoorError(missing.detail) from None
    except Refusal as refused:
        raise UsageError(refused.detail) from None


def understood(read: Callable[[str], T], text: str) -> T:
    """What is read out of it. Raises UsageError."""
    from aggregates.errors import Refusal

    try:
        return read(text)
    except Refusal as refused:
        raise UsageError(refused.detail) from None


async def named(connection: AsyncConnection[Any], events: Iterable[Recorded]) -> Names:
    """Of all that they mention; none while the views are still to be built."""
    from psycopg.errors import UndefinedTable

    from replay.audit.log_lines import mentioned
    from replay.audit.names import names_of

    try:
        return await names_of(connection, mentioned(events))
    except UndefinedTable:
        return {}


async def _connected(query: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
    from psycopg.errors import UndefinedTable

    async with connected_async(loaded(), "verbs") as connection:
        try:
            return await query(connection)
        except UndefinedTable as missing:
            if '"read.' in str(missing):
                raise Unavailable("a view that this needs was never built: does `chronodesk run` run?") from None
            raise
