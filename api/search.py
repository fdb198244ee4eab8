"""HTTP for finding tickets: by what was written in them, and solved ones that are like another."""

from __future__ import annotations

from asyncio import to_thread
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime

from aggregates.ticket.events import Channel, Priority, Status
from api.asking import TicketId
from api.callers import CustomerCaller, ReaderCaller
from api.queues import Text
from api.reading import Cursor, OwnRead, Read, found
from api.search_shown import OwnSearchPage, SearchPage, SimilarShown, own_search_page, search_page
from api.strict import router
from projections import search_queries, similar_queries
from projections.search_asked import asked
from projections.search_queries import SearchFilter, Where

search = router("/search", "tickets")
own_search = router("/my/search", "my tickets")
similar = router("/tickets", "tickets")
VIEW, TEXTS = "search", "tickets"

Words = Annotated[
    str,
    Query(
        max_length=400,
        pattern=r"^[^\x00]*$",
        description='words, all of which are in one text or its subject, in any form; `"as it is"`, `-without`, `OR`',
        examples=['printer "paper jam" -scanner', "ERR-4042 OR T-1042"],
    ),
]
Few = Annotated[int, Query(ge=1, le=50, description="how many at most")]


@search.get("")
async def search_tickets(
    who: ReaderCaller,
    read: Read,
    q: Words,
    where: Annotated[Where | None, Query(alias="in", description="only in subjects, public or internal texts")] = None,
    status: Annotated[list[Status] | None, Query(max_length=6, description="any of these")] = None,
    priority: Annotated[list[Priority] | None, Query(max_length=4, description="any of these")] = None,
    team: UUID | None = None,
    assignee: UUID | None = None,
    channel: Channel | None = None,
    category: Text = None,
    tag: Text = None,
    requester: UUID | None = None,
    since: Annotated[AwareDatetime | None, Query(alias="from", description="written then or later")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="written before then")] = None,
    limit: Few = 20,
    cursor: Cursor = None,
) -> SearchPage:
    """Tickets in which something was written, the best first: in Russian, Bulgarian, Slovenian, Chinese or English."""
    wanted = SearchFilter(where, status, priority, team, assignee, channel, category, tag, requester, since, until)
    # What looks words up, or through texts, does so in a thread: others are served meanwhile.
    upto, words = await read.reached(VIEW), await to_thread(asked, q, in_body=where in ("public", "internal"))
    await read.reached(TEXTS)
    async with read.view(VIEW) as connection:
        if words is None:
            return SearchPage(items=[], next=None)
        page = await search_queries.search(connection, words, wanted, upto, limit, cursor)
        texts = await search_queries.texts(connection, page.items)
    return await to_thread(search_page, page, words, texts)


@own_search.get("")
async def search_own_tickets(
    who: CustomerCaller, read: OwnRead, q: Words, limit: Few = 20, cursor: Cursor = None
) -> OwnSearchPage:
    """Your tickets in which something was written, the best first."""
    words = await to_thread(asked, q)
    await read.reached(TEXTS)
    async with read.view(VIEW) as connection:
        if words is None:
            return OwnSearchPage(items=[], next=None)
        page = await search_queries.search_own(connection, words, who.id, limit, cursor)
        texts = await search_queries.own_texts(connection, who.id, page.items)
    return await to_thread(own_search_page, page, words, texts)


@similar.get("/{ticket}/similar")
async def get_similar_tickets(who: ReaderCaller, ticket: TicketId, read: Read, limit: Few = 5) -> SimilarShown:
    """Solved tickets that are about the same, by their subjects and first messages, and how they were solved."""
    async with read.view(VIEW) as connection:
        alike = found(await similar_queries.similar(connection, ticket, limit), "ticket")
    return SimilarShown.model_validate({"items": alike})
