"""What may customers answer when they are asked how satisfied they are?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from aggregates.errors import Gone, NotFound
from aggregates.fact import Command
from aggregates.text import SafeText
from aggregates.ticket.events import SatisfactionRated, SatisfactionRequested
from aggregates.ticket.state import Ticket

Score = Annotated[int, Field(ge=1, le=5, strict=True)]
"""4 and 5 are good, 3 is neutral, 1 and 2 are bad."""
Remark = Annotated[SafeText, StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000)]


class Rate(Command):
    """The whole answer to the request; it takes the place of an earlier one."""

    request: UUID
    score: Score
    comment: Remark | None = None


def rate(ticket: Ticket, command: Rate, now: datetime) -> tuple[SatisfactionRated, ...]:
    """Say what happens next; nothing, if it is so already. Raises NotFound or Gone."""
    asked = question(ticket, command.request, now)
    was = ticket.rated
    if was is not None and (was.score, was.comment) == (command.score, command.comment):
        return ()
    score_was = None if was is None else was.score
    return (SatisfactionRated(request=asked.request, score=command.score, was=score_was, comment=command.comment),)


def question(ticket: Ticket, request: UUID, now: datetime) -> SatisfactionRequested:
    """The request, if it may still be answered. Raises NotFound or Gone."""
    asked = ticket.asked
    if asked is None:
        raise NotFound("rating.not_found", "There is nothing to rate.")
    if asked.request != request:
        raise Gone("rating.superseded", "You were asked again since; please answer that.")
    if asked.expires_at <= now:
        raise Gone("rating.expired", "The time to answer this is over.")
    return asked
