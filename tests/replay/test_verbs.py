"""test_verbs: do diff, blame and bisect say what plain folds of the same events say?"""

from __future__ import annotations

import itertools
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.envelope import Recorded
from aggregates.errors import Unacceptable
from aggregates.moment import Moment, by_occurrence
from aggregates.ticket import events as e
from aggregates.ticket.state import Ticket, replay
from replay.audit.bisect import NAMES, stretches, values
from replay.audit.blame import blame
from replay.audit.course import Part, course, parts, same
from replay.audit.diffing import diff
from replay.audit.expressions import expression
from replay.audit.log_lines import lines, mentioned
from tests.projections.histories import AGENTS, LENIENT, START, STREAMS, TEAMS, decided, imported, recorded, story

TICKET = STREAMS[0]
histories = decided(TICKET) | imported(TICKET)
bases = st.sampled_from(["recorded", "occurred"])


def folded(events: list[Recorded]) -> Ticket:
    return replay(event.fact for event in events)  # type: ignore[misc]


def known(history: list[Recorded], version: int, basis: str) -> list[Recorded]:
    moment = Moment(basis, version, START, version=version)  # type: ignore[arg-type]
    return moment.facts(history)


@given(history=histories, basis=bases, cuts=st.tuples(st.integers(0, 40), st.integers(0, 40)))
@LENIENT
def test_a_diff_is_what_two_folds_differ_in(history: list[Recorded], basis: str, cuts: tuple[int, int]) -> None:
    first, last = (known(history, min(cut, len(history)), basis) for cut in sorted(cuts))
    before, after = parts(folded(first)) if first else {}, parts(folded(last)) if last else {}
    changes = {change.part: change for change in diff(first, last)}
    for part in before.keys() | after.keys():
        assert (part in changes) == (not same(before.get(part), after.get(part)))
    for change in changes.values():
        assert same(change.before, before.get(change.part))
        assert same(change.after, after.get(change.part))
        assert change.by, "somebody did it"
        assert {event.version for event in change.by} <= {event.version for event in last}
        if basis == "recorded":
            assert {event.version for event in change.by} <= {event.version for event in last[len(first) :]}


@given(history=histories)
@LENIENT
def test_what_a_diff_says_of_one_event_is_what_that_event_changed(history: list[Recorded]) -> None:
    for version in range(len(history)):
        for change in diff(history[:version], history[: version + 1]):
            assert change.by == (history[version],)


def test_what_changed_and_changed_back_is_no_difference() -> None:
    back_and_forth = story(
        TICKET,
        an_opening(),
        e.PriorityChanged(priority="high", was="normal"),
        e.PriorityChanged(priority="normal", was="high"),
    )
    assert diff(back_and_forth[:1], back_and_forth) == []


def test_one_and_yes_are_two_values() -> None:
    values = story(TICKET, an_opening(), *(e.FieldChanged(name="floor", value=value) for value in (1, True, 1.0)))
    for version in (2, 3):
        (change,) = diff(values[:version], values[: version + 1])
        assert (change.before, type(change.after)) == (1, {2: bool, 3: float}[version])


def test_a_diff_backwards_is_refused() -> None:
    history = story(TICKET, an_opening(), e.Tagged(tags=("vip",)))
    with pytest.raises(Unacceptable, match=r"range\.backwards"):
        diff(history, history[:1])


@given(history=histories, basis=bases)
@LENIENT
def test_a_blame_has_every_value_and_the_last_event_that_changed_it(history: list[Recorded], basis: str) -> None:
    events = known(history, len(history), basis)
    blamed = {one.part: one for one in blame(events)}
    final = parts(folded(events))
    for part, value in final.items():
        setters = [
            event
            for event, (before, after) in zip(events, itertools.pairwise(folds(events)), strict=True)
            if not same(parts(before).get(part) if before else None, parts(after).get(part))
        ]
        assert (part in blamed) == bool(setters)
        if setters:
            assert same(blamed[part].value, value)
            assert blamed[part].event == setters[-1]
    assert blamed.keys() <= final.keys()


def folds(events: list[Recorded]) -> list[Ticket | None]:
    return [None, *(folded(events[:n]) for n in range(1, len(events) + 1))]


def test_each_tag_is_blamed_on_its_own() -> None:
    history = story(
        TICKET, an_opening(), e.Tagged(tags=("vip", "fire")), e.Untagged(tags=("vip",)), e.Tagged(tags=("late",))
    )
    tags = {one.part.element: one.event.version for one in blame(history) if one.part.field == "tags"}
    assert tags == {"fire": 2, "late": 4}
    emptied = [*history, recorded(TICKET, 5, e.Assigned(agent=AGENTS[0]), at=START + timedelta(hours=1))]
    emptied.append(recorded(TICKET, 6, e.Unassigned(from_agent=AGENTS[0]), at=START + timedelta(hours=2)))
    assignee = next(one for one in blame(emptied) if one.part == Part("assignee"))
    assert (assignee.value, assignee.event.version) == (None, 6)


