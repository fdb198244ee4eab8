"""test_history: does a log's row become the fact that a support lead would tell?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aggregates.ticket.events import DeEscalated, Escalated, Imported, Opened, PriorityChanged, Reopened, Resolved
from replay.logs.eventlog import BrokenLog, Case, Row
from replay.logs.history import tell
from replay.logs.lexicon import Lexicon
from replay.logs.steps import Remark
from tests.replay.logs import BPI, NOW, event, names, told

LEXICON = Lexicon(BPI)


def test_the_first_event_opens_the_ticket_with_its_values_and_its_own_time() -> None:
    opened, imported, *_ = told(event("work", team="G7 2nd", impact="Major")).drafts
    assert isinstance(opened.fact, Opened)
    assert opened.fact.subject == "Incident c1: PROD1"
    assert (opened.fact.level, opened.fact.priority, opened.fact.team) == (2, "urgent", LEXICON.team("G7 2nd").id)
    assert opened.fact.fields == {
        "product": "PROD1",
        "role": "A2_1",
        "organisation_involved": "Org line A",
        "organisation_country": "se",
        "resource_country": "Sweden",
    }
    assert opened.at == datetime(2012, 5, 1, 8, 0, tzinfo=UTC)
    assert imported.fact == Imported(source="bpi2013", case="c1")


@pytest.mark.parametrize(
    ("team", "level"), [("G97", 1), ("G51 2nd", 2), ("V5 3rd", 3), ("V13 2nd 3rd", 3), ("2nd thoughts", 1)]
)
def test_the_line_is_the_highest_that_the_teams_name_tells(team: str, level: int) -> None:
    assert LEXICON.level(team) == level


def test_whoever_works_on_it_gets_it_and_whoever_queues_it_lets_it_go() -> None:
    telling = told(event("work"), event("work", 1, who="Bob"), event("queue", 2, who="Bob"), event("work", 3, who="Cy"))
    assert names(telling.drafts) == ["assigned", "assigned", "unassigned", "assigned"]


def test_the_system_acts_but_never_holds_a_ticket() -> None:
    telling = told(event("work"), event("resolve", 1), event("close", 2, who="Siebel"))
    assert names(telling.drafts) == ["assigned", "resolved", "closed"]
    assert telling.ticket.assignee == LEXICON.agent("Ann")
    assert telling.drafts[-1].actor.id == "bpi2013:Siebel"


def test_another_team_of_the_same_line_is_a_routing() -> None:
    assert names(told(event("work"), event("work", 1, team="G2")).drafts) == ["assigned", "routed"]


def test_a_team_of_another_line_is_an_escalation_that_carries_the_team() -> None:
    telling = told(event("work"), event("queue", 1, team="G2 2nd"), event("work", 2, who="Bob", team="G1"))
    assert names(telling.drafts) == ["assigned", "escalated", "de_escalated", "assigned"]
    up, down = telling.drafts[3].fact, telling.drafts[4].fact
    assert isinstance(up, Escalated)
    assert isinstance(down, DeEscalated)
    assert (up.from_level, up.to_level, up.from_agent, up.to_agent) == (1, 2, LEXICON.agent("Ann"), None)
    assert (down.from_team, down.to_team) == (LEXICON.team("G2 2nd").id, LEXICON.team("G1").id)


def test_who_goes_along_to_another_line_keeps_it() -> None:
    assert names(told(event("work"), event("work", 1, team="G2 2nd")).drafts) == ["assigned", "escalated"]


def test_waiting_for_the_user_is_pending_and_for_others_on_hold() -> None:
    telling = told(event("work"), event("wait_user", 1), event("wait_vendor", 2), event("work", 3))
    assert names(telling.drafts) == ["assigned", "put_pending", "put_on_hold", "reopened"]
    assert telling.ticket.status == "open"


@pytest.mark.parametrize(("does", "code"), [("resolve", "resolved"), ("in_call", "in_call"), ("cancel", "cancelled")])
def test_how_it_was_resolved_is_the_code(does: str, code: str) -> None:
    fact = told(event("work"), event(does, 1)).drafts[-1].fact
    assert isinstance(fact, Resolved)
    assert (fact.code, fact.was) == (code, "open")


def test_closing_what_nobody_resolved_resolves_it_first() -> None:
    assert names(told(event("work"), event("close", 1)).drafts) == ["assigned", "resolved", "closed"]


def test_said_again_is_said_once() -> None:
    telling = told(event("work"), event("resolve", 1), event("in_call", 2), event("close", 3), event("close", 4))
    assert names(telling.drafts) == ["assigned", "resolved", "closed"]


@pytest.mark.parametrize(
    ("does", "after"),
    [("work", []), ("queue", ["unassigned"]), ("resolve", ["resolved"]), ("wait_user", ["put_pending"])],
)
def test_whatever_follows_a_closing_reopens_it(does: str, after: list[str]) -> None:
    telling = told(event("work"), event("close", 1), event(does, 2))
    assert names(telling.drafts) == ["assigned", "resolved", "closed", "reopened", *after]
    assert telling.drafts[5].fact == Reopened(was="closed", cause="import")


def test_impact_is_the_priority_and_other_attributes_are_fields() -> None:
    telling = told(event("work"), event("work", 1, impact="High") | {"org:role": "B1"})
    assert names(telling.drafts) == ["assigned", "priority_changed", "field_changed"]
    assert telling.drafts[-2].fact == PriorityChanged(priority="high", was="normal")
    assert telling.ticket.fields["role"] == "B1"


def test_what_the_log_leaves_out_stays_as_it_was_and_is_remarked() -> None:
    bare = {k: v for k, v in event("work", 1).items() if k not in ("org:role", "org:group", "impact")}
    telling = told(event("work"), bare)
    assert names(telling.drafts) == ["assigned"]
    assert {remark.attribute for remark in telling.remarks} == {"org:role", "org:group", "impact"}


def test_a_value_without_a_meaning_is_remarked_and_changes_nothing() -> None:
    telling = told(event("work"), event("work", 1, impact="Cosmic") | {"lifecycle:transition": "Pondering"})
    assert names(telling.drafts) == ["assigned"]
    why = "the mapping has no meaning for this value"
    assert telling.remarks[Remark(why, "impact", "Cosmic")] == 1
    assert telling.remarks[Remark(why, "concept:name/lifecycle:transition", "Accepted/Pondering")] == 1


def test_attributes_that_the_mapping_does_not_name_become_fields_or_are_remarked() -> None:
    telling = told(event("work") | {"Case Owner (2)": "x"})
    assert telling.ticket.fields["case_owner_2"] == "x"
    strict = BPI.model_copy(update={"rest": "report"})
    telling = told(event("work") | {"Case Owner (2)": "x"}, mapping=strict)
    assert telling.remarks[Remark("not mapped: left out", "Case Owner (2)")] == 1
    silent = BPI.model_copy(update={"rest": "report", "ignore": ("Case Owner (2)",)})
    assert not told(event("work") | {"Case Owner (2)": "x"}, mapping=silent).remarks


def test_events_that_are_out_of_order_are_sorted_and_that_is_remarked() -> None:
    telling = told(event("work"), event("close", 9), event("resolve", 5))
    assert names(telling.drafts) == ["assigned", "resolved", "closed"]
    assert any("sorted" in remark.why for remark in telling.remarks)


def test_what_lies_in_the_future_has_not_happened_yet() -> None:
    telling = told(event("work"), event("close", 60), now=datetime(2012, 5, 1, 8, 30, tzinfo=UTC))
    assert names(telling.drafts) == ["assigned"]
    assert any("future" in remark.why for remark in telling.remarks)


@pytest.mark.parametrize("at", [None, "yesterday", "2012-05-01T10:00:00"])
def test_an_event_without_a_time_that_can_be_read_breaks_the_log(at: str | None) -> None:
    row: Row = {k: v for k, v in event("work").items() if k != "time:timestamp"} | (
        {"time:timestamp": at} if at else {}
    )
    with pytest.raises(BrokenLog, match=r"line 12: .*case 'c9'"):
        tell(Case("c9", (row,), 12, {}), 1, Lexicon(BPI), NOW)


def test_nul_and_endless_text_are_stored_as_text_can_be_and_remarked() -> None:
    telling = told(event("work", product="a\x00b") | {"org:role": "x" * 20_000})
    assert telling.ticket.fields["product"] == "a\ufffdb"
    assert len(str(telling.ticket.fields["role"])) == 10_000
    assert telling.ticket.subject == "Incident c1: a\ufffdb"


def test_history_is_told_even_where_todays_rules_would_refuse_it() -> None:
    telling = told(event("unmatched", who="Siebel"), event("close", 1, who="Siebel"), event("wait_user", 2))
    assert names(telling.drafts) == ["resolved", "closed", "reopened", "assigned", "put_pending"]
