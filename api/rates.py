"""HTTP for the rate card: what an hour of work costs, since when, and what customers see of it."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import Response
from pydantic import BaseModel, Field

from aggregates.envelope import recorded
from aggregates.rates import RATE_CARD, PublishRates, RateCard, Rates
from api.asking import Ask, newest, stamp
from api.callers import FigureCaller, LeadCaller
from api.services import Services, Shared
from api.shown import ActorShown, Shown
from api.strict import router
from commands.rates import card_seen, publish_rates

rates = router("/rates", "rates")


class RatesShown(Shown):
    number: int
    rates: Rates
    effective_from: datetime


class RateCardShown(BaseModel):
    """All versions. `holds`: the one by which work is charged right now. Its `version` is its ETag."""

    version: int
    holds: int | None
    versions: list[RatesShown]


class RatesPublishedShown(RatesShown):
    published_at: datetime
    published_by: ActorShown


class RateHistoryShown(BaseModel):
    versions: list[RatesPublishedShown]


class RatesChanged(BaseModel):
    """What a command did. No events: the newest version says so already."""

    version: int = Field(description="of the card, after this command")
    position: int
    events: list[str] = Field(examples=[["rate_card.published.v1"]])


@rates.get("")
async def get_rates(who: FigureCaller, services: Shared, response: Response) -> RateCardShown:
    """The rate card in all its versions; never behind."""
    card = await _card(services, response)
    holds = card.in_force(card.moment(datetime.now(UTC)))
    return RateCardShown(
        version=len(card.versions),
        holds=None if holds is None else holds.number,
        versions=[RatesShown.model_validate(version) for version in card.versions],
    )


@rates.put("")
async def put_rates(who: LeadCaller, body: PublishRates, ask: Ask, response: Response) -> RatesChanged:
    """Publish a new version. What was logged before keeps the rate that it got, from whenever the version holds."""
    accepted = await publish_rates(ask.services.handler, body, ask.context(who, body, "rates"))
    stamp(response, accepted)
    return RatesChanged(version=accepted.version, position=accepted.position, events=accepted.events)


@rates.get("/versions")
async def list_rate_versions(who: FigureCaller, services: Shared, response: Response) -> RateHistoryShown:
    """Every version that was ever published: what it said, from when, who published it and when."""
    card = await _card(services, response)
    events = [recorded(stored) for stored in await services.store.stream(RATE_CARD)]
    return RateHistoryShown(
        versions=[
            RatesPublishedShown(
                **dict(RatesShown.model_validate(version)),
                published_at=event.recorded_at,
                published_by=ActorShown.model_validate(event.actor),
            )
            for version, event in zip(card.versions, events, strict=False)
        ]
    )


async def _card(services: Services, response: Response) -> RateCard:
    return card_seen(await newest(RATE_CARD, services, response))
