"""What can happen to a ticket?"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from aggregates.fact import Fact
from aggregates.text import FieldValue, Personal, SafeText

Channel = Literal["email", "chat", "phone", "social", "web_form", "api"]
Priority = Literal["low", "normal", "high", "urgent"]
TicketType = Literal["question", "incident", "problem", "task"]
Status = Literal["new", "open", "pending", "on_hold", "resolved", "closed"]
Relation = Literal["relates_to", "duplicates", "duplicated_by", "blocks", "blocked_by", "causes", "caused_by"]
Occasion = Literal["resolved", "survey"]
Level = Annotated[int, Field(ge=1, le=9)]
Metric = Literal[
    "first_reply",
    "next_reply",
    "update",
    "pausable_update",
    "resolution",
    "requester_wait",
    "agent_work",
    "assignment",
    "ownership",
]


class Opened(Fact, type_name="ticket.opened.v1"):
    number: int
    requester: UUID
    subject: Personal
    channel: Channel
    category: SafeText | None = None
    team: UUID | None = None
    priority: Priority = "normal"
    ticket_type: TicketType = "question"
    level: Level = 1
    tags: tuple[SafeText, ...] = ()
    fields: dict[SafeText, FieldValue] = Field(default_factory=dict)
    follow_up_of: UUID | None = None


class Imported(Fact, type_name="ticket.imported.v1"):
    """The ticket's history comes from another system, where it is called `case`."""

    source: SafeText
    case: SafeText


class MessageReceived(Fact, type_name="ticket.message_received.v1"):
    """The requester, or another customer on the ticket, wrote. Always public."""

    author: UUID
    body: Personal
    channel: Channel


class ReplyAdded(Fact, type_name="ticket.reply_added.v1"):
    """A public answer. `automatic`: by a bot; it opens no new ticket, and no clock counts it as an answer."""

    body: Personal
    automatic: bool = False


class NoteAdded(Fact, type_name="ticket.note_added.v1"):
    """Internal: no customer surface ever shows it."""

    body: Personal


class Routed(Fact, type_name="ticket.routed.v1"):
    team: UUID
    from_team: UUID | None = None
    reason: Personal | None = None


class Assigned(Fact, type_name="ticket.assigned.v1"):
    agent: UUID
    from_agent: UUID | None = None
    claimed: bool = False


class Unassigned(Fact, type_name="ticket.unassigned.v1"):
    from_agent: UUID
    reason: Personal | None = None


class Escalated(Fact, type_name="ticket.escalated.v1"):
    """To another level, team or person; what did not change stays as it was."""

    from_level: Level
    to_level: Level
    from_team: UUID | None = None
    to_team: UUID | None = None
    from_agent: UUID | None = None
    to_agent: UUID | None = None
    reason: Personal | None = None


class DeEscalated(Fact, type_name="ticket.de_escalated.v1"):
    from_level: Level
    to_level: Level
    from_team: UUID | None = None
    to_team: UUID | None = None
    from_agent: UUID | None = None
    to_agent: UUID | None = None
    reason: Personal | None = None


class PriorityChanged(Fact, type_name="ticket.priority_changed.v1"):
    priority: Priority
    was: Priority


class CategoryChanged(Fact, type_name="ticket.category_changed.v1"):
    category: SafeText | None
    was: SafeText | None


class TypeChanged(Fact, type_name="ticket.type_changed.v1"):
    ticket_type: TicketType
    was: TicketType


class Tagged(Fact, type_name="ticket.tagged.v1"):
    tags: tuple[SafeText, ...]


class Untagged(Fact, type_name="ticket.untagged.v1"):
    tags: tuple[SafeText, ...]


class FieldChanged(Fact, type_name="ticket.field_changed.v1"):
    """A custom field got a value; None cleared it."""

    name: SafeText
    value: FieldValue


class PutPending(Fact, type_name="ticket.put_pending.v1", status=True):
    """Waiting for the requester."""

    was: Status
    reason: Personal | None = None


class PutOnHold(Fact, type_name="ticket.put_on_hold.v1", status=True):
    """Waiting for somebody else; the requester sees it as open."""

    was: Status
    reason: Personal | None = None


class Reopened(Fact, type_name="ticket.reopened.v1", status=True):
    was: Status
    cause: Literal["message", "agent", "import"]
    reason: Personal | None = None


class Resolved(Fact, type_name="ticket.resolved.v1", status=True):
    """`unanswered`: why it was resolved without an answer that the requester could see."""

    was: Status
    code: SafeText
    unanswered: Personal | None = None


class Closed(Fact, type_name="ticket.closed.v1", status=True):
    was: Status
    cause: Literal["agent", "auto", "import"]


class MarkedSpam(Fact, type_name="ticket.marked_spam.v1", status=True):
    was: Status


