"""What other rules may somebody give for the past? The same terms, hours and conditions as those that are published."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from aggregates.business_time import Hours
from aggregates.sla.policies import MOST
from aggregates.sla.terms import Condition, Part, Terms
from aggregates.text import Name
from aggregates.ticket.events import Metric, Priority

Conditions = Annotated[tuple[Condition, ...], Field(max_length=50)]


class GivenPolicy(Part):
    """It holds all along, or from `effective_from` on.

    id        of the published policy that it stands for; if left out, that is the one of the same name
    calendar  by name or id, in place of `terms.calendar`
    """

    terms: Terms
    id: UUID | None = None
    calendar: Name | None = None
    effective_from: AwareDatetime | None = None


class GivenPriority(Part):
    """What a ticket is opened as, if every one of `all` and, if there are any, one of `any` holds for it then."""

    priority: Priority
    all: Conditions = ()
    any: Conditions = ()


class Given(Part):
    """Other rules for the past.

    extends    `current`: the published policies, but for those that are given here; else these are all there are
    policies   in their order: the first whose conditions hold applies. Beside published ones, new ones come first
    calendars  hours by name; by the name or id of a published calendar: in its place
    priority   in their order; if none holds a ticket is opened as it was. Whatever changed it later still does
    """

    extends: Literal["current"] | None = None
    policies: Annotated[tuple[GivenPolicy, ...], Field(max_length=MOST)] = ()
    calendars: Annotated[dict[Name, Hours], Field(max_length=100)] = Field(default_factory=dict)
    priority: Annotated[tuple[GivenPriority, ...], Field(max_length=MOST)] = ()

    @model_validator(mode="after")
    def _promises_something(self) -> Self:
        if self.extends is None and not self.policies:
            raise ValueError('give policies, or say extends = "current"')
        return self


class AskWhatIf(Given):
    """Other rules, and what to tell of the past under them.

    from, to      outcomes in this time, as things stood at its end; without them of all the past, as of now
    metric, team  only theirs
    keep          how many of the tickets that change sides to keep, the furthest over their target
    """

    since: Annotated[AwareDatetime | None, Field(alias="from")] = None
    until: Annotated[AwareDatetime | None, Field(alias="to")] = None
    metric: Metric | None = None
    team: UUID | None = None
    keep: Annotated[int, Field(ge=0, le=1_000, strict=True)] = 100

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("`to` must be later than `from`")
        return self
