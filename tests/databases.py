"""databases: how a test gets a fresh, migrated database in a few dozen milliseconds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chronodesk.local.postgres import APP, OWNER, SUPERUSER, EmbeddedPostgres
from chronodesk.migrate import migrate

TEMPLATE = "migrated"
numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """The same database as each of the three who use it."""

    name: str
    owner_url: str
    app_url: str
    superuser_url: str


def database_urls(postgres: EmbeddedPostgres, name: str) -> Database:
    return Database(name, *(postgres.url(role, name) for role in (OWNER, APP, SUPERUSER)))


def prepare_template(postgres: EmbeddedPostgres) -> None:
    """Migrate once; every test's database is then a copy of the files."""
    postgres.create_database(TEMPLATE)
    migrate(database_urls(postgres, TEMPLATE).owner_url)


@contextmanager
def fresh_database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    name = f"desk_{next(numbers)}"
    postgres.create_database(name, template=TEMPLATE)
    try:
        yield database_urls(postgres, name)
    finally:
        postgres.drop_database(name)
