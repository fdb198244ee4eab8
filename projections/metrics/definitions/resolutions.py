"""resolutions: how long does a ticket take until it is resolved, what of, and with how many touches?"""

from __future__ import annotations

from aggregates.ticket.events import Opened, PutOnHold, PutPending, Reopened, ReplyAdded, Resolved
from projections.metrics.definitions.families import share, timed
from projections.metrics.measure import RESOLUTION_CODE, Metric, Part, Quotient, Rows

FULLY = Rows("fully_resolved")
READS = (Opened, PutPending, PutOnHold, Reopened, Resolved)
PER_TICKET = (
    "of one ticket from its opening to its last resolution so far, added up over all stretches, and counted when it "
    "was resolved. A ticket never resolved does not count; one resolved again counts with its newest resolution only."
)

METRICS: tuple[Metric, ...] = (
    *timed(
        "first_resolution", "First resolution time", Rows("resolved", "amount = 1"),
        "From the opening of a ticket to its first resolution, counted when it was resolved, pending time included. "
        "A later reopening changes nothing. An unresolved ticket does not count; one whose target was missed does.",
        (Opened, Resolved), detail=RESOLUTION_CODE,
    ),
    *timed(
        "full_resolution", "Full resolution time", FULLY,
        "From the opening of a ticket to its last resolution so far, counted when it was resolved, pending time and "
        "reopenings included. When a reopened ticket is resolved again, its newest resolution takes the place of the "
        "one before it, from that position of the log on.",
        (Opened, Reopened, Resolved),
    ),
    share(
        "one_touch", "One-touch", FULLY, Rows("fully_resolved", "amount <= 1"),
        "Of the tickets whose last resolution so far fell in the period, those that took one public reply by a person, "
        "or none; null if there were none.",
        (ReplyAdded, Resolved),
    ),
    share(
        "two_touch", "Two-touch", FULLY, Rows("fully_resolved", "amount = 2"),
        "Of the tickets whose last resolution so far fell in the period, those that took exactly two public replies by "
        "persons; null if there were none.",
        (ReplyAdded, Resolved),
    ),
    Metric(
        "replies_per_ticket", "Replies per resolved ticket", "number",
        "Public replies by persons up to the last resolution so far, on average of the tickets for which that fell in "
        "the period; null if there were none.",
        "events", Quotient(Part("sum", FULLY, "amount"), Part("count", FULLY)), (ReplyAdded, Resolved),
    ),
    *timed(
        "requester_wait", "Requester wait time", Rows("requester_wait"),
        f"Time in which the requester waited for the desk: new, open and on hold, {PER_TICKET}", READS, source="lives",
    ),
    *timed(
        "agent_work", "Agent work time", Rows("agent_work"),
        f"Time in which it was for the desk to act: new and open, {PER_TICKET}", READS, source="lives",
    ),
    *timed(
        "pending", "Pending time", Rows("pending"),
        f"Time in which the desk waited for the requester, {PER_TICKET}", READS, source="lives",
    ),
    *timed(
        "on_hold", "On-hold time", Rows("on_hold"),
        f"Time in which the desk waited for somebody else, {PER_TICKET}", READS, source="lives",
    ),
)  # fmt: skip
