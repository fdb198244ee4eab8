"""flow: what comes in, what goes out, and where does it go in between?"""

from __future__ import annotations

from aggregates.ticket.events import (
    Assigned,
    Closed,
    DeEscalated,
    Escalated,
    MarkedSpam,
    Merged,
    MessageReceived,
    NoteAdded,
    Opened,
    Reopened,
    Resolved,
    Routed,
)
from projections.metrics.definitions.families import count, share, timed
from projections.metrics.measure import RESOLUTION_CODE, Metric, Part, Quotient, Rows

OPENED = Rows("opened")
RESOLVED = Rows("resolved")
REOPENED = Rows("reopened")
ESCALATED = Rows("escalated")
TEAM_HANDOFF = Rows("team_station", "amount > 1")
ASSIGNEE_HANDOFF = Rows("assignee_station", "amount > 1")
HANDED = (Opened, Assigned, Routed, Escalated, DeEscalated)
CAUSE = "what caused it: manual, sla_warning, sla_breach, rule or import"

METRICS: tuple[Metric, ...] = (
    count(
        "arrivals", "Tickets opened", OPENED,
        "Tickets opened in the period, through any channel, by whomever. Each counts once, when it was opened; "
        "follow-ups of closed tickets are tickets of their own. What turned out to be spam later counts: it arrived.",
        (Opened,), unit="tickets",
    ),
    count(
        "resolutions", "Resolutions", RESOLVED,
        "Times that a ticket was resolved in the period. A ticket that was reopened and resolved again counts again.",
        (Resolved,), detail=RESOLUTION_CODE,
    ),
    count(
        "first_resolutions", "Tickets resolved for the first time", Rows("resolved", "amount = 1"),
        "Tickets whose first resolution fell in the period. What happened to them later changes nothing.",
        (Resolved,), unit="tickets", detail=RESOLUTION_CODE,
    ),
    count(
        "closures", "Closed", Rows("closed"),
        "Times that a ticket was closed in the period: by an agent, by itself after it was resolved, by an import, as "
        "spam, or because it was merged into another one.",
        (Closed, MarkedSpam, Merged), detail="agent, auto, import, merged or spam",
    ),
    count(
        "messages", "Customers' messages", Rows("message"),
        "Messages that the requester, or another customer on the ticket, wrote in the period.", (MessageReceived,),
    ),
    count("notes", "Internal notes", Rows("note"), "Internal notes written in the period.", (NoteAdded,)),
    count(
        "reopens", "Reopened", REOPENED,
        "Times that a ticket was reopened in the period: by the requester's message, by an agent, or by an import.",
        (Reopened,), detail="what reopened it: message, agent or import",
    ),
    Metric(
        "reopens_per_resolution", "Reopened per resolution", "share",
        "Times that a ticket was reopened in the period, divided by the times that one was resolved in it; null if "
        "none was. A ticket resolved before the period and reopened in it makes it greater: it may exceed 1.",
        "events", Quotient(Part("count", REOPENED), Part("count", RESOLVED)), (Reopened, Resolved),
    ),
    count(
        "assignee_handoffs", "Handoffs to another agent", ASSIGNEE_HANDOFF,
        "Times that a ticket came to another agent than the last one who had it. The first agent of a ticket is no "
        "handoff, nor is getting it back from nobody.",
        HANDED,
    ),
    count(
        "team_handoffs", "Handoffs to another team", TEAM_HANDOFF,
        "Times that a ticket came to another team than the last one that had it. The first team of a ticket is no "
        "handoff.",
        HANDED,
    ),
    Metric(
        "handed_on_tickets", "Tickets handed to another agent", "tickets",
        "Tickets that came to another agent than the last one who had them, each counted once in the period, bucket "
        "and group.",
        "events", Part("tickets", ASSIGNEE_HANDOFF), HANDED,
    ),
    *timed(
        "assignment", "Time to the first assignment", Rows("assignee_station", "amount = 1"),
        "From the opening of a ticket to its first assignment to an agent, counted when it was assigned. A ticket that "
        "nobody has had yet does not count.",
        (Opened, Assigned, Escalated),
    ),
    count(
        "escalations", "Escalations", ESCALATED,
        "Times that a ticket was escalated, to a level, a team or a person, counted for the level it came to.",
        (Escalated,), detail=CAUSE,
    ),
    Metric(
        "escalated_tickets", "Tickets escalated", "tickets",
        "Tickets that were escalated in the period, each counted once in it, in its bucket and in its group.",
        "events", Part("tickets", ESCALATED), (Escalated,), CAUSE,
    ),
    share(
        "escalations_by_sla", "Escalated because of an SLA", ESCALATED,
        Rows("escalated", "detail IN ('sla_warning', 'sla_breach')"),
        "Of the escalations in the period, those that a warning or a breach of an SLA caused; null if there were none.",
        (Escalated,),
    ),
    count(
        "de_escalations", "De-escalations", Rows("de_escalated"),
        "Times that a ticket was de-escalated, counted for the level it came to.", (DeEscalated,), detail=CAUSE,
    ),
)  # fmt: skip
