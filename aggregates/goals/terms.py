"""What does one version of a goal want, of whom, and of which tickets?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from aggregates.business_time import UnknownZone, zone_of
from aggregates.desk import Desk
from aggregates.errors import Unacceptable
from aggregates.sla.terms import Part, Seconds, TimeKind
from aggregates.text import Name, Tag, distinct
from aggregates.ticket.events import Channel, Metric, Priority, TicketType

GoalMetric = Literal["resolution", "first_reply", "next_reply", "satisfaction", "sla_compliance", "backlog"]
Every = Literal["day", "week", "month", "quarter"]
Statistic = Literal["average", "p50", "p90", "p95", "count"]
Percent = Annotated[float, Field(ge=1, le=100, strict=True)]
Score = Annotated[int, Field(ge=1, le=5, strict=True)]
TIMED: frozenset[GoalMetric] = frozenset({"resolution", "first_reply", "next_reply"})
TIMES: frozenset[Statistic] = frozenset({"average", "p50", "p90", "p95"})
STATISTICS: Mapping[GoalMetric, frozenset[Statistic]] = {
    **dict.fromkeys(TIMED, TIMES),
    "satisfaction": frozenset({"average"}),
    "sla_compliance": frozenset(),
    "backlog": frozenset({"count"}),
}


class Share(Part):
    """At least `percent` of what was measured was good: took no longer than `within` seconds; was rated `score` or
    better; was a promise that was kept."""

    kind: Literal["share"] = "share"
    percent: Percent
    within: Seconds | None = None
    score: Score | None = None


class Figure(Part):
    """A statistic of all that was measured is at most, or at least, `value`: seconds, a score, or open tickets."""

    kind: Literal["figure"] = "figure"
    statistic: Statistic
    bound: Literal["at_most", "at_least"] = "at_most"
    value: Annotated[float, Field(ge=0, le=10**12, strict=True)]


class Conditions(Part):
    """Which tickets count: each that is listed narrows them to one of its values; a tag: to those that have one.

    An inquiry is a ticket of type `question`.
    """

    ticket_types: Annotated[tuple[TicketType, ...], AfterValidator(distinct)] = ()
    channels: Annotated[tuple[Channel, ...], AfterValidator(distinct)] = ()
    categories: Annotated[tuple[Name, ...], Field(max_length=50), AfterValidator(distinct)] = ()
    priorities: Annotated[tuple[Priority, ...], AfterValidator(distinct)] = ()
    tags: Annotated[tuple[Tag, ...], Field(max_length=50), AfterValidator(distinct)] = ()


class GoalTerms(Part):
    """One version of a goal, of a team, of an agent, or of the whole desk.

    agent     what they did: replies, and what they were rated for; resolutions, promises and the backlog of tickets
              that they had
    promise   of sla_compliance: only this promise; None: all of them
    time      how a timed metric is measured
    zone      whose local days make up the periods; weeks begin on Monday
    until     it holds no longer from then on
    """

    name: Name
    team: UUID | None = None
    agent: UUID | None = None
    metric: GoalMetric
    promise: Metric | None = None
    time: TimeKind = "calendar"
    target: Annotated[Share | Figure, Field(discriminator="kind")]
    conditions: Conditions = Field(default_factory=Conditions)
    period: Every = "month"
    zone: Name = "UTC"
    until: AwareDatetime | None = None


EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def exactly(value: float) -> Fraction:
    """The decimal that somebody wrote, not the binary number next to it."""
    return Fraction(repr(value))


def check(terms: GoalTerms, desk: Desk) -> None:
    """Raises Unacceptable or UnknownReference, naming the field."""
    if terms.until is not None and not EARLIEST <= terms.until < LATEST:
        raise Unacceptable("goal.until", "A goal ends between 1900 and 2200, or never.", field="terms.until")
    if terms.team is not None and terms.agent is not None:
        raise Unacceptable("goal.two_owners", "A goal is a team's, an agent's or the desk's.", field="terms.agent")
    if terms.team is not None:
        desk.team(terms.team, "terms.team")
    if terms.agent is not None:
        desk.agent(terms.agent, "terms.agent")
    try:
        zone_of(terms.zone)
    except UnknownZone:
        raise Unacceptable("goal.zone_unknown", "There is no such time zone.", field="terms.zone") from None
    if terms.promise is not None and terms.metric != "sla_compliance":
        raise Unacceptable("goal.no_promise", "Only sla_compliance is about a promise.", field="terms.promise")
    if terms.time == "business" and terms.metric not in TIMED:
        detail = f"Business time is for what takes time: {', '.join(m for m in get_args(GoalMetric) if m in TIMED)}."
        raise Unacceptable("goal.time", detail, field="terms.time")
    _check_target(terms)


def _check_target(terms: GoalTerms) -> None:
    target, metric = terms.target, terms.metric
    if isinstance(target, Figure):
        if target.statistic not in STATISTICS[metric]:
            detail = f"Of {metric} there are: {', '.join(sorted(STATISTICS[metric])) or 'only shares'}."
            raise Unacceptable("goal.statistic", detail, field="terms.target.statistic")
        return
    if metric == "backlog":
        raise Unacceptable("goal.no_share", "A backlog has a count, not a share.", field="terms.target.kind")
    if (target.within is not None) != (metric in TIMED):
        detail = "A share of what takes time says within how many seconds, and no other does."
        raise Unacceptable("goal.within", detail, field="terms.target.within")
    if (target.score is not None) != (metric == "satisfaction"):
        detail = "A share of ratings says which score is good, and no other does."
        raise Unacceptable("goal.score", detail, field="terms.target.score")
