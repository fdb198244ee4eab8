"""test_sla_agenda: is each warning, breach and met target noted once, and withdrawn when it turns out untrue?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aggregates.ticket import events as t
from aggregates.ticket.events import TicketFact
from tests.aggregates.lives import ANNA, DAY, HOUR, MINUTE, Life, applied, at, message, reopened, reply, resolved, terms

NOON = at("12:00")


def facts(life: Life, until: datetime = NOON) -> list[type[TicketFact]]:
    return [type(item.fact) for item in life.agenda(until)]


def hour(**more: Any) -> Life:
    return Life(terms(HOUR, "first_reply", **more)).opened(at("10:00"))


def test_nothing_is_noted_before_it_is_due() -> None:
    assert facts(hour(), at("10:59:59.999999")) == []
    assert facts(hour(), at("11:00")) == [t.SlaBreached]


def test_what_is_noted_is_not_noted_again() -> None:
    life = hour(warnings=({"percent": 80},)).noted(at("11:30"))
    assert [type(event.fact) for event in life.events[3:]] == [t.SlaWarned, t.SlaBreached]
    assert life.agenda(NOON) == []


def test_a_clock_that_stood_still_for_an_hour_notes_the_same_facts_with_the_same_instants() -> None:
    told = [item.fact for item in hour(warnings=({"percent": 80},)).agenda(at("11:00"))]
    late = [item.fact for item in hour(warnings=({"percent": 80},)).agenda(at("20:00"))]
    assert told == late


def test_a_breach_is_noted_though_the_answer_came_before_the_clock_looked() -> None:
    life = hour().tell(at("11:10"), reply())
    assert facts(life) == [t.SlaBreached]


def test_a_reply_that_becomes_known_late_withdraws_the_breach_and_meets_the_target() -> None:
    life = hour().noted(at("11:01")).tell(at("10:40"), reply(), recorded=at("11:30"))
    assert facts(life) == [t.SlaBreachWithdrawn, t.SlaMet]
    assert life.noted(NOON).agenda(NOON) == []


def test_a_late_fact_that_moves_a_met_target_withdraws_it_first() -> None:
    life = Life(terms(HOUR, "next_reply")).opened(at("09:00")).tell(at("09:10"), reply())
    life.tell(at("09:20"), message()).tell(at("10:10"), reply()).noted(at("10:11"))
    life.tell(at("09:30"), reply(), recorded=at("10:40"))
    assert [getattr(item.fact, "at", None) for item in life.agenda(NOON)] == [at("10:10"), at("09:30")]
    assert facts(life) == [t.SlaMetWithdrawn, t.SlaMet]


def test_after_a_withdrawal_the_same_cycle_may_breach_again_once() -> None:
    life = Life(terms(HOUR, "resolution"), terms(3 * HOUR, "resolution")).opened(at("10:00")).noted(at("11:01"))
    life.tell(at("11:30"), applied(2, life.shelf, since=at("10:00")))
    assert facts(life, at("12:59")) == [t.SlaBreachWithdrawn]
    life.noted(at("11:31"))
    assert facts(life, at("13:01")) == [t.SlaBreached]
    life.noted(at("13:01"))
    assert life.agenda(at("20:00")) == []
    assert [event.fact.due for event in life.events if isinstance(event.fact, t.SlaBreached)] == [
        at("11:00"),
        at("13:00"),
    ]


def test_reopening_withdraws_the_met_resolution_until_the_next_one() -> None:
    life = Life(terms(HOUR, "resolution")).opened(at("10:00")).tell(at("10:20"), resolved()).noted(at("10:21"))
    life.tell(at("11:00"), message(), reopened())
    assert facts(life, at("11:39")) == [t.SlaMetWithdrawn]
    life.noted(at("11:01"))
    assert facts(life, at("11:41")) == [t.SlaBreached]


def test_the_breach_says_who_held_the_ticket_and_in_which_status() -> None:
    [item] = hour().agenda(NOON)
    assert isinstance(item.fact, t.SlaBreached)
    assert (item.fact.due, item.fact.target, item.fact.in_status, item.fact.agent) == (at("11:00"), HOUR, "new", None)
    assert item.acts


def test_a_resolved_ticket_closes_by_itself_after_four_days() -> None:
    life = Life(terms(HOUR, "update")).opened(at("10:00")).tell(at("10:20"), resolved())
    assert facts(life, at("10:19:59", 4)) == []
    assert facts(life, at("10:20", 4)) == [t.Closed]
    life.tell(at("09:00", 3), message(), reopened())
    assert facts(life, at("10:20", 9)) == []


def test_a_policy_may_say_when_or_that_a_ticket_never_closes_by_itself() -> None:
    for seconds, closes in ((10 * MINUTE, at("10:30")), (None, None)):
        life = Life(terms(HOUR, "update", auto_close=seconds)).opened(at("10:00")).tell(at("10:20"), resolved())
        assert [item.at for item in life.agenda(at("10:00", 900))] == ([closes] if closes else [])


def test_imported_history_is_judged_and_nobody_is_paged_for_it() -> None:
    """No action before the import, and what was resolved in 2011 stays as it came."""
    life = Life(terms(HOUR, "first_reply", "resolution"))
    life.tell(
        at("10:00"),
        t.Opened(number=1, requester=ANNA, subject="Hello", channel="email"),
        t.Imported(source="log", case="1"),
        applied(1, life.shelf),
        by="import",
        recorded=at("10:00", 30),
    )
    life.tell(at("11:30"), resolved(), by="import", recorded=at("10:00", 30))
    items = life.agenda(at("10:00", 60))
    assert [(type(item.fact), item.acts) for item in items] == [(t.SlaBreached, False), (t.SlaBreached, False)]


def test_a_warning_that_a_higher_target_takes_back_is_given_anew() -> None:
    life = Life(terms({"normal": HOUR, "low": 2 * HOUR}, "resolution", warnings=({"percent": 50},)))
    life.opened(at("10:00")).noted(at("10:31"))
    life.tell(at("10:40"), t.PriorityChanged(priority="low", was="normal"))
    assert [item.at for item in life.agenda(at("11:30"))] == [at("11:00")]


def test_days_are_told_apart_from_cycles() -> None:
    life = Life(terms(DAY, "update")).opened(at("10:00")).tell(at("10:10"), reply()).tell(at("10:20"), reply())
    assert [
        (item.fact.cycle, item.at) for item in life.agenda(at("12:00", 3)) if not isinstance(item.fact, t.Closed)
    ] == [
        (1, at("10:20")),
        (2, at("10:20", 1)),
    ]


def test_a_pause_after_a_warning_gives_no_second_one() -> None:
    life = Life(terms(HOUR, "resolution", warnings=({"percent": 50},))).opened(at("10:00"))
    life.tell(at("10:40"), t.PutPending(was="open")).tell(at("10:50"), t.Reopened(was="pending", cause="agent"))
    assert facts(life, at("11:05")) == [t.SlaWarned]


def test_what_is_noted_at_once_is_noted_in_the_order_in_which_it_came_true() -> None:
    life = Life(terms(HOUR, "resolution", "agent_work", "first_reply", warnings=({"percent": 50},))).opened(at("10:00"))
    life.tell(at("10:45"), reply()).tell(at("13:00"), resolved())
    instants = [item.at for item in life.agenda(at("14:00"))]
    assert instants == sorted(instants)
    assert len(instants) > 4
