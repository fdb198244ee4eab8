"""What a ticket is about: priority, category, type, fields, tags; who watches it; how long it took."""

from __future__ import annotations

import pytest

from aggregates.fact import Command
from aggregates.text import Erased
from aggregates.ticket.commands import (
    AddTags,
    ChangeCategory,
    ChangeFields,
    ChangePriority,
    ChangeType,
    LogTime,
    RemoveTags,
    Unwatch,
    Watch,
)
from aggregates.ticket.events import (
    CategoryChanged,
    Closed,
    FieldChanged,
    Imported,
    PriorityChanged,
    Tagged,
    TimeLogged,
    TypeChanged,
    Untagged,
    WatcherAdded,
    WatcherRemoved,
)
from tests.aggregates.cast import ADA, AS_RULE, AS_SYSTEM, BEN, GONE, NOBODY, OPENED
from tests.spec import given

CLOSED = Closed(was="resolved", cause="auto")


def test_a_change_says_what_was_before() -> None:
    priority = PriorityChanged(priority="urgent", was="normal")
    kind = TypeChanged(ticket_type="incident", was="question")
    category = CategoryChanged(category="printers", was=None)
    given(OPENED).when(ChangePriority(priority="urgent")).then(priority).becomes(priority="urgent", status="new")
    given(OPENED).when(ChangeType(ticket_type="incident")).then(kind).becomes(ticket_type="incident")
    given(OPENED).when(ChangeCategory(category="printers")).then(category).becomes(category="printers")


def test_a_category_can_be_taken_away() -> None:
    category = CategoryChanged(category="printers", was=None)
    given(OPENED, category).when(ChangeCategory(category=None)).then(
        CategoryChanged(category=None, was="printers")
    ).becomes(category=None)


@pytest.mark.parametrize(
    "command",
    [
        ChangePriority(priority="normal"),
        ChangeType(ticket_type="question"),
        ChangeCategory(category=None),
        ChangeFields(fields={"floor": None}),
        RemoveTags(tags=("fire",)),
        Unwatch(),
        Unwatch(watcher=NOBODY),
    ],
)
def test_what_is_so_already_writes_nothing(command: Command) -> None:
    given(OPENED).when(command).then()


def test_each_field_that_changes_is_one_fact_in_the_order_of_names() -> None:
    command = ChangeFields(fields={"room": "B2", "floor": 3, "urgent": None})
    facts = (FieldChanged(name="floor", value=3), FieldChanged(name="room", value="B2"))
    given(OPENED).when(command).then(*facts).becomes(fields={"floor": 3, "room": "B2"})


def test_null_clears_a_field() -> None:
    floor = FieldChanged(name="floor", value=3)
    cleared = FieldChanged(name="floor", value=None)
    given(OPENED, floor).when(ChangeFields(fields={"floor": None})).then(cleared).becomes(fields={})


@pytest.mark.parametrize(("old", "new"), [(1, True), (True, 1), (0, False), (1, 1.0), (0.0, False), ("1", 1)])
def test_a_fields_value_of_another_kind_is_another_value(old: bool | float | str, new: bool | float | str) -> None:
    changed = given(OPENED, FieldChanged(name="x", value=old)).when(ChangeFields(fields={"x": new}))
    value = changed.then(FieldChanged(name="x", value=new)).state.fields["x"]
    assert type(value) is type(new)


@pytest.mark.parametrize("value", [True, 1, 1.5, "text"])
def test_the_same_value_again_writes_nothing(value: bool | float | str) -> None:
    given(OPENED, FieldChanged(name="x", value=value)).when(ChangeFields(fields={"x": value})).then()


def test_an_erased_fields_value_can_be_entered_anew() -> None:
    erased = FieldChanged(name="x", value=Erased())
    given(OPENED, erased).when(ChangeFields(fields={"x": "y"})).then(FieldChanged(name="x", value="y"))


def test_a_tag_is_added_once_however_it_is_written() -> None:
    fire = Tagged(tags=("fire",))
    given(OPENED).when(AddTags(tags=("VIP", " vip ", "fire"))).then(Tagged(tags=("fire", "vip")))
    given(OPENED, fire).when(AddTags(tags=("Fire", "vip"))).then(Tagged(tags=("vip",))).becomes(
        tags=frozenset({"fire", "vip"})
    )
    given(OPENED, fire).when(AddTags(tags=("fire",))).then()


def test_only_tags_that_are_there_are_taken_away() -> None:
    tags = Tagged(tags=("fire", "vip"))
    given(OPENED, tags).when(RemoveTags(tags=("vip", "water"))).then(Untagged(tags=("vip",))).becomes(
        tags=frozenset({"fire"})
    )


def test_an_agent_watches_or_lets_another_one_watch() -> None:
    given(OPENED).when(Watch()).then(WatcherAdded(watcher=ADA)).becomes(watchers=frozenset({ADA}))
    given(OPENED, actor=AS_RULE).when(Watch(watcher=BEN)).then(WatcherAdded(watcher=BEN))
    given(OPENED, WatcherAdded(watcher=ADA)).when(Watch()).then()


def test_a_watcher_stops_watching_even_when_disabled_since() -> None:
    watched = WatcherAdded(watcher=GONE)
    given(OPENED, watched).when(Unwatch(watcher=GONE)).then(WatcherRemoved(watcher=GONE)).becomes(watchers=frozenset())


def test_only_an_enabled_agent_watches() -> None:
    given(OPENED, actor=AS_RULE).when(Watch()).refused("ticket.not_an_agent")
    given(OPENED).when(Watch(watcher=NOBODY)).refused("agent.unknown", "watcher")
    given(OPENED).when(Watch(watcher=GONE)).refused("agent.disabled", "watcher")


def test_time_is_logged_for_oneself_or_another_and_adds_up() -> None:
    mine = TimeLogged(agent=ADA, seconds=90)
    given(OPENED).when(LogTime(seconds=90)).then(mine).becomes(time_spent=90)
    given(OPENED, mine, actor=AS_SYSTEM).when(LogTime(seconds=30, agent=BEN, billable=False, note="call")).then(
        TimeLogged(agent=BEN, seconds=30, billable=False, note="call")
    ).becomes(time_spent=120, status="new")


def test_time_is_still_logged_on_a_closed_ticket_and_nothing_else_changes_there() -> None:
    given(OPENED, CLOSED).when(LogTime(seconds=60)).then(TimeLogged(agent=ADA, seconds=60)).becomes(status="closed")
    given(OPENED, CLOSED).when(ChangePriority(priority="high")).refused("ticket.closed")
    given(OPENED, CLOSED).when(AddTags(tags=("late",))).refused("ticket.closed")


def test_time_is_logged_for_enabled_agents_only() -> None:
    given(OPENED, actor=AS_SYSTEM).when(LogTime(seconds=1)).refused("ticket.not_an_agent")
    given(OPENED).when(LogTime(seconds=1, agent=NOBODY)).refused("agent.unknown", "agent")
    given(OPENED).when(LogTime(seconds=1, agent=GONE)).refused("agent.disabled", "agent")


def test_an_imported_ticket_remembers_what_it_was_called_where_it_came_from() -> None:
    imported = Imported(source="bpi2013", case="1-364285768")
    given(OPENED, imported).when(RemoveTags(tags=("x",))).then().becomes(source="bpi2013", case="1-364285768")
