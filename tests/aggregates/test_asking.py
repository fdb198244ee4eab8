"""Is a customer asked now, later, or never? Once a resolution, not too often, and about what was resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.customer import Customer, evolve
from aggregates.envelope import Actor, Envelope, Recorded
from aggregates.surveys.asking import Asked, Resolution, asking
from aggregates.surveys.surveys import SurveyList, SurveyPublished
from aggregates.surveys.surveys import evolve as listed
from aggregates.surveys.terms import SurveyTerms
from aggregates.text import Erased
from aggregates.ticket import events as t
from tests.aggregates.cast import ADA, AS_ADA, BEN, CSAT, GOLD, NETWORK, NOON, OPENED, OTHER, PERIODIC, SUPPORT, TICKET

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANNA = Customer(name="Anna")
RESOLVED = t.Resolved(was="open", code="solved")
STORY: tuple[t.TicketFact, ...] = (
    OPENED, t.Routed(team=SUPPORT), t.Assigned(agent=ADA), t.NoteAdded(body="x"), RESOLVED,
)  # fmt: skip


def surveys(*terms: tuple[UUID, dict[str, Any]]) -> SurveyList:
    found = SurveyList()
    for survey, said in terms:
        found = listed(found, SurveyPublished(survey=survey, terms=SurveyTerms.model_validate({"name": "x", **said})))
    return found


def told(*facts: t.TicketFact, ticket: UUID = TICKET, by: Actor = AS_ADA, since: datetime = NOON) -> list[Recorded]:
    """Told at once, at that instant."""
    return [
        Recorded(place, ticket, place, since, Envelope(actor=by, command_id=OTHER, correlation_id=OTHER, fact=fact))
        for place, fact in enumerate(facts, 1)
    ]


PLAIN = surveys((CSAT, {}))


def ask(
    history: Sequence[Recorded] | None = None,
    *,
    after: timedelta = HOUR,
    then: SurveyList = PLAIN,
    now: SurveyList | None = None,
    survey: UUID = CSAT,
    customer: Customer = ANNA,
    version: int = 5,
) -> Asked | datetime | None:
    return asking(Resolution(history or told(*STORY), version), survey, then, now or then, customer, NOON + after)


def with_asked(survey: UUID, at: datetime) -> Customer:
    return Customer(name="Anna", asked={survey: at})


def test_they_are_asked_when_the_delay_is_over_about_whoever_resolved_it() -> None:
    assert ask(after=HOUR - timedelta(seconds=1)) == NOON + HOUR
    later = told(*STORY, t.Assigned(agent=BEN, from_agent=ADA), t.Routed(team=NETWORK, from_team=SUPPORT))
    for history in (told(*STORY), later):
        found = ask(history)
        assert isinstance(found, Asked)
        assert found.request == t.SatisfactionRequested(
            request=found.request.request,
            occasion="resolved",
            survey=CSAT,
            survey_version=1,
            agent=ADA,
            team=SUPPORT,
            expires_at=NOON + HOUR + 14 * DAY,
        )
        assert (found.noted.survey, found.noted.ticket, found.noted.at) == (CSAT, TICKET, NOON + HOUR)


def test_closing_changes_nothing_and_undoing_the_resolution_does() -> None:
    assert isinstance(ask(told(*STORY, t.Closed(was="resolved", cause="auto"))), Asked)
    for undone in (
        t.Reopened(was="resolved", cause="message"),
        t.MarkedSpam(was="resolved"),
        t.Merged(was="resolved", into=OTHER, number=7),
    ):
        assert ask(told(*STORY, undone)) is None
        assert ask(told(*STORY, undone), after=timedelta()) is None
    again = told(*STORY, t.Reopened(was="resolved", cause="agent"), RESOLVED)
    assert ask(again) is None
    assert isinstance(ask(again, version=7), Asked)


def test_nobody_is_asked_about_what_was_resolved_before_it_was_imported() -> None:
    imported = [*told(*STORY), *told(t.Imported(source="log", case="1"), since=NOON + timedelta(seconds=1))]
    assert ask(imported) is None
    before = [*told(t.Imported(source="log", case="1"), since=NOON - DAY), *told(*STORY)]
    assert isinstance(ask(before, version=6), Asked)


def test_what_is_asked_once_is_not_asked_again() -> None:
    found = ask()
    assert isinstance(found, Asked)
    assert ask(told(*STORY, found.request)) is None


def test_the_surveys_of_that_time_decide_and_one_that_is_disabled_by_now_asks_nobody() -> None:
    assert ask(then=SurveyList(), now=surveys((CSAT, {}))) is None
    off = surveys((CSAT, {}), (CSAT, {"enabled": False}))
    assert ask(now=off) is None
    assert ask(then=off, now=surveys((CSAT, {}))) is None
    found = ask(now=surveys((CSAT, {}), (CSAT, {"delay": 0})))
    assert isinstance(found, Asked)
    assert found.request.survey_version == 1


def test_of_those_that_ask_after_a_resolution_the_first_whose_conditions_hold_does() -> None:
    vip = {"all": [{"attribute": "tier", "values": ["vip"]}]}
    both = surveys((GOLD, vip), (CSAT, {}))
    assert ask(then=both, survey=GOLD) is None
    assert isinstance(ask(then=both), Asked)
    anna = Customer(name="Anna", tier="vip")
    assert isinstance(ask(then=both, survey=GOLD, customer=anna), Asked)
    assert ask(then=both, customer=anna) is None


def test_conditions_see_the_ticket_as_it_is_when_they_are_asked() -> None:
    silent = surveys((CSAT, {"all": [{"attribute": "tag", "operator": "is_not", "values": ["no-survey"]}]}))
    assert isinstance(ask(then=silent), Asked)
    assert ask(told(*STORY, t.Tagged(tags=("no-survey",))), then=silent) is None


def test_a_customer_is_left_alone_for_as_long_as_the_survey_says() -> None:
    weekly = surveys((CSAT, {"rest_days": 7}))
    due = NOON + HOUR
    assert ask(then=weekly, customer=with_asked(GOLD, due - 7 * DAY + timedelta(microseconds=1))) is None
    assert isinstance(ask(then=weekly, customer=with_asked(GOLD, due - 7 * DAY)), Asked)
    assert isinstance(ask(customer=with_asked(GOLD, due)), Asked)
    # However late the clock is, it decides the same.
    assert ask(then=weekly, customer=with_asked(GOLD, due - DAY), after=10 * DAY) is None


def test_a_question_that_would_have_expired_is_never_asked() -> None:
    assert isinstance(ask(after=HOUR + 14 * DAY - timedelta(seconds=1)), Asked)
    assert ask(after=HOUR + 14 * DAY) is None


@pytest.mark.parametrize("nobody", [Customer(name=Erased())])
def test_who_was_erased_is_asked_nothing(nobody: Customer) -> None:
    assert ask(customer=nobody) is None


def test_a_periodic_survey_waits_until_its_time_has_come_again() -> None:
    quarterly = surveys((PERIODIC, {"every_days": 90, "rest_days": 7}))
    first = ask(then=quarterly, survey=PERIODIC)
    assert isinstance(first, Asked)
    assert first.request.occasion == "survey"
    last = NOON - 10 * DAY
    assert ask(then=quarterly, survey=PERIODIC, customer=with_asked(PERIODIC, last)) == last + 90 * DAY
    at_its_time = last + 90 * DAY - NOON
    asked = ask(then=quarterly, survey=PERIODIC, customer=with_asked(PERIODIC, last), after=at_its_time)
    assert isinstance(asked, Asked)
    assert ask(then=quarterly, survey=PERIODIC, customer=with_asked(PERIODIC, NOON)) is None
    assert ask(then=quarterly, survey=PERIODIC, customer=with_asked(GOLD, NOON)) == NOON + 7 * DAY


def test_one_ticket_carries_one_question_at_a_time() -> None:
    both = surveys((CSAT, {}), (PERIODIC, {"every_days": 90}))
    csat, periodic = ask(then=both), ask(then=both, survey=PERIODIC)
    assert isinstance(csat, Asked)
    assert isinstance(periodic, Asked)
    after_csat, after_periodic = told(*STORY, csat.request), told(*STORY, periodic.request)
    assert ask(after_csat, then=both, survey=PERIODIC) == csat.request.expires_at
    assert ask(after_periodic, then=both) is None


def test_the_request_is_the_same_for_whoever_asks_and_tells_no_version() -> None:
    one, two = ask(), ask(told(*STORY, t.NoteAdded(body="y")), after=2 * HOUR)
    assert isinstance(one, Asked)
    assert isinstance(two, Asked)
    assert one.request.request == two.request.request
    hidden = told(*STORY[:-1], t.NoteAdded(body="y"), RESOLVED)
    found = ask(hidden, version=6)
    assert isinstance(found, Asked)
    assert found.request.request == one.request.request


@dataclass
class Life:
    """A customer with many tickets, and a clock that looks now and then."""

    listed: SurveyList
    customer: Customer = ANNA
    tickets: dict[UUID, list[Recorded]] = field(default_factory=dict)
    asked: list[t.SatisfactionRequested] = field(default_factory=list)
    at: list[tuple[UUID, datetime]] = field(default_factory=list)

    def resolve(self, at: datetime) -> None:
        ticket = UUID(int=len(self.tickets) + 1)
        self.tickets[ticket] = told(*STORY, ticket=ticket, since=at)

    def look(self, now: datetime) -> None:
        """At everything again and again, as a clock does that forgot what it had settled."""
        for ticket, history in self.tickets.items():
            for version in self.listed.asking:
                resolution = Resolution(history, 5)
                found = asking(resolution, version.survey, self.listed, self.listed, self.customer, now)
                if isinstance(found, Asked):
                    self.tickets[ticket] = [*history, *told(found.request, ticket=ticket, since=now)]
                    self.customer = evolve(self.customer, found.noted)
                    self.asked.append(found.request)
                    self.at.append((version.survey, now))
                    history = self.tickets[ticket]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 20 * 24)), min_size=1, max_size=25),
    st.integers(0, 10),
    st.integers(1, 30),
)
def test_however_often_a_clock_looks_nobody_is_asked_too_often_or_twice(
    steps: list[tuple[bool, int]], rest: int, every: int
) -> None:
    life = Life(surveys((CSAT, {"rest_days": rest}), (PERIODIC, {"every_days": every, "rest_days": rest})))
    now = NOON
    for resolves, hours in steps:
        now += hours * HOUR
        if resolves:
            life.resolve(now)
        life.look(now)
    assert len({request.request for request in life.asked}) == len(life.asked)
    instants = [at for _, at in life.at]
    assert all(two - one >= rest * DAY for one, two in pairwise(instants))
    periodic = [at for survey, at in life.at if survey == PERIODIC]
    assert all(two - one >= every * DAY for one, two in pairwise(periodic))
