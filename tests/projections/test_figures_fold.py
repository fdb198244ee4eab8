"""test_figures_fold: what is measured when, since when, and within which hours?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from aggregates.envelope import Recorded
from aggregates.sla.noting import event_id
from aggregates.sla.terms import Terms
from aggregates.ticket import events as t
from projections.figures import COLUMNS, SPAN_COLUMNS, Figures
from tests.aggregates.lives import (
    ADA,
    ANNA,
    GOLD,
    HOUR,
    MINUTE,
    NETWORK,
    OFFICE,
    SUPPORT,
    TICKET,
    WEEK,
    Life,
    applied,
    at,
    hours,
    message,
    on_hold,
    pending,
    reopened,
    reply,
    resolved,
    terms,
)

SECOND = 1_000_000
BUSINESS = terms(HOUR, "resolution", time="business")
MORNINGS = hours(WEEK, (9, 12))


def figures(life: Life, kind: str) -> list[dict[str, Any]]:
    """Those that count now, as they came."""
    rows = Figures(life.shelf).refold(life.events).figures.values()
    told = [dict(zip(COLUMNS.split(), row, strict=True)) for row in rows]
    return [row for row in told if row["kind"] == kind and row["until"] is None]


def spans(life: Life) -> list[dict[str, Any]]:
    rows = Figures(life.shelf).refold(life.events).spans.values()
    told = [dict(zip(SPAN_COLUMNS.split(), row, strict=True)) for row in rows]
    return [row for row in told if row["until"] is None]


def minutes(row: dict[str, Any]) -> tuple[float | None, float | None]:
    """Calendar and business time."""
    micros, business = (row[name] for name in ("micros", "business_micros"))
    return (
        None if micros is None else micros / SECOND / MINUTE,
        None if business is None else business / SECOND / MINUTE,
    )


def life(policy: Terms = BUSINESS) -> Life:
    return Life(policy).opened(at("10:00"), team=SUPPORT)


def test_the_first_answer_counts_from_the_opening_and_the_next_from_the_oldest_unanswered_message() -> None:
    told = life().tell(at("10:20"), reply(automatic=True)).tell(at("10:30"), reply()).tell(at("11:00"), message())
    told.tell(at("11:10"), message()).tell(at("11:30"), reply()).tell(at("11:40"), reply())
    found = [(row["detail"], minutes(row)[0]) for row in figures(told, "reply")]
    assert found == [("first", 30), ("next", 30), ("further", None)]
    assert len(figures(told, "automatic_reply")) == 1


def test_what_an_agent_opens_with_answers_nobody() -> None:
    told = Life(BUSINESS)
    opened = t.Opened(number=1, requester=ANNA, subject="Fire", channel="phone")
    told.tell(at("10:00"), opened, reply()).tell(at("10:30"), reply())
    assert [(row["detail"], minutes(row)) for row in figures(told, "reply")] == [
        ("further", (None, None)),
        ("first", (30, None)),
    ]


def test_a_resolution_answers_what_was_asked_before_it() -> None:
    told = life().tell(at("10:30"), reply()).tell(at("11:00"), message()).tell(at("11:30"), resolved())
    told.tell(at("12:00"), reopened()).tell(at("12:30"), reply())
    assert [row["detail"] for row in figures(told, "reply")] == ["first", "further"]


def test_the_last_resolution_takes_the_place_of_the_one_before_and_outlives_a_reopening() -> None:
    told = life().tell(at("11:00"), reply()).tell(at("12:00"), resolved()).tell(at("13:00"), reopened())
    assert [minutes(row) for row in figures(told, "fully_resolved")] == [(120, 120)]
    told.tell(at("14:00"), resolved())
    assert [(row["amount"], *minutes(row)) for row in figures(told, "resolved")] == [(1, 120, 120), (2, 240, 240)]
    assert [(row["amount"], *minutes(row)) for row in figures(told, "fully_resolved")] == [(1, 240, 240)]


def test_a_resolution_says_what_the_time_until_then_went_by_with() -> None:
    told = life().tell(at("11:00"), pending()).tell(at("13:00"), on_hold()).tell(at("17:00"), reopened())
    told.tell(at("19:00"), resolved())
    (whole,) = figures(told, "fully_resolved")
    assert [micros / SECOND / HOUR for micros in whole["spent"]] == [3, 2, 4]
    assert [micros / SECOND / HOUR for micros in whole["business_spent"]] == [2, 2, 4]
    told.tell(at("20:00"), reopened()).tell(at("9:30", 1), resolved())
    (whole,) = figures(told, "fully_resolved")
    assert [micros / SECOND / HOUR for micros in whole["spent"]] == [16.5, 2, 4]
    assert [micros / SECOND / HOUR for micros in whole["business_spent"]] == [2.5, 2, 4]


def test_what_a_judgement_says_of_the_past_is_said_of_the_time_that_went_by_too() -> None:
    told = Life(BUSINESS, calendars={(OFFICE, 1): hours(WEEK, (9, 18)), (OFFICE, 2): MORNINGS}).opened(at("10:00"))
    told.tell(at("11:00"), pending()).tell(at("13:00"), resolved())
    known = Figures(told.shelf)
    row = known.refold(told.events)
    told.tell(at("14:00"), applied(1, told.shelf, since=at("10:00"), calendar_version=2), by="system")
    row = known.fold(row, told.events[-1]) or known.refold(told.events)
    (whole,) = figures(told, "fully_resolved")
    assert [micros / SECOND / HOUR for micros in whole["business_spent"]] == [1, 1, 0]
    assert row.figures[max(row.figures)] == tuple(whole.values())


def test_a_station_is_another_holder_and_getting_it_back_is_none() -> None:
    told = life().tell(at("10:10"), t.Assigned(agent=ADA)).tell(at("10:20"), t.Unassigned(from_agent=ADA))
    told.tell(at("10:30"), t.Assigned(agent=ADA)).tell(at("10:40"), t.Routed(team=NETWORK), t.Assigned(agent=ANNA))
    stations = [(row["amount"], row["agent"], minutes(row)[0]) for row in figures(told, "assignee_station")]
    assert stations == [(1, ADA, 10), (2, ANNA, None)]
    assert [(row["amount"], row["team"]) for row in figures(told, "team_station")] == [(1, SUPPORT), (2, NETWORK)]


def test_an_escalation_says_whose_idea_it_was() -> None:
    told = life()
    warned = t.SlaWarned(metric="resolution", cycle=1, target=HOUR, percent=50, at=at("10:30"))
    up = t.Escalated(from_level=1, to_level=2)
    told.tell(at("10:30"), warned, by="system").tell(at("10:30"), up, by="rule").tell(at("10:40"), up)
    told.tell(at("10:50"), up, by="rule").tell(at("11:00"), t.DeEscalated(from_level=2, to_level=1), by="import")
    told.events[4] = caused(told.events[4], by=told.events[3])
    assert [(row["amount"], row["level"], row["detail"]) for row in figures(told, "escalated")] == [
        (1, 2, "sla_warning"),
        (1, 2, "manual"),
        (1, 2, "rule"),
    ]
    assert [(row["amount"], row["level"], row["detail"]) for row in figures(told, "de_escalated")] == [(2, 1, "import")]


def caused(event: Recorded, by: Recorded) -> Recorded:
    cause = {"causation_id": event_id(TICKET, by.version)}
    return Recorded(
        event.position, event.stream, event.version, event.recorded_at, event.envelope.model_copy(update=cause)
    )


def test_business_time_over_a_change_of_calendar_is_the_sum_of_its_parts() -> None:
    """Until Tuesday nine to six, from then on nine to noon: nothing restates Monday."""
    told = Life(BUSINESS, calendars={(OFFICE, 1): hours(WEEK, (9, 18)), (OFFICE, 2): MORNINGS})
    told.opened(at("16:00")).tell(at("8:00", 1), applied(1, told.shelf, calendar_version=2), by="system")
    told.tell(at("15:00", 2), resolved())
    (whole,) = figures(told, "fully_resolved")
    assert minutes(whole) == (47 * 60, (2 + 3 + 3) * 60)
    assert (whole["policy"], whole["calendar"], whole["calendar_version"]) == (GOLD, OFFICE, 2)


def test_without_a_calendar_for_a_part_of_it_there_is_no_business_time() -> None:
    told = life(terms(HOUR, "resolution")).tell(at("11:00"), resolved())
    assert minutes(figures(told, "resolved")[0]) == (60, None)
    ungrounded = t.SlaApplied(policy=None, list_version=2)
    told = life().tell(at("10:30"), ungrounded, by="system").tell(at("11:00"), applied(1, life().shelf), by="system")
    assert minutes(figures(told.tell(at("12:00"), resolved()), "resolved")[0]) == (120, None)


def test_an_outcome_is_dated_and_described_by_the_instant_that_it_tells_of() -> None:
    told = life().tell(at("10:20"), t.Assigned(agent=ADA)).tell(at("11:30"), t.Routed(team=NETWORK))
    told.noted(at("12:00")).tell(at("12:00"), reply())
    (breach,) = figures(told, "sla")
    assert (breach["detail"], breach["amount"], breach["at"]) == ("resolution", 0, at("11:00"))
    assert (breach["team"], breach["agent"], breach["policy"], breach["calendar"]) == (SUPPORT, ADA, GOLD, OFFICE)


def test_a_withdrawn_outcome_counts_no_more() -> None:
    told = life().tell(at("10:30"), resolved()).noted(at("10:31"))
    assert [row["amount"] for row in figures(told, "sla")] == [1]
    told.tell(at("10:45"), reopened()).noted(at("11:50"))
    assert [(row["amount"], row["at"]) for row in figures(told, "sla")] == [(0, at("11:15"))]


def test_a_changed_rating_takes_the_place_of_the_first() -> None:
    request, survey = UUID(int=1), UUID(int=2)
    asked = t.SatisfactionRequested(
        request=request, occasion="resolved", agent=ADA, team=NETWORK, expires_at=at("10:00", 6)
    )
    told = life().tell(at("11:00"), resolved(), asked).tell(at("11:30"), t.SatisfactionRated(request=request, score=5))
    told.tell(at("12:00"), t.SatisfactionRated(request=survey, score=3))
    told.tell(at("13:00"), t.SatisfactionRated(request=request, score=2, was=5))
    ratings = [(row["amount"], row["detail"], minutes(row)[0], row["team"]) for row in figures(told, "rated")]
    assert ratings == [(3, "neutral", None, SUPPORT), (2, "bad", 120, NETWORK)]
    assert [(row["detail"], row["agent"]) for row in figures(told, "rating_requested")] == [("resolved", ADA)]
    assert [(row["detail"], row["amount"]) for row in figures(told, "rating_changed")] == [("good_to_bad", 2)]


def test_work_costs_what_its_rate_says() -> None:
    work = t.TimeLogged(agent=ADA, seconds=100, rate=6_000, currency="EUR", billable=False)
    told = life().tell(at("11:00"), work, t.TimeLogged(agent=ADA, seconds=60))
    found = [(row["amount"], row["detail"], row["cost"], row["currency"]) for row in figures(told, "time_logged")]
    assert found == [(100, "not_billable", Decimal("166.666666666667"), "EUR"), (60, "billable", None, None)]


def test_stretches_tell_all_of_it_from_opening_to_closing_but_what_lasted_no_time() -> None:
    told = life().tell(at("11:00"), reply()).tell(at("12:00"), pending()).tell(at("12:00"), t.Tagged(tags=("vip",)))
    told.tell(at("10:00", 3), t.Closed(was="open", cause="import"))
    found = [(row["status"], row["unanswered"], *minutes(row)) for row in spans(told)]
    assert found == [("new", True, 60, 60), ("open", False, 60, 60), ("pending", False, 70 * 60, 25 * 60)]
    assert spans(told)[-1]["tags"] == ["vip"]


def test_spam_is_no_stretch_and_no_backlog() -> None:
    told = life().tell(at("11:00"), t.MarkedSpam(was="new"), pending())
    assert [(row["status"], row["to_at"]) for row in spans(told)] == [("new", at("11:00"))]
    assert [row["detail"] for row in figures(told, "closed")] == ["spam"]


def test_what_the_system_notes_ends_nothing() -> None:
    told = life().noted(at("10:00", 1))
    assert [row["to_at"] for row in spans(told)] == [None]


def test_a_late_answer_is_known_from_its_position_on() -> None:
    told = life().tell(at("11:00"), message()).tell(at("12:00"), reply())
    told.tell(at("10:30"), reply(), recorded=at("13:00"))
    assert [(row["detail"], row["since"]) for row in figures(told, "reply")] == [("first", 6), ("next", 6)]
    assert [(row["from_at"], row["to_at"], row["since"]) for row in spans(told)] == [
        (at("12:00"), None, 5),
        (at("10:00"), at("10:30"), 6),
        (at("10:30"), at("11:00"), 6),
        (at("11:00"), at("12:00"), 6),
    ]
