"""What other rules may somebody give for the past? The same terms, hours and conditions as those that are published."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from aggregates.business_time import Hours
from aggregates.sla.policies import MOST
from aggregates.sla.terms import Condition, Part, Terms
from aggregates.text import Name
from aggregates.ticket.events import Priority

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
