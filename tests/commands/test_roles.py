"""Who connects acts as the application, also where one login owns everything."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from chronodesk.local.postgres import APP, EmbeddedPostgres
from chronodesk.migrate import migrate
from commands.append import Write, append_blocking
from commands.database import connect
from commands.log import read_head
from consumers.builds import ensure_live
from consumers.runner import apply
from consumers.store_feed import StoreFeed
from projections.registry import PROJECTIONS
from tests.commands.samples import an_append, notes
from tests.databases import Database


@pytest.fixture
def lone_url() -> Iterator[str]:
    """A server that knows nothing of us, and one login that owns one database and may create roles."""
    folder = Path(tempfile.mkdtemp(prefix="chronodesk-lone-"))
    folder.chmod(0o755)
    with EmbeddedPostgres(folder) as server:
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            connection.execute("DROP OWNED BY chronodesk_app")
            connection.execute("DROP ROLE chronodesk_app")
            connection.execute("CREATE ROLE lone LOGIN CREATEROLE PASSWORD 'lone'")
            connection.execute("CREATE DATABASE lone OWNER lone")
        yield f"postgresql://lone:lone@127.0.0.1:{server.port}/lone"
    shutil.rmtree(folder, ignore_errors=True)


def test_a_lone_login_migrates_and_then_acts_as_the_application(lone_url: str) -> None:
    migrate(lone_url)
    desk = PROJECTIONS["desk"]
    with connect(lone_url, name="test") as connection:
        assert connection.execute("SELECT current_user").fetchone() == (APP,)
        assert append_blocking(connection, [an_append(Write(uuid4(), 0, notes(2)))])[0].kind == "accepted"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM store.events")
        build = ensure_live(connection, desk)
        with closing(StoreFeed(lone_url, build.schema)) as feed:
            apply(connection, build, desk, feed.poll(1.0))
        assert read_head(connection).position == 2


def test_migrating_again_changes_nothing(database: Database) -> None:
    said: list[str] = []
    migrate(database.owner_url, progress=said.append)
    assert said == []


def test_the_applications_session_has_every_limit(database: Database) -> None:
    with connect(database.app_url, name="test", lock_timeout="7s") as connection:
        for setting, value in (
            ("lock_timeout", "7s"),
            ("statement_timeout", "30s"),
            ("idle_in_transaction_session_timeout", "15s"),
            ("TimeZone", "UTC"),
            ("application_name", "chronodesk test"),
        ):
            assert connection.execute("SELECT current_setting(%s)", (setting,)).fetchone() == (value,)
