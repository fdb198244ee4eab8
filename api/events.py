"""HTTP for the log itself: a ticket's history, the whole feed by position, and the feed as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from pydantic_core import from_json
from starlette.responses import StreamingResponse

from aggregates.envelope import Stored
from aggregates.errors import Unavailable
from api.as_of import TicketThen
from api.asking import POSITION, etag
from api.callers import FeedCaller, ReaderCaller
from api.reading import Limit
from api.services import Services, Shared
from api.shown import EventShown, FeedPage, HistoryShown
from api.strict import router

history = router("/tickets", "tickets")
feed = router("/events", "events")

EVENT_STREAM = "text/event-stream"
BATCH = 500
HEARTBEAT_SECONDS = 15.0
AWAY_SECONDS = 1.0
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}, "description": "A page, or a stream of events"}
}
Position = Annotated[int, Query(ge=0, le=2**62, description="the position of the last event that you have")]


@history.get("/{ticket}/events")
async def ticket_history(
    who: ReaderCaller, ticket: TicketThen, response: Response, after: Position = 0
) -> HistoryShown:
    """All that ever happened to a ticket beyond version `after`, or counted at a moment, from the log itself."""
    stored = await ticket.stored()
    if ticket.now:
        response.headers["ETag"] = etag(stored[-1].version)
        response.headers[POSITION] = str(stored[-1].position)
    else:
        stored = [stored[event.version - 1] for event in (await ticket.of(stored)).facts]
    return HistoryShown(events=[shown(event) for event in stored if event.version > after])


@feed.get("", response_model=FeedPage, responses=STREAMED)
async def list_events(
    who: FeedCaller,
    request: Request,
    services: Shared,
    after: Position = 0,
    limit: Limit = 100,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    last_event_id: Annotated[
        int | None, Header(ge=0, le=2**62, description="where a broken stream goes on; stronger than `after`")
    ] = None,
) -> FeedPage | Response:
    """The whole log by position, a page at a time; with `Accept: text/event-stream` as it grows."""
    if EVENT_STREAM in accept:
        since = after if last_event_id is None else last_event_id
        return StreamingResponse(follow(services, since), media_type=EVENT_STREAM, headers=STREAM_HEADERS)
    head = await services.tail.head()
    events = [shown(stored) for stored in await services.store.log(after, limit)]
    newest = events[-1].position if events else after
    return FeedPage(events=events, next=newest, head=max(head, newest))


def shown(stored: Stored) -> EventShown:
    """Not validated as a fact: what a newer release wrote is shown as well."""
    return EventShown(
        position=stored.position,
        stream=stored.stream,
        version=stored.version,
        type=stored.type,
        recorded_at=stored.recorded_at,
        **from_json(stored.state),
    )


async def follow(services: Services, after: int) -> AsyncIterator[str]:
    """Events beyond `after` as they come, and a heartbeat when none do. Reads only when the log has grown."""
    yield "retry: 1000\n\n"
    while not services.tail.stopping:
        try:
            events = await services.store.log(after, BATCH)
        except Unavailable:
            await asyncio.sleep(AWAY_SECONDS)
            continue
        if events:
            after = events[-1].position
            yield framed(events)
        elif not await services.tail.beyond(after, HEARTBEAT_SECONDS):
            yield ": still here\n\n"


def framed(events: Iterable[Stored]) -> str:
    return "".join(
        f"id: {stored.position}\nevent: {stored.type}\ndata: {shown(stored).model_dump_json(exclude_none=True)}\n\n"
        for stored in events
    )
