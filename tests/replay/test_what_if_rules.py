"""test_what_if_rules: does at each minute hold what somebody says who looks at the ticket at that minute?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.customer import Tier
from aggregates.envelope import Recorded
from aggregates.sla.catalogue import Catalogue
from aggregates.sla.clocks import in_order, instant
from aggregates.sla.policies import PolicyList, PolicyPublished, evolve
from aggregates.sla.terms import Terms
from aggregates.ticket import events as t
from aggregates.ticket.events import SlaApplied
from aggregates.ticket.state import Ticket
from aggregates.ticket.state import evolve as evolve_ticket
from replay.tickets import BEGINNING
from replay.what_if.rules import GivenLibrary, Listed, SlaRules
from tests.aggregates.lives import ANNA, GOLD, HOUR, MONDAY, SILVER, Life, terms

STEP = timedelta(minutes=1)
BRONZE, OWN = UUID(int=0xF8), UUID(int=0xF9)
OPENED = MONDAY + timedelta(hours=8)
HIGH: Any = [{"attribute": "priority", "values": ["high", "urgent"]}]
VIP: Any = [{"attribute": "tag", "values": ["vip"]}]
DEAR: Any = [{"attribute": "tier", "values": ["vip"]}]
Policies = Mapping[UUID, Terms]
THREE: Policies = {
    GOLD: terms(HOUR, "resolution", all=HIGH),
    SILVER: terms(HOUR, "resolution", all=VIP),
    BRONZE: terms(HOUR, "resolution"),
}

happenings = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(["low", "high", "urgent", "vip", "plain", "resolve", "reopen"]) | st.integers(1, 3),
    ),
    max_size=10,
)
Happenings = Sequence[tuple[int, Any]]


def life(happened: Happenings) -> list[Recorded]:
    told = Life().tell(OPENED, t.Opened(number=1, requester=ANNA, subject="Fire", channel="email"))
    for minute, what in sorted(happened, key=lambda one: one[0]):
        told.tell(OPENED + minute * STEP, fact(what))
    return told.events


def fact(what: Any) -> t.TicketFact:
    match what:
        case "vip":
            return t.Tagged(tags=("vip",))
        case "plain":
            return t.Untagged(tags=("vip",))
        case "resolve":
            return t.Resolved(was="open", code="done")
        case "reopen":
            return t.Reopened(was="resolved", cause="agent")
        case int():
            return SlaApplied(policy=OWN, policy_version=what, list_version=1)
        case _:
            return t.PriorityChanged(priority=what, was="normal")


def listed(policies: Policies, tiered: bool = False) -> Listed:
    published = [
        PolicyPublished(policy=id, terms=one, effective_from=BEGINNING, reach="new") for id, one in policies.items()
    ]
    return Listed(reduce(evolve, published, PolicyList()), {}, tiered)


def rules(policies: Policies, published: Policies | None = None, **more: Any) -> SlaRules:
    return SlaRules(
        given=listed(policies, bool(more)),
        published=None if published is None else listed(published),
        priorities=PolicyList(),
        priority_of={},
        tiers=more.get("tiers", {}),
        library=GivenLibrary(Catalogue(), {}, {}),
        now=OPENED + timedelta(days=1),
    )


def at(history: Sequence[Recorded], now: datetime) -> tuple[Ticket, SlaApplied | None]:
    """The ticket, and what holds for it."""
    ticket, held = Ticket(), None
    for event in in_order(history):
        if instant(event) <= now:
            ticket = evolve_ticket(ticket, event.fact)  # type: ignore[arg-type]
            held = event.fact if isinstance(event.fact, SlaApplied) else held
    return ticket, held


def wanted(policies: Policies, ticket: Ticket) -> UUID | None:
    """By somebody who never saw the matching."""
    holds = {GOLD: ticket.priority in ("high", "urgent"), SILVER: "vip" in ticket.tags, BRONZE: True}
    return next((policy for policy in policies if holds[policy]), None)


def minutes() -> list[datetime]:
    return [OPENED + minute * STEP + timedelta(seconds=30) for minute in range(32)]


@given(happenings, st.permutations(list(THREE)), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_at_each_minute_the_first_given_policy_whose_conditions_hold_applies(
    happened: Happenings, order: list[UUID], most: int
) -> None:
    policies = {policy: THREE[policy] for policy in order[:most]}
    history = life(happened)
    replayed = rules(policies).replay(history)
    for now in minutes():
        ticket, _ = at(history, now)
        _, held = at(replayed, now)
        assert (held.policy if held else None) == wanted(policies, ticket)


@given(happenings)
@settings(max_examples=100, deadline=None)
def test_where_they_say_what_is_published_what_really_held_stands(happened: Happenings) -> None:
    """Both promise the same to what is urgent, whatever that really got; all else is given another policy."""
    history = life(happened)
    other = rules({GOLD: THREE[GOLD], SILVER: THREE[BRONZE]}, {GOLD: THREE[GOLD], BRONZE: THREE[BRONZE]})
    replayed = other.replay(history)
    for now in minutes():
        ticket, really = at(history, now)
        _, held = at(replayed, now)
        expected = (really.policy if really else None) if wanted(THREE, ticket) == GOLD else SILVER
        assert (held.policy if held else None) == expected


@given(happenings)
@settings(max_examples=60, deadline=None)
def test_rules_that_say_what_is_published_hand_back_the_very_same_facts(happened: Happenings) -> None:
    history = life(happened)
    assert rules(THREE, THREE).replay(history) is history
    assert rules({}, {}).replay(history) is history


@given(happenings)
@settings(max_examples=60, deadline=None)
def test_nothing_but_what_applied_is_told_anew(happened: Happenings) -> None:
    history = life(happened)
    replayed = rules(THREE).replay(history)
    kept = [event for event in replayed if not isinstance(event.fact, SlaApplied)]
    assert kept == [event for event in in_order(history) if not isinstance(event.fact, SlaApplied)]


def test_a_tier_holds_from_when_the_customer_had_it() -> None:
    history = life([])
    tiers: dict[UUID, list[tuple[datetime, Tier]]] = {
        ANNA: [(OPENED + 5 * STEP, "vip"), (OPENED + 9 * STEP, "standard")]
    }
    replayed = rules({GOLD: terms(HOUR, "resolution", all=DEAR), BRONZE: THREE[BRONZE]}, tiers=tiers).replay(history)
    held = [held.policy for now in minutes()[:11] if (held := at(replayed, now)[1])]
    assert held == [BRONZE] * 5 + [GOLD] * 4 + [BRONZE] * 2
