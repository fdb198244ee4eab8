"""policies_shown: what do readers get to see of policies, and of why one of them holds?"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from aggregates.sla.policies import Reach
from aggregates.sla.terms import Attribute, Terms, Value
from aggregates.ticket.events import Metric
from api.shown import ActorShown, Shown

LISTED = "the version of the list with which it came"


class PolicyVersionShown(Shown):
    number: int
    terms: Terms
    effective_from: datetime
    reach: Reach
    listed: int = Field(description=LISTED)


class PolicyShown(BaseModel):
    """A policy in all its versions. `holds`: the one that a new ticket gets right now, if it has its conditions."""

    id: UUID
    name: str
    holds: int | None
    versions: list[PolicyVersionShown]


class PoliciesShown(BaseModel):
    """The list, in the order in which it is looked at. Its `version` is its ETag."""

    version: int
    policies: list[PolicyShown]
    retired: list[PolicyShown]


class PublishedShown(PolicyVersionShown):
    published_at: datetime
    published_by: ActorShown


class RetiredShown(BaseModel):
    reach: Reach
    listed: int = Field(description=LISTED)
    retired_at: datetime
    retired_by: ActorShown


class PolicyHistoryShown(BaseModel):
    """Every version that was ever published, and when it was retired."""

    versions: list[PublishedShown]
    retirements: list[RetiredShown]


class CheckedShown(BaseModel):
    """`had`: what the ticket has there; null where it has nothing."""

    attribute: Attribute
    name: str | None
    operator: Literal["is", "is_not"]
    values: list[Value]
    held: bool
    had: list[Value]


class JudgedShown(BaseModel):
    """`holds`: each of `all` held and, if there are any, one of `any`."""

    policy: UUID
    version: int
    name: str
    holds: bool
    all: list[CheckedShown]
    any: list[CheckedShown]


class DryRunShown(BaseModel):
    """The first of `policies` that holds is what the ticket would get; none: it would get no policy."""

    at: datetime
    list_version: int = Field(description="of the list that the ticket would stand on")
    policy: UUID | None
    policy_version: int | None
    name: str | None
    calendar: UUID | None
    calendar_version: int | None
    targets: dict[Metric, int] = Field(description="in seconds, for the ticket's priority")
    policies: list[JudgedShown]


class PolicyListChanged(BaseModel):
    """What a command did to the list. No events: it was so already."""

    policies: list[UUID] = Field(description="that it was about")
    version: int = Field(description="of the list, after this command")
    position: int
    events: list[str] = Field(examples=[["policy_list.published.v1"]])
