"""answers: what do commands answer, and how is a ticket called by people?"""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, Field

from api.problems import Problem


def human(number: int) -> str:
    return f"T-{number}"


class TicketRef(BaseModel):
    ticket: UUID
    number: str = Field(examples=["T-1042"])


class CommandAnswer(BaseModel):
    """What a command did to a ticket. No events: it was so already."""

    ticket: UUID
    number: str | None = Field(None, description="of a ticket that was opened", examples=["T-1042"])
    version: int = Field(description="of the ticket, after this command")
    position: int = Field(description="of the log: send it as `Chronodesk-After` to read what you wrote")
    events: list[str] = Field(examples=[["ticket.assigned.v1"]])
    follow_up: TicketRef | None = Field(None, description="where the story goes on")


class Changed(BaseModel):
    """What a command did to a team, agent, customer, organisation or calendar."""

    id: UUID
    version: int
    position: int
    events: list[str] = Field(examples=[["team.created.v1"]])


class SkippedShown(BaseModel):
    """Of an iCalendar file, what became no holiday."""

    timed: int = Field(description="events with a time of day")
    cancelled: int = Field(description="events that do not take place")
    beyond: int = Field(description="dates before 1900 or after 2199")


class HolidaysImported(Changed):
    """What an iCalendar file did to a calendar. No events: it had these holidays already."""

    holidays: int = Field(description="dates in the file, rules written out")
    yearly_holidays: int = Field(description="holidays in the file that recur on their date every year")
    skipped: SkippedShown


class Outcome(BaseModel):
    """Of one command of a bulk: an answer if its status is 200, else a problem."""

    place: int = Field(description="of the command in the bulk, from 0")
    status: int
    answer: CommandAnswer | None = None
    problem: Problem | None = None


class BulkAnswer(BaseModel):
    outcomes: list[Outcome]
