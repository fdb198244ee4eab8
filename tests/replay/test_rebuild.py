"""A view is built anew beside the live one and takes its place, if the two are equal, while everything goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from aggregates.envelope import Recorded
from commands.database import connect
from consumers.builds import Build, create_build, ensure_live, go_live_when_caught_up, swap
from consumers.faults import Fenced, OutdatedCode
from consumers.loop import Source, consume
from consumers.metrics import CATCH_UPS
from projections.registry import PROJECTIONS
from replay.rebuild.crew import Crew, crew
from replay.rebuild.fill import Busy, Wanted, session, wanted
from replay.rebuild.rebuild import rebuild
from replay.rebuild.swap import LiveChanged, NotSwapped
from replay.rebuild.tail import feeders
from tests.consumers.facts import append, note, open_tickets
from tests.consumers.rig import Rig, await_true, running
from tests.consumers.tally import DDL, Tallied, Tally
from tests.databases import Database
from tests.replay.rebuilding import all_go_on, contents, go_on, grow, live, quiet, schemas


class Shouting(Tally):
    """The same view in its next version."""

    version = 2

    def _add(self, row: Tallied | None, event: Recorded) -> Tallied:
        added = super()._add(row, event)
        return replace(added, trail=added.trail.upper())


@pytest.fixture(scope="module")
def many() -> Iterator[Crew]:
    """Two worker processes, for all tests of this file."""
    with crew(2) as workers:
        yield workers


@pytest.fixture
def desk(database: Database) -> Iterator[Rig]:
    with closing(connect(database.app_url, name="test")) as connection:
        yield Rig(connection, Source(database.app_url, None, "unused"))


def wish(desk: Rig, name: str, streams: int = 7) -> Wanted:
    return wanted(desk.source.url, PROJECTIONS[name], streams)


def tallied(desk: Rig, make: Callable[[], Tally] = Tally) -> Wanted:
    return Wanted(desk.source.url, make, DDL, streams=3)


def test_a_rebuild_of_a_log_with_late_facts_equals_what_the_runner_made(desk: Rig, many: Crew) -> None:
    grow(desk.connection, 60, seed=1)
    all_go_on(desk.source.url, desk.connection)
    for name in PROJECTIONS:
        before = live(desk.connection, name)
        was = contents(desk.connection, before.schema)
        first = rebuild(wish(desk, name), many, quiet)
        assert (first.findings.differences.count, first.findings.exact, first.before) == (0, True, before)
        assert contents(desk.connection, first.build.schema) == was
        second = rebuild(wish(desk, name, streams=1_000), many, quiet)
        assert contents(desk.connection, second.build.schema) == was
        assert live(desk.connection, name).number == before.number + 2
    assert len(schemas(desk.connection)) == len(PROJECTIONS), "what was replaced is dropped"


def test_nobody_notices_a_rebuild_while_commands_and_reads_go_on(desk: Rig, many: Crew) -> None:
    """The consumer goes over to the new build by itself, and what came meanwhile is in it."""
    open_tickets(desk.connection, 20)
    stopping, reads = threading.Event(), [0]

    def write() -> None:
        with closing(connect(desk.source.url, name="writing")) as connection:
            while not stopping.wait(0.005):
                append(connection, (open_tickets(connection, 1)[0], 3, [note("again")]))

    def read() -> None:
        with closing(connect(desk.source.url, name="reading")) as connection:
            while not stopping.is_set():
                # Two in one transaction, prepared: whoever reads so must not be the victim of a swap.
                with connection.transaction():
                    connection.execute("SELECT count(*) FROM read.tally", prepare=True)
                    connection.execute("SELECT max(version) FROM read.tally", prepare=True)
                reads[0] += 1

    desk.drain()
    with running(tally=desk.consuming()), ThreadPoolExecutor(3) as people:
        work = [people.submit(write), people.submit(read), people.submit(read)]
        try:
            for number in (2, 3):
                rebuilt = rebuild(tallied(desk), many, quiet)
                assert (rebuilt.build.number, rebuilt.findings.differences.count) == (number, 0)
                assert rebuilt.findings.exact
        finally:
            stopping.set()
        assert [one.result() for one in work] == [None] * 3
        desk.await_level()
    assert reads[0] > 50
    assert desk.rows() == desk.expected()
    assert schemas(desk.connection) == ["tally_v1_b3"]


def test_a_consumer_follows_even_while_nothing_happens(desk: Rig, many: Crew) -> None:
    open_tickets(desk.connection, 3)
    desk.drain()
    with running(tally=desk.consuming()):
        desk.await_level()
        rebuild(tallied(desk), many, quiet)
        await_true(lambda: feeding(desk, "tally_v1_b2"), "the consumer does not go over to the new build")
        assert schemas(desk.connection) == ["tally_v1_b2"]
        open_tickets(desk.connection, 1)
        desk.await_level()


@pytest.mark.kafka
def test_a_consumer_goes_on_in_kafka_where_the_old_build_was(kafka_rig: Rig, many: Crew) -> None:
    desk = kafka_rig
    open_tickets(desk.connection, 30)
    with running(tally=desk.consuming()):
        desk.publish()
        desk.await_level()
        rebuild(tallied(desk), many, quiet)
        await_true(lambda: feeding(desk, "tally_v1_b2"), "the consumer does not go over to the new build")
        open_tickets(desk.connection, 5)
        desk.publish()
        desk.await_level()
    assert CATCH_UPS.labels("tally_v1_b2")._value.get() == 0, "the old build's offsets hold for the new one"
    assert desk.rows() == desk.expected()


@pytest.mark.parametrize(
    ("spoilt", "which", "columns"),
    [
        ("UPDATE {} SET trail = 'wrong' WHERE stream = %s", "both", ["trail"]),
        ("UPDATE {} SET version = 2 WHERE stream = %s", "both", ["version"]),
        ("DELETE FROM {} WHERE stream = %s", "only new", []),
        ("INSERT INTO {} SELECT gen_random_uuid(), 1, 'more', now() WHERE %s IS NOT NULL", "only live", []),
    ],
)
def test_a_row_that_differs_is_named_and_nothing_is_swapped(
    desk: Rig, many: Crew, spoilt: LiteralString, which: str, columns: list[str]
) -> None:
    stream, *_ = open_tickets(desk.connection, 10)
    desk.drain()
    table = sql.Identifier("tally_v1_b1", "tally")
    desk.connection.execute(sql.SQL(spoilt).format(table), (stream,))
    with pytest.raises(NotSwapped) as refused:
        rebuild(tallied(desk), many, quiet)
    (difference,) = refused.value.findings.differences.first
    assert (difference.table, difference.which, list(difference.columns)) == ("tally", which, columns)
    assert (difference.stream == stream) == (which != "only live")
    assert (live(desk.connection, "tally").number, schemas(desk.connection)) == (1, ["tally_v1_b1"])
    rebuilt = rebuild(tallied(desk), many, quiet, accept=True)
    assert rebuilt.findings.differences.count == 1
    assert desk.rows() == desk.expected()


def test_a_sum_that_does_not_fit_its_rows_is_found(desk: Rig, many: Crew) -> None:
    open_tickets(desk.connection, 10)
    build = go_on(desk.source.url, desk.connection, PROJECTIONS["queues"])
    counts = sql.Identifier(build.schema, "queue_counts")
    desk.connection.execute(sql.SQL("UPDATE {} SET tickets = tickets + 1").format(counts))
    with pytest.raises(NotSwapped) as refused:
        rebuild(wish(desk, "queues"), many, quiet)
    assert {one.table for one in refused.value.findings.differences.first} == {"queue_counts"}


def test_what_changes_during_the_run_is_compared_too(desk: Rig, many: Crew) -> None:
    """By both builds at one position, though the live one has not come so far: nothing is left out or called wrong."""
    streams = open_tickets(desk.connection, 5)
    desk.drain()
    append(desk.connection, *((stream, 3, [note("later")]) for stream in streams))
    table = sql.Identifier("tally_v1_b1", "tally")
    desk.connection.execute(sql.SQL("UPDATE {} SET trail = 'x' WHERE stream = %s").format(table), (streams[0],))
    with pytest.raises(NotSwapped) as refused:
        rebuild(tallied(desk), many, quiet)
    assert [one.stream for one in refused.value.findings.differences.first] == [streams[0]]
    assert desk.positions() == {15}, "the live build is as it was"
    assert rebuild(tallied(desk), many, quiet, accept=True).findings.exact


@pytest.mark.parametrize("poison", ["explode", "refuse me"])
def test_what_cannot_be_applied_is_parked_as_the_runner_parks_it(desk: Rig, many: Crew, poison: str) -> None:
    bad, *_ = open_tickets(desk.connection, 10)
    append(desk.connection, (bad, 3, [note(poison), note("behind")]))
    desk.drain()
    was, rows = parked(desk, "tally_v1_b1"), contents(desk.connection, "tally_v1_b1")
    with pytest.raises(NotSwapped) as refused:
        rebuild(tallied(desk), many, quiet)
    assert refused.value.findings.parked == 1
    assert refused.value.findings.differences.count == 0
    assert [stuck.stream for stuck in refused.value.findings.stuck] == [bad]
    schema = rebuild(tallied(desk), many, quiet, accept=True).build.schema
    assert parked(desk, schema)[0][:2] == (bad, 4 if poison == "explode" else 1)
    if poison == "explode":
        assert (parked(desk, schema), contents(desk.connection, schema)) == (was, rows)


def test_between_two_versions_differences_are_a_report(desk: Rig, many: Crew) -> None:
    open_tickets(desk.connection, 4)
    desk.drain()
    rebuilt = rebuild(tallied(desk, Shouting), many, quiet)
    assert (rebuilt.build.schema, rebuilt.findings.differences.count) == ("tally_v2_b2", 4)
    assert not rebuilt.findings.exact
    with pytest.raises(OutdatedCode):
        rebuild(tallied(desk), many, quiet)
    with pytest.raises(OutdatedCode):
        consume(Tally(), desk.source, threading.Event(), DDL)


def test_what_a_newer_consumer_was_building_gives_way(desk: Rig, many: Crew) -> None:
    open_tickets(desk.connection, 4)
    desk.drain()
    half = ensure_live(desk.connection, Shouting(), DDL)
    rebuilt = rebuild(tallied(desk, Shouting), many, quiet)
    with pytest.raises(Fenced):
        go_live_when_caught_up(desk.connection, Shouting(), replace(half, goal=0), DDL)
    assert ensure_live(desk.connection, Shouting(), DDL) == rebuilt.build
    assert schemas(desk.connection) == [rebuilt.build.schema]


def test_two_rebuilds_of_one_view_at_once_are_one_too_many(desk: Rig, many: Crew) -> None:
    with session(tallied(desk)), pytest.raises(Busy, match="tally"):
        rebuild(tallied(desk), many, quiet)


def test_another_build_that_went_live_meanwhile_ends_the_run(desk: Rig, many: Crew) -> None:
    desk.build()

    def meddle(phase: str, done: int, total: int) -> None:
        if phase == "comparing":
            with desk.connection.transaction():
                swap(desk.connection, create_build(desk.connection, Tally(), DDL), DDL)

    with pytest.raises(LiveChanged):
        rebuild(tallied(desk), many, meddle)
    assert live(desk.connection, "tally").number == 3
    assert "tally_v1_b2" not in schemas(desk.connection)


def test_a_swap_waits_for_readers_without_throwing_one_out(desk: Rig, many: Crew) -> None:
    """One that has a view and then wants another, which the swap has taken already: each waits for the other."""
    go_on(desk.source.url, desk.connection, PROJECTIONS["tickets"])
    swapping = threading.Event()

    def tell(phase: str, done: int, total: int) -> None:
        if phase == "swapping":
            swapping.set()

    with closing(connect(desk.source.url, name="reading")) as connection, ThreadPoolExecutor(1) as ops:
        with connection.transaction():
            connection.execute("SELECT count(*) FROM read.messages")
            work = ops.submit(rebuild, wish(desk, "tickets"), many, tell)
            assert swapping.wait(30)
            time.sleep(0.5)
            connection.execute("SELECT count(*) FROM read.tickets, read.customer_messages, read.customer_tickets")
        assert work.result().build.number == 2


def test_the_application_drops_no_schema_but_a_build_that_is_not_live(desk: Rig) -> None:
    build = desk.build()
    for name in (build.schema, "store", "read", "nobody_v1_b1", "x_v1_b1; DROP SCHEMA store"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            desk.connection.execute("SELECT consumers.drop_build(%s)", (name,))


def test_consumers_drop_what_was_retired_long_ago(desk: Rig, many: Crew) -> None:
    with desk.connection.transaction():
        first = desk.build()
        swap(desk.connection, create_build(desk.connection, Tally(), DDL), DDL)
    desk.connection.execute("UPDATE consumers.builds SET retired_at = now() - interval '1 hour' WHERE NOT live")
    with running(tally=desk.consuming()):
        await_true(lambda: first.schema not in schemas(desk.connection), "it is still there")


def parked(desk: Rig, schema: str) -> list[tuple[Any, ...]]:
    columns = "SELECT stream, version, position, type, error FROM consumers.parked"
    return desk.connection.execute(f"{columns} WHERE schema = %s ORDER BY position", (schema,)).fetchall()


def feeding(desk: Rig, schema: str) -> bool:
    return feeders(desk.connection, Build(schema, "tally", 1, 1, live=True)) > 0
