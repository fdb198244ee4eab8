"""HTTP for work lists: what is there to do, and how much of it?"""

from __future__ import annotations

import contextlib
from typing import Annotated
from uuid import UUID

from fastapi import Query

from aggregates.errors import NotFound, RuleBroken, Unavailable
from aggregates.ticket.commands import Claim
from aggregates.ticket.events import Channel, Level, Priority, Status
from api.answers import CommandAnswer
from api.asking import AskAnew
from api.callers import AgentCaller, FigureCaller, ReaderCaller
from api.reading import Cursor, Limit, Read
from api.shown import CountsShown, QueuePage, TeamCount
from api.strict import invalid, router
from projections import queues_queries
from projections.queues_queries import QueueFilter, Sort, UnsupportedList

queues = router("/queues", "queues")
VIEW = "queues"
TRIES = 20
Text = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


@queues.get("")
async def list_queue(
    who: ReaderCaller,
    read: Read,
    team: UUID | None = None,
    assignee: UUID | None = None,
    unassigned: bool | None = None,
    status: Annotated[
        list[Status] | None, Query(max_length=6, description="any of these; none: all but closed")
    ] = None,
    priority: Annotated[list[Priority] | None, Query(max_length=4, description="any of these")] = None,
    level: Level | None = None,
    channel: Channel | None = None,
    category: Text = None,
    tag: Text = None,
    requester: UUID | None = None,
    sort: Annotated[Sort, Query(description="closed tickets: opened, newest or updated")] = "waiting",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> QueuePage:
    """A page of tickets: by team, assignee, status, priority or unassigned."""
    wanted = QueueFilter(team, assignee, unassigned, status, priority, level, category, channel, tag, requester)
    async with read.view(VIEW) as connection:
        try:
            page = await queues_queries.queue_page(connection, wanted, limit, sort, cursor)
        except UnsupportedList:
            raise invalid("query.sort", "sort_of_closed") from None
    return QueuePage.model_validate(page)


@queues.post("/next")
async def claim_next(who: AgentCaller, read: Read, ask: AskAnew, team: UUID | None = None) -> CommandAnswer:
    """Claim the ticket to do now: of those that nobody has the most urgent, then the one that waits longest."""
    command = Claim()
    # Told apart by what was asked, not by what was found: a retry finds its own success.
    context = ask.context(who, command, f"next {team}")
    taken: list[UUID] = []
    while len(taken) < TRIES:
        async with read.view(VIEW) as connection:
            item = await queues_queries.next_ticket(connection, team, skip=taken)
        if item is None:
            raise NotFound("queue.empty", "There is nothing to do.")
        with contextlib.suppress(RuleBroken):
            accepted = await ask.services.tickets.work(item.id, command, context)
            if accepted.facts:
                return ask.told(accepted, accepted.stream)
        taken.append(item.id)
    raise Unavailable("queue.contended", "Others took what was found; try again.")


@queues.get("/counts")
async def count_queue(who: FigureCaller, read: Read, team: UUID | None = None) -> CountsShown:
    """How many tickets are not closed, by team, status and priority."""
    async with read.view(VIEW) as connection:
        counts = await queues_queries.counts(connection, team)
    return CountsShown(
        total=counts.total,
        unassigned=counts.unassigned,
        by_team=[TeamCount(team=id, tickets=tickets) for id, tickets in counts.by_team.items()],
        by_status={str(status): tickets for status, tickets in counts.by_status.items()},
        by_priority={str(priority): tickets for priority, tickets in counts.by_priority.items()},
    )
