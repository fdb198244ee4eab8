"""Nobody changes the log: not the application, not its owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors

from commands.append import Write, append_blocking
from commands.database import connect
from tests.commands.samples import an_append, notes
from tests.databases import Database

CHANGES: list[LiteralString] = [
    "UPDATE store.events SET state = ''",
    "DELETE FROM store.events",
    "TRUNCATE store.events",
]
INSERT: LiteralString = """
INSERT INTO store.events SELECT gen_random_uuid(), 1, 'x', '', 99, now(), '' WHERE true
"""


@pytest.fixture
def log(database: Database) -> Iterator[Database]:
    with connect(database.app_url, name="test") as connection:
        append_blocking(connection, [an_append(Write(uuid4(), 0, notes(3)))])
    yield database
    with connect(database.app_url, name="test") as connection:
        assert connection.execute("SELECT count(*) FROM store.events").fetchone() == (3,)


@pytest.mark.parametrize("statement", [*CHANGES, INSERT, "ALTER TABLE store.events DISABLE TRIGGER ALL"])
def test_the_application_cannot_write_but_through_append(log: Database, statement: LiteralString) -> None:
    with connect(log.app_url, name="test") as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize("table", ["streams", "commands", "reservations", "head"])
def test_the_application_cannot_write_the_tables_beside_it(log: Database, table: str) -> None:
    query = psycopg.sql.SQL("DELETE FROM store.{}").format(psycopg.sql.Identifier(table))
    with connect(log.app_url, name="test") as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(query)


@pytest.mark.parametrize("statement", CHANGES)
@pytest.mark.parametrize("who", ["owner_url", "superuser_url"])
def test_protect_against_update_delete_and_truncate_by_the_owner(
    log: Database, who: str, statement: LiteralString
) -> None:
    with (
        psycopg.connect(getattr(log, who), autocommit=True) as connection,
        pytest.raises(errors.InsufficientPrivilege, match="append-only"),
    ):
        connection.execute(statement)


def test_the_inner_functions_are_not_for_the_application(log: Database) -> None:
    with connect(log.app_url, name="test") as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("SELECT store.write('{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}')")
