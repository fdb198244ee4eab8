"""A policy that holds since an instant, in the view: folded on or from the whole history, it is the same."""

from __future__ import annotations

from datetime import timedelta

from aggregates.ticket import events as t
from projections.sla import Sla
from tests.aggregates.lives import ANNA, HOUR, Life, applied, at, priority, resolved, terms


def past() -> Life:
    """Opened, resolved and closed in one moment, and judged long after."""
    life = Life(terms(HOUR, "resolution"))
    opened = t.Opened(number=1, requester=ANNA, subject="Fire", channel="phone")
    facts = (opened, t.Imported(source="old", case="1"), resolved(), t.Closed(was="resolved", cause="import"))
    life.tell(at("10:00"), *facts, by="import", recorded=at("10:00", 300))
    return life.tell(at("10:00", 300), applied(1, life.shelf, since=at("10:00")), by="system")


def test_what_was_judged_from_its_opening_on_is_folded_anew() -> None:
    life = past()
    view = Sla(life.shelf)
    row = None
    for event in life.events[:-1]:
        row = view.fold(row, event)
    assert view.fold(row, life.events[-1]) is None
    (clock,) = [part for part in view.refold(life.events).parts.values() if part[1] == "resolution"]
    assert at("10:00") in clock


def test_what_holds_since_later_is_folded_on() -> None:
    life = Life(terms(HOUR, "resolution")).opened(at("10:00")).tell(at("11:00"), priority("high"))
    life.tell(at("13:00"), applied(1, life.shelf, since=at("11:00") + timedelta(seconds=1)))
    view = Sla(life.shelf)
    row = None
    for event in life.events:
        row = view.fold(row, event)
    assert row is not None
    assert (row.values, dict(row.parts)) == (view.refold(life.events).values, dict(view.refold(life.events).parts))
