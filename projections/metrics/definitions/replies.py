"""replies: how soon, and how often, is somebody answered?"""

from __future__ import annotations

from aggregates.ticket.events import MessageReceived, Opened, ReplyAdded
from projections.metrics.definitions.families import count, timed
from projections.metrics.measure import Metric, Rows

FIRST = Rows("reply", "detail = 'first'")
NEXT = Rows("reply", "detail = 'next'")
READS = (Opened, MessageReceived, ReplyAdded)

METRICS: tuple[Metric, ...] = (
    count(
        "first_replies", "First replies", FIRST,
        "Tickets that got their first public reply by a person in the period. Automatic answers and internal notes are "
        "none.",
        READS, unit="tickets",
    ),
    *timed(
        "first_reply", "First reply time", FIRST,
        "From the opening of the ticket to the first public reply by a person, counted when that was given. A message "
        "with which an agent opened the ticket is no reply: the next one counts. Automatic answers and internal notes "
        "do not count, nor does a ticket without a reply yet; one whose target was missed does. Business time is that "
        "of the calendars which the policies then in force named; where there were none, it has none.",
        READS,
    ),
    count(
        "next_replies", "Next replies", NEXT,
        "Public replies by a person, after the first one of their ticket, that answered a waiting requester.", READS,
    ),
    *timed(
        "next_reply", "Next reply time", NEXT,
        "From the oldest message of the requester that nobody had answered to the next public reply by a person, "
        "counted when that was given; the first reply of a ticket is not among them. Each such wait counts by itself.",
        READS,
    ),
    count(
        "replies", "Public replies", Rows("reply"),
        "Public replies by persons in the period, whether somebody waited for one or not. Automatic ones do not count.",
        (ReplyAdded,), detail="first, next or further: whether somebody waited, and for the first time",
    ),
    count(
        "automatic_replies", "Automatic replies", Rows("automatic_reply"),
        "Public answers by bots and rules in the period.", (ReplyAdded,),
    ),
)  # fmt: skip
