"""surveys_shown: what do readers get to see of surveys, of what was asked, and of what was answered?"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from aggregates.surveys.terms import SurveyTerms
from aggregates.ticket.events import Occasion
from api.shown import ActorShown, Shown

SCORE = "from 1 to 5: 4 and 5 are good, 1 and 2 are bad"


class SurveyVersionShown(Shown):
    number: int
    terms: SurveyTerms
    listed: int = Field(description="the version of the list with which it came")


class SurveyShown(BaseModel):
    """A survey in all its versions, of which the last one holds."""

    id: UUID
    name: str
    enabled: bool
    versions: list[SurveyVersionShown]


class SurveysShown(BaseModel):
    """The list, in the order in which it is looked at. Its `version` is its ETag."""

    version: int
    surveys: list[SurveyShown]


class SurveyPublishedShown(SurveyVersionShown):
    published_at: datetime
    published_by: ActorShown


class SurveyHistoryShown(BaseModel):
    """Every version that was ever published."""

    versions: list[SurveyPublishedShown]


class SurveyListChanged(BaseModel):
    """What a command did to the list. No events: it was so already."""

    surveys: list[UUID] = Field(description="that it was about")
    version: int = Field(description="of the list, after this command")
    position: int
    events: list[str] = Field(examples=[["survey_list.published.v1"]])


class AnswerShown(BaseModel):
    """`was`: the score that it took the place of. A comment that was erased is null."""

    score: int = Field(description=SCORE)
    was: int | None
    comment: str | None
    at: datetime


class RequestShown(BaseModel):
    """When a customer was asked, about whose work, and what they answered, in order."""

    request: UUID
    occasion: Occasion
    survey: UUID | None
    survey_version: int
    agent: UUID | None
    team: UUID | None
    requested_at: datetime
    expires_at: datetime
    answers: list[AnswerShown]


class RatingsShown(BaseModel):
    requests: list[RequestShown]


class RatingLink(BaseModel):
    """Whoever has it may answer in the customer's place: give it to nobody else."""

    request: UUID
    token: str
    path: str = Field(examples=["/v1/ratings/…"])
    expires_at: datetime


class OwnRating(BaseModel):
    score: int
    comment: str | None


class QuestionShown(BaseModel):
    """What you are asked, and what you answered if you did."""

    number: str = Field(examples=["T-1042"])
    subject: str | None
    question: str
    scale: list[str] = Field(description="what the scores 1 to 5 stand for")
    expires_at: datetime
    rating: OwnRating | None
