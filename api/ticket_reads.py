"""HTTP for reading a ticket and its whole thread, now or then, for those who work on it or check it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from api.as_of import TicketThen
from api.callers import ReaderCaller
from api.reading import IfNoneMatch, Limit, Read, found
from api.shown import CustomerSeen, MessageShown, OwnMessageShown, OwnTicketShown, ThreadShown, TicketShown
from api.strict import router
from api.ticket_time import own_time_shown, rates_then, whole_log
from projections import tickets_queries
from replay.past.ticket import own_thread_then, own_ticket_then, thread_then, ticket_then

ticket_reads = router("/tickets", "tickets")
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "It is as you have it."}}
VIEW = "tickets"


@ticket_reads.get("/{ticket}", response_model=TicketShown, responses=UNCHANGED)
async def get_ticket(
    who: ReaderCaller, ticket: TicketThen, read: Read, if_none_match: IfNoneMatch = None
) -> TicketShown | Response:
    """A ticket as it is now, or was at a moment. Its `ETag` is what commands take as `If-Match`."""
    if ticket.now:
        async with read.view(VIEW) as connection:
            view = found(await tickets_queries.ticket(connection, ticket.id), "ticket")
    else:
        view = ticket_then(await ticket.past())
    return read.unchanged(view.version, if_none_match) or TicketShown.model_validate(view)


@ticket_reads.get("/{ticket}/thread")
async def get_thread(
    who: ReaderCaller,
    ticket: TicketThen,
    read: Read,
    after: Annotated[int, Query(ge=0, le=2**62, description="only what came after this version")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> ThreadShown:
    """The whole discussion in order, internal notes included."""
    if ticket.now:
        async with read.view(VIEW) as connection:
            found(await tickets_queries.ticket(connection, ticket.id), "ticket")
            messages = await tickets_queries.thread(connection, ticket.id, after=after, limit=limit)
    else:
        messages = thread_then(await ticket.past(), after, limit)
    return ThreadShown(messages=[MessageShown.model_validate(message) for message in messages])


@ticket_reads.get("/{ticket}/customer-view")
async def get_customer_view(
    who: ReaderCaller,
    ticket: TicketThen,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="only what came after this number")] = 0,
    limit: Limit = 100,
) -> CustomerSeen:
    """What its requester sees of a ticket, or saw at a moment: their page of it, their thread, and what it cost."""
    told = await ticket.past()
    rates = await rates_then(ticket.services.store, whole_log() if ticket.now else told.moment)
    return CustomerSeen(
        ticket=OwnTicketShown.model_validate(own_ticket_then(told)),
        messages=[OwnMessageShown.model_validate(message) for message in own_thread_then(told, after, limit)],
        time=own_time_shown(told, rates),
    )
