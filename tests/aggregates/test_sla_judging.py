"""Which policies are found to have held over a past, from which instants on, and what do clocks make of it?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID

from aggregates.business_time import Hours
from aggregates.calendar import Calendar, CalendarPublished
from aggregates.calendar import evolve as evolve_calendar
from aggregates.customer import Tier
from aggregates.sla.catalogue import Catalogue
from aggregates.sla.clock import Clock
from aggregates.sla.clocks import clocks
from aggregates.sla.judging import judged
from aggregates.sla.policies import PoliciesOrdered, PolicyList, PolicyListFact, PolicyPublished, PolicyRetired, evolve
from aggregates.ticket import events as t
from aggregates.ticket.events import Priority, SlaApplied
from tests.aggregates.lives import (
    ANNA,
    DAY,
    GOLD,
    HOUR,
    OFFICE,
    OFFICE_HOURS,
    SILVER,
    WEEK,
    Life,
    at,
    hours,
    priority,
    reopened,
    resolved,
    terms,
)

NEXT_YEAR = at("00:00", 365)
HIGH: dict[str, Any] = {"all": [{"attribute": "priority", "values": ["high"]}]}


@dataclass
class Past:
    """A ticket's facts, and what was published since: all of it holds from when it says."""

    life: Life = field(default_factory=Life)
    listed: list[PolicyListFact] = field(default_factory=list)
    calendar: Calendar = field(default_factory=lambda: Calendar("Office"))
    tier: Tier = "standard"

    def policy(self, policy: UUID, since: datetime, *metrics: t.Metric, seconds: Any = HOUR, **more: Any) -> Past:
        of = terms(seconds, *(metrics or ("resolution",)), **more)
        self.listed.append(PolicyPublished(policy=policy, terms=of, effective_from=since, reach="new"))
        return self

    def hours(self, hours: Hours, since: datetime) -> Past:
        self.calendar = evolve_calendar(self.calendar, CalendarPublished(hours=hours, effective_from=since))
        return self

    def opened(self, when: datetime, *more: t.TicketFact, level: Priority = "normal") -> Past:
        opened = t.Opened(number=1, requester=ANNA, subject="Fire", channel="email", priority=level)
        return self.tell(when, opened, t.Imported(source="old", case="1"), *more)

    def tell(self, when: datetime, *facts: t.TicketFact) -> Past:
        self.life.tell(when, *facts, by="import", recorded=NEXT_YEAR)
        return self

    @property
    def policies(self) -> PolicyList:
        return reduce(evolve, self.listed, PolicyList())

    def judged(self, now: datetime = NEXT_YEAR) -> list[SlaApplied]:
        return judged(self.life.events, self.policies, {OFFICE: self.calendar}, self.tier, now)

    def series(self) -> list[tuple[UUID | None, int, int, datetime | None]]:
        return [(fact.policy, fact.policy_version, fact.calendar_version, fact.since) for fact in self.judged()]

    def clock(self, metric: t.Metric = "resolution") -> Clock:
        """As it comes out once the series is written."""
        self.life.tell(NEXT_YEAR, *self.judged(), by="system")
        shelf = Catalogue()
        for number, fact in enumerate(self.listed, 1):
            shelf.learn(_recorded(fact, number))
        for version in self.calendar.versions:
            shelf.learn(_recorded(CalendarPublished(hours=version.hours), version.number, OFFICE))
        (clock,) = [clock for clock in clocks(self.life.events, shelf) if clock.metric == metric]
        return clock


def _recorded(fact: Any, version: int, stream: UUID = GOLD) -> Any:
    event = Life().tell(NEXT_YEAR, fact).events[0]
    return type(event)(version, stream, version, event.recorded_at, event.envelope)


def test_each_version_holds_from_its_own_instant_on() -> None:
    past = Past().policy(GOLD, at("00:00")).policy(GOLD, at("12:00"), seconds=2 * HOUR).policy(GOLD, at("00:00", 9))
    past.opened(at("10:00"))
    assert past.series() == [
        (GOLD, 1, 0, at("10:00")),
        (GOLD, 2, 0, at("12:00")),
        (GOLD, 3, 0, at("00:00", 9)),
    ]
    assert {fact.list_version for fact in past.judged()} == {3}


def test_nothing_is_said_where_nothing_changes() -> None:
    past = Past().policy(GOLD, at("00:00")).opened(at("10:00"))
    past.tell(at("11:00"), priority("high")).tell(at("12:00"), t.Tagged(tags=("fire",))).tell(at("13:00"), resolved())
    assert past.series() == [(GOLD, 1, 0, at("10:00"))]


def test_a_ticket_moves_when_what_conditions_read_changes_within_its_past() -> None:
    past = Past().policy(GOLD, at("00:00"), **HIGH).policy(SILVER, at("00:00")).opened(at("10:00"))
    past.tell(at("11:00"), priority("high")).tell(at("12:00"), priority("low", "high"))
    assert past.series() == [
        (SILVER, 1, 0, at("10:00")),
        (GOLD, 1, 0, at("11:00")),
        (SILVER, 1, 0, at("12:00")),
    ]


