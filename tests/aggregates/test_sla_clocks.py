"""test_sla_clocks: is every second counted once, under the terms that held then? And where do others get it wrong?"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from aggregates.business_time import Hours
from aggregates.sla.clock import Grounds
from aggregates.sla.clocks import clocks
from aggregates.ticket import events as t
from tests.aggregates.lives import (
    ADA,
    BEN,
    DAY,
    GOLD,
    HOUR,
    MINUTE,
    NETWORK,
    OFFICE,
    OFFICE_HOURS,
    SUPPORT,
    WEEK,
    Life,
    applied,
    at,
    hours,
    message,
    on_hold,
    pending,
    priority,
    reopened,
    reply,
    resolved,
    seconds,
    terms,
)

NOON = at("12:00")


def test_first_reply_is_met_at_the_instant_of_the_first_public_answer() -> None:
    life = Life(terms(HOUR, "first_reply")).opened(at("10:00")).tell(at("10:59:59.5"), reply())
    clock = life.clock("first_reply")
    assert clock.met is not None
    assert (clock.met.at, seconds(clock, NOON)) == (at("10:59:59.5"), 3_599.5)
    assert clock.state(NOON) == "met"


def test_an_answer_at_the_very_instant_is_in_time_and_a_moment_later_is_not() -> None:
    in_time = Life(terms(HOUR, "first_reply")).opened(at("10:00")).tell(at("11:00"), reply())
    late = Life(terms(HOUR, "first_reply")).opened(at("10:00")).tell(at("11:00:00.000001"), reply())
    assert in_time.clock("first_reply").state(NOON) == "met"
    breach = late.clock("first_reply").breach
    assert breach is not None
    assert breach.due == at("11:00")


def test_a_bots_answer_is_no_answer() -> None:
    """Zammad and Freshdesk count an automatic answer as the first one."""
    life = Life(terms(HOUR, "first_reply")).opened(at("10:00"))
    life.tell(at("10:01"), reply(automatic=True)).tell(at("10:02"), reply(), by="rule")
    assert life.clock("first_reply").state(at("11:01")) == "breached"


def test_what_an_agent_opened_publicly_is_answered_by_their_next_reply() -> None:
    life = Life(terms(HOUR, "first_reply"))
    opened = t.Opened(number=1, requester=ADA, subject="Hello", channel="email")
    life.tell(at("10:00"), opened, reply(), applied(1, life.shelf))
    assert life.clock("first_reply").state(at("10:30")) == "running"
    life.tell(at("10:40"), reply())
    assert seconds(life.clock("first_reply"), NOON) == 40 * MINUTE


def test_in_an_import_one_command_tells_a_whole_life() -> None:
    life = Life(terms(HOUR, "first_reply"))
    opened = t.Opened(number=1, requester=ADA, subject="Hello", channel="email")
    life.tell(at("10:00"), opened, applied(1, life.shelf), by="import", recorded=at("20:00"))
    life.tell(at("10:40"), reply(), by="import", recorded=at("20:00"), command=1)
    assert life.clock("first_reply").met is not None


def test_each_unanswered_message_begins_a_cycle_of_its_own_and_the_oldest_counts() -> None:
    life = Life(terms(HOUR, "next_reply")).opened(at("10:00")).tell(at("10:10"), reply())
    life.tell(at("10:20"), message()).tell(at("10:30"), message()).tell(at("10:50"), reply())
    life.tell(at("11:00"), message())
    assert seconds(life.clock("next_reply", 1), NOON) == 30 * MINUTE
    assert life.clock("next_reply", 2).due == NOON


def test_next_reply_does_not_overrule_first_reply() -> None:
    """Zammad: a customer's second message replaces the first reply's earlier due instant by a later one."""
    life = Life(terms(HOUR, "first_reply", "next_reply")).opened(at("10:00")).tell(at("10:50"), message())
    assert life.clock("first_reply").due == at("11:00")
    assert all(clock.metric != "next_reply" for clock in life.clocks)


def test_next_reply_does_not_run_on_after_resolving() -> None:
    """Chatwoot: the clock of an unanswered message goes on, and breaches, on a resolved conversation."""
    life = Life(terms(HOUR, "next_reply")).opened(at("10:00")).tell(at("10:10"), reply())
    life.tell(at("10:20"), message()).tell(at("10:30"), resolved())
    clock = life.clock("next_reply")
    assert (clock.state(at("12:00", 5)), seconds(clock, at("12:00", 5))) == ("ended", 10 * MINUTE)
    assert life.agenda(at("12:00", 3)) == []


def test_a_late_message_within_the_resolved_stretch_waits_until_the_ticket_is_reopened() -> None:
    life = Life(terms(HOUR, "next_reply")).opened(at("10:00")).tell(at("10:10"), reply()).tell(at("10:30"), resolved())
    life.tell(at("11:00"), message(), recorded=at("13:00")).tell(at("13:00"), reopened())
    assert life.clock("next_reply").due == at("14:00")


def test_updates_are_owed_between_public_replies() -> None:
    life = Life(terms(HOUR, "update", "pausable_update")).opened(at("09:00"))
    life.tell(at("10:00"), reply()).tell(at("10:15"), pending()).tell(
        at("10:45"), t.Reopened(was="pending", cause="agent")
    )
    life.tell(at("11:10"), reply())
    update, pausable = life.clock("update"), life.clock("pausable_update")
    assert update.breach is not None
    assert update.breach.due == at("11:00")
    assert (pausable.state(NOON), seconds(pausable, NOON)) == ("met", 40 * MINUTE)
    assert life.clock("update", 2).due == at("12:10")


def test_pauses_count_to_the_second_however_many_there_are() -> None:
    """Libredesk does not pause at all; Frappe adds the time on hold to the instant of creation."""
    life = Life(terms(HOUR, "resolution", pauses=("pending", "on_hold"))).opened(at("10:00"))
    life.tell(at("10:10:01"), pending()).tell(at("10:20:02"), t.Reopened(was="pending", cause="agent"))
    life.tell(at("10:30:03"), on_hold()).tell(at("10:45:05"), t.Reopened(was="on_hold", cause="agent"))
    clock = life.clock("resolution")
    assert clock.due == at("11:25:03")
    assert [span.reading.why for span in clock.all_spans] == ["new", "pending", "open", "on_hold", "open"]


def test_which_statuses_pause_is_the_policys_own_choice() -> None:
    for pauses, counted in {(): 30, ("pending",): 20, ("on_hold",): 20, ("pending", "on_hold"): 10}.items():
        life = Life(terms(HOUR, "resolution", pauses=pauses)).opened(at("10:00"))
        life.tell(at("10:10"), pending()).tell(at("10:20"), on_hold())
        assert seconds(life.clock("resolution"), at("10:30")) == counted * MINUTE


def test_reopening_continues_the_resolution_clock_and_both_resolutions_are_kept() -> None:
    life = Life(terms(HOUR, "resolution")).opened(at("10:00")).tell(at("10:20"), resolved())
    assert life.clock("resolution").state(NOON) == "met"
    life.tell(at("15:00"), message(), reopened())
    assert life.clock("resolution").due == at("15:40")
    life.tell(at("15:30"), resolved())
    assert seconds(life.clock("resolution"), at("18:00")) == 50 * MINUTE
    assert (life.clocks.first_resolved_at, life.clocks.resolved_at) == (at("10:20"), at("15:30"))


def test_requester_wait_and_agent_work_count_whose_turn_it_is() -> None:
    life = Life(terms(DAY, "requester_wait", "agent_work")).opened(at("10:00")).tell(at("10:10"), reply())
    life.tell(at("10:20"), on_hold()).tell(at("10:50"), pending()).tell(
        at("11:00"), message(), t.Reopened(was="pending", cause="message")
    )
    life.tell(at("11:05"), resolved())
    assert seconds(life.clock("requester_wait"), NOON) == (50 + 5) * MINUTE
    assert seconds(life.clock("agent_work"), NOON) == (20 + 5) * MINUTE


def test_assignment_ends_with_the_first_assignee() -> None:
    life = Life(terms(HOUR, "assignment")).opened(at("10:00")).tell(at("10:05"), t.Assigned(agent=ADA))
    life.tell(at("10:10"), t.Unassigned(from_agent=ADA)).tell(at("11:30"), t.Assigned(agent=BEN))
    assert seconds(life.clock("assignment"), NOON) == 5 * MINUTE


def test_each_team_has_its_own_stretch_of_ownership() -> None:
    life = Life(terms(HOUR, "ownership")).opened(at("10:00"), team=SUPPORT)
    life.tell(at("10:50"), t.Routed(team=NETWORK, from_team=SUPPORT))
    assert life.clock("ownership", 1).state(NOON) == "met"
    assert life.clock("ownership", 2).due == at("11:50")


def test_a_higher_priority_holds_from_then_on_and_restates_nothing() -> None:
    """Who joins today's priority to old spans breaches a promise that was never made."""
    life = Life(terms({"normal": 4 * HOUR, "urgent": HOUR}, "resolution")).opened(at("10:00"))
    life.tell(at("11:30"), priority("urgent"))
    clock = life.clock("resolution")
    assert [span.reading.target for span in clock.all_spans] == [4 * HOUR, HOUR]
    assert clock.due == at("11:30"), "what had passed by then was in time"
    life.tell(at("11:31"), priority("normal", "urgent"))
    breach = life.clock("resolution").breach
    assert breach is not None
    assert (breach.due, breach.target) == (at("11:30"), HOUR)


