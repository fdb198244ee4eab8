"""oracle: is everything there, once, in order, and in every view? Asked after every fault; only it passes verdicts.

What the product checks of itself (`chronodesk replay verify`) it is asked for; here is what only tests know.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection, sql

from aggregates.envelope import Stored, recorded
from aggregates.sla.agenda import agenda
from aggregates.sla.catalogue import Catalogue
from aggregates.sla.clocks import clocks
from aggregates.ticket.events import SlaBreached, SlaMet, SlaWarned
from commands.database import connect
from commands.log import read_after
from consumers.loop import Source
from projections.registry import PROJECTIONS
from replay.rebuild.crew import crew
from replay.rebuild.fill import wanted
from replay.verify.verify import Heads
from replay.verify.verify import verify as checks
from tests.faults.desk import Desk

TABLES: LiteralString = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
CHECKSUM: LiteralString = "SELECT count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} AS t"
WRITTEN: LiteralString = "SELECT command_id FROM store.commands WHERE command_id = ANY (%s)"


def verify(desk: Desk, acknowledged: Iterable[UUID] = ()) -> None:
    """Raises AssertionError naming what is wrong. The desk is level when it is asked."""
    with connect(desk.database.app_url, name="oracle", statement_timeout="60s") as connection:
        what_was_acknowledged_was_written(connection, list(acknowledged))
        what_fell_due_is_noted_once(read_after(connection, 0, 10_000_000))
    all_is_well(desk)


def all_is_well(desk: Desk) -> None:
    source = Source(desk.database.app_url, desk.kafka.bootstrap_servers, desk.topic)
    views = [wanted(source.url, projection) for projection in PROJECTIONS.values()]
    with crew(2) as many:
        told = checks(source, Heads(), views, many, lambda part: lambda phase, done, total: None)
        found = {check.name: check for check in told}
    assert {name: check.fault for name, check in found.items() if check.fault} == {}
    assert found["kafka"].count == found["chain"].count, "the topic is as old as the desk"


def what_was_acknowledged_was_written(connection: Connection[Any], acknowledged: list[UUID]) -> None:
    """That each command that was written is in the log once, the product checks."""
    written = {row[0] for row in connection.execute(WRITTEN, (acknowledged,)).fetchall()}
    assert [command for command in acknowledged if command not in written] == []


def what_fell_due_is_noted_once(log: list[Stored]) -> None:
    """Whatever was killed meanwhile: the stream says of each promise what the fold of its own facts says."""
    book, histories = Catalogue(), defaultdict(list)
    for stored in log:
        if stored.type.startswith("ticket."):
            histories[stored.stream].append(recorded(stored))
        elif stored.stream in dict(book.streams):
            book.learn(recorded(stored))
    asked_at = log[-1].recorded_at
    for history in histories.values():
        assert [item for item in agenda(clocks(history, book)) if item.at < asked_at] == []
        noted = Counter(event.fact for event in history if isinstance(event.fact, SlaBreached | SlaMet | SlaWarned))
        assert [fact for fact, times in noted.items() if times > 1] == []


def checksums(connection: Connection[Any], schema: str) -> dict[str, Any]:
    """Rows and a digest of each table."""
    tables = [row[0] for row in connection.execute(TABLES, (schema,)).fetchall()]
    return {
        table: connection.execute(sql.SQL(CHECKSUM).format(sql.Identifier(schema, table))).fetchone()
        for table in tables
    }
