"""sla_defaults: how does a desk get the shipped policies, and a calendar for them, without the API?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from aggregates.business_time import Hours, Span
from aggregates.calendar import Calendar, CalendarCommand, CreateCalendar, PublishHours
from aggregates.envelope import Actor
from aggregates.sla.defaults import DEFAULTS
from aggregates.sla.matching import in_force
from aggregates.sla.policies import POLICY_LIST, PolicyList, PublishDefaults
from commands.context import Context
from commands.database import pool
from commands.desk import Configuration
from commands.handle import Handler
from commands.policies import Policies
from commands.store import EventStore

CALENDAR = uuid5(DEFAULTS, "calendar")
ACTOR = Actor(kind="system", id="sla-defaults")


@dataclass(frozen=True, slots=True)
class Held:
    """What holds now. news: facts that this call wrote."""

    calendar: UUID
    hours: Calendar
    policies: PolicyList
    news: int

    @property
    def now(self) -> datetime:
        """Not before what was just published."""
        return self.policies.moment(datetime.now(UTC))

    def as_json(self) -> dict[str, Any]:
        version = self.hours.in_force(self.now)
        return {
            "calendar": str(self.calendar),
            "calendar_version": version.number if version else None,
            "policies": [
                {"id": str(policy), "name": held.terms.name, "version": held.number}
                for policy, held in in_force(self.policies, self.now, None)
            ],
            "news": self.news,
        }


class NoCalendar(Exception):
    """No hours were given, and there is none yet."""


async def hold(url: str, calendar: UUID | None, hours: Hours | None, effective_from: datetime | None) -> Held:
    """The shipped policies in business time of `calendar`, or of one with these hours. Twice is once.

    Raises Refusal and NoCalendar.
    """
    async with pool(url, name="sla defaults", size=2) as connections:
        # The secret is for digests of what people send; nobody sends anything here.
        handler = Handler(EventStore(connections), b"")
        chosen = calendar or CALENDAR
        news = 0 if calendar is not None else await _calendar(handler, hours, effective_from)
        command = PublishDefaults(calendar=chosen, effective_from=effective_from)
        news += len((await Policies(handler).change(command, _context())).facts)
        known = await handler.memory.recall([chosen, POLICY_LIST], fresh=True)
        return Held(chosen, known[chosen].state, known[POLICY_LIST].state, news)


async def _calendar(handler: Handler, hours: Hours | None, effective_from: datetime | None) -> int:
    known = (await handler.memory.recall([CALENDAR], fresh=True))[CALENDAR].state
    if hours is None:
        if known is None:
            raise NoCalendar
        return 0
    command: CalendarCommand = (
        CreateCalendar(name="Office hours", hours=hours, effective_from=effective_from)
        if known is None
        else PublishHours(hours=hours, effective_from=effective_from)
    )
    return len((await Configuration(handler).calendar(CALENDAR, command, _context())).facts)


def weekdays(zone: str, opens_and_closes: str) -> Hours:
    """Monday to Friday, `09:00-18:00`. Raises pydantic.ValidationError."""
    opens, _, closes = opens_and_closes.partition("-")
    span = Span.model_validate({"opens": opens.strip(), "closes": closes.strip()})
    return Hours(zone=zone, monday=(span,), tuesday=(span,), wednesday=(span,), thursday=(span,), friday=(span,))


def _context() -> Context:
    """What is there already is found by deciding, so every call is a command of its own."""
    id = uuid4()
    return Context(
        now=datetime.now(UTC), actor=ACTOR, caller="sla defaults", request=id.bytes, command_id=id, correlation_id=id
    )