def test_a_priority_that_comes_and_goes_in_time_breaks_nothing() -> None:
    life = Life(terms({"normal": 4 * HOUR, "urgent": HOUR}, "resolution")).opened(at("10:00"))
    life.tell(at("10:10"), priority("urgent")).tell(at("10:20"), priority("normal", "urgent"))
    assert life.clock("resolution").due == at("14:00")


def test_another_calendar_holds_from_then_on_only() -> None:
    """Zendesk counts the whole ticket by its last calendar: 689 minutes where 959 were true."""
    calendars = {(OFFICE, 1): hours(WEEK, (0, 24)), (OFFICE, 2): OFFICE_HOURS}
    life = Life(terms(DAY, "resolution", time="business"), calendars=calendars).opened(at("00:00"))
    life.tell(at("12:00"), applied(1, life.shelf, calendar_version=2))
    life.tell(at("10:00", 1), resolved())
    clock = life.clock("resolution")
    assert seconds(clock, NOON) == (12 + 6 + 1) * HOUR
    versions = [span.reading.ground.calendar_version for span in clock.spans if span.reading.ground]
    assert versions == [1, 2]


def test_another_policy_forgets_no_pause() -> None:
    """GLPI loses the time in pending when the SLA changes."""
    life = Life(terms(HOUR, "resolution"), terms(2 * HOUR, "resolution")).opened(at("10:00"))
    life.tell(at("10:10"), pending()).tell(at("10:40"), applied(2, life.shelf))
    life.tell(at("10:50"), message(), t.Reopened(was="pending", cause="message"))
    clock = life.clock("resolution")
    assert clock.due == at("12:40")
    assert [(span.reading.why, span.reading.running) for span in clock.all_spans] == [
        ("new", True), ("pending", False), ("pending", False), ("open", True),
    ]  # fmt: skip


