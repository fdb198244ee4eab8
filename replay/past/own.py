"""Which tickets did a customer have at a moment of the past, and what did they see of each?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregates.envelope import Stored, recorded
from aggregates.errors import NotFound
from aggregates.moment import Moment
from commands.log import whole_streams
from commands.store import EventStore
from projections.cursor import Page, bound, decode, page, unbound
from projections.tickets_queries import END, NUMBER_KEY, CustomerTicketView
from replay.audit.addressed import NotKnownThen
from replay.past.ticket import Past, own_ticket_then, past

# Whatever was not opened by then is left out by the fold: this only passes over most of it.
OWN: LiteralString = """
SELECT t.id, t.number FROM read.customer_tickets t
  JOIN store.events e ON e.originator_id = t.id AND e.originator_version = 1
 WHERE t.requester = %(requester)s AND t.number < %(before)s AND e.notification_id <= %(position)s
   AND (%(by)s::timestamptz IS NULL OR t.opened_at <= %(by)s)
 ORDER BY t.number DESC LIMIT %(limit)s
"""


async def own_past(store: EventStore, ticket: UUID, requester: UUID, moment: Moment) -> Past:
    """Raises NotFound for what was not there then just as for other people's."""
    told = await asyncio.to_thread(_folded, await store.stream(ticket), requester, moment)
    if not told:
        raise NotFound("ticket.not_found", "There is no such ticket.")
    return told[0]


async def own_tickets_then(
    connection: AsyncConnection[Any], requester: UUID, moment: Moment, limit: int, cursor: str | None = None
) -> Page[CustomerTicketView]:
    """Newest number first. Raises InvalidCursor."""
    inner = unbound(cursor, moment.past)
    before = END if inner is None else decode(NUMBER_KEY, inner)
    rows: list[CustomerTicketView] = []
    while len(rows) <= limit:
        asked = {"requester": requester, "before": before, "limit": limit + 1}
        async with connection.cursor(row_factory=tuple_row) as cursor_:
            await cursor_.execute(OWN, asked | {"position": moment.position, "by": moment.by})
            found = await cursor_.fetchall()
        stored = await whole_streams(connection, [id for id, _ in found])
        told = await asyncio.to_thread(_folded, stored, requester, moment)
        rows += sorted(map(own_ticket_then, told), key=lambda ticket: -ticket.number)
        if len(found) <= limit:
            break
        before = found[-1][1]
    return bound(page(rows, limit, NUMBER_KEY, lambda ticket: ticket.number), moment.past)


def _folded(stored: Sequence[Stored], requester: UUID, moment: Moment) -> list[Past]:
    """Those of the tickets that were there, and this customer's."""
    found = []
    for _, events in groupby(stored, key=lambda event: event.stream):
        history = [recorded(event) for event in events]
        if history[0].fact.type_name.startswith("ticket."):
            with suppress(NotKnownThen):
                found.append(past(history, moment))
    return [told for told in found if told.row.ticket.requester == requester]
