"""standing: what lies on the desk at an instant, and for how long has it?"""

from __future__ import annotations

from aggregates.ticket.events import (
    Assigned,
    Closed,
    DeEscalated,
    Escalated,
    MarkedSpam,
    Merged,
    MessageReceived,
    Opened,
    Reopened,
    ReplyAdded,
    Resolved,
    Unassigned,
)
from projections.metrics.definitions.families import count, timed
from projections.metrics.measure import Metric, Rows

OPEN = Rows("open")
STATUS = (Opened, Reopened, Resolved, Closed, MarkedSpam, Merged)
OWNERS = (*STATUS, Assigned, Unassigned, Escalated, DeEscalated)
THEN = "at the very instant at which the period, or the bucket, ends; what happened at that instant had happened"

METRICS: tuple[Metric, ...] = (
    count(
        "backlog", "Open tickets", OPEN,
        f"Tickets that were neither resolved nor closed {THEN}: no nightly snapshot. Its group is how each stood then.",
        STATUS, unit="tickets", source="levels",
    ),
    count(
        "backlog_assigned", "Open tickets that somebody has", Rows("open", "assignee IS NOT NULL"),
        f"Tickets that were neither resolved nor closed and had an assignee {THEN}.",
        OWNERS, unit="tickets", source="levels",
    ),
    count(
        "backlog_unassigned", "Open tickets that nobody has", Rows("open", "assignee IS NULL"),
        f"Tickets that were neither resolved nor closed and had no assignee {THEN}.",
        OWNERS, unit="tickets", source="levels",
    ),
    count(
        "backlog_unanswered", "Open tickets whose requester waits", Rows("open", "unanswered"),
        f"Tickets that were neither resolved nor closed and held a message of the requester that no person had "
        f"answered publicly {THEN}.",
        (*STATUS, MessageReceived, ReplyAdded), unit="tickets", source="levels",
    ),
    *timed(
        "backlog_age", "Age of open tickets", OPEN,
        f"How long ago each ticket was opened that was neither resolved nor closed {THEN}; calendar time only.",
        STATUS, source="ages",
    ),
)  # fmt: skip
