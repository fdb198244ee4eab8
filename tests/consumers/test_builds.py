"""A view's tables belong to a build; exactly one build of a view is live."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pytest

from commands.database import connect
from commands.log import read_head
from consumers.builds import Build, Ddl, ensure_live, go_live_when_caught_up, live_build
from consumers.faults import OutdatedCode
from consumers.loop import Source, consume
from tests.consumers.facts import open_tickets
from tests.consumers.rig import Rig, await_true, running
from tests.consumers.tally import DDL, Tally
from tests.databases import Database


class Newer(Tally):
    version = 2


@pytest.fixture
def desk(database: Database) -> Rig:
    return Rig(connect(database.app_url, name="test"), Source(database.app_url, None, "unused"))


def test_the_first_build_is_live_at_once(desk: Rig) -> None:
    assert desk.build() == Build("tally_v1_b1", "tally", 1, 1, live=True)
    assert desk.build() == desk.build()
    assert desk.positions() == {0}
    assert desk.rows() == {}
    desk.connection.close()


def test_many_workers_at_once_make_one_build(database: Database) -> None:
    def start(_: int) -> str:
        with closing(connect(database.app_url, name="test")) as connection:
            return ensure_live(connection, Tally(), DDL).schema

    with ThreadPoolExecutor(8) as workers:
        assert set(workers.map(start, range(8))) == {"tally_v1_b1"}


def test_a_new_version_is_built_beside_and_goes_live_when_it_has_caught_up(desk: Rig) -> None:
    open_tickets(desk.connection, 10)
    desk.drain()
    before = desk.rows()
    build = ensure_live(desk.connection, Newer(), DDL)
    assert (build.schema, build.live, build.goal) == ("tally_v2_b2", False, read_head(desk.connection).position)
    assert go_live_when_caught_up(desk.connection, Newer(), build, DDL).live is False
    assert desk.rows() == before
    with running(newer=lambda stopping: consume(Newer(), desk.source, stopping, DDL)):
        await_true(lambda: _live(desk).version == 2, "the new build does not go live")
    assert desk.rows() == before
    desk.connection.close()


def test_views_that_the_code_makes_otherwise_of_the_same_tables_are_made_anew(desk: Rig) -> None:
    build = desk.build()
    other = Ddl(DDL.tables, "CREATE VIEW read.tally AS SELECT stream, version, 'more' AS more FROM tally;")
    assert ensure_live(desk.connection, Tally(), other) == build
    with desk.connection.cursor() as cursor:
        shown = cursor.execute("SELECT * FROM read.tally").description or ()
    assert [column.name for column in shown] == ["stream", "version", "more"]
    before = desk.connection.execute("SELECT 'read.tally'::regclass::oid").fetchone()
    ensure_live(desk.connection, Tally(), other)
    assert desk.connection.execute("SELECT 'read.tally'::regclass::oid").fetchone() == before, "once is enough"
    desk.connection.close()


def test_code_older_than_what_is_live_is_refused(desk: Rig) -> None:
    ensure_live(desk.connection, Newer(), DDL)
    with pytest.raises(OutdatedCode, match="tally_v2_b1 is live, but this code knows only version 1"):
        consume(Tally(), desk.source, threading.Event(), DDL)
    desk.connection.close()


def test_the_application_makes_schemas_for_builds_and_no_others(database: Database) -> None:
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        for name in ("evil", "store", "x_v1_b1; DROP TABLE y", "read"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT consumers.create_schema(%s)", (name,))


def _live(desk: Rig) -> Build:
    found: Any = live_build(desk.connection, "tally")
    assert isinstance(found, Build)
    return found