def test_without_a_policy_nothing_is_counted_and_the_span_says_so() -> None:
    life = Life(terms(HOUR, "resolution"))
    life.tell(at("09:00"), t.Opened(number=1, requester=ADA, subject="Hello", channel="email"))
    life.tell(at("10:00"), applied(1, life.shelf))
    clock = life.clock("resolution")
    assert clock.due == at("11:00")
    assert [span.reading.why for span in clock.all_spans] == ["no_policy", "new"]


def test_a_policy_may_hold_since_before_it_was_written() -> None:
    life = Life(terms(HOUR, "resolution"))
    life.tell(at("09:00"), t.Opened(number=1, requester=ADA, subject="Hello", channel="email"))
    life.tell(at("18:00"), applied(1, life.shelf, since=at("09:30")))
    assert life.clock("resolution").due == at("10:30")


def test_business_time_over_a_night_a_weekend_and_half_a_second() -> None:
    life = Life(terms(2 * HOUR, "resolution", time="business")).opened(at("17:30:00.5", 4))
    assert life.clock("resolution").due == at("10:30:00.5", 7)
    life.tell(at("10:30:00.75", 7), resolved())
    assert seconds(life.clock("resolution"), at("12:00", 7)) == 2 * HOUR + 0.25


def test_spans_follow_each_other_without_a_gap_and_add_up() -> None:
    life = Life(terms(HOUR, "resolution"), terms(2 * HOUR, "resolution")).opened(at("10:00"), team=SUPPORT)
    life.tell(at("10:07:13.123456"), pending()).tell(at("10:20"), message(), t.Reopened(was="pending", cause="message"))
    life.tell(at("10:30"), applied(2, life.shelf)).tell(at("10:45"), priority("urgent")).tell(at("13:00"), resolved())
    now = at("14:00")
    for clock in life.clocks:
        spans = clock.all_spans
        assert all(one.end == other.start for one, other in pairwise(spans))
        assert sum((span.elapsed(now) for span in spans), timedelta()) == clock.elapsed(now)
        assert all(span.before == sum((s.elapsed(now) for s in spans[:n]), timedelta()) for n, span in enumerate(spans))


def test_spam_breaks_and_keeps_no_promise() -> None:
    life = Life(terms(HOUR, "first_reply", "resolution")).opened(at("10:00")).tell(at("10:10"), t.MarkedSpam(was="new"))
    assert {clock.state(NOON) for clock in life.clocks if clock.promised} == {"paused", "ended"}
    assert life.agenda(at("12:00", 6)) == []


