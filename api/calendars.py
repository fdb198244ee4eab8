"""HTTP for business calendars: their hours in versions, holidays from iCalendar files, and business time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, cast
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import AwareDatetime

from aggregates.business_time import BeyondCalendars, Timeline
from aggregates.calendar import Calendar, CalendarPublished, CreateCalendar, PublishHours, RenameCalendar, Version
from aggregates.desk import Desk
from aggregates.envelope import Recorded, recorded
from aggregates.errors import Refusal, Unacceptable
from api.answers import Changed, HolidaysImported, SkippedShown
from api.asking import Ask, AskAnew, stamp
from api.callers import FigureCaller, LeadCaller
from api.desk import VIEW, Id, told
from api.reading import Cursor, Limit, Read, found
from api.services import Services, Shared
from api.shown import (
    ActorShown,
    BusinessTimeShown,
    CalendarShown,
    CalendarsPage,
    CalendarVersionShown,
    CalendarVersionsShown,
)
from api.strict import invalid, router
from commands.ical import Found, holidays
from projections import desk_queries

calendars = router("/calendars", "calendars")

ICAL = "text/calendar"
ICAL_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {ICAL: {"schema": {"type": "string", "format": "binary"}}}}
}
# A day has up to 48 spans: at these limits a question takes a second or two of CPU, as a year of business time may lie
# many years ahead.
FURTHEST = timedelta(days=10 * 366)
MOST_SECONDS = 366 * 86_400


class NotICalendar(Refusal):
    status: ClassVar[int] = 415


async def _ical(request: Request, who: LeadCaller) -> bytes:
    """A body of the kind that can be read. Raises NotICalendar."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != ICAL:
        raise NotICalendar("body.not_ical", f"Send an iCalendar file, with `Content-Type: {ICAL}`.")
    return await request.body()


Body = Annotated[bytes, Depends(_ical)]
From = Annotated[AwareDatetime, Query(alias="from", description="an instant, with its zone or `Z`")]
To = Annotated[AwareDatetime | None, Query(description="how much business time lies before this one?")]
Seconds = Annotated[int | None, Query(ge=0, le=MOST_SECONDS, description="when has so much of it passed?")]
EffectiveFrom = Annotated[AwareDatetime | None, Query(description="from when they hold; now, if it is left out")]


@calendars.post("", status_code=201)
async def create_calendar(who: LeadCaller, body: CreateCalendar, ask: AskAnew, response: Response) -> Changed:
    """Create a calendar, with its first hours or without any."""
    context = ask.context(who, body, "calendar")
    return told(response, await ask.services.configuration.calendar(None, body, context), "calendars")


@calendars.put("/{id}", status_code=201)
async def create_calendar_as(
    who: LeadCaller, id: Id, body: CreateCalendar, ask: AskAnew, response: Response
) -> Changed:
    """Create a calendar under an id of your own choice."""
    context = ask.context(who, body, f"calendar {id}")
    return told(response, await ask.services.configuration.calendar(id, body, context), "calendars")


@calendars.patch("/{id}")
async def rename_calendar(who: LeadCaller, id: Id, body: RenameCalendar, ask: Ask, response: Response) -> Changed:
    """Rename it."""
    context = ask.context(who, body, f"calendar {id}")
    return told(response, await ask.services.configuration.calendar(id, body, context))


@calendars.put("/{id}/hours")
async def publish_hours(who: LeadCaller, id: Id, body: PublishHours, ask: Ask, response: Response) -> Changed:
    """Publish a whole new version of the hours; the ones before stay as they were, and hold until it does."""
    context = ask.context(who, body, f"calendar {id}")
    return told(response, await ask.services.configuration.calendar(id, body, context))


