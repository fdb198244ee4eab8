"""Which versions of policies and calendars were ever published? What a fold of clocks looks up, learnt from the log."""

from __future__ import annotations

from uuid import UUID

from aggregates.business_time import Hours
from aggregates.calendar import CalendarCreated, CalendarPublished, CalendarRenamed
from aggregates.envelope import Recorded
from aggregates.sla.policies import POLICY_LIST, PolicyPublished
from aggregates.sla.terms import Terms


class Catalogue:
    """Grows only: a version never changes once it is published."""

    def __init__(self) -> None:
        self._seen: dict[UUID, int] = {POLICY_LIST: 0}
        self._terms: dict[UUID, list[Terms]] = {}
        self._hours: dict[UUID, list[Hours]] = {}
        self._names: dict[UUID, str] = {}

    @property
    def streams(self) -> list[tuple[UUID, int]]:
        """What there is to learn from: streams, and the version of each up to which it is known."""
        return list(self._seen.items())

    def learn(self, event: Recorded) -> None:
        """The next event of one of `streams`. A policy may name a calendar, which is then one of them too."""
        self._seen[event.stream] = event.version
        match event.fact:
            case PolicyPublished(policy=policy, terms=terms):
                self._terms.setdefault(policy, []).append(terms)
                if terms.calendar is not None:
                    self._seen.setdefault(terms.calendar, 0)
            case CalendarPublished(hours=hours):
                self._hours.setdefault(event.stream, []).append(hours)
            case CalendarCreated(name=name) | CalendarRenamed(name=name):
                self._names[event.stream] = name

    def terms(self, policy: UUID, version: int) -> Terms:
        """Raises LookupError if that was never published."""
        return self._terms[policy][_place(version)]

    def hours(self, calendar: UUID, version: int) -> Hours:
        """Raises LookupError if that was never published."""
        return self._hours[calendar][_place(version)]

    def calendar_name(self, calendar: UUID) -> str | None:
        """As it is called now; None for one that no policy names."""
        return self._names.get(calendar)


def _place(version: int) -> int:
    if version < 1:
        raise LookupError(f"there is no version {version}")
    return version - 1
