"""What does one version of a survey ask, whom, and when?"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from aggregates.sla.terms import Condition, Part
from aggregates.text import LanguageTag, Line, Name
from aggregates.ticket.events import Occasion

Seconds = Annotated[int, Field(ge=0, le=31_536_000, strict=True)]
"""Up to a year."""
Days = Annotated[int, Field(ge=1, le=3_650, strict=True)]
ONE_HOUR = 3_600


class Wording(Part):
    """What is asked, and what each score stands for, from 1 to 5."""

    question: Line
    scale: Annotated[tuple[Name, ...], Field(min_length=5, max_length=5)]


ENGLISH = Wording(
    question="How satisfied are you with our help?",
    scale=("Very dissatisfied", "Dissatisfied", "Neither", "Satisfied", "Very satisfied"),
)


class SurveyTerms(Part):
    """One version of a survey.

    all, any        conditions: every one of `all` and, if there are any, one of `any` must hold
    every_days      None: it asks after each resolution; else each customer once in so many days in which one of
                    their tickets was resolved
    delay           seconds from the resolution to the question
    expires_days    for how long it can be answered
    rest_days       a customer who was asked anything, on whichever ticket, is left alone for so long; 0: never
    wording         for whom there is no translation
    """

    name: Name
    all: Annotated[tuple[Condition, ...], Field(max_length=50)] = ()
    any: Annotated[tuple[Condition, ...], Field(max_length=50)] = ()
    every_days: Days | None = None
    delay: Seconds = ONE_HOUR
    expires_days: Days = 14
    rest_days: Annotated[int, Field(ge=0, le=3_650, strict=True)] = 0
    wording: Wording = ENGLISH
    translations: Annotated[dict[LanguageTag, Wording], Field(max_length=100)] = Field(default_factory=dict)
    enabled: bool = True

    @property
    def occasion(self) -> Occasion:
        return "resolved" if self.every_days is None else "survey"

    @property
    def waits(self) -> timedelta:
        return timedelta(seconds=self.delay)

    @property
    def answerable(self) -> timedelta:
        return timedelta(days=self.expires_days)

    @property
    def rest(self) -> timedelta:
        return timedelta(days=self.rest_days)

    def worded(self, language: str | None) -> Wording:
        """In this language, or the one that it is a variety of (`de-AT`: `de`), if there is a translation."""
        known = {tag.lower(): wording for tag, wording in self.translations.items()}
        tag = (language or "").lower()
        return known.get(tag) or known.get(tag.partition("-")[0]) or self.wording
