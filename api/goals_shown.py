"""goals_shown: what do readers get to see of goals, of how they stand, and of what counted?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from aggregates.envelope import Recorded
from aggregates.goals.goals import GoalList, Step, Version
from aggregates.goals.terms import TIMED, Figure, GoalTerms, Share
from api.answers import human
from api.shown import ActorShown, Shown
from projections.cursor import Page
from projections.metrics.answer import Grounds, Period, Unit
from projections.metrics.goal_standing import Standing, definition, needed, standing, value, wanted
from projections.metrics.goal_tickets import Ticket
from projections.metrics.measure import MICROSECONDS
from replay.goals import Progress, Stood

LISTED = "the version of the list with which it came"
VALUE = "a share from 0 to 1, or seconds, a score or tickets; null: nothing was measured"


class GoalVersionShown(Shown):
    number: int
    terms: GoalTerms
    effective_from: datetime
    listed: int = Field(description=LISTED)


class GoalShown(BaseModel):
    """A goal in all its versions. `holds`: the one that is in force right now."""

    id: UUID
    name: str
    holds: int | None
    versions: list[GoalVersionShown]


class GoalsShown(BaseModel):
    """The list, by when each was first published. Its `version` is its ETag."""

    version: int
    goals: list[GoalShown]
    retired: list[GoalShown]


class AsOfShown(BaseModel):
    position: int = Field(description="nothing behind it is known")
    at: datetime = Field(description="now, or the instant asked for: its period is the one that runs")


class GoalPublishedShown(GoalVersionShown):
    published_at: datetime
    published_by: ActorShown


class GoalRetiredShown(BaseModel):
    listed: int = Field(description=LISTED)
    effective_from: datetime
    retired_at: datetime
    retired_by: ActorShown


class GoalVersionsShown(BaseModel):
    """Every version that was ever published, and when it was retired."""

    versions: list[GoalPublishedShown]
    retirements: list[GoalRetiredShown]


class GoalChanged(BaseModel):
    """What a command did. No events: it was so already."""

    goal: UUID
    version: int = Field(description="of the list, after this command")
    position: int
    events: list[str] = Field(examples=[["goal_list.published.v1"]])


class MeasureShown(Shown):
    """Of what is measured: as in the catalogue of metrics."""

    name: str = Field(examples=["full_resolution_avg"])
    version: int
    unit: Unit
    words: str


class GoalStandingShown(BaseModel):
    """A goal in one period, by the version of it that judges that period."""

    period: Period
    version: int = Field(description="of the goal")
    metric: MeasureShown
    target: Annotated[Share | Figure, Field(discriminator="kind")]
    standing: Standing
    value: float | None = Field(description=VALUE)
    wanted: float = Field(description="what `value` must reach, or stay within")
    numerator: int | None = Field(description="of a share: how many were as the goal wants them")
    denominator: int = Field(description="how many were measured")
    grounds: Grounds = Field(description="of promises and business time: versions of policies and calendars")
    needed: int | None = Field(description="of a share that is behind: how many good ones in a row would mend it")


class ProgressShown(BaseModel):
    """`standing`: of the period that runs; null: the goal is not in force."""

    goal: UUID
    name: str
    team: UUID | None
    agent: UUID | None
    as_of: AsOfShown
    standing: GoalStandingShown | None


class ProgressesShown(BaseModel):
    as_of: AsOfShown
    goals: list[ProgressShown]


class GoalHistoryShown(BaseModel):
    """Periods in order of time. One that still runs is the last."""

    goal: UUID
    as_of: AsOfShown
    periods: list[GoalStandingShown]


class CountedShown(Shown):
    """What one ticket gave, in the unit of the metric."""

    ticket: UUID
    number: str = Field(examples=["T-1042"])
    version: int = Field(description="of the ticket: the event with which it was measured")
    at: datetime
    value: float | None
    counted: str | None = Field(description="`for` or `against`; null where it is no share", examples=["against"])


class GoalExplained(BaseModel):
    as_of: AsOfShown
    standing: GoalStandingShown
    items: list[CountedShown]
    next: str | None = Field(description="the `cursor` of the next page")


def goal_shown(listed: GoalList, goal: UUID, now: datetime) -> GoalShown:
    versions, holds = listed.versions(goal), listed.in_force(goal, now)
    return GoalShown(
        id=goal,
        name=versions[-1].terms.name,
        holds=None if holds is None else holds.number,
        versions=[GoalVersionShown.model_validate(version) for version in versions],
    )


def versions_shown(steps: Sequence[Step], events: Sequence[Recorded]) -> GoalVersionsShown:
    """`events`: all of the list's."""
    told = GoalVersionsShown(versions=[], retirements=[])
    for step in steps:
        event = events[step.listed - 1]
        at, by = event.recorded_at, ActorShown.model_validate(event.actor)
        if isinstance(step, Version):
            shown = dict(GoalVersionShown.model_validate(step))
            told.versions.append(GoalPublishedShown(**shown, published_at=at, published_by=by))
        else:
            since = step.effective_from
            retired = GoalRetiredShown(listed=step.listed, effective_from=since, retired_at=at, retired_by=by)
            told.retirements.append(retired)
    return told


def progress_shown(progress: Progress, as_of: AsOfShown) -> ProgressShown:
    """By the version in force, or else the one that was published last."""
    version = progress.newest if progress.stood is None else progress.stood.judged.version
    return ProgressShown(
        goal=version.goal,
        name=version.terms.name,
        team=version.terms.team,
        agent=version.terms.agent,
        as_of=as_of,
        standing=None if progress.stood is None else stood_shown(progress.stood),
    )


def stood_shown(stood: Stood) -> GoalStandingShown:
    version, found = stood.judged.version, stood.found
    terms = version.terms
    now = value(terms, found)
    return GoalStandingShown(
        period=stood.judged.period,
        version=version.number,
        metric=MeasureShown.model_validate(definition(terms)),
        target=terms.target,
        standing=standing(terms, found, over=stood.over),
        value=None if now is None else float(now),
        wanted=float(wanted(terms.target)),
        numerator=found.good if isinstance(terms.target, Share) else None,
        denominator=found.measured,
        grounds=stood.grounds,
        needed=None if stood.over else needed(terms, found),
    )


def explained(stood: Stood, page: Page[Ticket], as_of: AsOfShown) -> GoalExplained:
    terms = stood.judged.version.terms
    return GoalExplained(
        as_of=as_of,
        standing=stood_shown(stood),
        items=[_counted(terms, ticket) for ticket in page.items],
        next=page.next,
    )


def _counted(terms: GoalTerms, ticket: Ticket) -> CountedShown:
    value = ticket.value
    return CountedShown(
        ticket=ticket.ticket,
        number=human(ticket.number),
        version=ticket.version,
        at=ticket.at,
        value=value / MICROSECONDS if value is not None and terms.metric in TIMED else value,
        counted=None if ticket.good is None else "for" if ticket.good else "against",
    )
