"""What can somebody do who logs in as an analyst? Read schema `reporting`, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import Connection, errors, sql

from chronodesk import analysts
from chronodesk.local.postgres import EmbeddedPostgres
from commands.database import connect
from tests.databases import Database, fresh_database
from tests.replay.rebuilding import all_go_on
from tests.reporting.analyst import Login, a_login, as_owner, views

FORBIDDEN: list[LiteralString] = [
    "CREATE TABLE reporting.x (a int)",
    "CREATE VIEW reporting.x AS SELECT 1",
    "CREATE FUNCTION reporting.x() RETURNS int LANGUAGE sql RETURN 1",
    "CREATE FUNCTION pg_temp.x() RETURNS int LANGUAGE sql RETURN 1",
    "CREATE TABLE public.x (a int)",
    "CREATE TEMP TABLE x (a int)",
    "CREATE SCHEMA x",
    "CREATE ROLE x",
    "CREATE DATABASE x",
    "SET ROLE chronodesk_app",
    "SET ROLE chronodesk_owner",
    "SET ROLE chronodesk_analyst",
    "SET SESSION AUTHORIZATION postgres",
    "SELECT * FROM store.events",
    "SELECT * FROM store.head",
    "SELECT * FROM consumers.builds",
    "SELECT * FROM consumers.parked",
    "SELECT * FROM witness.heads",
    "SELECT * FROM read.tickets",
    "SELECT * FROM read.customers",
    "SELECT * FROM read.reportable_words",
    "SELECT * FROM public.alembic_version",
    "SELECT * FROM tickets_v1_b1.tickets",
    "SELECT store.chain('', 1, gen_random_uuid(), 1, '', now(), '')",
    "SELECT consumers.drop_build('tickets_v1_b1')",
    "SELECT nextval('store.ticket_numbers')",
    "INSERT INTO reporting.teams (team) VALUES (gen_random_uuid())",
    "UPDATE reporting.teams SET name = 'x'",
    "DELETE FROM reporting.agents",
    "DROP VIEW reporting.agents",
    "BEGIN; LOCK TABLE reporting.tickets IN EXCLUSIVE MODE",
    "COMMENT ON VIEW reporting.tickets IS 'x'",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY (SELECT 1) TO '/tmp/chronodesk-analyst'",
    "COPY reporting.teams FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_create(0)",
    "SELECT lo_get(loid) FROM (VALUES (4711)) v (loid)",
    "SELECT pg_advisory_lock(4242, 1)",
    "SELECT pg_try_advisory_xact_lock(4242, 1)",
    "SELECT pg_logical_emit_message(false, 'x', 'x')",
    "SELECT * FROM pg_largeobject",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_statistic",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "ALTER ROLE CURRENT_USER CONNECTION LIMIT 100",
]


@pytest.fixture(scope="module")
def login(module_database: Database) -> Iterator[Login]:
    with closing(connect(module_database.app_url, name="test")) as connection:
        all_go_on(module_database.app_url, connection)
    with a_login(module_database) as login:
        yield login


@pytest.fixture
def analyst(login: Login) -> Iterator[Connection[Any]]:
    with login.connect() as connection:
        yield connection


def test_every_view_can_be_read(analyst: Connection[Any]) -> None:
    there = views(analyst)
    assert {"tickets", "sla_cycles", "teams", "agents", "as_of", "reportable_fields", "ticket_fields"} <= set(there)
    for view in there:
        analyst.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("reporting", view)))
    assert analyst.execute("SELECT * FROM backlog_at(now())").fetchall() == []


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_nothing_else_can_be_done(analyst: Connection[Any], statement: LiteralString) -> None:
    analyst.execute("SET default_transaction_read_only = off")
    with pytest.raises(errors.InsufficientPrivilege):
        analyst.execute(statement)


def test_a_session_begins_with_limits(analyst: Connection[Any]) -> None:
    for setting, value in (("transaction_read_only", "on"), ("statement_timeout", "1min"), ("lock_timeout", "5s")):
        assert analyst.execute("SELECT current_setting(%s)", (setting,)).fetchone() == (value,)
    with pytest.raises(errors.ReadOnlySqlTransaction):
        analyst.execute("CREATE TABLE x (a int)")


def test_a_statement_that_takes_too_long_is_ended(module_database: Database, login: Login) -> None:
    with as_owner(module_database) as owner:
        owner.execute(sql.SQL("ALTER ROLE {} SET statement_timeout = '50ms'").format(sql.Identifier(login.name)))
        with login.connect() as analyst, pytest.raises(errors.QueryCanceled):
            analyst.execute("SELECT count(*) FROM generate_series(1, 10000000000)")
        limit = sql.SQL("ALTER ROLE {} SET statement_timeout = '60s'")
        owner.execute(limit.format(sql.Identifier(login.name)))


def test_an_analyst_has_so_many_sessions(login: Login) -> None:
    sessions = [login.connect() for _ in range(analysts.CONNECTIONS)]
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        login.connect()
    for session in sessions:
        session.close()


def test_what_others_ask_is_not_seen(analyst: Connection[Any], module_database: Database) -> None:
    with psycopg.connect(module_database.app_url, autocommit=True) as other:
        other.execute("SELECT 'a secret of Anna''s'")
        seen = analyst.execute("SELECT query FROM pg_stat_activity").fetchall()
    assert "Anna" not in str([query for (query,) in seen if "pg_stat_activity" not in query])


def test_an_analyst_of_one_desk_does_not_get_into_another(
    migrated: EmbeddedPostgres, module_database: Database, login: Login
) -> None:
    with fresh_database(migrated) as other, a_login(other) as hers:
        with hers.connect() as connection:
            assert "tickets" not in views(connection)
        for url, elsewhere in ((login.url, other.name), (hers.url, module_database.name), (login.url, "postgres")):
            there = psycopg.conninfo.make_conninfo(url, dbname=elsewhere)
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(there)


def test_a_migration_shuts_everybody_else_out(module_database: Database) -> None:
    """Of the database that it runs in: rights on it are not copied with it."""
    with as_owner(module_database) as owner:
        allowed = owner.execute(
            "SELECT privilege_type FROM pg_database, aclexplode(datacl) WHERE datname = 'migrated' AND grantee = 0"
        ).fetchall()
    assert allowed == []


def test_an_analyst_who_is_dropped_is_out_at_once(database: Database) -> None:
    with a_login(database) as login, as_owner(database) as owner, login.connect() as session:
        assert analysts.listed(owner) == [analysts.Analyst(login.name, 1)]
        assert analysts.drop(owner, login.name)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            login.connect()
        assert analysts.listed(owner) == []


def test_a_name_that_is_taken_is_left_alone(module_database: Database, login: Login) -> None:
    with as_owner(module_database) as owner:
        for name in (login.name, "chronodesk_app", "postgres"):
            with pytest.raises(errors.DuplicateObject):
                analysts.create(owner, name)
    with login.connect() as still:
        assert still.execute("SELECT 1").fetchone() == (1,)


def test_the_application_makes_no_analysts(module_database: Database) -> None:
    with psycopg.connect(module_database.app_url, autocommit=True) as app, pytest.raises(errors.InsufficientPrivilege):
        analysts.create(app, "made_by_app")
