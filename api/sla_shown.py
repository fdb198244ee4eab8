"""sla_shown: what do readers get to see of clocks, and of promises that were kept or broken?"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from aggregates.sla.clock import State, Why
from aggregates.sla.terms import TimeKind
from aggregates.ticket.events import Metric, Priority, Status
from api.shown import Human, Shown
from projections.sla_queries import BoardState


def _seconds(value: object) -> object:
    return value.total_seconds() if isinstance(value, timedelta) else value


Duration = Annotated[float, BeforeValidator(_seconds), Field(description="exact to the microsecond", examples=[90.5])]
Left = Annotated[
    float | None, BeforeValidator(_seconds), Field(description="of the target; negative once it has passed")
]
TARGET = "in seconds; null: nothing is promised"


class StandingShown(Shown):
    """Versions of a policy and of a calendar. `policy` null: nothing is promised."""

    policy: UUID | None
    policy_version: int | None
    policy_name: str | None
    calendar: UUID | None
    calendar_version: int | None
    calendar_name: str | None


class SpanShown(Shown):
    """A stretch in which nothing about a clock changed. `sum`: `seconds` of this one and of all before it."""

    since: datetime = Field(serialization_alias="from")
    until: datetime | None = Field(serialization_alias="to", description="null: it lasts")
    running: bool
    why: Why = Field(description="the ticket's status, or why else it runs or stands still")
    seconds: Duration
    sum: Duration
    time: TimeKind
    standing: StandingShown
    target: int | None = Field(description=TARGET)
    due: datetime | None = Field(description="when the target would be reached, if the clock ran on like this")


class ClockShown(Shown):
    """One cycle of a metric. Its `spans` add up to `elapsed`.

    `ended` without `met`: by resolving the ticket, or because nothing was promised.
    """

    metric: Metric
    cycle: int
    state: State
    target: int | None = Field(description=TARGET)
    elapsed: Duration
    remaining: Left
    due: datetime | None = Field(description="when it will be broken, if nothing changes; null while it stands still")
    warned_at: datetime | None
    breached_at: datetime | None = Field(description="the very instant at which it was due")
    met_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    steps: list[SpanShown] = Field(serialization_alias="spans")


class TicketSlaShown(Shown):
    """What was promised on a ticket, as of `at`."""

    at: datetime
    number: Human
    status: Status
    standing: StandingShown = Field(description="what holds now")
    opened_at: datetime | None
    first_resolved_at: datetime | None
    last_resolved_at: datetime | None
    closes_at: datetime | None = Field(description="when it closes by itself, if nothing changes")
    clocks: list[ClockShown]


class BoardRowShown(Shown):
    ticket: UUID
    number: Human
    metric: Metric
    cycle: int
    state: BoardState
    due: datetime | None = Field(description="when it is or was due; null while it stands still")
    remaining: Left
    target: int | None = Field(description=TARGET)
    team: UUID | None
    assignee: UUID | None
    priority: Priority
    status: Status


class BoardPage(Shown):
    """`at`: the instant of which `state` and `remaining` tell."""

    at: datetime
    items: list[BoardRowShown]
    next: str | None = Field(description="the `cursor` of the next page")


class StandingsShown(Shown):
    """Clocks that did not end, of one team's or agent's tickets. A clock at risk is not counted as running, too."""

    whose: UUID | None = Field(description="null: tickets that nobody has")
    breached: int
    at_risk: int
    running: int
    paused: int
    next_due: datetime | None = Field(description="of those that are not breached")


class BoardSummary(Shown):
    at: datetime
    by: Literal["team", "agent"]
    items: list[StandingsShown]


class BreachShown(Shown):
    """Whom and what it met when it fell due, as it was noted in the ticket at `version`."""

    ticket: UUID
    number: Human
    version: int
    metric: Metric
    cycle: int
    target: int = Field(description="in seconds")
    due: datetime
    status: Status
    team: UUID | None
    agent: UUID | None
    policy: UUID
    policy_version: int
    noted_at: datetime
    withdrawn_at: datetime | None = Field(description="when it turned out that it was none")


class BreachesPage(Shown):
    items: list[BreachShown]
    next: str | None = Field(description="the `cursor` of the next page")


class Kept(Shown):
    met: int
    breached: int
    compliance: float | None = Field(description="met, as a share of met and breached; null where there were none")


class BucketShown(Kept):
    starts: date = Field(description="in the time zone that was asked for")


class MetricCompliance(Kept):
    metric: Metric
    buckets: list[BucketShown]


class ComplianceShown(Shown):
    """Cycles by when they ended: kept promises by when they were kept, broken ones by when they were due."""

    metrics: list[MetricCompliance]
