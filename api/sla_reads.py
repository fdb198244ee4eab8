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
from aggregates.envelope import Stored, recorded
from aggregates.sla.catalogue import Catalogue
from aggregates.sla.clocks import clocks
from aggregates.sla.explain import Explanation, explain
from aggregates.ticket.events import Metric, Priority
from api.asking import POSITION, TicketId, etag, ticket_id
from api.callers import FigureCaller, ReaderCaller
from api.compliance import By, compliance, periods
from api.reading import Cursor, Limit, Read, found
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
from projections.sla_queries import BoardFilter, BoardState, Grouping
from projections.sla_report_queries import BreachFilter

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
    ticket: TicketId,
    services: Shared,
    response: Response,
    metric: MetricAsked = None,
    all: Annotated[bool, Query(description="clocks that nothing was ever promised for, too")] = False,
) -> TicketSlaShown:
    """A ticket's clocks right now, each with the spans that add up to what it says; from the log itself."""
    stored = await services.store.stream(ticket)
    newest = found(stored[-1] if stored and stored[0].type.startswith("ticket.") else None, "ticket")
    book = await services.book.fresh()
    told = await asyncio.to_thread(_explained, stored, book, datetime.now(UTC), metric, unpromised=all)
    response.headers["ETag"] = etag(newest.version)
    response.headers[POSITION] = str(newest.position)
    return TicketSlaShown.model_validate(told)


@sla.get("/board")
async def get_sla_board(
    who: ReaderCaller,
    read: Read,
    team: UUID | None = None,
    assignee: UUID | None = None,
    metric: MetricAsked = None,
    priority: Priority | None = None,
    state: Annotated[BoardState | None, Query(description="none: all that is or was due")] = None,
    due_within: Within = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> BoardPage:
    """What is due next on tickets that are worked on; first what is overdue, the oldest first."""
    wanted = BoardFilter(team, assignee, metric, priority, state, due_within)
    async with read.view(VIEW) as connection:
        now = datetime.now(UTC)
        page = await sla_queries.board(connection, wanted, now, limit, cursor)
    book = await read.services.book.fresh()
    return BoardPage(at=now, items=[board_row(row, now, book) for row in page.items], next=page.next)


@sla.get("/board/summary")
async def get_sla_board_summary(
    who: FigureCaller, read: Read, by: Annotated[Grouping, Query()] = "team"
) -> BoardSummary:
    """How many clocks are broken, at risk or in time, by team or by agent; those with the most broken ones first."""
    async with read.view(VIEW) as connection:
        now = datetime.now(UTC)
        found = await sla_queries.standings(connection, by, now)
    return BoardSummary(at=now, by=by, items=[StandingsShown.model_validate(standings) for standings in found])


@sla.get("/breaches")
async def list_sla_breaches(
    who: ReaderCaller,
    read: Read,
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
    """Promises that were broken, and whom and what that met then; newest first."""
    about = None if ticket is None else await ticket_id(ticket, read.services, "query.ticket")
    wanted = BreachFilter(since, until, team, agent, metric, policy, about, withdrawn)
    async with read.view(VIEW) as connection:
        page = await sla_report_queries.breaches(connection, wanted, limit, cursor)
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


def board_row(row: sla_queries.BoardRow, now: datetime, book: Catalogue) -> BoardRowShown:
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


def _explained(
    stored: Sequence[Stored], book: Catalogue, now: datetime, metric: Metric | None, *, unpromised: bool
) -> Explanation:
    folded = clocks(map(recorded, stored), book)
    return explain(folded, now, book.calendar_name, metric=metric, unpromised=unpromised)
