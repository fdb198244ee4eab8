"""HTTP for surveys: the list and its order, and versions."""

from __future__ import annotations

from typing import cast
from uuid import UUID, uuid5

from fastapi import Response

from aggregates.envelope import recorded
from aggregates.surveys.surveys import SURVEY_LIST, OrderSurveys, PublishSurvey, SurveyList, SurveyPublished
from api.asking import Ask, AskAnew, newest, stamp
from api.callers import FigureCaller, LeadCaller
from api.desk import Id
from api.reading import found
from api.services import Shared
from api.shown import ActorShown
from api.strict import router
from api.surveys_shown import (
    SurveyHistoryShown,
    SurveyListChanged,
    SurveyPublishedShown,
    SurveyShown,
    SurveysShown,
    SurveyVersionShown,
)
from commands.context import Accepted

surveys = router("/surveys", "satisfaction")


@surveys.get("")
async def list_surveys(who: FigureCaller, services: Shared, response: Response) -> SurveysShown:
    """All surveys with their versions, in the order in which they are looked at; never behind."""
    seen = await newest(SURVEY_LIST, services, response)
    listed = seen[SURVEY_LIST].state or SurveyList()
    return SurveysShown(version=listed.version, surveys=[_shown(listed, survey) for survey in listed.order])


@surveys.post("", status_code=201)
async def publish_survey(who: LeadCaller, body: PublishSurvey, ask: AskAnew, response: Response) -> SurveyListChanged:
    """Publish a new survey; it comes last. It asks about what is resolved from now on."""
    context = ask.context(who, body, "survey")
    survey = uuid5(context.command_id, "survey")
    accepted = await ask.services.surveys.change(body, context, survey)
    response.headers["Location"] = f"/v1/surveys/{survey}/versions"
    return _told(response, accepted, survey)


@surveys.put("/order")
async def order_surveys(who: LeadCaller, body: OrderSurveys, ask: Ask, response: Response) -> SurveyListChanged:
    """Say in which order surveys are looked at: after a resolution the first whose conditions hold asks."""
    context = ask.context(who, body, "survey order")
    return _told(response, await ask.services.surveys.change(body, context), *body.order)


@surveys.put("/{id}")
async def publish_survey_as(
    who: LeadCaller, id: Id, body: PublishSurvey, ask: Ask, response: Response
) -> SurveyListChanged:
    """Publish a new version of a survey, or a new one under an id of your own choice. `enabled: false` ends it."""
    context = ask.context(who, body, f"survey {id}")
    return _told(response, await ask.services.surveys.change(body, context, id), id)


@surveys.get("/{id}/versions")
async def list_survey_versions(who: FigureCaller, id: Id, services: Shared) -> SurveyHistoryShown:
    """Every version that was ever published: what it said, who published it and when."""
    events = [recorded(stored) for stored in await services.store.stream(SURVEY_LIST)]
    published = [event for event in events if isinstance(event.fact, SurveyPublished) and event.fact.survey == id]
    versions = [
        SurveyPublishedShown(
            number=number,
            terms=cast(SurveyPublished, event.fact).terms,
            listed=event.version,
            published_at=event.recorded_at,
            published_by=ActorShown.model_validate(event.actor),
        )
        for number, event in enumerate(published, 1)
    ]
    return SurveyHistoryShown(versions=found(versions or None, "survey"))


def _shown(listed: SurveyList, survey: UUID) -> SurveyShown:
    versions = listed.versions[survey]
    terms, shown = versions[-1].terms, [SurveyVersionShown.model_validate(version) for version in versions]
    return SurveyShown(id=survey, name=terms.name, enabled=terms.enabled, versions=shown)


def _told(response: Response, accepted: Accepted, *about: UUID) -> SurveyListChanged:
    stamp(response, accepted)
    return SurveyListChanged(
        surveys=list(about),
        version=accepted.version,
        position=accepted.position,
        events=accepted.events,
    )
