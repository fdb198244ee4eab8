"""verbs_asked: how does a command of git's on a ticket get at its past, and what of it fails plainly?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any, TypeVar

import psycopg
import typer
from psycopg import AsyncConnection

from aggregates.envelope import Recorded
from aggregates.errors import NotFound, Refusal
from aggregates.moment import Basis
from chronodesk.cli_import import told_plainly
from chronodesk.errors import FrontDoorError, UsageError
from chronodesk.start import app_url, loaded
from commands.database import session_parameters
from replay.log_lines import mentioned
from replay.names import names_of
from replay.pasts import NotKnownThen
from replay.phrases import Names

T = TypeVar("T")
Query = Callable[[AsyncConnection[Any]], Awaitable[T]]

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


def asked(query: Query[T]) -> T:
    """What it answers on a connection of its own. Raises FrontDoorError, saying what helps."""
    try:
        with told_plainly():
            return asyncio.run(_connected(app_url(loaded()), query))
    except NotKnownThen as unknown:
        helps = " With --basis occurred you see what had happened by then." if unknown.occurred else ""
        raise FrontDoorError(unknown.detail + helps) from None
    except NotFound as missing:
        raise FrontDoorError(missing.detail) from None
    except Refusal as refused:
        raise UsageError(refused.detail) from None


async def named(connection: AsyncConnection[Any], events: Iterable[Recorded]) -> Names:
    """Of all that they mention; none while the views are still to be built."""
    try:
        return await names_of(connection, mentioned(events))
    except psycopg.errors.UndefinedTable:
        return {}


async def _connected(url: str, query: Query[T]) -> T:
    async with await AsyncConnection.connect(url, autocommit=True, **session_parameters("verbs")) as connection:
        return await query(connection)