def test_priorities_that_changed_are_judged_each_by_its_own_target() -> None:
    targets = {"normal": 8 * HOUR, "high": 2 * HOUR}
    past = Past().policy(GOLD, at("00:00"), seconds=targets).opened(at("10:00"))
    past.tell(at("11:00"), priority("high")).tell(at("13:00"), priority("normal", "high")).tell(at("14:00"), resolved())
    clock = past.clock()
    assert [(span.start, span.reading.target) for span in clock.spans] == [
        (at("10:00"), 8 * HOUR),
        (at("11:00"), 2 * HOUR),
        (at("13:00"), 8 * HOUR),
    ]
    assert clock.breach is not None
    assert (clock.breach.due, clock.breach.target) == (at("12:00"), 2 * HOUR)


def test_another_calendar_version_in_the_middle_of_a_life_counts_from_then_on() -> None:
    past = Past().policy(GOLD, at("00:00"), seconds=DAY, time="business").opened(at("09:00"))
    past.hours(OFFICE_HOURS, at("00:00")).hours(hours(WEEK, (12, 14)), at("00:00", 1)).tell(at("23:00", 1), resolved())
    assert past.series() == [(GOLD, 1, 1, at("09:00")), (GOLD, 1, 2, at("00:00", 1))]
    assert past.clock().counted.total_seconds() == (9 + 2) * HOUR


def test_a_calendar_that_no_policy_names_says_nothing() -> None:
    past = Past().policy(GOLD, at("00:00")).opened(at("09:00")).hours(OFFICE_HOURS, at("10:00"))
    assert past.series() == [(GOLD, 1, 0, at("09:00"))]


def test_a_life_ends_when_it_was_closed_and_goes_on_when_it_was_reopened() -> None:
    past = Past().policy(GOLD, at("00:00")).policy(GOLD, at("12:00", 1)).opened(at("10:00"))
    past.tell(at("11:00"), t.Closed(was="open", cause="import"))
    past.tell(at("13:00", 1), t.Tagged(tags=("late",)))
    assert past.series() == [(GOLD, 1, 0, at("10:00"))]
    past.tell(at("10:00", 2), reopened())
    assert past.series()[1:] == [(GOLD, 2, 0, at("12:00", 1))]


def test_only_what_lies_before_the_first_sla_applied_is_judged() -> None:
    past = Past().policy(GOLD, at("00:00")).policy(GOLD, at("12:00")).policy(GOLD, at("15:00")).opened(at("10:00"))
    past.tell(at("13:00"), SlaApplied(policy=SILVER, policy_version=1, list_version=1))
    assert past.series() == [(GOLD, 1, 0, at("10:00")), (GOLD, 2, 0, at("12:00"))]


def test_what_stands_on_a_policy_from_its_opening_on_is_left_alone() -> None:
    past = Past().policy(GOLD, at("00:00")).policy(GOLD, at("12:00")).opened(at("10:00"))
    past.life.tell(NEXT_YEAR, *past.judged()[:1], by="system")
    assert past.series() == []


def test_before_anything_is_in_force_nothing_is_said() -> None:
    past = Past().opened(at("10:00")).policy(GOLD, at("12:00"))
    assert past.series() == [(GOLD, 1, 0, at("12:00"))]
    assert Past().opened(at("10:00")).policy(GOLD, at("12:00")).judged(at("11:00")) == []
    assert Past().opened(at("10:00")).judged() == []


def test_retired_policies_hold_for_nobody_and_the_order_is_todays() -> None:
    past = Past().policy(GOLD, at("00:00")).policy(SILVER, at("00:00")).opened(at("10:00"))
    past.listed.append(PoliciesOrdered(order=(SILVER, GOLD), reach="new"))
    assert past.series() == [(SILVER, 1, 0, at("10:00"))]
    past.listed.append(PolicyRetired(policy=SILVER, reach="new"))
    assert past.series() == [(GOLD, 1, 0, at("10:00"))]


def test_a_tier_is_what_is_handed_in() -> None:
    vip = {"all": [{"attribute": "tier", "values": ["vip"]}]}
    past = Past().policy(GOLD, at("00:00"), **vip).policy(SILVER, at("00:00")).opened(at("10:00"))
    assert past.series()[0][0] == SILVER
    past.tier = "vip"
    assert past.series()[0][0] == GOLD


def test_what_was_resolved_in_the_moment_of_its_opening_was_resolved_in_time() -> None:
    past = Past().policy(GOLD, at("00:00"))
    past.opened(at("10:00"), resolved(), t.Closed(was="resolved", cause="import"))
    met = past.clock().met
    assert met is not None
    assert (met.at, met.target, met.elapsed.total_seconds()) == (at("10:00"), HOUR, 0)
