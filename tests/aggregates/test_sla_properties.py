"""test_sla_properties: does whoever looks once a minute count the same, and does the order of telling matter?"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.sla.clocks import clocks
from aggregates.ticket import events as t
from aggregates.ticket.events import Metric, Priority
from aggregates.ticket.state import Ticket, evolve
from tests.aggregates.lives import HOUR, MINUTE, MONDAY, OFFICE, Life, applied, hours, message, reply, terms

STEP = timedelta(minutes=1)
LENGTH = 40 * 60
DAYS = ("monday", "tuesday", "wednesday")
CALENDARS = {(OFFICE, 1): hours(DAYS, (9, 12), (13, 18)), (OFFICE, 2): hours(DAYS, (22, 2))}
TARGETS: dict[Priority, int] = {"low": 6 * HOUR, "normal": 3 * HOUR, "high": HOUR, "urgent": 20 * MINUTE}
POLICIES = (
    terms(TARGETS, "resolution", "requester_wait", "agent_work", time="business", pauses=("pending", "on_hold")),
    terms({"normal": HOUR, "urgent": 50 * MINUTE}, "resolution", "agent_work", time="business"),
    terms(TARGETS, "resolution", "requester_wait"),
)
LASTING: tuple[Metric, ...] = ("resolution", "requester_wait", "agent_work")

happenings = st.lists(
    st.tuples(
        st.integers(0, LENGTH),
        st.sampled_from(["pending", "hold", "reopen", "resolve", "urgent", "low", "high", "message", "reply"])
        | st.tuples(st.integers(1, 3), st.integers(1, 2)),
    ),
    max_size=14,
)


def told(moments: list[tuple[int, Any]]) -> Life:
    life = Life(*POLICIES, calendars=CALENDARS).opened(MONDAY + timedelta(hours=8))
    for minute, what in sorted(moments, key=lambda moment: moment[0]):
        life.tell(MONDAY + timedelta(hours=8, minutes=minute), fact(what, life))
    return life


def fact(what: Any, life: Life) -> t.TicketFact:
    if isinstance(what, tuple):
        return applied(what[0], life.shelf, calendar_version=what[1])
    named: dict[str, Callable[[], t.TicketFact]] = {
        "pending": lambda: t.PutPending(was="open"),
        "hold": lambda: t.PutOnHold(was="open"),
        "reopen": lambda: t.Reopened(was="pending", cause="agent"),
        "resolve": lambda: t.Resolved(was="open", code="done"),
        "message": message,
        "reply": reply,
    }
    return named[what]() if what in named else t.PriorityChanged(priority=what, was="normal")


class Watcher:
    """Looks at the ticket at each minute, and counts."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.elapsed = 0
        self.breached: datetime | None = None

    def look(self, now: datetime, ticket: Ticket, held: t.SlaApplied) -> None:
        policy = POLICIES[held.policy_version - 1]
        target = policy.targets.get(self.metric)
        seconds = None if target is None else target.seconds.get(ticket.priority)
        if not self.runs(ticket, policy.pauses):
            return
        if seconds is not None and self.elapsed >= seconds and self.breached is None:
            self.breached = now
        business = held.calendar is not None and (target is None or target.time == "business")
        if not business or is_open(now, held.calendar_version):
            self.elapsed += 60

    def runs(self, ticket: Ticket, pauses: tuple[str, ...]) -> bool:
        match self.metric:
            case "resolution":
                return ticket.active and ticket.status not in pauses
            case "requester_wait":
                return ticket.status in ("new", "open", "on_hold")
            case _:
                return ticket.status in ("new", "open")


def is_open(now: datetime, version: int) -> bool:
    if version == 1:
        return now.weekday() < 3 and (9 <= now.hour < 12 or 13 <= now.hour < 18)
    evening, night = now.hour >= 22 and now.weekday() < 3, now.hour < 2 and 1 <= now.weekday() < 4
    return evening or night


@given(happenings)
@settings(max_examples=150, deadline=None)
def test_whoever_looks_once_a_minute_counts_the_same(moments: list[tuple[int, Any]]) -> None:
    life = told(moments)
    end = life.events[-1].at + timedelta(hours=20)
    watchers = [Watcher(metric) for metric in LASTING]
    ticket, coming, now = Ticket(), list(life.events), life.events[0].at
    held: t.SlaApplied | None = None
    while now < end:
        while coming and coming[0].at <= now:
            event = coming.pop(0)
            ticket = evolve(ticket, event.fact)  # type: ignore[arg-type]
            held = event.fact if isinstance(event.fact, t.SlaApplied) else held
        for watcher in watchers:
            assert held is not None
            watcher.look(now, ticket, held)
        now += STEP
    for watcher in watchers:
        clock = life.clock(watcher.metric)
        broken = clock.broken(ticket)
        due = broken.due if broken is not None and broken.due < end else None
        assert (clock.elapsed(end).total_seconds(), due) == (watcher.elapsed, watcher.breached)


@given(happenings, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_in_which_facts_are_given_does_not_matter(
    moments: list[tuple[int, Any]], chance: random.Random
) -> None:
    life = told(moments)
    shuffled = list(life.events)
    chance.shuffle(shuffled)
    assert list(clocks(shuffled, life.shelf)) == list(life.clocks)


@given(happenings, st.lists(st.integers(0, LENGTH * 2), max_size=6))
@settings(max_examples=60, deadline=None)
def test_whenever_it_is_looked_at_the_notes_end_up_the_same(moments: list[tuple[int, Any]], looks: list[int]) -> None:
    """The clock process that ran all along and the one that ran once at the end leave the same truth behind."""
    end = MONDAY + timedelta(days=6)
    often, once = told([]), told(moments).noted(end)
    ordered = sorted(
        [*((minute, "what", what) for minute, what in moments), *((minute, "look", None) for minute in looks)],
        key=lambda moment: moment[0],
    )
    for minute, kind, what in ordered:
        now = MONDAY + timedelta(hours=8, minutes=minute)
        often = often.noted(now) if kind == "look" else often.tell(now, fact(what, often))
    often.noted(end)
    assert often.agenda(end) == once.agenda(end) == []
    assert standing(often) == standing(once)


def standing(life: Life) -> dict[Any, Any]:
    """Breaches and met targets that were noted and not withdrawn."""
    found: dict[Any, Any] = {}
    for event in life.events:
        match event.fact:
            case t.SlaBreached() | t.SlaMet() as mark:
                found[type(mark), mark.metric, mark.cycle] = mark
            case t.SlaBreachWithdrawn() as mark:
                found.pop((t.SlaBreached, mark.metric, mark.cycle))
            case t.SlaMetWithdrawn() as mark:
                found.pop((t.SlaMet, mark.metric, mark.cycle))
    return found
