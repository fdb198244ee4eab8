"""Surveys: how does a desk ask its customers how satisfied they are, and in which versions did it ever?

They are one list in one stream, because their order decides which of them asks after a resolution. A version asks
about what was resolved after it was published: nobody is asked about last year.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, assert_never
from uuid import UUID

from pydantic import Field

from aggregates.desk import Desk
from aggregates.errors import Unacceptable
from aggregates.fact import Command, Fact
from aggregates.sla.checks import check_conditions
from aggregates.surveys.terms import SurveyTerms

SURVEY_LIST = UUID("0d9c7c1e-6a0e-4f3a-8b57-92d6c9b3a411")
MOST = 50


class SurveyPublished(Fact, type_name="survey_list.published.v1"):
    """A whole version of a survey: its number is how many of that survey were published. A new survey comes last."""

    survey: UUID
    terms: SurveyTerms


class SurveysOrdered(Fact, type_name="survey_list.ordered.v1"):
    surveys: tuple[UUID, ...]


SurveyListFact = SurveyPublished | SurveysOrdered


class PublishSurvey(Command):
    """A new survey, or a new version of one. One that is not enabled asks nobody."""

    terms: SurveyTerms


class OrderSurveys(Command):
    """All surveys, each once: of those that ask after a resolution, the first whose conditions hold does."""

    order: Annotated[tuple[UUID, ...], Field(max_length=MOST)]


SurveyCommand = PublishSurvey | OrderSurveys


@dataclass(frozen=True, slots=True)
class SurveyVersion:
    """`listed`: the list's stream version at which it was published."""

    survey: UUID
    number: int
    terms: SurveyTerms
    listed: int


@dataclass(frozen=True, slots=True)
class SurveyList:
    """
    version   of its stream
    order     of all surveys
    versions  of each, by number
    """

    version: int = 0
    order: tuple[UUID, ...] = ()
    versions: Mapping[UUID, tuple[SurveyVersion, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def asking(self) -> Iterator[SurveyVersion]:
        """The newest version of each survey that is enabled, in their order."""
        newest = (self.versions[survey][-1] for survey in self.order if survey in self.versions)
        return (version for version in newest if version.terms.enabled)

    def in_force(self, survey: UUID) -> SurveyVersion | None:
        return next((version for version in self.asking if version.survey == survey), None)

    def terms(self, survey: UUID | None, number: int) -> SurveyTerms | None:
        """Of any version that was ever published."""
        versions = () if survey is None else self.versions.get(survey, ())
        return versions[number - 1].terms if 0 < number <= len(versions) else None


def evolve(surveys: SurveyList, fact: SurveyListFact) -> SurveyList:
    """Apply one fact. Total and silent."""
    listed = surveys.version + 1
    match fact:
        case SurveyPublished(survey=survey):
            held = surveys.versions.get(survey, ())
            versions = (*held, SurveyVersion(survey, len(held) + 1, fact.terms, listed))
            order = surveys.order if survey in surveys.order else (*surveys.order, survey)
            return SurveyList(listed, order, MappingProxyType({**surveys.versions, survey: versions}))
        case SurveysOrdered():
            # What an order does not name comes after what it names.
            order = tuple(dict.fromkeys((*fact.surveys, *surveys.order)))
            return replace(surveys, version=listed, order=order)
        case _:
            assert_never(fact)


def decide(surveys: SurveyList, command: SurveyCommand, survey: UUID, desk: Desk) -> tuple[SurveyListFact, ...]:
    """Say what happens next; nothing, if it is so already. Raises Unacceptable or UnknownReference.

    `survey` is the one to publish.
    """
    match command:
        case PublishSurvey():
            check_conditions(command.terms, desk)
            return _published(surveys, command.terms, survey)
        case OrderSurveys():
            return _ordered(surveys, command.order)
        case _:
            assert_never(command)


def _published(surveys: SurveyList, terms: SurveyTerms, survey: UUID) -> tuple[SurveyListFact, ...]:
    held = surveys.versions.get(survey, ())
    if not held and len(surveys.versions) >= MOST:
        raise Unacceptable("survey.too_many", f"A desk has up to {MOST} surveys.")
    if held and _written(held[-1].terms) == _written(terms):
        return ()
    return (SurveyPublished(survey=survey, terms=terms),)


def _ordered(surveys: SurveyList, order: tuple[UUID, ...]) -> tuple[SurveyListFact, ...]:
    if sorted(order) != sorted(surveys.versions):
        detail = f"Name each of the {len(surveys.versions)} surveys once, and no other."
        raise Unacceptable("survey.order_incomplete", detail, field="order")
    return () if order == surveys.order else (SurveysOrdered(surveys=order),)


def _written(terms: SurveyTerms) -> str:
    """Equal only if they are so to the letter: True is not 1."""
    return json.dumps(terms.model_dump(mode="json"), sort_keys=True)
