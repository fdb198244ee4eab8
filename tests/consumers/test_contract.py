"""What every feed and the runner promise together, whichever way events come."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from aggregates.team import TeamCreated
from commands.append import Append, Write, append_blocking
from commands.log import read_head
from consumers.builds import build_position
from consumers.checkpoints import claim
from consumers.faults import Fenced
from consumers.feed import Part
from consumers.parked import drop, list_parked, parked_events, replay
from consumers.partition import PARTITIONS
from consumers.runner import Applied, apply
from tests.consumers.facts import append, append_raw, envelope, note, open_tickets, opened
from tests.consumers.rig import Disturbed, Rig


def test_every_event_arrives_once_and_in_order(rig: Rig) -> None:
    open_tickets(rig.connection, 200, notes=4)
    done = rig.drain()
    assert rig.rows() == rig.expected()
    assert len(rig.rows()) == 200
    assert sum(batch.applied for batch in done) == 1000
    assert sum(batch.gaps for batch in done) == 0


def test_a_worker_goes_on_where_the_last_one_stopped(rig: Rig) -> None:
    open_tickets(rig.connection, 20)
    rig.drain()
    open_tickets(rig.connection, 20)
    done = rig.drain()
    assert rig.rows() == rig.expected()
    assert sum(batch.applied for batch in done) == 60
    assert sum(batch.duplicates for batch in done) == 0


@pytest.mark.parametrize("seed", range(3))
def test_repeated_and_shuffled_events_change_nothing(rig: Rig, seed: int) -> None:
    open_tickets(rig.connection, 100, notes=5)
    done = rig.drain(lambda feed: Disturbed(feed, seed))
    assert rig.rows() == rig.expected()
    assert sum(batch.applied for batch in done) == 600
    assert sum(batch.duplicates for batch in done) > 300
    assert sum(batch.gaps for batch in done) == 0


@pytest.mark.parametrize("seed", range(3))
def test_missing_events_are_read_from_the_store(rig: Rig, seed: int) -> None:
    open_tickets(rig.connection, 100, notes=5)
    done = rig.drain(lambda feed: Disturbed(feed, seed, lossy=True))
    assert rig.rows() == rig.expected()
    assert sum(batch.gaps for batch in done) > 10


def test_a_batch_that_comes_again_is_told_as_duplicates(rig: Rig) -> None:
    open_tickets(rig.connection, 10)
    rig.publish()
    build = rig.build()
    with closing(rig.source.feed(build.schema)) as feed:
        parts = _first_parts(feed, 5)
        first = apply(rig.connection, build, rig.tally, parts)
        before = rig.rows()
        assert apply(rig.connection, build, rig.tally, parts) == Applied(duplicates=first.applied)
    assert rig.rows() == before


def test_a_late_copy_that_is_the_first_one_is_not_dropped(rig: Rig) -> None:
    """Duplicates are told by the ticket's version, not by the partition's position."""
    (stream,) = open_tickets(rig.connection, 1, notes=0)
    build, event = rig.build(), rig.log()[0]
    (held,) = claim(rig.connection, build.schema, [0])
    apply(rig.connection, build, rig.tally, [Part(0, held.epoch, [], 99)])
    apply(rig.connection, build, rig.tally, [Part(0, held.epoch, [event], 99)])
    assert rig.rows() == {stream: (1, "opened")}


def test_an_idle_desk_has_a_position_in_every_partition(rig: Rig) -> None:
    open_tickets(rig.connection, 1, notes=0)
    rig.drain()
    assert rig.positions() == {1}


def test_streams_of_other_kinds_move_the_position_and_nothing_else(rig: Rig) -> None:
    append(rig.connection, (uuid4(), 0, [TeamCreated(name="Second line")]))
    rig.drain()
    assert rig.rows() == {}
    assert rig.positions() == {1}


def test_a_late_fact_folds_its_ticket_anew(rig: Rig) -> None:
    (stream,) = open_tickets(rig.connection, 1, notes=1)
    command = uuid4()
    late = envelope(note("yesterday"), command, occurred_at=datetime(2020, 1, 1, tzinfo=UTC))
    last = envelope(note("today"), command)
    append_blocking(rig.connection, [Append(command, "test", b"", (Write(stream, 2, (late, last)),))])
    rig.drain()
    assert rig.rows() == {stream: (4, "opened n1 yesterday today")}
    assert rig.tally.refolds == 1
    assert rig.tally.erased == [stream]


def test_a_batch_is_all_or_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    open_tickets(rig.connection, 5)
    with monkeypatch.context() as broken:
        broken.setattr("consumers.runner.move", _die)
        with pytest.raises(InterruptedError):
            rig.drain()
    assert rig.rows() == {}
    assert rig.positions() == {0}
    rig.drain()
    assert rig.rows() == rig.expected()


def _die(*_: object) -> None:
    raise InterruptedError


def test_a_worker_whose_partitions_were_taken_over_commits_nothing(rig: Rig) -> None:
    open_tickets(rig.connection, 5)
    rig.publish()
    build = rig.build()
    with closing(rig.source.feed(build.schema)) as old:
        parts = _first_parts(old, 5)
        claim(rig.connection, build.schema, range(PARTITIONS))
        with pytest.raises(Fenced):
            apply(rig.connection, build, rig.tally, parts)
    assert rig.rows() == {}
    rig.drain()
    assert rig.rows() == rig.expected()


def _first_parts(feed: object, tries: int) -> list[Part]:
    for _ in range(tries * 10):
        parts = list(feed.poll(0.2))  # type: ignore[attr-defined]
        if any(part.events for part in parts):
            return parts
    raise AssertionError("no events came")


POISON = {
    "its fold raises": ("ticket.note_added.v1", note("explode")),
    "its row cannot be saved": ("ticket.note_added.v1", note("refuse me")),
}


@pytest.mark.parametrize("why", POISON)
def test_a_ticket_that_cannot_be_applied_is_set_aside_and_all_others_go_on(rig: Rig, why: str) -> None:
    streams = open_tickets(rig.connection, 30, notes=1)
    bad = streams[7]
    append(rig.connection, (bad, 2, [POISON[why][1]]))
    append(rig.connection, (bad, 3, [note("n3")]), (streams[8], 2, [note("n2")]))
    rig.drain()
    append(rig.connection, (bad, 4, [note("n4")]))
    rig.drain()
    rows, expected = rig.rows(), rig.expected()
    rows.pop(bad, None), expected.pop(bad)
    assert rows == expected
    (parked,) = list_parked(rig.connection, "tally")
    assert parked.stream == bad
    assert parked.version + parked.events - 1 == 5
    assert rig.positions() == {read_head(rig.connection).position}


def test_what_came_before_the_poison_is_kept_and_replay_mends_the_rest(rig: Rig) -> None:
    (bad, good) = open_tickets(rig.connection, 2, notes=1)
    append(rig.connection, (bad, 2, [note("explode"), note("n3")]))
    rig.drain()
    assert rig.rows()[bad] == (2, "opened n1")
    (parked,) = list_parked(rig.connection)
    assert (parked.version, parked.events) == (3, 2)
    assert parked.error is not None
    assert parked.error.startswith("ZeroDivisionError at tally.py:")
    assert "explode" not in parked.error
    build = rig.build()
    assert [row.error is None for row in replay(rig.connection, build, rig.tally)] == [False]
    rig.tally.broken = False
    append(rig.connection, (bad, 4, [note("n4")]))
    rig.drain()
    assert rig.rows()[bad] == (2, "opened n1")
    assert list_parked(rig.connection)[0].events == 3
    assert [row.error for row in replay(rig.connection, build, rig.tally)] == [None]
    assert list_parked(rig.connection) == []
    append(rig.connection, (bad, 5, [note("n5")]), (good, 2, [note("n2")]))
    rig.drain()
    assert rig.rows() == rig.expected()


@pytest.mark.parametrize("state", [b"no JSON at all", b'{"fact": {}}', b"\xff\xfe"])
def test_a_state_or_type_that_nobody_knows_parks_its_ticket(rig: Rig, state: bytes) -> None:
    stream, other = open_tickets(rig.connection, 2, notes=0)
    append_raw(rig.connection, stream, 1, "ticket.note_added.v1", state)
    append_raw(rig.connection, other, 1, "ticket.from_the_future.v9", b"{}")
    (fine,) = open_tickets(rig.connection, 1, notes=1)
    rig.drain()
    assert {row.stream for row in list_parked(rig.connection)} == {stream, other}
    assert rig.rows() == {stream: (1, "opened"), other: (1, "opened"), fine: (2, "opened n1")}


def test_an_empty_poll_touches_nothing(rig: Rig) -> None:
    build = rig.build()
    rig.publish()
    assert apply(rig.connection, build, rig.tally, []) == Applied()
    assert build_position(rig.connection, build.schema) == 0


def test_a_ticket_opened_while_the_worker_waits_comes_within_its_patience(rig: Rig) -> None:
    open_tickets(rig.connection, 3)
    rig.drain()
    append(rig.connection, (uuid4(), 0, [opened()]))
    rig.drain()
    assert rig.rows() == rig.expected()


def test_what_is_dropped_leaves_the_view_and_is_tried_again_with_its_next_event(rig: Rig) -> None:
    (bad, good) = open_tickets(rig.connection, 2, notes=1)
    append(rig.connection, (bad, 2, [note("explode"), note("n3")]))
    rig.drain()
    build = rig.build()
    told = [(row.version, row.error is None) for row in parked_events(rig.connection, build, bad)]
    assert told == [(3, False), (4, True)]
    assert drop(rig.connection, build, rig.tally, good) == 0
    assert drop(rig.connection, build, rig.tally, bad) == 2
    assert list_parked(rig.connection) == []
    assert rig.rows().keys() == {good}
    rig.tally.broken = False
    append(rig.connection, (bad, 4, [note("n4")]))
    rig.drain()
    assert rig.rows() == rig.expected()
