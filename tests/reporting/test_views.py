"""What do analysts see? Facts, each column explained, and no word that anybody typed unless the desk declared it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection, sql

from aggregates.envelope import Recorded, recorded
from aggregates.fact import Fact
from aggregates.kinds import KINDS, evolved
from aggregates.moment import by_occurrence
from aggregates.reportable import REPORTABLE_FIELDS, FieldDeclared, FieldType, FieldWithdrawn
from aggregates.ticket.state import Ticket
from commands.database import connect
from commands.log import read_after, read_head
from consumers.builds import build_position, create_build, go_live_when_caught_up, packaged_ddl
from consumers.leftovers import drop_build
from consumers.runner import apply
from consumers.store_feed import StoreFeed
from projections.projection import Projection
from projections.registry import PROJECTIONS
from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from tests.consumers.rig import await_true
from tests.databases import Database
from tests.replay.logs import desk_on
from tests.replay.rebuilding import all_go_on, grow, live
from tests.reporting.analyst import Login, a_login, dumped, views
from tests.reporting.planted import CANARY, plant, write

UNEXPLAINED = """
SELECT c.relname, a.attname
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'reporting'::regnamespace AND c.relkind = 'v'
   AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, a.attnum) IS NULL)
"""
UNGUARDED = """
SELECT relname FROM pg_class
 WHERE relnamespace = 'reporting'::regnamespace AND relkind = 'v'
   AND 'security_barrier=true' <> ALL (coalesce(reloptions, '{}'))
"""
ARRIVALS = "SELECT count(*) FROM arrivals"
COUNTED = """
SELECT ARRAY[public_replies, reopens, escalations, de_escalations, team_handoffs, assignee_handoffs,
             time_logged_seconds],
       ARRAY[(SELECT count(*) FROM replies r WHERE r.ticket = t.ticket),
             (SELECT count(*) FROM reopenings r WHERE r.ticket = t.ticket),
             (SELECT count(*) FROM escalations e WHERE e.ticket = t.ticket AND e.direction = 'up'),
             (SELECT count(*) FROM escalations e WHERE e.ticket = t.ticket AND e.direction = 'down'),
             (SELECT count(*) FROM stations s WHERE s.ticket = t.ticket AND s.came_to = 'team' AND s.handoff),
             (SELECT count(*) FROM stations s WHERE s.ticket = t.ticket AND s.came_to = 'agent' AND s.handoff),
             (SELECT coalesce(sum(e.seconds), 0) FROM time_entries e WHERE e.ticket = t.ticket)]
  FROM tickets t WHERE imported
"""
# What the desk itself is called by, and by nobody else.
NAMES = {("teams", "name"), ("agents", "name"), ("calendars", "name"), ("reportable_fields", "label")}
WORDS = ("category", "tags", "resolution_code")


@pytest.fixture(scope="module")
def app(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection[Any]]:
    log = tmp_path_factory.mktemp("log") / "a.xes"
    write_log(log, simulate(30, 4))
    with desk_on(module_database) as desk:
        desk.take(log)
    with closing(connect(module_database.app_url, name="test")) as connection:
        plant(connection)
        grow(connection, 60, seed=6)
        all_go_on(module_database.app_url, connection)
        assert connection.execute("SELECT type, error FROM consumers.parked").fetchall() == []
        yield connection


@pytest.fixture(scope="module")
def login(module_database: Database, app: Connection[Any]) -> Iterator[Login]:
    with a_login(module_database) as login:
        yield login


@pytest.fixture
def analyst(login: Login) -> Iterator[Connection[Any]]:
    with login.connect() as connection:
        yield connection


@dataclass
class Declaring:
    """Says which fields are reportable, in the desk's own stream of that."""

    connection: Connection[Any]
    names: list[str] = field(default_factory=list)

    def declare(self, name: str, type: FieldType = "text") -> None:
        self._write(FieldDeclared(name=name, type=type, label=CANARY))
        self.names.append(name)

    def withdraw_all(self) -> None:
        while self.names:
            self._write(FieldWithdrawn(name=self.names.pop()))

    def _write(self, fact: Fact) -> None:
        query = "SELECT coalesce(max(version), 0) FROM store.streams WHERE id = %s"
        (version,) = self.connection.execute(query, (REPORTABLE_FIELDS,)).fetchone() or (0,)
        write(self.connection, REPORTABLE_FIELDS, fact, version=version)


