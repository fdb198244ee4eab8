"""HTTP for SLA: why a ticket's clocks say what they say, what is due next, and which promises were kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import AwareDatetime

from aggregates.business_time import UnknownZone, zone_of
from aggregates.envelope import Recorded, Stored, recorded
from aggregates.moment import Moment
from aggregates.sla.catalogue import Catalogue
from aggregates.sla.clocks import clocks
from aggregates.sla.explain import Explanation, explain
from aggregates.ticket.events import Metric, Priority
from api.as_of import Known, Then, TicketThen
from api.asking import POSITION, etag, ticket_id
from api.callers import FigureCaller, ReaderCaller
from api.compliance import By, compliance, periods
from api.reading import Cursor, Limit, Read, cursors
from api.services import Shared
from api.sla_shown import (
    BoardPage,
    BoardRowShown,
    BoardSummary,
    BreachesPage,
    ComplianceShown,
    StandingsShown,
    TicketSlaShown,
)
from api.strict import invalid, router
from projections import sla_queries, sla_report_queries
from projections.sla_queries import BoardFilter, BoardRow, BoardState, Grouping
from projections.sla_report_queries import BreachFilter
from replay.past.sla import board_page, standings_then
from replay.past.ticket import promised

ticket_sla = router("/tickets", "sla")
sla = router("/sla", "sla")
VIEW = "sla"
MetricAsked = Annotated[Metric | None, Query(description="only clocks of this metric")]
From = Annotated[AwareDatetime, Query(alias="from")]
To = Annotated[AwareDatetime, Query(alias="to")]
Since = Annotated[AwareDatetime | None, Query(alias="from", description="due then or later")]
Until = Annotated[AwareDatetime | None, Query(alias="to", description="due before")]
Within = Annotated[int | None, Query(ge=0, le=315_360_000, description="seconds; what was due already is among them")]


@ticket_sla.get("/{ticket}/sla")
async def get_ticket_sla(
    who: ReaderCaller,
    ticket: TicketThen,
    services: Shared,
    response: Response,
    metric: MetricAsked = None,
    all: Annotated[bool, Query(description="clocks that nothing was ever promised for, too")] = False,
) -> TicketSlaShown:
    """A ticket's clocks right now or at a moment, each with the spans that add up to what it says; from the log."""
    stored = await ticket.stored()
    past = None if ticket.now else await ticket.of(stored)
    book = await services.book.fresh()
    if past is None:
        facts, now = await asyncio.to_thread(_decoded, stored), datetime.now(UTC)
        response.headers["ETag"] = etag(stored[-1].version)
        response.headers[POSITION] = str(stored[-1].position)
    else:
        facts, now = promised(past.history, past.moment), past.moment.at
    told = await asyncio.to_thread(_explained, facts, book, now, metric, unpromised=all)
    return TicketSlaShown.model_validate(told)


@sla.get("/board")
async def get_sla_board(
    who: ReaderCaller,
    read: Read,
    then: Then,
    team: UUID | None = None,
    assignee: UUID | None = None,
    metric: MetricAsked = None,
    priority: Priority | None = None,
    state: Annotated[BoardState | None, Query(description="none: all that is or was due")] = None,
    due_within: Within = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> BoardPage:
    """What is due next on tickets that are worked on, or was at a moment; first what is overdue, the oldest first."""
    wanted = BoardFilter(team, assignee, metric, priority, state, due_within)
    if then is None:
        async with read.view(VIEW) as connection:
            now = datetime.now(UTC)
            page = await sla_queries.board(connection, wanted, now, limit, cursor)
    else:
        board, now = await _board_then(read, then), then.at
        with cursors():
            page = board_page(board, wanted, then, limit, cursor)
    book = await read.services.book.fresh()
    return BoardPage(at=now, items=[board_row(row, now, book) for row in page.items], next=page.next)


@sla.get("/board/summary")
async def get_sla_board_summary(
    who: FigureCaller, read: Read, then: Then, by: Annotated[Grouping, Query()] = "team"
) -> BoardSummary:
    """How many clocks are broken, at risk or in time, by team or by agent; those with the most broken ones first."""
    if then is None:
        async with read.view(VIEW) as connection:
            now = datetime.now(UTC)
            found = await sla_queries.standings(connection, by, now)
    else:
        board, now = await _board_then(read, then), then.at
        found = standings_then(board, by, now)
    return BoardSummary(at=now, by=by, items=[StandingsShown.model_validate(standings) for standings in found])


@sla.get("/breaches")
async def list_sla_breaches(
    who: ReaderCaller,
    read: Read,
    known: Known,
    since: Since = None,
    until: Until = None,
    team: UUID | None = None,
    agent: UUID | None = None,
    metric: MetricAsked = None,
    policy: UUID | None = None,
    ticket: Annotated[str | None, Query(max_length=64, description="a UUID, or a number such as `T-1042`")] = None,
    withdrawn: Annotated[bool, Query(description="those that turned out to be none, instead")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> BreachesPage:
    """Promises that were broken, and whom and what that met then; newest first; as it was known then, if asked."""
    about = None if ticket is None else await ticket_id(ticket, read.services, "query.ticket")
    wanted = BreachFilter(since, until, team, agent, metric, policy, about, withdrawn)
    async with read.view(VIEW, known) as connection:
        if known is None:
            page = await sla_report_queries.breaches(connection, wanted, limit, cursor)
        else:
            page = await sla_report_queries.breaches_known(connection, wanted, known, limit, cursor)
    return BreachesPage.model_validate(page)


@sla.get("/compliance")
async def get_sla_compliance(
    who: FigureCaller,
    read: Read,
    since: From,
    until: To,
    by: By = "month",
    tz: Annotated[str, Query(max_length=64, description="whose days, weeks and months these are")] = "UTC",
) -> ComplianceShown:
    """Which share of the promises was kept, per metric and day, week or month."""
    try:
        zone = zone_of(tz)
    except UnknownZone:
        raise invalid("query.tz", "unknown_zone") from None
    days = periods(since, until, by, zone)
    async with read.view(VIEW) as connection:
        starts = [instant for _, instant in days]
        outcomes = await sla_report_queries.outcomes(connection, since, until, starts, datetime.now(UTC))
    return compliance([day for day, _ in days], outcomes)


async def _board_then(read: Read, then: Moment) -> Sequence[BoardRow]:
    """Which tickets were worked on then, the queues know; their clocks are folded from the log."""
    await read.reached("queues", then.position)
    return await read.services.past_boards.board(read.services.store, then, await read.services.book.fresh())


def board_row(row: BoardRow, now: datetime, book: Catalogue) -> BoardRowShown:
    return BoardRowShown(
        ticket=row.ticket,
        number=row.number,  # type: ignore[arg-type]
        metric=row.metric,
        cycle=row.cycle,
        state=row.state(now),
        due=row.due,
        remaining=row.remaining(now, book),  # type: ignore[arg-type]
        target=row.target,
        team=row.team,
        assignee=row.assignee,
        priority=row.priority,
        status=row.status,
    )


def _decoded(stored: Sequence[Stored]) -> list[Recorded]:
    return [recorded(event) for event in stored]


def _explained(
    facts: Sequence[Recorded], book: Catalogue, now: datetime, metric: Metric | None, *, unpromised: bool
) -> Explanation:
    return explain(clocks(facts, book), now, book.calendar_name, metric=metric, unpromised=unpromised)
