"""Policies: which promises does a desk make, in which order, and who sees a change to them?"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from aggregates.sla.defaults import default_policies
from aggregates.sla.policies import (
    OrderPolicies,
    PoliciesOrdered,
    PolicyListFact,
    PolicyPublished,
    PolicyRetired,
    PublishDefaults,
    PublishPolicy,
    Reach,
    RetirePolicy,
)
from aggregates.sla.terms import Terms
from aggregates.ticket.events import Channel, Priority
from tests.aggregates.cast import ADA, DISSOLVED, GOLD, GONE, NOBODY, NOON, OFFICE, SILVER, SUPPORT, UNKEPT
from tests.spec import given

EARLIER, LATER = NOON - timedelta(days=300), NOON + timedelta(days=300)
BRONZE = UUID(int=53)


def terms(name: Any = "Gold", **given: Any) -> Terms:
    return Terms.model_validate({"name": name, **given})


def published(
    policy: UUID = GOLD, name: str = "Gold", *, reach: Reach = "new", at_once: bool = True, **given: Any
) -> PolicyPublished:
    return PolicyPublished(
        policy=policy, terms=terms(name), effective_from=NOON, reach=reach, at_once=at_once
    ).model_copy(update=given)


def if_(attribute: str, *values: object, **given: Any) -> dict[str, Any]:
    return {"attribute": attribute, "values": values, **given}


def test_a_policy_holds_from_now_on_for_new_tickets_unless_it_says_more() -> None:
    given().when(PublishPolicy(terms=terms())).then(published()).becomes(version=1, latest=NOON)
    dated = PublishPolicy(terms=terms(), effective_from=EARLIER, reach="open")
    given().when(dated).then(published(effective_from=EARLIER, reach="open", at_once=False)).becomes(latest=None)


def test_versions_are_numbered_by_policy_and_say_where_in_the_list_they_came() -> None:
    then = given(published(), published(SILVER)).when(PublishPolicy(terms=terms("Gold!"))).then(published(name="Gold!"))
    assert [(v.number, v.terms.name, v.listed) for v in then.state.versions(GOLD)] == [(1, "Gold", 1), (2, "Gold!", 3)]
    assert [v.number for v in then.state.versions(SILVER)] == [1]


def test_a_new_policy_comes_last_and_a_new_version_stays_where_it_is() -> None:
    then = given(published(SILVER)).when(PublishPolicy(terms=terms())).then(published())
    assert then.state.current.policies == (SILVER, GOLD)
    then = given(published(), published(SILVER)).when(PublishPolicy(terms=terms("!"))).then(published(name="!"))
    assert then.state.current.policies == (GOLD, SILVER)


def test_the_same_terms_again_write_nothing() -> None:
    given(published()).when(PublishPolicy(terms=terms())).then()
    given(published(effective_from=LATER)).when(PublishPolicy(terms=terms())).then()
    given(published()).when(PublishPolicy(terms=terms(), effective_from=NOON)).then()
    given(published(reach="open")).when(PublishPolicy(terms=terms(), reach="new")).then()


def test_the_same_terms_from_another_instant_or_for_more_tickets_are_a_new_version() -> None:
    given(published()).when(PublishPolicy(terms=terms(), effective_from=LATER)).then(
        published(effective_from=LATER, at_once=False)
    )
    given(published()).when(PublishPolicy(terms=terms(), reach="open")).then(published(reach="open"))


def test_terms_that_python_calls_equal_differ() -> None:
    flag, one = ({"all": [if_("field", value, name="x")]} for value in (True, 1))
    given(published(terms=terms(**flag))).when(PublishPolicy(terms=terms(**one))).then(published(terms=terms(**one)))


def test_retired_policies_hold_no_longer_until_they_are_published_again() -> None:
    both = (published(), published(SILVER))
    then = given(*both).when(RetirePolicy(reach="open")).then(PolicyRetired(policy=GOLD, reach="open"))
    then.becomes(retired=(GOLD,))
    assert then.state.current.policies == (SILVER,)
    then = given(*both, PolicyRetired(policy=GOLD, reach="new")).when(PublishPolicy(terms=terms())).then(published())
    assert then.state.current.policies == (SILVER, GOLD)
    assert [v.number for v in then.state.current.versions[GOLD]] == [2], "what was retired does not come back"


def test_a_policy_is_retired_once_and_then_for_open_tickets_too() -> None:
    gone = published(), PolicyRetired(policy=GOLD, reach="new")
    given(*gone).when(RetirePolicy()).then()
    given(*gone).when(RetirePolicy(reach="open")).then(PolicyRetired(policy=GOLD, reach="open"))
    given(*gone, PolicyRetired(policy=GOLD, reach="open")).when(RetirePolicy(reach="open")).then()


def test_what_never_was_cannot_be_retired() -> None:
    given(published(SILVER)).when(RetirePolicy()).refused("policy.not_found")


def test_policies_are_ordered() -> None:
    both = (published(), published(SILVER))
    then = (
        given(*both).when(OrderPolicies(order=(SILVER, GOLD))).then(PoliciesOrdered(order=(SILVER, GOLD), reach="new"))
    )
    assert then.state.current.policies == (SILVER, GOLD)


def test_the_same_order_again_is_written_only_for_more_tickets() -> None:
    both = (published(SILVER), published(), PoliciesOrdered(order=(GOLD, SILVER), reach="new"))
    same = OrderPolicies(order=(GOLD, SILVER))
    given(*both).when(same).then()
    wider = PoliciesOrdered(order=(GOLD, SILVER), reach="open")
    given(*both).when(same.model_copy(update={"reach": "open"})).then(wider)
    given(*both, wider).when(same.model_copy(update={"reach": "open"})).then()


@pytest.mark.parametrize("order", [(), (GOLD,), (GOLD, GOLD), (GOLD, SILVER, SILVER), (GOLD, NOBODY), (GOLD, BRONZE)])
def test_an_order_names_each_policy_in_force_once(order: tuple[UUID, ...]) -> None:
    past = published(), published(SILVER), published(BRONZE), PolicyRetired(policy=BRONZE, reach="new")
    given(*past).when(OrderPolicies(order=order)).refused("policy.order_incomplete", "order")


def test_there_are_only_so_many_policies() -> None:
    many = [published(UUID(int=1_000 + n)) for n in range(200)]
    given(*many).when(PublishPolicy(terms=terms())).refused("policy.too_many")
    given(*many[1:], published()).when(PublishPolicy(terms=terms("!"))).then(published(name="!"))


def test_business_time_needs_a_calendar() -> None:
    target = {"first_reply": {"seconds": {"high": 60}}}
    asked = PublishPolicy(terms=terms(targets=target))
    given().when(asked).refused("policy.needs_calendar", "terms.calendar")
    calendar_time = terms(targets={"first_reply": {"seconds": {"high": 60}, "time": "calendar"}})
    given().when(PublishPolicy(terms=calendar_time)).then(published(terms=calendar_time))
    kept = terms(targets=target, calendar=OFFICE)
    given().when(PublishPolicy(terms=kept)).then(published(terms=kept))


@pytest.mark.parametrize(("id", "code"), [(NOBODY, "calendar.unknown"), (UNKEPT, "calendar.no_hours")])
def test_a_calendar_is_there_and_says_hours(id: UUID, code: str) -> None:
    given().when(PublishPolicy(terms=terms(calendar=id))).refused(code, "terms.calendar")
    given().when(PublishDefaults(calendar=id)).refused(code, "calendar")


NAMED_WRONGLY = if_("field", 1), if_("field", 1, name=""), if_("tag", "x", name="floor"), if_("tag", "x", name="")
IMPOSSIBLE = (
    if_("priority", "high", "highest"), if_("channel", "email", None), if_("type", "task", True),
    if_("tier", "vip", "gold"), if_("team", None, "Support"), if_("team", None, 7), if_("tag", "x", 7),
    if_("category", "x", False),
)  # fmt: skip


@pytest.mark.parametrize("place", ["all", "any"])
@pytest.mark.parametrize("condition", NAMED_WRONGLY)
def test_a_condition_names_a_field_if_it_is_on_one(condition: dict[str, Any], place: str) -> None:
    asked = terms(**{place: [if_("tag", "fire"), condition]})
    given().when(PublishPolicy(terms=asked)).refused("policy.condition_name", f"terms.{place}.1.name")


@pytest.mark.parametrize("place", ["all", "any"])
@pytest.mark.parametrize("condition", IMPOSSIBLE)
def test_a_condition_that_could_never_hold_is_refused(condition: dict[str, Any], place: str) -> None:
    asked = terms(**{place: [if_("tag", "fire"), condition]})
    given().when(PublishPolicy(terms=asked)).refused("policy.condition_value", f"terms.{place}.1.values.1")


@pytest.mark.parametrize(("team", "code"), [(NOBODY, "team.unknown"), (DISSOLVED, "team.disabled")])
def test_a_condition_names_teams_that_are_there(team: UUID, code: str) -> None:
    asked = terms(any=[if_("team", str(SUPPORT), str(team))])
    given().when(PublishPolicy(terms=asked)).refused(code, "terms.any.0.values")


def test_every_attribute_may_be_asked_for() -> None:
    asked = terms(
        all=[
            if_("priority", "high"), if_("channel", "email"), if_("type", "task"), if_("tier", "vip"),
            if_("team", str(SUPPORT), None), if_("category", "printers", None), if_("tag", "fire", None),
            if_("field", 1, 1.5, True, "x", None, name="floor"),
        ]
    )  # fmt: skip
    given().when(PublishPolicy(terms=asked)).then(published(terms=asked))


@pytest.mark.parametrize(
    ("action", "code", "field"),
    [
        ({"action": "escalate", "team": NOBODY}, "team.unknown", "team"),
        ({"action": "escalate", "agent": NOBODY}, "agent.unknown", "agent"),
        ({"action": "notify", "teams": [SUPPORT, DISSOLVED]}, "team.disabled", "teams.1"),
        ({"action": "notify", "agents": [ADA, GONE]}, "agent.disabled", "agents.1"),
    ],
)
def test_actions_name_who_is_there(action: dict[str, Any], code: str, field: str) -> None:
    asked = terms(reactions=[{"on": "breach", "actions": [{"action": "tag", "tags": ["late"]}, action]}])
    given().when(PublishPolicy(terms=asked)).refused(code, f"terms.reactions.0.actions.1.{field}")


def test_an_action_with_people_who_are_there_is_taken() -> None:
    there = {"action": "notify", "teams": [SUPPORT], "agents": [ADA]}
    asked = terms(reactions=[{"on": "warning", "actions": [there, {"action": "escalate", "team": SUPPORT}]}])
    given().when(PublishPolicy(terms=asked)).then(published(terms=asked))


def shipped() -> tuple[PolicyListFact, ...]:
    return tuple(published(id, terms=terms) for id, terms in default_policies(OFFICE).items())


def test_the_defaults_are_published_once() -> None:
    given().when(PublishDefaults(calendar=OFFICE)).then(*shipped())
    given(*shipped()).when(PublishDefaults(calendar=OFFICE)).then()


def test_of_the_defaults_only_what_was_changed_is_published_again() -> None:
    chat, *_ = shipped()
    assert isinstance(chat, PolicyPublished)
    ours = published(chat.policy, "Ours")
    given(*shipped(), ours).when(PublishDefaults(calendar=OFFICE, reach="open")).then(
        *(fact.model_copy(update={"reach": "open"}) for fact in shipped())
    )
    given(*shipped(), ours).when(PublishDefaults(calendar=OFFICE)).then(chat)


def test_the_defaults_promise_what_they_are_said_to() -> None:
    policies = list(default_policies(OFFICE).values())
    assert [policy.name for policy in policies] == ["Chat", "Phone", "Email", "Social", "Standard"]
    first = {
        policy.name: [policy.target("first_reply", p) for p in ("urgent", "high", "normal", "low")]
        for policy in policies
    }
    assert first == {
        "Chat": [160] * 4,
        "Phone": [300] * 4,
        "Email": [1_800, 3_600, 3_600, 3_600],
        "Social": [1_800, 3_600, 3_600, 3_600],
        "Standard": [1_800, 3_600, 28_800, 86_400],
    }
    for policy in policies:
        assert [policy.target("resolution", p) for p in PRIORITIES] == [259_200, 86_400, 14_400, 7_200]
        assert {target.time for target in policy.targets.values()} == {"business"}
        assert [warning.percent for warning in policy.warnings] == [80]
        assert (policy.pauses, policy.calendar) == (("pending",), OFFICE)


PRIORITIES: tuple[Priority, ...] = ("low", "normal", "high", "urgent")
CHANNELS: tuple[Channel, ...] = ("chat", "phone", "email", "social")


def test_each_default_is_for_its_channel_and_the_last_for_all() -> None:
    *quick, standard = default_policies(OFFICE).values()
    assert [condition.values for policy in quick for condition in policy.all] == [(channel,) for channel in CHANNELS]
    assert not standard.all
    assert not standard.any
    assert all(a != b for a, b in pairwise(default_policies(OFFICE)))
