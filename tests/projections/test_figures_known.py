"""test_figures_known: at every position, is what counts just what the events up to there say, and is it so for ever?"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from itertools import accumulate
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.envelope import Recorded
from aggregates.sla.noting import event_id
from aggregates.ticket import events as facts
from projections.figures import COLUMNS, SPAN_COLUMNS, Figures, FiguresRow
from tests.aggregates.lives import GOLD, NIGHT, OFFICE
from tests.projections.figures_by_hand import ByHand
from tests.projections.histories import (
    AGENTS,
    BOOK,
    CUSTOMERS,
    LENIENT,
    START,
    TEAMS,
    actors,
    agents,
    historic,
    metrics,
    of,
    opened,
    recorded,
    teams,
)

ID = UUID(int=0x1234)
REQUESTS = st.sampled_from([UUID(int=0x51), UUID(int=0x52)])
SCORES = st.integers(1, 5)
HOUR = 3_600
OPENED = facts.Opened(number=1042, requester=CUSTOMERS[0], subject="x", channel="email", team=TEAMS[0])
INSTANTS = st.sampled_from([0, 1, 60, 90, HOUR, 9 * HOUR]).map(lambda seconds: START + timedelta(seconds=seconds))
FIGURE, SPAN = COLUMNS.split(), SPAN_COLUMNS.split()
ENDS = {"to_at", "to_version", "micros", "business_micros", "size_at", "policy", "policy_version", "calendar"}
ENDS |= {"calendar_version"}
standing: st.SearchStrategy[Any] = st.sampled_from([
    facts.PutPending(was="open"), facts.PutOnHold(was="open"), facts.Reopened(was="resolved", cause="agent"),
    facts.Resolved(was="open", code="solved"),
])  # fmt: skip
cycles = {"metric": metrics, "cycle": st.integers(1, 2)}
measured: st.SearchStrategy[Any] = st.one_of(
    historic.filter(lambda fact: not isinstance(fact, facts.Opened)),
    *[standing] * 9,
    *(
        of(
            facts.SlaApplied, policy=GOLD, policy_version=st.integers(1, 2),
            calendar=st.sampled_from([None, OFFICE, NIGHT]), calendar_version=1, list_version=3, since=since,
        )
        for since in (st.none(), INSTANTS)
    ),
    of(
        facts.SlaBreached, **cycles, target=60, due=INSTANTS, in_status="open", policy=GOLD,
        policy_version=st.integers(1, 2),
    ),
    of(facts.SlaMet, **cycles, target=60, at=INSTANTS, elapsed=1.5),
    of(facts.SlaWarned, **cycles, target=60, percent=50, at=INSTANTS),
    of(facts.SlaMetWithdrawn, **cycles, at=START),
    of(facts.SlaBreachWithdrawn, **cycles, due=START),
    of(
        facts.SatisfactionRequested, request=REQUESTS, occasion="resolved", agent=st.none() | agents,
        team=st.none() | teams, expires_at=START,
    ),
    of(facts.SatisfactionRated, request=REQUESTS, score=SCORES, was=st.none() | SCORES),
    of(
        facts.TimeLogged, agent=agents, seconds=st.integers(1, 99), billable=st.booleans(), rate=st.just(7),
        currency=st.sampled_from([None, "EUR"]),
    ),
)  # fmt: skip


@st.composite
def lives(draw: st.DrawFn) -> list[Recorded]:
    """Whatever can happen to a ticket once it is opened, over nights and weekends, some of it told late."""
    told = [draw(opened), *draw(st.lists(measured, min_size=2, max_size=14))]
    if draw(st.booleans()):
        told.insert(draw(st.integers(0, 2)), told.pop(0))
    lateness = draw(st.sampled_from([[0], [0, 0, 1, 90, HOUR, 10 * HOUR]]))
    steps = [draw(st.sampled_from([0, 0, 1, 60, HOUR, 15 * HOUR])) for _ in told]
    life = []
    for n, (fact, seconds) in enumerate(zip(told, accumulate(steps), strict=True), 1):
        now, late = START + timedelta(seconds=seconds), timedelta(seconds=draw(st.sampled_from(lateness)))
        kind, position = draw(actors), 10 * n + draw(st.integers(0, 9))
        event = recorded(ID, n, fact, at=now, occurred_at=now - late if late else None, position=position, kind=kind)
        cause = event_id(ID, draw(st.integers(1, n)))
        surroundings = {"causation_id": draw(st.sampled_from([None, cause])), "command_id": UUID(int=1 + n // 3)}
        envelope = event.envelope.model_copy(update=surroundings)
        life.append(Recorded(position, ID, n, event.recorded_at, envelope))
    return life


def figures_at(row: FiguresRow, position: int) -> dict[Any, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    for values in row.figures.values():
        told = dict(zip(FIGURE, values, strict=True))
        since, until = told.pop("since"), told.pop("until")
        if since <= position and (until is None or until > position):
            del told["stream"], told["place"]
            key = (told["kind"], told["version"])
            assert key not in found
            found[key] = told
    return found


def spans_at(row: FiguresRow, position: int) -> dict[Any, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    for values in row.spans.values():
        told = dict(zip(SPAN, values, strict=True))
        since, until, ended = told.pop("since"), told.pop("until"), told.pop("ended")
        if since <= position and (until is None or until > position):
            del told["stream"], told["place"]
            over = ended is not None and ended <= position
            assert told["from_version"] not in found
            found[told["from_version"]] = told if over else told | dict.fromkeys(ENDS)
    return found


@given(life=lives())
@settings(LENIENT, max_examples=300)
def test_what_counts_at_each_position_is_what_the_events_up_to_there_say(life: list[Recorded]) -> None:
    _is_by_hand(life)


def test_a_rating_that_came_before_its_request_knows_nothing_of_it_however_late_a_fact_comes() -> None:
    request = UUID(int=0x51)
    asked = facts.SatisfactionRequested(request=request, occasion="resolved", expires_at=START)
    told = [OPENED, facts.SatisfactionRated(request=request, score=5), asked, facts.NoteAdded(body="x")]
    life = [recorded(ID, n, fact, at=START + timedelta(minutes=n)) for n, fact in enumerate(told, 1)]
    _is_by_hand([*life[:3], recorded(ID, 4, told[3], at=START + timedelta(hours=1), occurred_at=life[0].at)])


def _is_by_hand(life: list[Recorded]) -> None:
    row = Figures(BOOK).refold(life)
    for n, event in enumerate(life, 1):
        by_hand = ByHand(life[:n])
        found = figures_at(row, event.position)
        assert found.keys() == by_hand.figures.keys()
        for key, figure in found.items():
            cost = figure.pop("cost")
            exact = by_hand.figures[key].pop("cost")
            assert cost == exact or abs(Fraction(cost) - exact) <= Fraction(1, 10**12)
            assert figure == by_hand.figures[key]
        assert spans_at(row, event.position) == by_hand.spans


@given(life=lives())
@settings(LENIENT, max_examples=200)
def test_nothing_of_a_row_ever_changes_but_its_ends(life: list[Recorded]) -> None:
    whole = Figures(BOOK).refold(life)
    for n in range(1, len(life)):
        part = Figures(BOOK).refold(life[:n])
        for known, later, names, ends in (
            (part.figures, whole.figures, FIGURE, {"until"}),
            (part.spans, whole.spans, SPAN, {"until", "ended"} | ENDS),
        ):
            assert list(known) == list(later)[: len(known)]
            for place, values in known.items():
                _lasts(dict(zip(names, values, strict=True)), dict(zip(names, later[place], strict=True)), ends)


def _lasts(known: dict[str, Any], later: dict[str, Any], ends: set[str]) -> None:
    changed = {name for name, value in known.items() if later[name] != value}
    assert changed <= ends
    assert all(known[name] is None for name in changed)
    if "ended" in known and known["ended"] is not None:
        assert changed <= {"until"}


@given(life=lives())
@settings(LENIENT, max_examples=200)
def test_told_one_by_one_it_is_the_same_as_told_at_once(life: list[Recorded]) -> None:
    view, row = Figures(BOOK), None
    for n, event in enumerate(life, 1):
        row = view.fold(row, event) or view.refold(life[:n])
    assert row is not None
    at_once = Figures(BOOK).refold(life)
    assert (row, dict(row.figures), dict(row.spans)) == (at_once, dict(at_once.figures), dict(at_once.spans))


def test_a_ticket_that_is_not_remembered_is_told_anew() -> None:
    told = [OPENED, facts.Assigned(agent=AGENTS[0]), facts.Resolved(was="open", code="solved")]
    life = [recorded(ID, n, fact, at=START + timedelta(minutes=n)) for n, fact in enumerate(told, 1)]
    row = Figures(BOOK).refold(life[:2])
    assert Figures(BOOK).fold(row, life[2]) is None
