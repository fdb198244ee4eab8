"""Surveys: what does a desk ask its customers, in which words, and in which versions did it ever?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from aggregates.surveys.surveys import MOST, OrderSurveys, PublishSurvey, SurveyPublished, SurveysOrdered
from aggregates.surveys.terms import ENGLISH, SurveyTerms, Wording
from tests.aggregates.cast import CSAT, NOBODY, PERIODIC
from tests.spec import given

GERMAN = Wording(question="Wie zufrieden sind Sie?", scale=("1", "2", "3", "4", "5"))
AUSTRIAN = Wording(question="Passt's?", scale=("1", "2", "3", "4", "5"))


def terms(name: str = "After each resolution", **given: Any) -> SurveyTerms:
    return SurveyTerms.model_validate({"name": name, **given})


def published(survey: UUID = CSAT, **given: Any) -> SurveyPublished:
    return SurveyPublished(survey=survey, terms=terms(**given))


def test_versions_are_numbered_by_survey_and_never_change() -> None:
    then = given(published(), published(PERIODIC)).when(PublishSurvey(terms=terms(delay=60))).then(published(delay=60))
    then.becomes(version=3, order=(CSAT, PERIODIC))
    assert [(v.number, v.listed, v.terms.delay) for v in then.state.versions[CSAT]] == [(1, 1, 3_600), (2, 3, 60)]
    assert then.state.terms(CSAT, 1) == terms()
    assert then.state.terms(CSAT, 3) is then.state.terms(None, 0) is None


def test_the_same_terms_again_write_nothing() -> None:
    given(published()).when(PublishSurvey(terms=terms())).then()
    truth = [{"attribute": "field", "name": "vip", "values": [True]}]
    one = [{"attribute": "field", "name": "vip", "values": [1]}]
    given(published(all=truth)).when(PublishSurvey(terms=terms(all=one))).then(published(all=one))


def test_the_first_whose_conditions_hold_asks_in_the_order_that_was_given() -> None:
    past = (published(), published(PERIODIC))
    then = given(*past).when(OrderSurveys(order=(PERIODIC, CSAT))).then(SurveysOrdered(surveys=(PERIODIC, CSAT)))
    assert [version.survey for version in then.state.asking] == [PERIODIC, CSAT]
    given(*past).when(OrderSurveys(order=(CSAT, PERIODIC))).then()


@pytest.mark.parametrize("order", [(), (CSAT,), (CSAT, CSAT), (CSAT, PERIODIC, NOBODY)])
def test_an_order_names_each_survey_once(order: tuple[UUID, ...]) -> None:
    past = (published(), published(PERIODIC))
    given(*past).when(OrderSurveys(order=order)).refused("survey.order_incomplete", "order")


def test_a_survey_that_is_not_enabled_asks_nobody() -> None:
    off = published(enabled=False)
    then = given(published(), published(PERIODIC)).when(PublishSurvey(terms=off.terms)).then(off)
    assert [version.survey for version in then.state.asking] == [PERIODIC]
    assert then.state.in_force(CSAT) is None


def test_what_could_never_hold_is_refused_as_in_policies() -> None:
    never = terms(any=[{"attribute": "channel", "values": ["pigeon"]}])
    given().when(PublishSurvey(terms=never)).refused("policy.condition_value", "terms.any.0.values.0")
    nowhere = terms(all=[{"attribute": "team", "values": [str(NOBODY)]}])
    given().when(PublishSurvey(terms=nowhere)).refused("team.unknown", "terms.all.0.values")


def test_a_desk_has_only_so_many() -> None:
    many = [published(UUID(int=1_000 + n)) for n in range(MOST)]
    given(*many).when(PublishSurvey(terms=terms())).refused("survey.too_many")
    given(*many[1:], published()).when(PublishSurvey(terms=terms(delay=1))).then(published(delay=1))


@pytest.mark.parametrize(
    ("language", "expected"),
    [("de-AT", AUSTRIAN), ("DE-at", AUSTRIAN), ("de-CH", GERMAN), ("de", GERMAN), ("sv", ENGLISH), (None, ENGLISH)],
)
def test_the_question_is_put_in_the_customers_language(language: str | None, expected: Wording) -> None:
    worded = SurveyTerms(name="x", translations={"de": GERMAN, "de-AT": AUSTRIAN}).worded(language)
    assert worded == expected
