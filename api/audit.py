"""HTTP for auditors: events of the whole desk by what they are and say, and what caused them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from pydantic import AwareDatetime

from aggregates.moment import Basis
from aggregates.text import SafeText
from api.asking import ticket_id
from api.audit_shown import CausesShown, FoundShown, causes_shown, trace_shown
from api.callers import AuditCaller
from api.reading import Cursor, Limit, Read
from api.strict import router
from projections.trail_queries import TrailFilter
from replay.audit.causes import MOST, causes
from replay.audit.said import told
from replay.audit.searching import actors_asked, find, types_named

audit = router("/audit", "audit")
causality = router("/events", "events")
VIEW = "trail"


@audit.get("/events")
async def search_events(
    who: AuditCaller,
    read: Read,
    actor: Annotated[
        SafeText | None,
        Query(
            max_length=250,
            description="a name, a kind such as `rule`, or one with an id: `agent:…`, `import:bpi2013:Ann`",
        ),
    ] = None,
    type: Annotated[str | None, Query(max_length=100, description="`escalated` or `ticket.escalated.v1`")] = None,
    text: Annotated[
        str | None, Query(max_length=200, description="words, all of which stand somewhere in what was written")
    ] = None,
    since: Annotated[AwareDatetime | None, Query(description="then or later")] = None,
    until: Annotated[AwareDatetime | None, Query(description="before then")] = None,
    basis: Annotated[
        Basis, Query(description="whether times are when it was recorded, or when it happened")
    ] = "recorded",
    cause: Annotated[UUID | None, Query(description="a command, a request, or an event: what that led to")] = None,
    ticket: Annotated[str | None, Query(max_length=64, description="a UUID, or a number such as `T-1042`")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> FoundShown:
    """Events of the whole desk, newest first."""
    types = None if type is None else types_named(type)
    stream = None if ticket is None else await ticket_id(ticket, read.services, "query.ticket")
    async with read.view(VIEW) as connection:
        kind, actors = await actors_asked(connection, actor)
        wanted = TrailFilter(kind, actors, types, since, until, basis, cause, stream)
        found = await find(connection, wanted, (text or "").split(), limit, cursor)
        lines, _ = await told(connection, found.items)
    items = [trace_shown(line) for line in lines]
    return FoundShown(items=items, next=found.next, looked_at=found.looked_at, reached=found.reached)


@causality.get("/{position}/causes")
async def get_event_causes(
    who: AuditCaller,
    position: Annotated[int, Path(ge=1, le=2**62, description="of the event in the log")],
    read: Read,
    limit: Annotated[int, Query(ge=1, le=1_000, description="how many events at most")] = MOST,
) -> CausesShown:
    """What caused an event, up to the command that began it, and all that came of that."""
    async with read.view(VIEW) as connection:
        return causes_shown(await causes(connection, position, limit))
