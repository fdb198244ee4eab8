"""test_chain: is a good log found good, and every other one bad at the right place?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Composed, Identifier

from commands.append import Write, append_blocking
from commands.database import connect
from replay.proof import chain
from replay.proof.chain import Walk, check_chain, link_at
from tests.commands.samples import an_append, notes
from tests.databases import Database

Db = psycopg.Connection[Any]


@pytest.fixture
def db(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Db]:
    """Ten events: streams a (1-3), b (4-6), a again (7-10). Read four at a time."""
    monkeypatch.setattr(chain, "BATCH", 4)
    a, b = uuid4(), uuid4()
    with connect(database.app_url, name="test") as connection:
        for stream, version, count in ((a, 0, 3), (b, 0, 3), (a, 3, 4)):
            append_blocking(connection, [an_append(Write(stream, version, notes(count)))])
        yield connection


def tamper(database: Database, statement: LiteralString | SQL | Composed) -> None:
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement)


def test_a_log_that_nobody_touched_is_intact(db: Db) -> None:
    checked = check_chain(db)
    assert (checked.faults, checked.events) == ((), 10)


def test_an_empty_log_is_intact(database: Database) -> None:
    with connect(database.app_url, name="test") as connection:
        assert check_chain(connection).faults == ()


def test_each_link_is_handed_on_once_and_in_order(db: Db) -> None:
    seen: dict[int, bytes] = {}

    def watch(position: int, hashes: Any) -> None:
        seen.update(enumerate(hashes, position - len(hashes) + 1))

    check_chain(db, watch=watch)
    assert seen == dict(db.execute("SELECT notification_id, hash FROM store.events").fetchall())


@pytest.mark.parametrize("after", [1, 4, 10])
def test_from_a_position_on(db: Db, after: int) -> None:
    checked = check_chain(db, after)
    assert (checked.faults, checked.events) == ((), 10 - after)


def test_from_a_position_that_is_not_there(db: Db) -> None:
    with pytest.raises(LookupError, match="position 11"):
        check_chain(db, 11)


def test_a_walk_up_to_a_position_ends_there(db: Db) -> None:
    walk = Walk(db)
    assert sum(len(hashes) for hashes in walk.stretches(upto=8)) == 8
    assert (walk.position, walk.hash, walk.fault) == (8, link_at(db, 8), None)


NULL: LiteralString = """
ALTER TABLE store.events ALTER {0} DROP NOT NULL; UPDATE store.events SET {0} = NULL WHERE notification_id = 6
"""
FORMLESS = [
    *(SQL(NULL).format(Identifier(name)) for name in ("state", "topic", "recorded_at", "hash")),
    SQL("UPDATE store.events SET hash = substr(hash, 2) WHERE notification_id = 6"),
    SQL("UPDATE store.events SET hash = '' WHERE notification_id = 6"),
]


@pytest.mark.parametrize("statement", FORMLESS)
def test_a_row_that_is_no_event_is_a_fault_and_not_a_crash(
    database: Database, db: Db, statement: SQL | Composed
) -> None:
    tamper(database, statement)
    first = check_chain(db).first
    assert first is not None
    assert (first.position, first.kind) == (6, "content")


def test_a_fault_does_not_hide_behind_functions_that_were_replaced(database: Database, db: Db) -> None:
    """A chain function that says what the table says, and an edited event."""
    tamper(
        database,
        "CREATE OR REPLACE FUNCTION store.chain(prev bytea, at_position bigint, stream uuid, version bigint, type text,"
        " at timestamptz, state bytea) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE"
        " RETURN (SELECT hash FROM store.events WHERE notification_id = at_position);"
        "UPDATE store.events SET state = 'x' WHERE notification_id = 6",
    )
    first = check_chain(db).first
    assert first is not None
    assert (first.position, first.kind) == (6, "content")
