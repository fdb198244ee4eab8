"""The rate card: which version charges work when, and what does work cost, to the last fraction?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from functools import reduce
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from pydantic import ValidationError

from aggregates.envelope import Envelope, Recorded
from aggregates.fact import Fact
from aggregates.rates import PublishRates, RateCard, Rates, RatesPublished, evolve
from aggregates.ticket.costs import Entry, costs, entries, own_work, rounded
from aggregates.ticket.events import NoteAdded, TimeLogged
from tests.aggregates.cast import ADA, AS_ADA, DISSOLVED, NETWORK, NOBODY, NOON, SUPPORT, TICKET
from tests.spec import given

EARLIER, LATER = NOON - timedelta(days=300), NOON + timedelta(days=300)


def rates(**more: Any) -> Rates:
    return Rates.model_validate({"currency": "EUR", "levels": {1: 6_000, 2: 9_000}, **more})


def published(given: Rates, since: Any = NOON, *, at_once: bool = True) -> RatesPublished:
    return RatesPublished(rates=given, effective_from=since, at_once=at_once)


def test_rates_are_published_and_hold_from_now_on() -> None:
    given().when(PublishRates(rates=rates())).then(published(rates()))
    given().when(PublishRates(rates=rates(), effective_from=LATER)).then(published(rates(), LATER, at_once=False))


def test_the_same_rates_are_published_once() -> None:
    known = published(rates())
    given(known).when(PublishRates(rates=rates())).then()
    given(known).when(PublishRates(rates=rates(), effective_from=NOON)).then()
    given(known).when(PublishRates(rates=rates(), effective_from=LATER)).then(published(rates(), LATER, at_once=False))
    given(known).when(PublishRates(rates=rates(currency="SEK"))).then(published(rates(currency="SEK")))


def test_what_is_not_there_is_refused_naming_the_field() -> None:
    given().when(PublishRates(rates=rates(currency="EUX"))).refused("rates.currency_unknown", "rates.currency")
    for team, code in ((NOBODY, "team.unknown"), (DISSOLVED, "team.disabled")):
        given().when(PublishRates(rates=rates(teams={team: {1: 5}}))).refused(code, f"rates.teams.{team}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "eur"},
        {"levels": {0: 1}},
        {"levels": {10: 1}},
        {"levels": {1: -1}},
        {"levels": {1: 10.5}},
        {"x": 1},
    ],
)
def test_what_is_no_rate_card_is_not_read(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rates(**wrong)


def test_the_newest_version_that_holds_by_then_is_in_force() -> None:
    first, back, later = rates(), rates(levels={1: 1}), rates(levels={1: 2})
    told = (published(first), published(back, EARLIER), published(later, LATER))
    card = reduce(evolve, told, RateCard())
    numbers = {at: getattr(card.in_force(at), "number", None) for at in (EARLIER - timedelta(1), EARLIER, NOON, LATER)}
    assert list(numbers.values()) == [None, 2, 2, 3]


def test_a_clock_that_is_behind_the_publishers_still_sees_the_card() -> None:
    card = evolve(RateCard(), published(rates()))
    assert card.in_force(NOON - timedelta(seconds=1)) is None
    assert card.in_force(card.moment(NOON - timedelta(seconds=1))) is not None


def test_a_team_may_have_rates_of_its_own() -> None:
    card = rates(teams={SUPPORT: {1: 4_500}, NETWORK: {3: 0}})
    told = {(team, level): card.rate(level, team) for team in (SUPPORT, NETWORK, None) for level in (1, 2, 3)}
    assert list(told.values()) == [4_500, 9_000, None, 6_000, 9_000, 0, 6_000, 9_000, None]


def entry(seconds: int, rate: int | None = 6_000, currency: str | None = "EUR", billable: bool = True) -> Entry:
    return Entry(1, NOON, ADA, seconds, billable, None, rate, currency)


rate, currency = st.none() | st.integers(0, 10**8), st.sampled_from(("EUR", "JPY"))
work = st.lists(st.builds(entry, st.integers(1, 86_400), rate, currency, st.booleans()), max_size=30)


@drawn(work)
def test_costs_are_exact_and_rounded_once(work: list[Entry]) -> None:
    told = costs(work)
    for currency in ("EUR", "JPY"):
        priced = [one for one in work if one.rate is not None and one.currency == currency]
        units = sum(one.seconds * (one.rate or 0) for one in priced)
        assert told.get(currency, 0) * 3_600 == units
        with localcontext(prec=60):
            by_hand = (Decimal(units) / 3_600).quantize(Decimal(1), ROUND_HALF_EVEN)
        assert rounded(Fraction(told.get(currency, 0))) == by_hand
    assert costs([*reversed(work)]) == told


@pytest.mark.parametrize(("seconds", "cost"), [(1, 0), (2, 0), (3, 1), (6, 2), (10, 2), (14, 4), (3_600, 900)])
def test_a_half_is_rounded_to_the_even_one(seconds: int, cost: int) -> None:
    """900 an hour is a quarter a second: 2 s are 0.5, 6 s are 1.5, 10 s are 2.5."""
    assert rounded(costs([entry(seconds, 900)])["EUR"]) == cost


def test_a_requester_knows_what_the_desk_shows_and_no_more() -> None:
    logged = [entry(3_600), entry(1_800, billable=False), entry(60, rate=None, currency=None)]
    for visible, only, seconds, cost in (
        ("nothing", True, None, None), ("nothing", False, None, None), ("time", True, 3_660, None),
        ("time", False, 5_460, None), ("time_and_cost", True, 3_660, 6_000), ("time_and_cost", False, 5_460, 9_000),
    ):  # fmt: skip
        own = own_work(logged, rates(visible_to_customers=visible, billable_only=only))
        assert (own.seconds, None if own.costs is None else own.costs["EUR"]) == (seconds, cost)
    assert own_work(logged, None).seconds is None


def test_entries_are_the_logged_times_alone_at_their_own_rates() -> None:
    facts = (
        NoteAdded(body="x"),
        TimeLogged(agent=ADA, seconds=5),
        TimeLogged(agent=ADA, seconds=6, rate=7, currency="SEK"),
    )
    told = entries(_recorded(facts))
    assert [(one.version, one.seconds, one.cost) for one in told] == [(2, 5, None), (3, 6, Fraction(42, 3_600))]


def _recorded(facts: Sequence[Fact]) -> list[Recorded]:
    told = [Envelope[Any](actor=AS_ADA, command_id=TICKET, correlation_id=TICKET, fact=fact) for fact in facts]
    return [Recorded(place, TICKET, place, NOON, envelope) for place, envelope in enumerate(told, 1)]
