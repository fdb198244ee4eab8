"""What may be asked of a ticket? Strict on length and form, so that facts need not be."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from aggregates.fact import Command
from aggregates.text import Body, EnteredFieldValue, FieldName, Line, Name, Tag, distinct
from aggregates.ticket.events import Channel, Level, Priority, Relation, TicketType

Tags = Annotated[tuple[Tag, ...], Field(max_length=50), AfterValidator(distinct)]
Fields = Annotated[dict[FieldName, EnteredFieldValue], Field(max_length=100)]


class OpenTicket(Command):
    """Open a ticket for `requester`. The first message is the requester's own words unless `author` says agent."""

    requester: UUID
    subject: Line
    message: Body | None = None
    author: Literal["requester", "agent"] = "requester"
    channel: Channel = "api"
    category: Name | None = None
    team: UUID | None = None
    assignee: UUID | None = None
    priority: Priority = "normal"
    ticket_type: TicketType = "question"
    tags: Tags = ()
    fields: Fields = Field(default_factory=dict)


class Intake(Command):
    """What a channel may hand in late: `occurred_at` is when it really happened, if not now."""

    occurred_at: AwareDatetime | None = None


class ReceiveMessage(Intake):
    """The requester wrote (or `author`, another customer). On a closed ticket it opens a follow-up."""

    body: Body
    channel: Channel = "api"
    author: UUID | None = None


class AddReply(Intake):
    """Answer publicly. `automatic`: by a bot; it opens no new ticket, and no clock counts it as an answer."""

    body: Body
    automatic: bool = False


class AddNote(Command):
    """Write internally; no customer ever sees it."""

    body: Body


class Route(Command):
    team: UUID
    reason: Line | None = None


class Assign(Command):
    agent: UUID


class Claim(Command):
    """Take the ticket oneself; of two agents at once one wins."""


class Unassign(Command):
    reason: Line | None = None


class Escalate(Command):
    """To a higher level (the next one if neither level, team nor agent is named), another team or person."""

    level: Level | None = None
    team: UUID | None = None
    agent: UUID | None = None
    reason: Line


class DeEscalate(Command):
    """To a lower level (the one below if none is named)."""

    level: Level | None = None
    team: UUID | None = None
    agent: UUID | None = None
    reason: Line | None = None


class ChangePriority(Command):
    priority: Priority


class ChangeCategory(Command):
    category: Name | None


class ChangeType(Command):
    ticket_type: TicketType


class ChangeFields(Command):
    """Set custom fields; null clears one."""

    fields: Annotated[Fields, Field(min_length=1)]


class AddTags(Command):
    tags: Annotated[Tags, Field(min_length=1)]


class RemoveTags(Command):
    tags: Annotated[Tags, Field(min_length=1)]


class WaitForRequester(Command):
    """Put the ticket on pending."""

    reason: Line | None = None


class Hold(Command):
    """Wait for somebody else than the requester."""

    reason: Line | None = None


class Reopen(Command):
    reason: Line | None = None


class Resolve(Command):
    """Needs an answer that the requester could see, unless `unanswered` says why there is none."""

    code: Name = "solved"
    unanswered: Line | None = None


class Close(Command):
    """End a resolved ticket for good."""


class MarkSpam(Command):
    pass


class Watch(Command):
    """`watcher`: an agent; the caller if none is named."""

    watcher: UUID | None = None


class Unwatch(Command):
    watcher: UUID | None = None


class Link(Command):
    other: UUID
    relation: Relation = "relates_to"


class Unlink(Command):
    other: UUID
    relation: Relation = "relates_to"


class Merge(Command):
    """`into`: the ticket in which the story goes on."""

    into: UUID


class LogTime(Command):
    """Register work, in whole seconds, up to a day at once; of the caller if no agent is named."""

    seconds: Annotated[int, Field(ge=1, le=86_400)]
    agent: UUID | None = None
    billable: bool = True
    note: Line | None = None


TicketCommand = (
    OpenTicket
    | ReceiveMessage
    | AddReply
    | AddNote
    | Route
    | Assign
    | Claim
    | Unassign
    | Escalate
    | DeEscalate
    | ChangePriority
    | ChangeCategory
    | ChangeType
    | ChangeFields
    | AddTags
    | RemoveTags
    | WaitForRequester
    | Hold
    | Reopen
    | Resolve
    | Close
    | MarkSpam
    | Merge
    | Watch
    | Unwatch
    | Link
    | Unlink
    | LogTime
)
