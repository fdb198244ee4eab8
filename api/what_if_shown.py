"""what_if_shown: what do readers get to see of a what-if, of how far it is, and of what came of it?"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from aggregates.sla.clock import Why
from aggregates.sla.terms import TimeKind
from aggregates.ticket.events import Metric
from api.shown import Human, Shown
from replay.what_if.folding import Came, Unjudged

State = Literal["queued", "running", "done", "failed", "cancelled"]
CAME = "open: it still runs or waits; nothing: nothing was promised, or the promise lapsed"


class KeptShown(Shown):
    met: int
    breached: int
    compliance: float | None = Field(description="met, as a share of met and breached; null where there were none")


class BothShown(Shown):
    """As it was, and as it would have been."""

    before: KeptShown
    after: KeptShown


class TotalShown(BothShown):
    metric: Metric


class FigureShown(TotalShown):
    """Outcomes at their own instants (UTC), with the team that held the ticket then."""

    team: UUID | None
    team_name: str | None
    month: str = Field(examples=["2012-05"])


class MoveCounted(Shown):
    metric: Metric
    before: Came = Field(description=CAME)
    after: Came = Field(description=CAME)
    clocks: int


class WhatIfReport(Shown):
    """`at`: as of when things stood; `position`: of the log, up to which it was read."""

    at: datetime
    position: int
    tickets: int
    events: int
    tickets_changed: int
    unjudged: dict[Unjudged, int] = Field(description="tickets that count in nothing on one side or both, by why")
    totals: list[TotalShown]
    figures: list[FigureShown]
    moves: list[MoveCounted]


class FailureShown(Shown):
    """Why it failed; `field` is a place in the rules."""

    code: str
    detail: str
    field: str | None


class WhatIfShown(Shown):
    """`fraction` of the log lies behind it. `report` is there once it is done, and only where one is asked for."""

    id: UUID
    state: State
    asked_by: str = Field(description="role and id")
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    tickets: int = Field(description="that it has folded")
    fraction: float
    rate: float | None = Field(description="tickets a second")
    problem: FailureShown | None
    report: WhatIfReport | None = Field(None, validation_alias="result")


class WhatIfsShown(Shown):
    """The newest first. Finished ones are kept for a week, and fifty at most."""

    what_ifs: list[WhatIfShown]


class SpanToldShown(Shown):
    """A stretch in which nothing about a clock changed. `sum`: `seconds` of this one and of all before it."""

    since: datetime = Field(alias="from")
    until: datetime | None = Field(alias="to", description="null: it lasts")
    running: bool
    why: Why
    time: TimeKind
    policy: str | None = Field(description="id@version; a version that was never published is one that was given")
    calendar: str | None
    seconds: float
    sum: float


class SideShown(Shown):
    """What came of a clock. Its `spans` add up to `elapsed`."""

    came: Came = Field(description=CAME)
    at: datetime | None
    team: UUID | None
    target: int | None = Field(description="in seconds; null: nothing was promised")
    elapsed: float = Field(description="in seconds")
    spans: list[SpanToldShown]


class SideChangeShown(Shown):
    """A clock of which something else would have come. `over`: how far the broken one is beyond its target."""

    ticket: UUID
    number: Human
    metric: Metric
    cycle: int
    over: float = Field(description="in seconds")
    before: SideShown
    after: SideShown


class SideChangesPage(Shown):
    """The furthest over their target first."""

    items: list[SideChangeShown]
    next: str | None = Field(description="the `cursor` of the next page")
