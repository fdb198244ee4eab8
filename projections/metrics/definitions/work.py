"""work: how long is somebody busy, what is it worth, and who does most of it?"""

from __future__ import annotations

from aggregates.ticket.events import (
    Assigned,
    DeEscalated,
    Escalated,
    Opened,
    PutOnHold,
    PutPending,
    Reopened,
    ReplyAdded,
    Resolved,
    Routed,
    SatisfactionRated,
    SlaBreached,
    SlaMet,
    TimeLogged,
    Unassigned,
)
from projections.metrics.measure import Metric, Part, Points, Quotient, Rows

STATUS = (Opened, PutPending, PutOnHold, Reopened, Resolved)
OWNERS = (Assigned, Unassigned, Routed, Escalated, DeEscalated)
STRETCHES = (
    "Stretches in which a ticket's {status}, and kept team, assignee, level and what else it can be grouped by; added "
    "up where they ended in the period. Those that last do not count yet, and one that began before it counts whole."
)
LOGGED = Rows("time_logged")
BILLABLE = Rows("time_logged", "detail = 'billable'")
CURRENCY = "In the minor unit of its currency (cents); null where several currencies meet, so group by currency."
LOGGED_BY = "billable or not_billable"
TICKETS = Part("tickets", LOGGED)

METRICS: tuple[Metric, ...] = (
    Metric(
        "handling_time", "Handling time", "seconds", STRETCHES.format(status="status was new or open"),
        "stretches", Part("sum", Rows("stretch", "status IN ('new', 'open')"), "time"), (*STATUS, *OWNERS),
    ),
    Metric(
        "pending_time", "Time pending, in all", "seconds", STRETCHES.format(status="status was pending"),
        "stretches", Part("sum", Rows("stretch", "status = 'pending'"), "time"), (*STATUS, *OWNERS),
    ),
    Metric(
        "on_hold_time", "Time on hold, in all", "seconds", STRETCHES.format(status="status was on hold"),
        "stretches", Part("sum", Rows("stretch", "status = 'on_hold'"), "time"), (*STATUS, *OWNERS),
    ),
    Metric(
        "time_logged", "Time logged", "seconds", "Working time that was logged in the period, by whose work it is.",
        "events", Part("sum", LOGGED, "amount"), (TimeLogged,), LOGGED_BY,
    ),
    Metric(
        "time_billable", "Billable time logged", "seconds",
        "Billable working time that was logged in the period, by whose work it is.",
        "events", Part("sum", BILLABLE, "amount"), (TimeLogged,),
    ),
    Metric(
        "time_logged_tickets", "Tickets with time logged", "tickets",
        "Tickets for which time was logged in the period, each counted once in it, in its bucket and in its group.",
        "events", TICKETS, (TimeLogged,), LOGGED_BY,
    ),
    Metric(
        "time_per_ticket", "Time logged per ticket", "seconds",
        "Time logged in the period, per ticket for which any was; null if there was none.",
        "events", Quotient(Part("sum", LOGGED, "amount"), TICKETS), (TimeLogged,), LOGGED_BY,
    ),
    Metric(
        "cost", "Cost of logged time", "money",
        "Each entry's seconds by the rate an hour that was in force for the ticket's level when it was logged; time "
        f"logged without a rate costs nothing known and does not count. {CURRENCY}",
        "events", Part("sum", LOGGED, "cost"), (TimeLogged,), LOGGED_BY,
    ),
    Metric(
        "cost_per_ticket", "Cost per ticket", "money",
        f"Cost of the time logged in the period, per ticket for which any was logged at a rate. {CURRENCY}",
        "events", Quotient(Part("sum", LOGGED, "cost"), Part("tickets", Rows("time_logged", "cost IS NOT NULL"))),
        (TimeLogged,), LOGGED_BY,
    ),
    Metric(
        "points", "Points", "points",
        "10 for each resolution, 2 for each public reply by a person, 5 for each SLA target met and 10 for each good "
        "rating; 5 less for each SLA target breached, and 10 less for each bad rating. For weekly leaderboards: it "
        "says how much was done and kept, not how hard it was.",
        "events",
        Points((
            (10, Part("count", Rows("resolved"))), (2, Part("count", Rows("reply"))),
            (5, Part("count", Rows("sla", "amount = 1"))), (-5, Part("count", Rows("sla", "amount = 0"))),
            (10, Part("count", Rows("rated", "detail = 'good'"))),
            (-10, Part("count", Rows("rated", "detail = 'bad'"))),
        )),
        (Resolved, ReplyAdded, SlaMet, SlaBreached, SatisfactionRated),
    ),
)  # fmt: skip
