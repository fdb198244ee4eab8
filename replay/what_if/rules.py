"""What would other rules have decided over a ticket's past? Facts in, facts out; nothing else happens.

The clocks that are folded from either know nothing of rules. What people did stands as they did it, and so does what
a broken promise led to at the time: an escalation, a tag, another priority.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

from aggregates.business_time import Hours
from aggregates.calendar import Calendar
from aggregates.customer import Tier
from aggregates.envelope import Actor, Recorded, envelope_of
from aggregates.fact import Fact
from aggregates.sla.catalogue import Catalogue
from aggregates.sla.clock import Book
from aggregates.sla.clocks import in_order, instant
from aggregates.sla.judging import judged
from aggregates.sla.matching import READ_BY_CONDITIONS, match
from aggregates.sla.policies import PolicyList
from aggregates.sla.terms import Terms
from aggregates.ticket.events import Imported, Opened, Priority, SlaApplied
from aggregates.ticket.state import Ticket, evolve
from replay.what_if.courses import Course, Tiers, alike, by_tier, course, instead, tier_at

RULES = Actor(kind="system", id="what-if")


class Library(Book, Protocol):
    """A book that also knows what calendars are called."""

    def calendar_name(self, calendar: UUID) -> str | None: ...


class Rules(Protocol):
    """Rules of one kind, given for a past that others ruled.

    reads    the facts that they decide by; they may be left out of no history
    library  what the facts that they decide stand on
    """

    @property
    def reads(self) -> tuple[type[Fact], ...]: ...
    @property
    def library(self) -> Library: ...

    def replay(self, history: Sequence[Recorded]) -> Sequence[Recorded]:
        """A ticket's facts as they would have been; the very same sequence if nothing were different."""
        ...


class GivenLibrary:
    """What was published, and versions that never were."""

    def __init__(
        self,
        published: Catalogue,
        terms: Mapping[tuple[UUID, int], Terms],
        calendars: Mapping[UUID, Calendar],
    ) -> None:
        self._published, self._terms, self._calendars = published, terms, calendars
        self._hours = {(id, v.number): v.hours for id, calendar in calendars.items() for v in calendar.versions}

    def terms(self, policy: UUID, version: int) -> Terms:
        return self._terms.get((policy, version)) or self._published.terms(policy, version)

    def hours(self, calendar: UUID, version: int) -> Hours:
        return self._hours.get((calendar, version)) or self._published.hours(calendar, version)

    def calendar_name(self, calendar: UUID) -> str | None:
        known = self._calendars.get(calendar)
        return self._published.calendar_name(calendar) if known is None else known.name


@dataclass(frozen=True, slots=True)
class Listed:
    """By what a past is judged. tiered: some condition asks for the requester's tier."""

    policies: PolicyList
    calendars: Mapping[UUID, Calendar]
    tiered: bool


@dataclass(frozen=True, slots=True)
class SlaRules:
    """Policies, calendars and priorities.

    published   by what the past is compared with the given rules: where both say the same, what really held stands;
                None: the given rules alone decide
    priorities  a list whose policies promise nothing: by id, what a ticket for which they hold is opened as
    tiers       of each customer who ever had another one than everybody has
    now         how far the past reaches
    """

    given: Listed
    published: Listed | None
    priorities: PolicyList
    priority_of: Mapping[UUID, Priority]
    tiers: Mapping[UUID, Tiers]
    library: Library
    now: datetime

    @property
    def reads(self) -> tuple[type[Fact], ...]:
        return READ_BY_CONDITIONS

    def replay(self, history: Sequence[Recorded]) -> Sequence[Recorded]:
        facts = in_order(history)
        own = [event for event in facts if isinstance(event.fact, SlaApplied)]
        bare = [event for event in facts if not isinstance(event.fact, SlaApplied)]
        tiers = self._tiers(bare)
        opened = self._opened(bare, tiers)
        really = course((instant(event), cast(SlaApplied, event.fact)) for event in own)
        would = self._would(really, bare, opened, tiers)
        if alike(really, would):
            return history if opened is bare else [*opened, *own]
        return [*opened, *_decided(would, history)]

    def _would(self, really: Course, bare: Sequence[Recorded], opened: Sequence[Recorded], tiers: Tiers) -> Course:
        """What nobody judged when it was imported is judged by the given rules alone."""
        given = _judged(self.given, opened, tiers, self.now)
        if self.published is None or (not really and any(isinstance(event.fact, Imported) for event in bare)):
            return given
        return instead(really, _judged(self.published, bare, tiers, self.now), given)

    def _tiers(self, facts: Sequence[Recorded]) -> Tiers:
        if not self.tiers:
            return ()
        requester = next((event.fact.requester for event in facts if isinstance(event.fact, Opened)), None)
        return () if requester is None else self.tiers.get(requester, ())

    def _opened(self, facts: Sequence[Recorded], tiers: Tiers) -> Sequence[Recorded]:
        """With the priority that a ticket would have been opened in; the same sequence if no rule says any."""
        if not self.priority_of:
            return facts
        return [self._ranked(event, tiers) if isinstance(event.fact, Opened) else event for event in facts]

    def _ranked(self, event: Recorded, tiers: Tiers) -> Recorded:
        opened = cast(Opened, event.fact)
        found = match(self.priorities, evolve(Ticket(), opened), tier_at(tiers, event.at), event.at).applies
        if found is None:
            return event
        ranked = opened.model_copy(update={"priority": self.priority_of[found.policy]})
        return replace(event, envelope=event.envelope.model_copy(update={"fact": ranked}))


def _judged(by: Listed, history: Sequence[Recorded], tiers: Tiers, now: datetime) -> Course:
    had: set[Tier] = {"standard", *(tier for _, tier in tiers)} if by.tiered else {"standard"}
    courses = {
        tier: [(fact.since or now, fact) for fact in judged(history, by.policies, by.calendars, tier, now)]
        for tier in had
    }
    return by_tier(courses, tiers) if len(courses) > 1 else courses["standard"]


def _decided(would: Course, history: Sequence[Recorded]) -> Iterator[Recorded]:
    last = max(history, key=lambda event: event.version)
    for place, (at, fact) in enumerate(would, 1):
        since = fact.model_copy(update={"since": at})
        envelope = envelope_of(fact.type_name)(
            actor=RULES, command_id=last.stream, correlation_id=last.stream, fact=since
        )
        yield Recorded(last.position, last.stream, last.version + place, last.recorded_at, envelope)
