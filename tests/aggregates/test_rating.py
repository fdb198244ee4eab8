"""What may customers answer when they are asked how satisfied they are?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from aggregates.text import Erased
from aggregates.ticket.events import Assigned, Closed, Reopened, Resolved, SatisfactionRated, SatisfactionRequested
from aggregates.ticket.rating import Rate
from tests.aggregates.cast import ADA, CSAT, FOLLOW_UP, NOON, OPENED, OTHER, SUPPORT
from tests.spec import given

RESOLVED = (OPENED, Assigned(agent=ADA), Resolved(was="open", code="solved"))


def asked(**given: Any) -> SatisfactionRequested:
    request = SatisfactionRequested(
        request=OTHER,
        occasion="resolved",
        survey=CSAT,
        survey_version=1,
        agent=ADA,
        team=SUPPORT,
        expires_at=NOON + timedelta(seconds=1),
    )
    return request.model_copy(update=given)


def test_a_customer_answers_once_they_were_asked() -> None:
    rated = SatisfactionRated(request=OTHER, score=4, comment="Quick!")
    then = given(*RESOLVED, asked()).when(Rate(request=OTHER, score=4, comment=" Quick! ")).then(rated)
    then.becomes(asked=asked(), rated=rated, status="resolved")


def test_another_answer_says_which_score_it_takes_the_place_of() -> None:
    first = SatisfactionRated(request=OTHER, score=2, comment="Slow!")
    second = SatisfactionRated(request=OTHER, score=5, was=2)
    given(*RESOLVED, asked(), first).when(Rate(request=OTHER, score=5)).then(second).becomes(rated=second)
    reworded = SatisfactionRated(request=OTHER, score=2, was=2, comment="Very slow!")
    given(*RESOLVED, asked(), first).when(Rate(request=OTHER, score=2, comment="Very slow!")).then(reworded)


def test_the_same_answer_again_writes_nothing() -> None:
    rated = SatisfactionRated(request=OTHER, score=2, comment="Slow!")
    given(*RESOLVED, asked(), rated).when(Rate(request=OTHER, score=2, comment="Slow!")).then()


def test_an_answer_whose_words_were_erased_can_be_given_again() -> None:
    erased = SatisfactionRated(request=OTHER, score=2, comment=Erased())
    again = SatisfactionRated(request=OTHER, score=2, was=2, comment="Slow!")
    given(*RESOLVED, asked(), erased).when(Rate(request=OTHER, score=2, comment="Slow!")).then(again)


@pytest.mark.parametrize("later", [Reopened(was="resolved", cause="message"), Closed(was="resolved", cause="auto")])
def test_what_becomes_of_the_ticket_keeps_nobody_from_answering(later: Any) -> None:
    rated = SatisfactionRated(request=OTHER, score=1)
    given(*RESOLVED, asked(), later).when(Rate(request=OTHER, score=1)).then(rated)


def test_who_was_not_asked_cannot_answer() -> None:
    given(*RESOLVED).when(Rate(request=OTHER, score=3)).refused("rating.not_found")


def test_a_question_expires() -> None:
    given(*RESOLVED, asked(expires_at=NOON)).when(Rate(request=OTHER, score=3)).refused("rating.expired")


def test_the_next_question_takes_the_place_of_the_last_one() -> None:
    rated = SatisfactionRated(request=OTHER, score=5)
    past = (*RESOLVED, asked(), rated, asked(request=FOLLOW_UP))
    given(*past).when(Rate(request=OTHER, score=3)).refused("rating.superseded")
    given(*past).when(Rate(request=FOLLOW_UP, score=3)).then(SatisfactionRated(request=FOLLOW_UP, score=3))


@pytest.mark.parametrize("score", [0, 6, -1, 2.0, "3", True, None])
def test_a_score_is_a_whole_number_from_one_to_five(score: Any) -> None:
    with pytest.raises(ValidationError):
        Rate(request=OTHER, score=score)
