"""HTTP for customers: their own tickets, and of these only what they may see."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field

from aggregates.fact import Command
from aggregates.text import Body, Line, Name
from aggregates.ticket.commands import OpenTicket, ReceiveMessage
from aggregates.ticket.events import Channel, FollowedUp, Opened, TicketType
from api.answers import human
from api.as_of import OwnThen
from api.asking import POSITION, AskAnew, Asking, TicketId
from api.callers import CustomerCaller
from api.reading import Cursor, IfNoneMatch, Limit, OwnRead, found
from api.shown import OwnMessageShown, OwnThreadShown, OwnTicketShown, OwnTicketsPage
from api.strict import router
from api.ticket_reads import UNCHANGED, VIEW
from commands.context import Accepted
from projections import tickets_queries
from replay.past.own import own_past, own_tickets_then
from replay.past.ticket import own_thread_then, own_ticket_then

my = router("/my/tickets", "my tickets")


class OpenOwnTicket(Command):
    """What you need help with."""

    subject: Line
    message: Body
    channel: Channel = "web_form"
    category: Name | None = None
    ticket_type: TicketType = "question"


class WriteMessage(Command):
    """What you want to add."""

    body: Body
    channel: Channel = "web_form"


class OwnAnswer(BaseModel):
    """Where your words went: to a ticket that follows up, if the one you wrote to is closed."""

    ticket: UUID
    number: str | None = Field(None, description="of a ticket that was opened by this", examples=["T-1042"])


@my.post("", status_code=201)
async def open_own_ticket(who: CustomerCaller, body: OpenOwnTicket, ask: AskAnew, response: Response) -> OwnAnswer:
    """Open a ticket for yourself."""
    command = OpenTicket(requester=who.id, **dict(body))
    accepted = await ask.services.tickets.open(command, ask.context(who, command, "my"))
    response.headers["Location"] = f"/v1/my/tickets/{accepted.stream}"
    return _told(ask, accepted, response)


@my.post("/{ticket}/messages")
async def write_message(
    who: CustomerCaller, ticket: TicketId, body: WriteMessage, ask: AskAnew, response: Response
) -> OwnAnswer:
    """Write on one of your tickets. If it is closed, your message opens one that follows it up."""
    await ask.services.require_own(ticket, who.id)
    command = ReceiveMessage(body=body.body, channel=body.channel, author=who.id)
    accepted = await ask.services.tickets.work(ticket, command, ask.context(who, command, f"my {ticket}"))
    return _told(ask, accepted, response)


@my.get("")
async def list_own_tickets(
    who: CustomerCaller, read: OwnRead, then: OwnThen, limit: Limit = 50, cursor: Cursor = None
) -> OwnTicketsPage:
    """Your tickets, newest first, as they are now or were at a moment."""
    async with read.view(VIEW, then) as connection:
        if then is None:
            page = await tickets_queries.customer_tickets(connection, who.id, limit, cursor)
        else:
            page = await own_tickets_then(connection, who.id, then, limit, cursor)
    return OwnTicketsPage.model_validate(page)


@my.get("/{ticket}", response_model=OwnTicketShown, responses=UNCHANGED)
async def get_own_ticket(
    who: CustomerCaller, ticket: TicketId, read: OwnRead, then: OwnThen, if_none_match: IfNoneMatch = None
) -> OwnTicketShown | Response:
    """One of your tickets as it is now, or was at a moment."""
    if then is None:
        async with read.view(VIEW) as connection:
            view = found(await tickets_queries.customer_ticket(connection, ticket, who.id), "ticket")
    else:
        view = own_ticket_then(await own_past(read.services.store, ticket, who.id, then))
    return read.unchanged(view.thread_version, if_none_match) or OwnTicketShown.model_validate(view)


@my.get("/{ticket}/thread")
async def get_own_thread(
    who: CustomerCaller,
    ticket: TicketId,
    read: OwnRead,
    then: OwnThen,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="only what came after this number")] = 0,
    limit: Limit = 100,
) -> OwnThreadShown:
    """What you and we wrote to each other, in order, up to now or to a moment."""
    if then is None:
        async with read.view(VIEW) as connection:
            found(await tickets_queries.customer_ticket(connection, ticket, who.id), "ticket")
            messages = await tickets_queries.customer_thread(connection, ticket, who.id, after=after, limit=limit)
    else:
        messages = own_thread_then(await own_past(read.services.store, ticket, who.id, then), after, limit)
    return OwnThreadShown(messages=[OwnMessageShown.model_validate(message) for message in messages])


def _told(ask: Asking, accepted: Accepted, response: Response) -> OwnAnswer:
    """No version, no list of events: gaps in them would tell of what customers may not see."""
    response.headers[POSITION] = ask.services.seal.close(accepted.position)
    for fact in accepted.facts:
        if isinstance(fact, Opened):
            return OwnAnswer(ticket=accepted.stream, number=human(fact.number))
        if isinstance(fact, FollowedUp):
            return OwnAnswer(ticket=fact.follow_up, number=human(fact.number))
    return OwnAnswer(ticket=accepted.stream)
