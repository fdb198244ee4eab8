"""Explanations: for any figure the spans that make it up, adding up to the microsecond."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from uuid import UUID

from aggregates.sla.elapsed import Standstill
from aggregates.sla.explain import Account, Explanation, explain
from aggregates.ticket import events as t
from tests.aggregates.lives import (
    DAY,
    GOLD,
    HOUR,
    MINUTE,
    OFFICE,
    Life,
    applied,
    at,
    message,
    pending,
    priority,
    reply,
    resolved,
    terms,
)

NOON = at("12:00")


def explained(life: Life, now: datetime = NOON, *, unpromised: bool = False) -> Explanation:
    return explain(life.clocks, now, {OFFICE: "Office"}.get, unpromised=unpromised)


def the(metric: str, life: Life, now: datetime = NOON) -> Account:
    (found,) = (clock for clock in explained(life, now).clocks if clock.metric == metric)
    return found


def adds_up(account: Account) -> bool:
    counted = [step.seconds for step in account.steps]
    follow = all(one.until == other.since for one, other in pairwise(account.steps))
    sums = [step.sum for step in account.steps] == list(accumulate(counted))
    return follow and sums and sum(counted, timedelta()) == account.elapsed


def busy_life() -> Life:
    """Two policies, both kinds of time, a pause, another priority, a reopening; instants off the second."""
    office, calendar = terms({"normal": 4 * HOUR, "urgent": HOUR}, "resolution", time="business"), terms(DAY, "update")
    life = Life(office, terms(2 * HOUR, "resolution"), calendar).opened(at("08:10:00.25"))
    life.tell(at("09:07:13.123456"), pending()).tell(at("09:20"), message(), t.Reopened(was="pending", cause="message"))
    life.tell(at("09:30:00.000001"), priority("urgent")).tell(at("10:00"), applied(2, life.shelf))
    return life.tell(at("10:45:30.5"), resolved()).tell(
        at("11:00"), message(), t.Reopened(was="resolved", cause="message")
    )


def test_spans_add_up_to_what_the_clock_says_whenever_it_is_asked() -> None:
    for now in (at("11:00"), at("11:00:00.000001"), NOON, at("23:59:59.999999", 9)):
        told = explained(busy_life(), now, unpromised=True)
        assert {clock.metric for clock in told.clocks} >= {"resolution", "first_reply", "requester_wait"}
        assert all(map(adds_up, told.clocks))


def test_each_span_says_what_it_stood_on() -> None:
    steps = the("resolution", busy_life()).steps
    assert [(s.why, s.running, s.time, s.target, s.standing.policy_version) for s in steps] == [
        ("new", True, "business", 4 * HOUR, 1), ("pending", False, "business", 4 * HOUR, 1),
        ("open", True, "business", 4 * HOUR, 1), ("open", True, "business", HOUR, 1),
        ("open", True, "calendar", 2 * HOUR, 2), ("resolved", False, "calendar", 2 * HOUR, 2),
        ("open", True, "calendar", 2 * HOUR, 2),
    ]  # fmt: skip
    first, last = steps[0].standing, steps[-1].standing
    assert (first.policy, first.policy_name, first.calendar_name, first.calendar_version) == (GOLD, "Gold", "Office", 1)
    assert (last.calendar, last.calendar_name, last.calendar_version) == (None, None, None)
    assert steps[0].seconds == timedelta(minutes=7, seconds=13.123456), "the office opens at nine"
    assert steps[-1].until is None


def test_a_breach_that_nothing_has_happened_since_is_told_with_its_instant() -> None:
    life = Life(terms(HOUR, "first_reply", warnings=({"percent": 50},))).opened(at("10:00"))
    running, late = the("first_reply", life, at("11:00")), the("first_reply", life, at("11:00:01"))
    assert (running.state, running.warned_at, running.breached_at) == ("warned", at("10:30"), None)
    assert (late.state, late.breached_at, late.remaining) == ("breached", at("11:00"), timedelta(seconds=-1))
    assert the("first_reply", life, at("10:29")).warned_at is None
    life.tell(at("11:30"), reply())
    answered = the("first_reply", life)
    assert (answered.state, answered.breached_at, answered.met_at) == ("breached", at("11:00"), None)
    assert answered.elapsed == timedelta(minutes=90)


def test_a_ticket_tells_its_resolutions_and_when_it_closes() -> None:
    life = Life(terms(DAY, "resolution")).opened(at("10:00")).tell(at("10:20"), resolved())
    life.tell(at("10:30"), message(), t.Reopened(was="resolved", cause="message")).tell(at("11:00"), resolved())
    told = explained(life)
    assert (told.first_resolved_at, told.last_resolved_at) == (at("10:20"), at("11:00"))
    assert (told.status, told.closes_at) == ("resolved", at("11:00", 4))
    assert told.standing.policy_name == "Gold"


def test_what_was_never_promised_is_told_only_when_asked_for() -> None:
    life = Life(terms(HOUR, "first_reply")).opened(at("10:00"))
    assert [clock.metric for clock in explained(life).clocks] == ["first_reply"]
    assert len(explained(life, unpromised=True).clocks) == 5


def test_what_a_row_says_has_passed_goes_on_in_its_own_time() -> None:
    shelf = Life().shelf

    def passed(running: bool, time: str, calendar: UUID | None = OFFICE) -> float:
        still = Standstill(30_500_000, at("17:59:30"), running, time, calendar, 1)  # type: ignore[arg-type]
        return still.elapsed(at("18:10"), shelf).total_seconds()

    assert passed(False, "business") == 30.5
    assert passed(True, "business") == 60.5
    assert passed(True, "calendar") == passed(True, "business", None) == 30.5 + 10.5 * MINUTE
    assert Standstill(5, NOON, True, "calendar", None, None).elapsed(at("11:00"), shelf) == timedelta(microseconds=5)