@pytest.fixture
def fields(app: Connection[Any]) -> Iterator[Declaring]:
    declaring = Declaring(app)
    yield declaring
    declaring.withdraw_all()


def found(analyst: Connection[Any]) -> set[tuple[str, str]]:
    """Where in the whole schema the canary sits."""
    return {
        (view, column)
        for view in views(analyst)
        for row in dumped(analyst, view)
        for column, value in row.items()
        if CANARY in f"{column} {value}"
    }


def test_every_view_and_column_is_explained_and_guarded(analyst: Connection[Any]) -> None:
    assert analyst.execute(UNEXPLAINED).fetchall() == []
    assert analyst.execute(UNGUARDED).fetchall() == []


def test_no_word_that_anybody_typed_is_there(analyst: Connection[Any]) -> None:
    assert len(dumped(analyst, "tickets")) > 60
    assert found(analyst) <= NAMES


def test_declared_words_are_there_at_once_and_gone_at_once(analyst: Connection[Any], fields: Declaring) -> None:
    for word in WORDS:
        fields.declare(f"ticket.{word}")
    seen = found(analyst) - NAMES
    assert {("tickets", "category"), ("tickets", "resolution_code"), ("ticket_tags", "tag"), ("spans", "tags")} <= seen
    assert {column for _, column in seen} == {*WORDS, "tag"}
    fields.withdraw_all()
    assert found(analyst) <= NAMES


def test_a_declared_field_shows_values_of_its_type_and_no_others(analyst: Connection[Any], fields: Declaring) -> None:
    """Planted tickets have text on floor, grown ones a number n."""
    fields.declare("floor", "number")
    fields.declare("n", "number")
    fields.declare("vip", "boolean")
    values = analyst.execute("SELECT DISTINCT name, value, amount FROM ticket_fields ORDER BY name").fetchall()
    assert values == [("n", "1.0", 1), ("vip", "true", None)]


def test_what_is_hidden_is_not_coaxed_out_by_an_error(analyst: Connection[Any], fields: Declaring) -> None:
    """A cast tells in its error what it was given: it must never be given what the view leaves out."""
    fields.declare("floor", "number")
    for query in (
        "SELECT count(*) FROM ticket_fields WHERE value::uuid IS NOT NULL",
        "SELECT count(*) FROM ticket_tags WHERE tag::uuid IS NOT NULL",
        "SELECT count(*) FROM tickets WHERE category::uuid IS NOT NULL AND resolution_code::uuid IS NOT NULL",
    ):
        assert analyst.execute(query).fetchone() == (0,)
    assert CANARY not in str(analyst.execute("EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM tickets").fetchall())


def test_each_view_says_what_it_reflects(
    analyst: Connection[Any], app: Connection[Any], module_database: Database
) -> None:
    all_go_on(module_database.app_url, app)
    head = read_head(app)
    rows = analyst.execute("SELECT view, model, position, at, behind FROM as_of").fetchall()
    assert {row[0] for row in rows} == set(views(analyst)) - {"as_of", "reportable_fields"}
    assert len(rows) == len(views(analyst)) - 2, "each stands on one model"
    last = read_after(app, head.position - 1, 1)[0].recorded_at
    assert {row[2:] for row in rows} <= {(head.position, last, 0)}


def test_a_new_build_takes_the_old_ones_place_and_no_reader_notices(
    app: Connection[Any], login: Login, analyst: Connection[Any], module_database: Database
) -> None:
    before = contents(analyst)
    over, faults = threading.Event(), list[str]()

    def read() -> None:
        with login.connect() as reader:
            while not over.is_set():
                try:
                    reader.execute("SELECT count(*) FROM tickets t JOIN spans USING (ticket)")
                except psycopg.Error as fault:
                    faults.append(str(fault))

    reader = threading.Thread(target=read)
    reader.start()
    for projection in PROJECTIONS.values():
        rebuilt(app, module_database.app_url, projection)
    over.set()
    reader.join()
    assert faults == []
    assert contents(analyst) == before


