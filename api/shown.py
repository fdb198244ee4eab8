"""shown: what do readers get to see? Separate from the views, so that these may change and answers do not."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from aggregates.business_time import Hours
from aggregates.customer import ContactKind, Tier
from aggregates.envelope import ActorKind
from aggregates.ticket.events import Channel, Priority, Relation, Status, TicketType
from api.answers import human

T = TypeVar("T")
Human = Annotated[str, BeforeValidator(human), Field(examples=["T-1042"])]
ERASED = "null once it was erased"
COST = "in minor units of the currency, rounded half to even; a sum is rounded once, not the sum of rounded parts"


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class LinkShown(Shown):
    relation: Relation
    other: UUID


class TicketShown(Shown):
    """A ticket, for those who work on it."""

    id: UUID
    number: Human
    version: int
    position: int = Field(description="of its newest event in the log")
    requester: UUID | None
    subject: str | None = Field(description=ERASED)
    channel: Channel
    category: str | None
    team: UUID | None
    assignee: UUID | None
    priority: Priority
    ticket_type: TicketType
    status: Status
    level: int
    spam: bool
    tags: list[str]
    watchers: list[UUID]
    fields: dict[str, Any]
    links: list[LinkShown]
    follow_up_of: UUID | None
    follow_up: UUID | None
    public_replies: int
    resolution_code: str | None
    time_spent: int = Field(description="in seconds")
    source: str | None = Field(description="the system it was imported from")
    source_case: str | None
    opened_at: datetime
    updated_at: datetime


class MessageShown(Shown):
    """One piece of a ticket's whole thread, internal notes included."""

    version: int
    audience: Literal["public", "internal"]
    kind: Literal["message", "reply", "note"]
    author_kind: ActorKind
    author_id: str
    body: str | None = Field(description=ERASED)
    at: datetime
    channel: Channel | None
    automatic: bool
    public_number: int | None


class ThreadShown(Shown):
    messages: list[MessageShown]


class OwnTicketShown(Shown):
    """A ticket, for its requester."""

    id: UUID
    number: Human
    subject: str | None = Field(description=ERASED)
    channel: Channel
    status: Literal["new", "open", "pending", "resolved", "closed"]
    follow_up_of: UUID | None
    follow_up: UUID | None
    opened_at: datetime
    updated_at: datetime


class OwnMessageShown(Shown):
    """A message that the requester may see, numbered among these alone."""

    number: int
    author: Literal["customer", "support"]
    own: bool
    automatic: bool
    body: str | None = Field(description=ERASED)
    at: datetime
    channel: Channel | None


class OwnThreadShown(Shown):
    messages: list[OwnMessageShown]


class CostShown(Shown):
    currency: str = Field(description="ISO 4217", examples=["EUR"])
    cost: int = Field(description=COST)


class OwnTimeShown(Shown):
    """Null: the desk does not show it."""

    seconds: int | None = Field(description="of work on the ticket")
    costs: list[CostShown] | None


class CustomerSeen(Shown):
    """What a ticket's requester is shown of it."""

    ticket: OwnTicketShown
    messages: list[OwnMessageShown]
    time: OwnTimeShown


class OwnTicketsPage(Shown):
    items: list[OwnTicketShown]
    next: str | None = Field(description="the `cursor` of the next page")


class QueueItemShown(Shown):
    """A line of a work list."""

    id: UUID
    number: Human
    version: int
    requester: UUID | None
    subject: str | None = Field(description=ERASED)
    channel: Channel
    category: str | None
    team: UUID | None
    assignee: UUID | None
    priority: Priority
    status: Status
    level: int
    tags: list[str]
    opened_at: datetime
    updated_at: datetime
    waiting_since: datetime | None = Field(description="the oldest message of the requester without an answer")
    last_requester_message_at: datetime | None
    last_public_reply_at: datetime | None


class QueuePage(Shown):
    items: list[QueueItemShown]
    next: str | None = Field(description="the `cursor` of the next page")


class TeamCount(Shown):
    team: UUID | None = Field(description="null: without a team")
    tickets: int


class CountsShown(Shown):
    """Tickets that are not closed."""

    total: int
    unassigned: int
    by_team: list[TeamCount]
    by_status: dict[str, int]
    by_priority: dict[str, int]


class TeamShown(Shown):
    id: UUID
    version: int
    name: str
    leader: UUID | None
    members: list[UUID]
    enabled: bool


class TeamsPage(Shown):
    items: list[TeamShown]
    next: str | None = Field(description="the `cursor` of the next page")


class AgentShown(Shown):
    id: UUID
    version: int
    name: str
    skills: dict[str, int] = Field(description="level 1 to 5 by skill")
    capacity: int = Field(description="open tickets at once")
    online: bool
    enabled: bool
    teams: list[UUID]


class AgentsPage(Shown):
    items: list[AgentShown]
    next: str | None = Field(description="the `cursor` of the next page")


class ContactShown(Shown):
    kind: ContactKind
    value: str | None = Field(description=ERASED)


class CustomerShown(Shown):
    id: UUID
    version: int
    name: str | None = Field(description=ERASED)
    contacts: list[ContactShown]
    language: str | None
    tier: Tier
    organisation: UUID | None


class CustomersPage(Shown):
    items: list[CustomerShown]
    next: str | None = Field(description="the `cursor` of the next page")


class OrganisationShown(Shown):
    id: UUID
    version: int
    name: str


class OrganisationsPage(Shown):
    items: list[OrganisationShown]
    next: str | None = Field(description="the `cursor` of the next page")


class ActorShown(Shown):
    kind: ActorKind
    id: str


class CalendarLineShown(Shown):
    id: UUID
    version: int
    name: str
    zone: str | None = Field(description="of its latest hours")
    hours_version: int = Field(description="the number of its latest hours; 0 before any")
    effective_from: datetime | None = Field(description="from when its latest hours hold")


class CalendarShown(CalendarLineShown):
    hours: Hours | None = Field(description="its latest hours")


class CalendarsPage(Shown):
    items: list[CalendarLineShown]
    next: str | None = Field(description="the `cursor` of the next page")


class CalendarVersionShown(Shown):
    """Hours as they were published; they never change."""

    number: int
    hours: Hours
    effective_from: datetime | None
    published_by: ActorShown
    published_at: datetime
    version: int = Field(description="of the calendar, once these were published")


class CalendarVersionsShown(Shown):
    versions: list[CalendarVersionShown]


class BusinessTimeShown(Shown):
    hours_version: int = Field(description="the number of the hours that it was counted by")
    seconds: int = Field(description="negative if `to` comes before `from`")
    until: datetime | None = Field(description="null if so much never passes")


class EventShown(Shown):
    """An event as it was recorded. `fact` is described by the catalogue: `chronodesk events --json`."""

    position: int
    stream: UUID
    version: int
    type: str = Field(examples=["ticket.escalated.v1"])
    recorded_at: datetime
    occurred_at: datetime | None = Field(None, description="where it differs from `recorded_at`")
    actor: ActorShown
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None = None
    subject: UUID | None = Field(None, description="the customer whose personal data it holds")
    fact: dict[str, Any]


class HistoryShown(Shown):
    events: list[EventShown]


class FeedPage(Shown):
    """Events by position. Go on with `after=next`; there is more right now if `next` is below `head`."""

    events: list[EventShown]
    next: int
    head: int


class ViewShown(Shown):
    """Everything up to `position` is in the view; `lag` events are not yet."""

    view: str
    position: int
    head: int
    lag: int


class ViewsShown(Shown):
    views: list[ViewShown]
