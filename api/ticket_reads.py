"""HTTP for reading a ticket and its whole thread, for those who work on it or check it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from api.asking import TicketId
from api.callers import ReaderCaller
from api.reading import IfNoneMatch, Read, found
from api.shown import MessageShown, ThreadShown, TicketShown
from api.strict import router
from projections import tickets_queries

ticket_reads = router("/tickets", "tickets")
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "It is as you have it."}}
VIEW = "tickets"


@ticket_reads.get("/{ticket}", response_model=TicketShown, responses=UNCHANGED)
async def get_ticket(
    who: ReaderCaller, ticket: TicketId, read: Read, if_none_match: IfNoneMatch = None
) -> TicketShown | Response:
    """A ticket as it is now. Its `ETag` is what commands take as `If-Match`."""
    async with read.view(VIEW) as connection:
        view = found(await tickets_queries.ticket(connection, ticket), "ticket")
    return read.unchanged(view.version, if_none_match) or TicketShown.model_validate(view)


@ticket_reads.get("/{ticket}/thread")
async def get_thread(
    who: ReaderCaller,
    ticket: TicketId,
    read: Read,
    after: Annotated[int, Query(ge=0, le=2**62, description="only what came after this version")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> ThreadShown:
    """The whole discussion in order, internal notes included."""
    async with read.view(VIEW) as connection:
        found(await tickets_queries.ticket(connection, ticket), "ticket")
        messages = await tickets_queries.thread(connection, ticket, after=after, limit=limit)
    return ThreadShown(messages=[MessageShown.model_validate(message) for message in messages])