def contents(analyst: Connection[Any]) -> dict[str, list[str]]:
    """Of all views but those in which time goes on by itself."""
    lasting = [view for view in views(analyst) if view != "as_of" and not view.startswith("backlog_")]
    return {view: sorted(map(str, dumped(analyst, view))) for view in lasting}


def rebuilt(connection: Connection[Any], url: str, projection: Projection[Any]) -> None:
    """A new build of the same code, fed from the log, in the live one's place; that is dropped."""
    before, ddl = live(connection, projection.name), packaged_ddl(projection)
    with connection.transaction():
        build = create_build(connection, projection, ddl)
    with closing(StoreFeed(url, build.schema, 1_000)) as feed:
        while build_position(connection, build.schema) < read_head(connection).position:
            apply(connection, build, projection, feed.poll(0.1))
    go_live_when_caught_up(connection, projection, build, ddl)
    await_true(lambda: drop_build(connection, before.schema), "somebody reads the old build still")


def test_the_views_agree_with_each_other(analyst: Connection[Any]) -> None:
    """What is counted on a ticket is as many rows elsewhere. Of imported ones: made-up lives begin late."""
    assert analyst.execute("SELECT count(*) FROM tickets").fetchone() == analyst.execute(ARRIVALS).fetchone()
    counted = analyst.execute(COUNTED).fetchall()
    assert any(sum(ours) > 0 for ours, _ in counted)
    assert [(ours, rows) for ours, rows in counted if ours != rows] == []


def test_the_backlog_of_any_instant_is_what_a_plain_count_says(analyst: Connection[Any], app: Connection[Any]) -> None:
    tickets = histories(app)
    instants = sorted({event.at for history in tickets for event in history})
    for at in (instants[0] - timedelta(seconds=1), *instants[:: len(instants) // 12], instants[-1]):
        asked = "SELECT ticket, status, team, assignee, level, priority FROM backlog_at(%s)"
        assert set(analyst.execute(asked, (at,)).fetchall()) == set(plain_backlog(tickets, at))
        over = (
            "SELECT count(*) FROM spans WHERE from_at <= %s AND (to_at > %s OR to_at IS NULL) AND status <> 'resolved'"
        )
        assert analyst.execute(over, (at, at)).fetchone() == (len(list(plain_backlog(tickets, at))),)


@pytest.mark.parametrize(
    ("view", "step"), [("backlog_hourly", timedelta(hours=1)), ("backlog_daily", timedelta(days=1))]
)
def test_the_backlog_over_time_is_that_of_its_instants(analyst: Connection[Any], view: str, step: timedelta) -> None:
    query = sql.SQL("SELECT at, sum(tickets) FROM {} WHERE at > now() - interval '3 days' GROUP BY at ORDER BY at")
    analyst.execute("SET timezone = 'America/New_York'")
    rows = analyst.execute(query.format(sql.Identifier(view))).fetchall()
    assert rows
    for at, tickets in rows:
        assert at.timestamp() % step.total_seconds() == 0
        assert analyst.execute("SELECT count(*) FROM backlog_at(%s)", (at,)).fetchone() == (tickets,)


def histories(connection: Connection[Any]) -> list[list[Recorded]]:
    events = [recorded(stored) for stored in read_after(connection, 0, 1_000_000)]
    by_stream: dict[UUID, list[Recorded]] = {}
    for event in events:
        if event.fact.type_name.startswith("ticket."):
            by_stream.setdefault(event.stream, []).append(event)
    return list(by_stream.values())


def plain_backlog(tickets: list[list[Recorded]], at: datetime) -> Iterator[tuple[Any, ...]]:
    for history in tickets:
        past = [event for event in sorted(history, key=by_occurrence) if event.at <= at]
        state: Ticket = reduce(evolved, (event.fact for event in past), KINDS["ticket"].initial)
        if state.number and state.status not in ("resolved", "closed"):
            yield history[0].stream, state.status, state.team, state.assignee, state.level, state.priority
