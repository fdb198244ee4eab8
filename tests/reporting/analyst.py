"""analyst: a real login of schema `reporting`, and what there is to be seen through it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, sql

from chronodesk import analysts
from commands.database import connect
from tests.databases import Database

VIEWS = """
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 'reporting'::regnamespace AND c.relkind = 'v' ORDER BY 1
"""


@dataclass(frozen=True)
class Login:
    name: str
    url: str

    def connect(self) -> Connection[Any]:
        return psycopg.connect(self.url, autocommit=True)


@contextmanager
def a_login(database: Database) -> Iterator[Login]:
    """Names of logins are the whole server's."""
    name = f"ann_{database.name}"
    with as_owner(database) as owner:
        password = analysts.create(owner, name)
        try:
            yield Login(name, analysts.url(owner, name, password))
        finally:
            if name in [known.name for known in analysts.listed(owner)]:
                analysts.drop(owner, name)


@contextmanager
def as_owner(database: Database) -> Iterator[Connection[Any]]:
    with closing(connect(database.owner_url, name="test", role="none")) as owner:
        yield owner


def views(connection: Connection[Any]) -> list[str]:
    return [name for (name,) in connection.execute(VIEWS).fetchall()]


def dumped(connection: Connection[Any], view: str) -> list[dict[str, str | None]]:
    """Every row as text, by column; of the backlog over time the newest, for each row of it is worked out."""
    query = sql.SQL("SELECT (SELECT jsonb_object_agg(key, value) FROM jsonb_each_text(to_jsonb(v))) FROM {} v")
    recent = sql.SQL(" WHERE at > now() - interval '2 days'" if view.startswith("backlog_") else "")
    return [row for (row,) in connection.execute(query.format(sql.Identifier("reporting", view)) + recent).fetchall()]