def test_a_merged_ticket_warns_and_breaches_no_more() -> None:
    """Others go on escalating what was merged: its clocks belong to nobody any more."""
    life = Life(terms(HOUR, "first_reply", "resolution", "agent_work", warnings=({"percent": 80},)))
    life.opened(at("10:00")).tell(at("10:10"), t.Merged(was="new", into=NETWORK, number=2))
    assert life.agenda(at("12:00", 6)) == []
    assert life.clock("resolution").state(NOON) == "ended"


def test_warnings_come_at_fractions_and_at_times_before() -> None:
    warnings = ({"percent": 50}, {"left": 10 * MINUTE}, {"left": 2 * HOUR})
    life = Life(terms(HOUR, "resolution", warnings=warnings)).opened(at("10:00"))
    assert [warned.at for warned in life.clock("resolution").coming] == [at("10:30"), at("10:50")]
    assert life.clock("resolution").state(at("10:40")) == "warned"


def test_what_falls_due_meets_whoever_held_the_ticket_then() -> None:
    life = Life(terms(HOUR, "resolution")).opened(at("10:00"), team=SUPPORT).tell(at("10:30"), t.Assigned(agent=ADA))
    life.tell(at("11:30"), t.Routed(team=NETWORK, from_team=SUPPORT), t.Assigned(agent=BEN, from_agent=ADA))
    breach = life.clock("resolution").breach
    assert breach is not None
    assert (breach.status, breach.team, breach.agent, breach.policy) == ("open", SUPPORT, ADA, GOLD)


def test_a_calendar_that_never_opens_makes_nothing_due() -> None:
    life = Life(terms(HOUR, "resolution", time="business"), calendars={(OFFICE, 1): Hours(zone="UTC")}).opened(
        at("10:00")
    )
    assert life.clock("resolution").due is None
    assert life.agenda(at("10:00", 3_000)) == []


def test_a_pause_at_the_very_instant_is_in_time_beside_a_clock_that_was_late() -> None:
    life = Life(terms(HOUR, "resolution", targets={"first_reply": minutes(50), "resolution": minutes(60)}))
    life.opened(at("10:00")).tell(at("11:00"), pending())
    assert life.clock("first_reply").state(NOON) == "breached"
    assert (life.clock("resolution").breach, life.clock("resolution").state(NOON)) == (None, "paused")


def test_updates_are_owed_again_from_the_reopening_on() -> None:
    life = Life(terms(HOUR, "update")).opened(at("09:00")).tell(at("09:10"), reply()).tell(at("09:20"), resolved())
    assert life.clock("update").state(at("12:00", 2)) == "ended"
    life.tell(at("11:00"), reopened())
    assert life.clock("update", 2).due == NOON


def test_what_is_written_to_a_closed_ticket_is_owed_no_reply() -> None:
    life = Life(terms(HOUR, "next_reply")).opened(at("10:00")).tell(at("10:10"), reply()).tell(at("10:20"), resolved())
    life.tell(at("10:30"), t.Closed(was="resolved", cause="import")).tell(at("10:40"), message())
    assert all(clock.metric != "next_reply" for clock in life.clocks)


def test_a_team_that_resolved_in_time_did_so_then_and_not_when_the_ticket_moved_on() -> None:
    life = Life(terms(HOUR, "ownership")).opened(at("10:00"), team=SUPPORT).tell(at("10:30"), resolved())
    life.tell(at("15:00"), t.Routed(team=NETWORK, from_team=SUPPORT))
    met = life.clock("ownership").met
    assert met is not None
    assert (met.at, met.elapsed) == (at("10:30"), timedelta(minutes=30))


def test_a_warning_for_another_target_is_none_for_this_one() -> None:
    life = Life(terms({"normal": HOUR, "low": DAY}, "resolution", warnings=({"percent": 50},))).opened(at("10:00"))
    life.tell(at("10:40"), priority("low"))
    assert life.clock("resolution").state(at("10:50")) == "running"


def test_what_was_worked_out_for_one_ticket_is_said_of_no_other_kind_of_ticket() -> None:
    ends = (
        resolved(),
        t.Closed(was="open", cause="agent"),
        t.MarkedSpam(was="open"),
        t.PutPending(was="open"),
        reply(),
    )
    lives = [Life(terms(HOUR, "resolution")).opened(at("10:00")).tell(at("10:30"), end) for end in ends]
    together = Grounds(lives[0].shelf)
    for life in lives:
        assert list(clocks(life.events, together)) == list(life.clocks)


def minutes(target: int) -> dict[str, object]:
    seconds = {p: target * MINUTE for p in ("low", "normal", "high", "urgent")}
    return {"seconds": seconds, "time": "calendar"}
