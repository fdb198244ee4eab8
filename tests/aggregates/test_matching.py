"""Which policy holds for a ticket, and why? Against a slow and plain reading of the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.business_time import Hours
from aggregates.calendar import Calendar
from aggregates.calendar import Version as CalendarVersion
from aggregates.sla.matching import applied, in_force, match, reapplied, stood_on
from aggregates.sla.policies import (
    PoliciesOrdered,
    PolicyList,
    PolicyListFact,
    PolicyPublished,
    PolicyRetired,
    Reach,
    evolve,
)
from aggregates.sla.terms import Terms
from aggregates.text import Erased
from aggregates.ticket.events import (
    NoteAdded,
    PriorityChanged,
    SlaApplied,
    Tagged,
    TicketFact,
)
from aggregates.ticket.state import Ticket, replay
from tests.aggregates.cast import ANNA, GOLD, NETWORK, NOON, OFFICE, OPENED, SILVER, SUPPORT
from tests.aggregates.strategies import facts

BRONZE, NIGHT = UUID(int=53), UUID(int=43)
POLICIES = (GOLD, SILVER, BRONZE)
HOUR = timedelta(hours=1)
TICKET = Ticket(number=1, requester=ANNA)
CALENDARS = {
    OFFICE: Calendar(
        "Office", (CalendarVersion(1, Hours(zone="UTC"), None), CalendarVersion(2, Hours(zone="UTC"), NOON))
    )
}


def listing(*facts: PolicyListFact) -> PolicyList:
    return reduce(evolve, facts, PolicyList())


def published(policy: UUID, reach: Reach = "new", at: datetime = NOON, **terms: Any) -> PolicyPublished:
    return PolicyPublished(
        policy=policy, terms=Terms.model_validate({"name": "x", **terms}), effective_from=at, reach=reach
    )


def retired(policy: UUID, reach: Reach = "new") -> PolicyRetired:
    return PolicyRetired(policy=policy, reach=reach)


def ordered(*order: UUID, reach: Reach = "new") -> PoliciesOrdered:
    return PoliciesOrdered(order=order, reach=reach)


def if_(attribute: str, *values: object, **more: Any) -> dict[str, Any]:
    return {"attribute": attribute, "values": values, **more}


def numbers(policies: PolicyList, standing: int | None = None, at: datetime = NOON) -> list[tuple[UUID, int]]:
    return [(policy, version.number) for policy, version in in_force(policies, at, standing)]


def under(standing: int, policy: UUID | None = GOLD, number: int = 1) -> Ticket:
    sla = SlaApplied(policy=policy, policy_version=number if policy else 0, list_version=standing)
    return replace(TICKET, sla=sla)


# What a ticket sees of the list


def test_a_new_ticket_sees_the_newest_version_that_holds_already() -> None:
    policies = listing(published(GOLD), published(GOLD, at=NOON + HOUR), published(GOLD, at=NOON + 3 * HOUR))
    assert [numbers(policies, at=NOON + hours * HOUR) for hours in (-1, 0, 1, 2, 3)] == [
        [], [(GOLD, 1)], [(GOLD, 2)], [(GOLD, 2)], [(GOLD, 3)],
    ]  # fmt: skip


def test_a_version_that_holds_since_earlier_overrules_older_ones_from_then_on() -> None:
    policies = listing(published(GOLD, at=NOON), published(GOLD, at=NOON - HOUR))
    assert numbers(policies, at=NOON - HOUR) == numbers(policies, at=NOON) == [(GOLD, 2)]


def test_an_open_ticket_sees_changes_only_if_they_reach_it() -> None:
    policies = listing(published(GOLD), published(GOLD, "new"), published(SILVER, "open"), published(GOLD, "open"))
    assert numbers(policies, 1) == [(GOLD, 4 - 1), (SILVER, 1)]
    policies = listing(published(GOLD), published(GOLD, "new"), published(SILVER, "new"))
    assert numbers(policies, 1) == [(GOLD, 1)]
    assert numbers(policies, 2) == [(GOLD, 2)]
    assert numbers(policies) == [(GOLD, 2), (SILVER, 1)]


def test_retirements_and_orders_reach_open_tickets_only_if_they_say_so() -> None:
    both = published(GOLD), published(SILVER)
    assert numbers(listing(*both, retired(GOLD)), 2) == [(GOLD, 1), (SILVER, 1)]
    assert numbers(listing(*both, retired(GOLD, "open")), 2) == [(SILVER, 1)]
    assert numbers(listing(*both, ordered(SILVER, GOLD)), 2) == [(GOLD, 1), (SILVER, 1)]
    assert numbers(listing(*both, ordered(SILVER, GOLD, reach="open")), 2) == [(SILVER, 1), (GOLD, 1)]


def test_what_an_order_names_and_a_ticket_does_not_see_is_not_there_for_it() -> None:
    policies = listing(published(GOLD), published(SILVER), ordered(SILVER, GOLD, reach="open"))
    assert numbers(policies, 1) == [(GOLD, 1)]


def test_a_ticket_for_which_a_policy_was_retired_does_not_get_it_back_by_an_order() -> None:
    policies = listing(published(GOLD), retired(GOLD, "open"), published(GOLD, "new"), ordered(GOLD, reach="open"))
    assert numbers(policies, 1) == []
    assert numbers(policies) == [(GOLD, 2)]


def test_what_an_order_does_not_name_comes_after_it() -> None:
    policies = listing(published(GOLD), published(SILVER), retired(GOLD, "new"), ordered(SILVER, reach="open"))
    assert numbers(policies, 2) == [(SILVER, 1), (GOLD, 1)]


# Random lists, as somebody reads them who goes through the stream with a finger

MOMENTS = st.integers(-3, 3).map(lambda hours: NOON + hours * HOUR)
REACHES = st.sampled_from(("open", "new"))
ONE = st.sampled_from(POLICIES)
STEPS = st.one_of(
    st.builds(published, ONE, REACHES, MOMENTS),
    st.builds(retired, ONE, REACHES),
    st.builds(lambda order, reach: ordered(*order, reach=reach), st.permutations(POLICIES), REACHES),
    st.builds(lambda order, reach: ordered(*order[:2], reach=reach), st.permutations(POLICIES), REACHES),
)


def plainly(facts: Sequence[PolicyListFact], at: datetime, standing: int | None) -> list[tuple[UUID, int]]:
    """Place by place: a policy stands where the last order put it that is seen, else where it first appeared."""
    seen = [(n, f) for n, f in enumerate(facts, 1) if standing is None or n <= standing or f.reach == "open"]
    held: dict[UUID, int] = {}
    for policy in POLICIES:
        out = max((n for n, f in seen if isinstance(f, PolicyRetired) and f.policy == policy), default=0)
        for n, fact in seen:
            if isinstance(fact, PolicyPublished) and fact.policy == policy and n > out and fact.effective_from <= at:
                held[policy] = sum(isinstance(f, PolicyPublished) and f.policy == policy for f in facts[:n])
    places: list[UUID] = []
    for _, fact in seen:
        if isinstance(fact, PoliciesOrdered):
            places = [*fact.order, *(policy for policy in places if policy not in fact.order)]
        elif isinstance(fact, PolicyRetired):
            places = [policy for policy in places if policy != fact.policy]
        elif fact.policy not in places:
            places.append(fact.policy)
    return [(policy, held[policy]) for policy in places if policy in held]


@settings(max_examples=300, deadline=None)
@given(past=st.lists(STEPS, max_size=12), at=MOMENTS, standing=st.none() | st.integers(0, 13))
def test_what_is_in_force_is_what_somebody_reads_there(
    past: list[PolicyListFact], at: datetime, standing: int | None
) -> None:
    assert numbers(listing(*past), standing, at) == plainly(past, at, standing)


@settings(max_examples=100, deadline=None)
@given(past=st.lists(STEPS, max_size=8), later=st.lists(STEPS, max_size=6), at=MOMENTS)
def test_what_reaches_new_tickets_only_changes_nothing_for_open_ones(
    past: list[PolicyListFact], later: list[PolicyListFact], at: datetime
) -> None:
    quiet = [fact.model_copy(update={"reach": "new"}) for fact in later]
    assert numbers(listing(*past, *quiet), len(past), at) == numbers(listing(*past), None, at)
    loud = [fact.model_copy(update={"reach": "open"}) for fact in later]
    assert numbers(listing(*past, *loud), len(past), at) == numbers(listing(*past, *loud), None, at)


# Conditions

BIG = replace(
    TICKET, priority="high", channel="chat", category="printers", team=SUPPORT, ticket_type="incident",
    tags=frozenset({"fire", "vip"}),
    fields=MappingProxyType({"floor": 3, "on": True, "ratio": 0.5, "room": "4.12", "gone": Erased()}),
)  # fmt: skip


@pytest.mark.parametrize(
    "condition",
    [
        if_("priority", "low", "high"), if_("channel", "chat"), if_("category", "printers"),
        if_("category", " printers"),
        if_("team", str(SUPPORT)), if_("team", SUPPORT.hex.upper()), if_("type", "incident"), if_("tier", "vip"),
        if_("tag", "x", "fire"), if_("tag", " FIRE "), if_("field", 3, name="floor"), if_("field", 3.0, name="floor"),
        if_("field", True, name="on"), if_("field", 0.5, name="ratio"), if_("field", "4.12", name="room"),
        if_("field", None, name="nothing"), if_("field", None, name="gone"),
    ],
)  # fmt: skip
def test_a_condition_that_holds(condition: dict[str, Any]) -> None:
    assert held(BIG, condition)
    assert not held(BIG, condition | {"operator": "is_not"})


@pytest.mark.parametrize(
    "condition",
    [
        if_("priority", "low"), if_("channel", "email"), if_("category", None), if_("category", "Printers"),
        if_("team", str(NETWORK), None), if_("type", "task"), if_("tier", "standard"), if_("tag", "water"),
        if_("tag", None), if_("field", "3", name="floor"), if_("field", 1, name="on"), if_("field", True, name="floor"),
        if_("field", None, name="floor"), if_("field", 4.12, name="room"), if_("field", 3, name="room"),
    ],
)  # fmt: skip
def test_a_condition_that_does_not_hold(condition: dict[str, Any]) -> None:
    assert not held(BIG, condition)
    assert held(BIG, condition | {"operator": "is_not"})


def test_nothing_there_is_asked_for_with_null() -> None:
    for attribute in ("team", "category", "tag"):
        assert held(TICKET, if_(attribute, None))
        assert not held(TICKET, if_(attribute, "x"))


def test_all_of_all_and_one_of_any() -> None:
    yes, no = if_("priority", "high"), if_("priority", "low")
    for holds, every, some in (
        (True, [], []), (True, [yes, yes], []), (False, [yes, no], []), (True, [], [no, yes]), (False, [], [no, no]),
        (True, [yes], [yes]), (False, [no], [yes]), (False, [yes], [no]),
    ):  # fmt: skip
        (judged,) = match(listing(published(GOLD, all=every, any=some)), BIG, "vip", NOON).judged
        assert judged.holds == holds


def held(ticket: Ticket, condition: dict[str, Any]) -> bool:
    (judged,) = match(listing(published(GOLD, all=[condition])), ticket, "vip", NOON).judged
    assert judged.holds == judged.all[0].held
    return judged.holds


@settings(max_examples=150, deadline=None)
@given(past=st.lists(facts("ticket"), max_size=12), list_past=st.lists(facts("policy_list"), max_size=6))
def test_any_history_under_any_list_is_matched_or_not(past: list[TicketFact], list_past: list[PolicyListFact]) -> None:
    ticket, policies = replay(past), listing(*list_past)
    found = match(policies, ticket, "standard", NOON)
    now = applied(policies, ticket, "standard", {}, NOON)
    version = found.applies
    assert now is None or now.policy == (version.policy if version else None)
    if now is not None:
        assert applied(policies, replace(ticket, sla=now), "standard", {}, NOON) is None, "written once"


def test_the_first_that_holds_applies_and_every_one_is_explained() -> None:
    policies = listing(published(GOLD, all=[if_("tier", "vip")]), published(SILVER), published(BRONZE))
    found = match(policies, BIG, "standard", NOON)
    assert found.applies is not None
    assert found.applies.policy == SILVER
    assert [(j.policy, j.holds) for j in found.judged] == [(GOLD, False), (SILVER, True), (BRONZE, True)]
    assert [(c.held, c.had) for c in found.judged[0].all] == [(False, ("standard",))]
    assert match(listing(), BIG, "vip", NOON).applies is None


# What is written


def test_what_applies_is_written_with_the_versions_that_hold() -> None:
    policies = listing(published(SILVER), retired(SILVER), published(GOLD, calendar=OFFICE))
    written = SlaApplied(policy=GOLD, policy_version=1, calendar=OFFICE, calendar_version=2, list_version=3)
    assert applied(policies, TICKET, "standard", CALENDARS, NOON) == written
    assert applied(policies, replace(TICKET, sla=written), "standard", CALENDARS, NOON) is None


def test_another_calendar_version_alone_is_written_too() -> None:
    policies = listing(published(GOLD, calendar=OFFICE, at=NOON - 2 * HOUR))
    before = applied(policies, TICKET, "standard", CALENDARS, NOON - HOUR)
    assert before is not None
    assert before.calendar_version == 1
    now = applied(policies, replace(TICKET, sla=before), "standard", CALENDARS, NOON)
    assert now == before.model_copy(update={"calendar_version": 2})


def test_a_ticket_stays_on_the_list_version_that_it_stands_on() -> None:
    policies = listing(published(GOLD), published(SILVER), published(GOLD, "open"))
    now = applied(policies, under(1), "standard", {}, NOON)
    assert now == SlaApplied(policy=GOLD, policy_version=2, list_version=1)


def test_without_any_policy_nothing_is_written() -> None:
    assert applied(listing(), TICKET, "standard", {}, NOON) is None


def test_that_none_matches_is_written_once_and_only_if_one_did() -> None:
    policies = listing(published(GOLD, all=[if_("priority", "urgent")]))
    assert applied(policies, TICKET, "standard", {}, NOON) is None
    none = applied(policies, under(1), "standard", {}, NOON)
    assert none == SlaApplied(policy=None, list_version=1)
    assert applied(policies, under(1, None), "standard", {}, NOON) is None


def test_only_what_conditions_read_makes_it_match_again() -> None:
    policies = listing(published(GOLD, all=[if_("priority", "high")]), published(SILVER))
    raised = PriorityChanged(priority="high", was="normal")
    on = SlaApplied(policy=GOLD, policy_version=1, list_version=2)
    ticket = replace(under(2, SILVER), fields=MappingProxyType({}))
    assert reapplied(ticket, [NoteAdded(body="x"), raised], policies, "standard", {}, NOON) == on
    assert reapplied(ticket, [NoteAdded(body="x")], policies, "standard", {}, NOON) is None
    assert reapplied(ticket, [Tagged(tags=("x",))], policies, "standard", {}, NOON) is None
    assert reapplied(Ticket(), [OPENED, raised], policies, "standard", {}, NOON) == on
    # A wrong policy is not put right by what conditions do not read: that is the SLA clock's.
    assert reapplied(under(2, GOLD), [NoteAdded(body="x")], policies, "standard", {}, NOON) is None


def test_it_stands_on_the_calendars_in_force_and_on_the_tier_if_that_is_asked_for() -> None:
    plain = published(GOLD, calendar=OFFICE), published(SILVER, calendar=NIGHT), published(BRONZE, calendar=OFFICE)
    assert stood_on(listing(*plain), ANNA, None, NOON) == (OFFICE, NIGHT)
    assert stood_on(listing(*plain, retired(SILVER)), ANNA, None, NOON) == (OFFICE,)
    vip = published(SILVER, any=[if_("tier", "vip")])
    assert stood_on(listing(plain[0], vip), ANNA, None, NOON) == (OFFICE, ANNA)
    assert stood_on(listing(plain[0], vip), None, None, NOON) == (OFFICE,)
    assert stood_on(listing(plain[0], vip), ANNA, 1, NOON) == (OFFICE,)


def test_who_sees_the_list_decides_no_earlier_than_it_was_published() -> None:
    ahead = published(GOLD, at=NOON + HOUR).model_copy(update={"at_once": True})
    assert listing(ahead).moment(NOON) == NOON + HOUR
    assert listing(ahead, published(SILVER, at=NOON + 2 * HOUR)).moment(NOON) == NOON + HOUR, "a date is kept"
    assert listing(ahead).moment(datetime(2027, 1, 1, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)