class Merged(Fact, type_name="ticket.merged.v1", status=True):
    """It tells the story of another ticket of the requester's, where that goes on; this one is closed."""

    was: Status
    into: UUID
    number: int


class WatcherAdded(Fact, type_name="ticket.watcher_added.v1"):
    watcher: UUID


class WatcherRemoved(Fact, type_name="ticket.watcher_removed.v1"):
    watcher: UUID


class Linked(Fact, type_name="ticket.linked.v1"):
    other: UUID
    relation: Relation


class Unlinked(Fact, type_name="ticket.unlinked.v1"):
    other: UUID
    relation: Relation


class FollowedUp(Fact, type_name="ticket.followed_up.v1"):
    """The requester wrote to a closed ticket: the story goes on in another one."""

    follow_up: UUID
    number: int


class TimeLogged(Fact, type_name="ticket.time_logged.v1"):
    """Work of `agent`, in whole seconds.

    rate   what an hour of it costs, in minor units of `currency` (ISO 4217), by the rate card in force then
    """

    agent: UUID
    seconds: int
    billable: bool = True
    note: Personal | None = None
    rate: int | None = None
    currency: SafeText | None = None


class SatisfactionRequested(Fact, type_name="ticket.satisfaction_requested.v1", bookkeeping=True):
    """The requester is asked how it went, once a resolution or as a periodic survey; they may say so until then.

    agent, team   whose work is rated: whoever had the ticket when it was resolved
    """

    request: UUID
    occasion: Occasion
    survey: UUID | None = None
    survey_version: int = 0
    agent: UUID | None = None
    team: UUID | None = None
    expires_at: AwareDatetime


class SatisfactionRated(Fact, type_name="ticket.satisfaction_rated.v1"):
    """The requester's answer, in their own words. `was`: their score so far, if they think otherwise by now."""

    request: UUID
    score: int
    was: int | None = None
    comment: Personal | None = None


class SlaApplied(Fact, type_name="ticket.sla_applied.v1", bookkeeping=True):
    """Which policy and calendar hold for the ticket from now on, or from `since` on. No policy: none matches.

    list_version   the policy list's version that the ticket stands on
    """

    policy: UUID | None
    policy_version: int = 0
    calendar: UUID | None = None
    calendar_version: int = 0
    list_version: int
    since: AwareDatetime | None = None


class SlaWarned(Fact, type_name="ticket.sla_warned.v1", bookkeeping=True):
    """At instant `at`, `percent` of the target had passed or only `left` seconds of it were left."""

    metric: Metric
    cycle: int
    target: int
    percent: int | None = None
    left: int | None = None
    at: AwareDatetime


class SlaBreached(Fact, type_name="ticket.sla_breached.v1", bookkeeping=True):
    """The target had passed at `due`; who held the ticket then, and in which status it was."""

    metric: Metric
    cycle: int
    target: int
    due: AwareDatetime
    in_status: Status
    team: UUID | None = None
    agent: UUID | None = None
    policy: UUID
    policy_version: int


class SlaMet(Fact, type_name="ticket.sla_met.v1", bookkeeping=True):
    """The target was met at instant `at`, after `elapsed` seconds."""

    metric: Metric
    cycle: int
    target: int
    at: AwareDatetime
    elapsed: float


class SlaBreachWithdrawn(Fact, type_name="ticket.sla_breach_withdrawn.v1", bookkeeping=True):
    """What became known later undid the breach that had been due then."""

    metric: Metric
    cycle: int
    due: AwareDatetime


class SlaMetWithdrawn(Fact, type_name="ticket.sla_met_withdrawn.v1", bookkeeping=True):
    """What became known later, or a reopening, undid the target that had been met at that instant."""

    metric: Metric
    cycle: int
    at: AwareDatetime


class Notified(Fact, type_name="ticket.notified.v1", bookkeeping=True):
    """A rule told these agents and teams: what delivers messages reads it from the change feed."""

    agents: tuple[UUID, ...] = ()
    teams: tuple[UUID, ...] = ()
    about: Literal["sla_warning", "sla_breach"]
    metric: Metric
    cycle: int


SlaMark = SlaWarned | SlaBreached | SlaMet | SlaBreachWithdrawn | SlaMetWithdrawn
TicketFact = (
    Opened
    | Imported
    | MessageReceived
    | ReplyAdded
    | NoteAdded
    | Routed
    | Assigned
    | Unassigned
    | Escalated
    | DeEscalated
    | PriorityChanged
    | CategoryChanged
    | TypeChanged
    | Tagged
    | Untagged
    | FieldChanged
    | PutPending
    | PutOnHold
    | Reopened
    | Resolved
    | Closed
    | MarkedSpam
    | Merged
    | WatcherAdded
    | WatcherRemoved
    | Linked
    | Unlinked
    | FollowedUp
    | TimeLogged
    | SatisfactionRequested
    | SatisfactionRated
    | SlaApplied
    | SlaMark
    | Notified
)
