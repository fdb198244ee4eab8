"""HTTP for git's verbs on a ticket: log, diff, blame and bisect, from the log itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query
from psycopg import AsyncConnection

from aggregates.envelope import Recorded
from aggregates.moment import Basis
from api.asking import TicketId
from api.callers import ReaderCaller
from api.reading import Read
from api.strict import router
from api.verbs_shown import BisectShown, BlameShown, DiffShown, LogShown
from api.verbs_told import bisect_shown, blame_shown, diff_shown, log_shown, understood
from replay.audit.address import Point, parsed
from replay.audit.addressed import history_of, past_of
from replay.audit.bisect import stretches
from replay.audit.blame import blame
from replay.audit.diffing import diff
from replay.audit.log_lines import mentioned
from replay.audit.names import names_of
from replay.audit.searching import types_named
from replay.phrases import Names

verbs = router("/tickets", "tickets")
# Names come from it; the events themselves from the log.
VIEW = "desk"

WHEN = "`12` is a version, `2012-03-01` and `2012-03-01T09:00Z` are instants (UTC), `#98765` is a position"
ByBasis = Annotated[
    Basis, Query(description="recorded: what was known then; occurred: what had happened, of all that is known")
]
From = Annotated[str | None, Query(alias="from", max_length=64, description=f"{WHEN}; none: before the ticket")]
To = Annotated[str | None, Query(alias="to", max_length=64, description=f"{WHEN}; none: now")]
At = Annotated[str | None, Query(max_length=64, description=f"{WHEN}; none: now")]


@verbs.get("/{ticket}/log")
async def get_ticket_log(
    who: ReaderCaller,
    ticket: TicketId,
    read: Read,
    after: Annotated[int, Query(ge=0, le=2**62, description="only what came after this version")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
    type: Annotated[str | None, Query(max_length=100, description="`escalated` or `ticket.escalated.v1`")] = None,
) -> LogShown:
    """All that ever happened to a ticket, in words: when, who, what and why."""
    types = None if type is None else types_named(type)
    async with read.view(VIEW) as connection:
        history = await history_of(connection, ticket)
        wanted = [e for e in history if e.version > after and (types is None or e.fact.type_name in types)]
        names = await _names(connection, wanted[:limit])
    more = wanted[limit - 1].version if len(wanted) > limit else None
    return log_shown(ticket, wanted[:limit], names, more)


@verbs.get("/{ticket}/diff")
async def get_ticket_diff(
    who: ReaderCaller, ticket: TicketId, read: Read, start: From = None, end: To = None, basis: ByBasis = "recorded"
) -> DiffShown:
    """What became another between two moments, and by which events."""
    first, last = _point(start, "from"), _point(end, "to")
    async with read.view(VIEW) as connection:
        history = await history_of(connection, ticket)
        known = await past_of(connection, history, last, basis)
        before = [] if first is None else await past_of(connection, history, first, basis, known=False)
        names = await _names(connection, known)
    return await asyncio.to_thread(lambda: diff_shown(ticket, diff(before, known), names))


@verbs.get("/{ticket}/blame")
async def get_ticket_blame(
    who: ReaderCaller, ticket: TicketId, read: Read, at: At = None, basis: ByBasis = "recorded"
) -> BlameShown:
    """Each thing that a ticket holds, with the event that set it."""
    point = _point(at, "at")
    async with read.view(VIEW) as connection:
        events = await past_of(connection, await history_of(connection, ticket), point, basis)
        names = await _names(connection, events)
    return await asyncio.to_thread(lambda: blame_shown(ticket, blame(events), names))


@verbs.get("/{ticket}/bisect")
async def get_ticket_bisect(
    who: ReaderCaller,
    ticket: TicketId,
    read: Read,
    expression: Annotated[
        str, Query(max_length=500, examples=['status == "resolved" and public_replies == 0'], description="what is so")
    ],
    at: At = None,
    basis: ByBasis = "recorded",
) -> BisectShown:
    """Since when it was so: each stretch of the ticket's course in which an expression held."""
    asked, point = understood(expression), _point(at, "at")
    async with read.view(VIEW) as connection:
        events = await past_of(connection, await history_of(connection, ticket), point, basis)
        names = await _names(connection, events)
    return await asyncio.to_thread(lambda: bisect_shown(ticket, expression, stretches(events, asked, names), names))


def _point(text: str | None, field: str) -> Point | None:
    return None if text is None else parsed(text, field)


async def _names(connection: AsyncConnection[Any], events: Sequence[Recorded]) -> Names:
    return await names_of(connection, mentioned(events))
