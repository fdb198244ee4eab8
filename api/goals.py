"""HTTP for goals: what the desk wants of whom, how far it has come, and which tickets counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import Query, Response
from psycopg import AsyncConnection
from psycopg.errors import QueryCanceled
from pydantic import AwareDatetime

from aggregates.envelope import recorded
from aggregates.goals.goals import GOAL_LIST, GoalList, PublishGoal, RetireGoal
from aggregates.goals.terms import EARLIEST, LATEST
from aggregates.moment import Moment
from api.as_of import Then
from api.asking import Ask, AskAnew, newest, stamp
from api.callers import FigureCaller, LeadCaller
from api.desk import Id
from api.goals_shown import (
    AsOfShown,
    GoalChanged,
    GoalExplained,
    GoalHistoryShown,
    GoalShown,
    GoalsShown,
    GoalVersionsShown,
    ProgressesShown,
    ProgressShown,
    explained,
    goal_shown,
    progress_shown,
    stood_shown,
    versions_shown,
)
from api.reading import Cursor, Limit, Read, Reading, found
from api.reports import too_much
from api.services import Services, Shared
from api.strict import invalid, router
from commands.context import Accepted
from commands.goals import change_goal, goals_seen
from projections.cursor import bound, unbound
from projections.metrics.goal_list import goals_known
from projections.metrics.goal_tickets import Counted, tickets
from replay.goals import history, progress

goals = router("/goals", "goals")
VIEW = "figures"
YEAR, MICROSECOND = timedelta(days=366), timedelta(microseconds=1)
From = Annotated[AwareDatetime | None, Query(alias="from", description="periods that reach beyond it; else a year ago")]
To = Annotated[AwareDatetime | None, Query(alias="to", description="periods that begin before it; else now")]
InPeriod = Annotated[
    AwareDatetime | None, Query(alias="in", description="an instant of the period to explain; else the one that runs")
]


@dataclass(frozen=True, slots=True)
class Knowing:
    """What was known at a moment: the goals, and where to measure them."""

    connection: AsyncConnection[Any]
    goals: GoalList
    moment: Moment

    @property
    def as_of(self) -> AsOfShown:
        return AsOfShown(position=self.moment.position, at=self.moment.at)

    def require(self, goal: UUID) -> None:
        """Raises NotFound."""
        found(self.goals.steps.get(goal), "goal")


@asynccontextmanager
async def knowing(read: Reading, then: Moment | None) -> AsyncIterator[Knowing]:
    """Now: as far as the figures have come, so that the same is known when it is asked for at their position."""
    async with read.view(VIEW, then) as connection:
        moment = then or Moment("recorded", await read.reached(VIEW), datetime.now(UTC))
        try:
            yield Knowing(connection, await goals_known(connection, moment), moment)
        except QueryCanceled:
            raise too_much() from None


@goals.get("")
async def list_goals(who: FigureCaller, services: Shared, response: Response) -> GoalsShown:
    """All goals with their versions, by when each was first published; never behind."""
    listed, now = await _listed(services, response), datetime.now(UTC)
    shown = {goal: goal_shown(listed, goal, now) for goal in listed.steps}
    return GoalsShown(
        version=listed.version,
        goals=[shown[goal] for goal in listed.kept],
        retired=[one for goal, one in shown.items() if goal not in listed.kept],
    )


@goals.post("", status_code=201)
async def publish_goal(who: LeadCaller, body: PublishGoal, ask: AskAnew, response: Response) -> GoalChanged:
    """Publish a new goal."""
    context = ask.context(who, body, "goal")
    goal = uuid5(context.command_id, "goal")
    accepted = await change_goal(ask.services.handler, body, context, goal)
    response.headers["Location"] = f"/v1/goals/{goal}"
    return _told(response, accepted, goal)


@goals.put("/{id}")
async def publish_goal_as(who: LeadCaller, id: Id, body: PublishGoal, ask: Ask, response: Response) -> GoalChanged:
    """Publish a new version of a goal, a retired one again, or a new one under an id of your own choice."""
    context = ask.context(who, body, f"goal {id}")
    return _told(response, await change_goal(ask.services.handler, body, context, id), id)


@goals.delete("/{id}")
async def retire_goal(who: LeadCaller, id: Id, ask: Ask, response: Response) -> GoalChanged:
    """Retire a goal: it holds no longer, and what it was stays readable."""
    command = RetireGoal()
    context = ask.context(who, command, f"goal {id}")
    return _told(response, await change_goal(ask.services.handler, command, context, id), id)


@goals.get("/progress")
async def get_goals_progress(who: FigureCaller, read: Read, then: Then) -> ProgressesShown:
    """How each goal stands in the period that runs, now or at a moment."""
    async with knowing(read, then) as known:
        stood = await progress(known.connection, known.goals, known.goals.kept, known.moment)
    return ProgressesShown(as_of=known.as_of, goals=[progress_shown(one, known.as_of) for one in stood])


@goals.get("/{id}")
async def get_goal(who: FigureCaller, id: Id, services: Shared, response: Response) -> GoalShown:
    """A goal in all its versions; never behind."""
    listed = await _listed(services, response)
    found(listed.steps.get(id), "goal")
    return goal_shown(listed, id, datetime.now(UTC))


@goals.get("/{id}/versions")
async def list_goal_versions(who: FigureCaller, id: Id, services: Shared, response: Response) -> GoalVersionsShown:
    """Every version that was ever published: what it said, from when, who published it and when."""
    listed = await _listed(services, response)
    steps = found(listed.steps.get(id), "goal")
    return versions_shown(steps, [recorded(stored) for stored in await services.store.stream(GOAL_LIST)])


@goals.get("/{id}/progress")
async def get_goal_progress(who: FigureCaller, id: Id, read: Read, then: Then) -> ProgressShown:
    """How a goal stands in the period that runs, now or at a moment."""
    async with knowing(read, then) as known:
        known.require(id)
        (stood,) = await progress(known.connection, known.goals, [id], known.moment)
    return progress_shown(stood, known.as_of)


@goals.get("/{id}/history")
async def get_goal_history(
    who: FigureCaller, id: Id, read: Read, then: Then, since: From = None, until: To = None
) -> GoalHistoryShown:
    """How a goal stood period by period: each by the version that was in force when it ended."""
    async with knowing(read, then) as known:
        known.require(id)
        begin, end = _range(since, until or known.moment.at)
        stood = await history(known.connection, known.goals, id, begin, end, known.moment)
    return GoalHistoryShown(goal=id, as_of=known.as_of, periods=[stood_shown(one) for one in stood])


@goals.get("/{id}/explain")
async def explain_goal(
    who: FigureCaller,
    id: Id,
    read: Read,
    then: Then,
    at: InPeriod = None,
    counted: Annotated[Counted | None, Query(description="only what counted so; of shares")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> GoalExplained:
    """The tickets that counted for and against a goal in one of its periods, newest first."""
    async with knowing(read, then) as known:
        known.require(id)
        instant = at or known.moment.at
        if not EARLIEST <= instant < LATEST:
            raise invalid("query.in", "beyond_calendars")
        stood = await history(known.connection, known.goals, id, instant, instant + MICROSECOND, known.moment)
        (one,) = found(stood[-1:] or None, "period")
        past = f"{then.past if then else ''} {one.judged.period.since.isoformat()} {counted}"
        moment, inner = known.moment, unbound(cursor, past)
        page = await tickets(known.connection, one.judged, moment.position, moment.at, counted, limit, inner)
    return explained(one, bound(page, past), known.as_of)


async def _listed(services: Services, response: Response) -> GoalList:
    return goals_seen(await newest(GOAL_LIST, services, response))


def _range(since: datetime | None, until: datetime) -> tuple[datetime, datetime]:
    if not EARLIEST < until <= LATEST:
        raise invalid("query.to", "beyond_calendars")
    since = since or max(until - YEAR, EARLIEST)
    if not EARLIEST <= since < until:
        raise invalid("query.from", "not_before_to")
    return since, until


def _told(response: Response, accepted: Accepted, goal: UUID) -> GoalChanged:
    stamp(response, accepted)
    return GoalChanged(goal=goal, version=accepted.version, position=accepted.position, events=accepted.events)
