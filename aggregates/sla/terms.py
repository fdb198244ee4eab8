"""What does one version of an SLA policy promise, to whom, and what happens when it is about to be broken?"""

from __future__ import annotations

from typing import Annotated, Literal, Protocol, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from aggregates.text import Name, Real, SafeText, Tag, Whole, distinct
from aggregates.ticket.events import Level, Metric, Priority

Attribute = Literal["priority", "team", "channel", "category", "tier", "tag", "type", "field"]
TimeKind = Literal["business", "calendar"]
PausingStatus = Literal["pending", "on_hold"]
Moment = Literal["warning", "breach"]
Seconds = Annotated[int, Field(ge=1, le=315_360_000, strict=True)]
"""Up to ten years."""
Percent = Annotated[int, Field(ge=1, le=99, strict=True)]
FOUR_DAYS = 345_600
Value = bool | Whole | Real | Annotated[SafeText, StringConstraints(max_length=2_000)] | None


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Condition(Part):
    """Whether an attribute of the ticket `is` one of the values; a tag: whether the ticket has one of them.

    `name` says which custom field. A team is named by its id. None stands for "nothing there".
    """

    attribute: Attribute
    name: SafeText | None = None
    operator: Literal["is", "is_not"] = "is"
    values: Annotated[tuple[Value, ...], Field(min_length=1, max_length=200)]


class Conditional(Protocol):
    """What holds if every one of `all` and, if there are any, one of `any` does."""

    @property
    def all(self) -> tuple[Condition, ...]: ...
    @property
    def any(self) -> tuple[Condition, ...]: ...


class Target(Part):
    """Seconds by priority; a priority that is left out has no target."""

    seconds: Annotated[dict[Priority, Seconds], Field(min_length=1)]
    time: TimeKind = "business"


class Warning(Part):
    """When to warn: once `percent` of the target has passed, or when only `left` seconds of it remain."""

    percent: Percent | None = None
    left: Seconds | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.percent is None) == (self.left is None):
            raise ValueError("a warning has either percent or left")
        return self


class EscalateTicket(Part):
    """To a level, a team, a person; to the next level where none is named."""

    action: Literal["escalate"] = "escalate"
    level: Level | None = None
    team: UUID | None = None
    agent: UUID | None = None


class RaisePriority(Part):
    """To this priority if it is higher than the ticket's; by one where none is named."""

    action: Literal["raise_priority"] = "raise_priority"
    priority: Priority | None = None


class TagTicket(Part):
    action: Literal["tag"] = "tag"
    tags: Annotated[tuple[Tag, ...], Field(min_length=1, max_length=50)]


class Notify(Part):
    """Tell these agents and teams; `assignee` and `leader` are whoever that is for the ticket at that moment."""

    action: Literal["notify"] = "notify"
    agents: Annotated[tuple[UUID, ...], Field(max_length=100), AfterValidator(distinct)] = ()
    teams: Annotated[tuple[UUID, ...], Field(max_length=100), AfterValidator(distinct)] = ()
    assignee: bool = False
    leader: bool = False


Action = Annotated[EscalateTicket | RaisePriority | TagTicket | Notify, Field(discriminator="action")]


class Reaction(Part):
    """What happens by itself on a warning or breach, of these metrics or (none named) of any."""

    on: Moment
    metrics: tuple[Metric, ...] = ()
    actions: Annotated[tuple[Action, ...], Field(min_length=1, max_length=20)]


class Terms(Part):
    """One version of a policy.

    all, any     conditions: every one of `all` and, if there are any, one of `any` must hold
    calendar     whose hours business time is counted in; needed if any target is in business time
    pauses       in which statuses the resolution and ownership clocks stand still
    auto_close   seconds from resolved to closed; None: never by itself
    """

    name: Name
    all: Annotated[tuple[Condition, ...], Field(max_length=50)] = ()
    any: Annotated[tuple[Condition, ...], Field(max_length=50)] = ()
    calendar: UUID | None = None
    targets: dict[Metric, Target] = Field(default_factory=dict)
    pauses: Annotated[tuple[PausingStatus, ...], AfterValidator(distinct)] = ("pending",)
    warnings: Annotated[tuple[Warning, ...], Field(max_length=10)] = ()
    reactions: Annotated[tuple[Reaction, ...], Field(max_length=20)] = ()
    auto_close: Seconds | None = FOUR_DAYS

    def target(self, metric: Metric, priority: Priority) -> int | None:
        """In seconds; None if nothing is promised."""
        found = self.targets.get(metric)
        return None if found is None else found.seconds.get(priority)
