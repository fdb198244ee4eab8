"""Rate card: what does an hour of work cost, from when on, and what of that may a customer see?

One card in one stream, in whole versions that never change. Work is charged by the version in force when it is logged,
and what was charged stays: a version that reaches back changes nothing that was logged before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from aggregates.desk import Desk
from aggregates.errors import Unacceptable
from aggregates.fact import Command, Fact
from aggregates.ticket.events import Level

RATE_CARD = UUID("0c7a3f6e-52d4-4b39-9a1e-7f1d6c2b8e05")
Rate = Annotated[int, Field(ge=0, le=100_000_000, strict=True)]
"""An hour's, in minor units of the card's currency: 6000 is 60.00 EUR, or 6000 JPY."""
ByLevel = dict[Level, Rate]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Visible = Literal["nothing", "time", "time_and_cost"]


class Rates(BaseModel):
    """One version of the card.

    levels           by the ticket's escalation level; work on a level that is left out has no rate
    teams            what differs while the ticket is with one of these teams
    visible_to_customers, billable_only   what the requester of a ticket sees of the work on it
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    currency: Currency
    levels: ByLevel = Field(default_factory=dict)
    teams: Annotated[dict[UUID, ByLevel], Field(max_length=200)] = Field(default_factory=dict)
    visible_to_customers: Visible = "nothing"
    billable_only: bool = True

    def rate(self, level: int, team: UUID | None) -> int | None:
        """An hour's; None if none is named."""
        own = {} if team is None else self.teams.get(team, {})
        return own.get(level, self.levels.get(level))


class RatesPublished(Fact, type_name="rate_card.published.v1"):
    """A whole version: its number is how many were published.

    at_once   no instant was named: it holds from when it was recorded, which `effective_from` says by the
              publisher's clock
    """

    rates: Rates
    effective_from: AwareDatetime
    at_once: bool = False


class PublishRates(Command):
    """A new version of the card. Without `effective_from` it holds from now on."""

    rates: Rates
    effective_from: AwareDatetime | None = None


@dataclass(frozen=True, slots=True)
class Version:
    number: int
    rates: Rates
    effective_from: datetime


@dataclass(frozen=True, slots=True)
class RateCard:
    """
    latest    when it last changed at once, by the clock of whoever published
    """

    versions: tuple[Version, ...] = ()
    latest: datetime | None = None

    def in_force(self, at: datetime) -> Version | None:
        """The newest version that holds `at` this instant."""
        return next((version for version in reversed(self.versions) if version.effective_from <= at), None)

    def moment(self, now: datetime) -> datetime:
        """When a decision happens that sees this card: not before the card was so, however much clocks differ."""
        return now if self.latest is None else max(now, self.latest)


def evolve(card: RateCard, fact: RatesPublished) -> RateCard:
    """Apply one fact. Total and silent."""
    version = Version(len(card.versions) + 1, fact.rates, fact.effective_from)
    latest = card.moment(fact.effective_from) if fact.at_once else card.latest
    return replace(card, versions=(*card.versions, version), latest=latest)


def decide(card: RateCard, command: PublishRates, desk: Desk, now: datetime) -> tuple[RatesPublished, ...]:
    """Say what happens next; nothing, if the newest version says so already. Raises Unacceptable, UnknownReference."""
    rates, since = command.rates, command.effective_from
    if rates.currency not in _currencies():
        raise Unacceptable("rates.currency_unknown", "ISO 4217 has no such currency.", field="rates.currency")
    for team in rates.teams:
        desk.team(team, f"rates.teams.{team}")
    newest = card.versions[-1] if card.versions else None
    if newest is not None and newest.rates == rates and since in (None, newest.effective_from):
        return ()
    return (RatesPublished(rates=rates, effective_from=since or now, at_once=since is None),)


@cache
def _currencies() -> frozenset[str]:
    from iso4217 import Currency  # parses a table: only who publishes rates waits for it

    return frozenset(currency.code for currency in Currency)
