"""verbs_shown: what do readers see of a ticket's log, of differences, of blame, and of what held since when?"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from api.shown import ActorShown, Shown

VALUE = 'ids as they are; a text that was erased is {"erased": true}'


class LineShown(Shown):
    """One event of a ticket, in words."""

    version: int
    position: int
    recorded_at: datetime
    occurred_at: datetime | None = Field(description="where it differs from `recorded_at`")
    type: str = Field(examples=["ticket.escalated.v1"])
    actor: ActorShown
    who: str = Field(examples=["Ada"])
    what: str = Field(examples=["priority normal -> high"])
    why: str = Field(examples=["because of @7"])
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None


class LogShown(Shown):
    """Oldest first. Go on with `after=next`; null: that is all."""

    ticket: UUID
    lines: list[LineShown]
    next: int | None


class MarkShown(Shown):
    """An event that something is put down to."""

    version: int
    position: int
    type: str
    recorded_at: datetime
    at: datetime = Field(description="when it happened")
    actor: ActorShown
    who: str
    what: str


class ChangeShown(Shown):
    field: str = Field(examples=["tags"])
    element: str | None = Field(description="which tag, watcher, link or custom field", examples=["vip"])
    before: Any = Field(description=VALUE)
    after: Any = Field(description=VALUE)
    by: list[MarkShown] = Field(description="what changed it in between, in order")


class DiffShown(Shown):
    ticket: UUID
    changes: list[ChangeShown]


class BlamedShown(Shown):
    field: str
    element: str | None
    value: Any = Field(description=VALUE)
    by: MarkShown


class BlameShown(Shown):
    ticket: UUID
    lines: list[BlamedShown]


class StretchShown(Shown):
    since: MarkShown
    until: MarkShown | None = Field(description="the event with which it ceased; null: it never did")


class BisectShown(Shown):
    """Every stretch in which it held, in order. The first one's `since` is what was looked for."""

    ticket: UUID
    expression: str
    stretches: list[StretchShown]