conditions = st.sampled_from(
    [
        "status == 'resolved' and public_replies == 0",
        "status in ('open', 'pending') or level >= 2",
        "not assignee is None and 'vip' in tags",
        "priority != 'normal'",
        "messages > 2 and team is not None",
        "fields['floor'] == 3 or 'device' in fields",
        "age > 300",
        "len(watchers) > 0",
        "time_spent > 100 and spam == False",
        "resolution_code is None",
    ]
)


@given(history=histories, basis=bases, text=conditions)
@LENIENT
def test_a_bisect_finds_what_a_scan_by_python_itself_finds(history: list[Recorded], basis: str, text: str) -> None:
    events = known(history, len(history), basis)
    seen = [safely(dict(values(stage, {}))) for stage in course(events)]
    held = [bool(eval(text, {}, known)) for known in seen]  # noqa: S307
    found = list(stretches(events, expression(text, NAMES), {}))
    covered = [False] * len(events)
    places = {event.version: place for place, event in enumerate(events)}
    for stretch in found:
        end = len(events) if stretch.until is None else places[stretch.until.version]
        covered[places[stretch.since.version] : end] = [True] * (end - places[stretch.since.version])
    assert covered == held
    if found:
        assert found[0].since == events[held.index(True)]


def safely(known: dict[str, object]) -> dict[str, object]:
    """As Python needs it to be told: nothing is missing."""
    fields = known["fields"]
    assert isinstance(fields, dict)
    age = known["age"]
    return known | {
        "fields": {"floor": None} | fields if "floor" not in fields else fields,
        "age": -1 if age is None else age,
    }


def test_the_values_are_those_of_the_names_no_more_and_no_less() -> None:
    (stage,) = course(story(TICKET, an_opening()))
    assert values(stage, {}).keys() == NAMES.keys()


def test_what_becomes_true_again_is_told_again() -> None:
    history = story(
        TICKET,
        an_opening(),
        e.PutPending(was="open"),
        e.Reopened(was="pending", cause="message"),
        e.PutPending(was="open"),
    )
    found = stretches(history, expression("status == 'pending'", NAMES), {})
    assert [(one.since.version, one.until and one.until.version) for one in found] == [(2, 3), (4, None)]


@given(history=histories)
@LENIENT
def test_every_event_has_one_line_without_a_break_in_it(history: list[Recorded]) -> None:
    names = dict.fromkeys(mentioned(history), "Ann\n")
    told = list(lines(history, {id: name.strip() for id, name in names.items()}))
    assert [line.version for line in told] == [event.version for event in history]
    assert all(line.what and "\n" not in line.what and len(line.what) < 400 for line in told)


def test_a_line_says_who_what_and_why() -> None:
    moved = e.Escalated(from_level=1, to_level=2, from_team=TEAMS[0], to_team=TEAMS[1], reason="burns")
    asked = e.SatisfactionRequested(request=TICKET, occasion="resolved", agent=AGENTS[0], expires_at=START)
    rated = e.SatisfactionRated(request=TICKET, score=5, was=2, comment="Thanks!")
    history = story(TICKET, an_opening(), e.PriorityChanged(priority="high", was="normal"), moved, asked, rated)
    names = {str(TEAMS[1]): "2nd Line", str(TEAMS[0]): "Desk", str(AGENTS[0]): "Ada"}
    said = [(line.who, line.what) for line in lines(history, names)][1:]
    assert said == [
        ("Ada", "priority normal -> high"),
        ("Ada", "escalated to line 2, from Desk to 2nd Line: burns"),
        ("Ada", f"asked how satisfied they are with Ada, to be answered by {START:%Y-%m-%d %H:%M}"),
        ("Ada", "rated 5 of 5, was 2: Thanks!"),
    ]


def an_opening() -> e.Opened:
    return e.Opened(number=1042, requester=UUID(int=0xC0), subject="Printer", channel="email", level=1)


def test_the_order_of_occurrence_decides_where_it_is_asked_for() -> None:
    late = recorded(
        TICKET,
        3,
        e.PriorityChanged(priority="low", was="normal"),
        at=START + timedelta(hours=3),
        occurred_at=START + timedelta(minutes=1),
    )
    urgent = recorded(TICKET, 2, e.PriorityChanged(priority="urgent", was="normal"), at=START + timedelta(hours=2))
    history = [recorded(TICKET, 1, an_opening(), at=START), urgent, late]
    priority = Part("priority")
    by_version = next(one for one in blame(history) if one.part == priority)
    as_happened = next(one for one in blame(sorted(history, key=by_occurrence)) if one.part == priority)
    assert (by_version.value, by_version.event) == ("low", late)
    assert (as_happened.value, as_happened.event) == ("urgent", urgent)
