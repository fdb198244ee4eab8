"""HTTP for work lists: what is there to do, and how much of it?"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query

from aggregates.ticket.commands import Claim
from aggregates.ticket.events import Channel, Level, Priority, Status
from api.answers import CommandAnswer
from api.as_of import Then
from api.asking import AskAnew
from api.callers import AgentCaller, FigureCaller, ReaderCaller
from api.giving import VIEW, give_next
from api.reading import Cursor, Limit, Read
from api.shown import CountsShown, QueuePage, TeamCount
from api.strict import invalid, router
from projections import queues_past, queues_queries
from projections.queues_queries import QueueFilter, Sort, UnsupportedList

queues = router("/queues", "queues")
TeamOrAny = Annotated[
    UUID | Literal["any"], Path(description="a team's id, or `any`: tickets of every team and of none")
]
Text = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


@queues.get("")
async def list_queue(
    who: ReaderCaller,
    read: Read,
    then: Then,
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
    """A page of tickets, as they are now or were at a moment: by team, assignee, status, priority or unassigned."""
    wanted = QueueFilter(team, assignee, unassigned, status, priority, level, category, channel, tag, requester)
    async with read.view(VIEW, then) as connection:
        try:
            if then is None:
                page = await queues_queries.queue_page(connection, wanted, limit, sort, cursor)
            else:
                page = await queues_past.queue_page(connection, then, wanted, limit, sort, cursor)
        except UnsupportedList:
            raise invalid("query.sort", "sort_of_closed") from None
    return QueuePage.model_validate(page)


@queues.post("/{team}/next")
async def claim_next(who: AgentCaller, read: Read, ask: AskAnew, team: TeamOrAny) -> CommandAnswer:
    """Get the ticket to do now and claim it, in one step: nobody else is given it.

    Of the new and open ones that nobody has and that your skills are for: first those of VIPs, then by priority,
    then those that wait longest. 404 `queue.empty` if there is none, 409 `agent.at_capacity` if you have as many
    open tickets as your capacity allows.
    """
    # Told apart by what was asked, not by what was found: a retry finds its own success.
    context = ask.context(who, Claim(), f"next {team}")
    accepted = await give_next(ask.services, read, who.id, team if isinstance(team, UUID) else None, context)
    return ask.told(accepted, accepted.stream)


@queues.get("/counts")
async def count_queue(who: FigureCaller, read: Read, then: Then, team: UUID | None = None) -> CountsShown:
    """How many tickets are not closed, or were not at a moment, by team, status and priority."""
    async with read.view(VIEW, then) as connection:
        if then is None:
            counts = await queues_queries.counts(connection, team)
        else:
            counts = await queues_past.counts(connection, then, team)
    return CountsShown(
        total=counts.total,
        unassigned=counts.unassigned,
        by_team=[TeamCount(team=id, tickets=tickets) for id, tickets in counts.by_team.items()],
        by_status={str(status): tickets for status, tickets in counts.by_status.items()},
        by_priority={str(priority): tickets for priority, tickets in counts.by_priority.items()},
    )
