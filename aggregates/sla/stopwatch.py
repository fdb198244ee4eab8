"""How much time passes between two instants, and when has a span of it passed? Exact to the microsecond."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from aggregates.business_time import Timeline

NOTHING = timedelta(0)
SECOND = timedelta(seconds=1)


class Stopwatch(Protocol):
    def between(self, start: datetime, end: datetime) -> timedelta:
        """What passes from `start` to `end`, which is no earlier."""
        ...

    def after(self, start: datetime, span: timedelta) -> datetime | None:
        """The earliest instant by which `span` has passed since `start`; None: never."""
        ...


class CalendarTime:
    """Around the clock."""

    def between(self, start: datetime, end: datetime) -> timedelta:
        return end - start

    def after(self, start: datetime, span: timedelta) -> datetime | None:
        return start + max(span, NOTHING)


class BusinessTime:
    """While one version of a calendar is open. Hours open and close on whole seconds; instants need not be whole."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._last: tuple[datetime | None, datetime | None, timedelta] = None, None, NOTHING

    def between(self, start: datetime, end: datetime) -> timedelta:
        # A ticket's clocks mostly stop and go together: they ask for the same two instants one after the other.
        begun, ended, passed = self._last
        if begun is not start or ended is not end:
            passed = self._between(start, end)
            self._last = start, end, passed
        return passed

    def _between(self, start: datetime, end: datetime) -> timedelta:
        whole = timedelta(seconds=self._timeline.seconds(start, end))
        return whole + self._within(end) - self._within(start)

    def after(self, start: datetime, span: timedelta) -> datetime | None:
        if span <= NOTHING:
            return start
        seconds, rest = divmod(span + self._within(start), SECOND)
        if not rest:
            return self._timeline.after(_whole(start), seconds)
        # The rest passes in the open second that comes then.
        end = self._timeline.after(_whole(start), seconds + 1)
        return None if end is None else end - SECOND + rest

    def _within(self, instant: datetime) -> timedelta:
        """What has passed of the second that it lies in, if that second is open."""
        if not instant.microsecond:
            return NOTHING
        second = _whole(instant)
        return (instant - second) * self._timeline.seconds(second, second + SECOND)


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
