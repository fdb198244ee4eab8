"""audit_shown: what do auditors see of the events that they searched for, and of what caused what?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from api.answers import human
from api.shown import ActorShown, Shown
from replay.audit.causes import Node, Tree
from replay.audit.said import Told
from replay.phrases import Names

Ticket = Annotated[str | None, BeforeValidator(lambda number: None if number is None else human(number))]


class TraceShown(Shown):
    """One event of the whole log."""

    position: int
    stream: UUID
    version: int
    ticket: Ticket = Field(description="where it is one's", examples=["T-1042"])
    id: UUID = Field(description="how other events name it as their cause")
    type: str = Field(examples=["ticket.escalated.v1"])
    recorded_at: datetime
    occurred_at: datetime
    actor: ActorShown
    who: str
    what: str
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None


class FoundShown(Shown):
    """Newest first. Go on with `cursor=next` even where nothing was found yet: so far it was only looked."""

    items: list[TraceShown]
    next: str | None = Field(description="null: all was looked at")
    looked_at: int = Field(description="how many events this request looked at")
    reached: int | None = Field(description="the position of the last one of them")


class RuleShown(Shown):
    policy: UUID
    version: int
    name: str
    position: int = Field(description="of the event that published it")


class CauseShown(Shown):
    """What caused its `causes`. unknown: an id that is named as a cause and that nothing in this log has."""

    kind: Literal["command", "event", "unknown"]
    id: UUID
    event: TraceShown | None = None
    sent_by: str | None = Field(None, description="of a command: who sent it")
    wrote: int | None = Field(None, description="of a command: how many events")
    rule: RuleShown | None = Field(None, description="the policy by which it was done, or that it applies")
    asked: bool = Field(False, description="this one was asked about")
    more: bool = Field(False, description="it caused more than is shown")
    causes: list[CauseShown] = Field(default_factory=list)


class CausesShown(Shown):
    """From the first cause down. `cut`: there is more than is shown."""

    root: CauseShown
    cut: bool


def trace_shown(told: Told) -> TraceShown:
    trace = told.trace
    return TraceShown(
        position=trace.position,
        stream=trace.stream,
        version=trace.version,
        ticket=trace.number,  # type: ignore[arg-type]
        id=trace.id,
        type=trace.type,
        recorded_at=trace.recorded_at,
        occurred_at=trace.occurred_at,
        actor=ActorShown(kind=trace.actor_kind, id=trace.actor_id),
        who=told.who,
        what=told.what,
        command_id=trace.command_id,
        correlation_id=trace.correlation_id,
        causation_id=trace.causation_id,
    )


def causes_shown(tree: Tree) -> CausesShown:
    return CausesShown(root=_cause(tree.root, tree.names), cut=tree.cut)


def _cause(node: Node, names: Names) -> CauseShown:
    return CauseShown(
        kind="event" if node.trace else "command" if node.sent else "unknown",
        id=node.id,
        event=None if node.told is None else trace_shown(node.told),
        sent_by=None if node.sent is None else node.sent.caller,
        wrote=None if node.sent is None else node.sent.events,
        rule=None if node.rule is None else RuleShown.model_validate(node.rule),
        asked=node.asked,
        more=node.more,
        causes=[_cause(child, names) for child in node.children],
    )