@calendars.post("/{id}/holidays/import", openapi_extra=ICAL_BODY)
async def import_holidays(
    who: LeadCaller, id: Id, body: Body, ask: Ask, response: Response, effective_from: EffectiveFrom = None
) -> HolidaysImported:
    """Add the holidays of an iCalendar file to the latest hours: a new version, unless it has them all already.

    All-day events count, and recurring ones too; those with a time of day are skipped.
    """
    read = await asyncio.to_thread(holidays, body, datetime.now(UTC).date())
    command = read.command.model_copy(update={"effective_from": effective_from})
    context = ask.context(who, command, f"calendar {id}")
    return _imported(told(response, await ask.services.configuration.calendar(id, command, context)), read)


@calendars.get("")
async def list_calendars(who: FigureCaller, read: Read, limit: Limit = 50, cursor: Cursor = None) -> CalendarsPage:
    """Calendars by name."""
    async with read.view(VIEW) as connection:
        return CalendarsPage.model_validate(await desk_queries.calendars(connection, limit, cursor))


@calendars.get("/{id}")
async def get_calendar(who: FigureCaller, id: Id, read: Read) -> CalendarShown:
    """One calendar with its latest hours."""
    async with read.view(VIEW) as connection:
        return CalendarShown.model_validate(found(await desk_queries.calendar(connection, id), "calendar"))


@calendars.get("/{id}/versions")
async def list_calendar_versions(
    who: FigureCaller, id: Id, services: Shared, response: Response
) -> CalendarVersionsShown:
    """Every version of its hours that was ever published, from the log itself."""
    stored = await services.store.stream(id)
    newest = found(stored[-1] if stored and stored[0].type.startswith("calendar.") else None, "calendar")
    stamp(response, newest)
    published = [recorded(event) for event in stored if event.type == CalendarPublished.type_name]
    return CalendarVersionsShown(versions=[_version(number, event) for number, event in enumerate(published, 1)])


@calendars.get("/{id}/business-time")
async def get_business_time(
    who: FigureCaller, id: Id, services: Shared, since: From, to: To = None, seconds: Seconds = None
) -> BusinessTimeShown:
    """How much business time lies between two instants, or by when so many seconds of it have passed.

    By the version in force at `from`; say either `to` or `seconds`.
    """
    if (to is None) == (seconds is None):
        raise invalid("query.to", "to_or_seconds")
    if to is not None and abs(to - since) > FURTHEST:
        raise Unacceptable("calendar.too_far", "Ask for ten years at most.", field="to")
    version = _in_force(await _calendar(services, id), id, since)
    passed, until = await asyncio.to_thread(_counted, version, since, to, seconds)
    return BusinessTimeShown(hours_version=version.number, seconds=passed, until=until)


async def _calendar(services: Services, id: UUID) -> Calendar:
    state = (await services.handler.memory.recall([id], fresh=True))[id].state
    return found(state if isinstance(state, Calendar) else None, "calendar")


def _in_force(calendar: Calendar, id: UUID, at: datetime) -> Version:
    version = Desk({id: calendar}).calendar(id, "id").in_force(at)
    return found(version, "calendar")


def _counted(
    version: Version, since: datetime, to: datetime | None, seconds: int | None
) -> tuple[int, datetime | None]:
    # A timeline of its own: what one question makes it work out must not stay for ever.
    timeline = Timeline(version.hours)
    try:
        if to is not None:
            return timeline.seconds(since, to), to
        return seconds or 0, timeline.after(since, seconds or 0)
    except BeyondCalendars as error:
        raise Unacceptable("calendar.beyond_calendars", f"{error}.".capitalize(), field="from") from error


def _imported(changed: Changed, read: Found) -> HolidaysImported:
    skipped = SkippedShown(timed=read.timed, cancelled=read.cancelled, beyond=read.beyond)
    return HolidaysImported(
        **changed.model_dump(), holidays=len(read.dates), yearly_holidays=len(read.yearly), skipped=skipped
    )


def _version(number: int, event: Recorded) -> CalendarVersionShown:
    published = cast(CalendarPublished, event.fact)
    return CalendarVersionShown(
        number=number,
        hours=published.hours,
        effective_from=published.effective_from,
        published_at=event.recorded_at,
        published_by=ActorShown.model_validate(event.actor),
        version=event.version,
    )
