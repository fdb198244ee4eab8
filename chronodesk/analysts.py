"""analysts: who may log in to read schema `reporting`, and nothing else of this database?"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, LiteralString
from urllib.parse import quote

from psycopg import Connection, sql
from psycopg.errors import DependentObjectsStillExist
from psycopg.rows import class_row

CONNECTIONS = 4
# What an analyst's session begins with; but for the last, all that whoever means harm can set otherwise.
LIMITS: Mapping[str, str] = MappingProxyType(
    {
        "default_transaction_read_only": "on",
        "statement_timeout": "60s",
        "lock_timeout": "5s",
        # An open transaction keeps a new build from taking the place of the one that it has read.
        "idle_in_transaction_session_timeout": "60s",
        "search_path": "reporting",
    }
)
# As migration 0009 says, and a database that was copied or restored has forgotten.
CLOSE: LiteralString = "REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC"
KEEP_OPEN: LiteralString = "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO chronodesk_app"
CREATE: LiteralString = "CREATE ROLE {login} LOGIN PASSWORD {verifier} CONNECTION LIMIT {connections}"
SET: LiteralString = "ALTER ROLE {login} SET {name} = {value}"
JOIN: LiteralString = "GRANT chronodesk_analyst TO {login} WITH INHERIT TRUE, SET FALSE"
ADMIT: LiteralString = "GRANT CONNECT ON DATABASE {database} TO {login}"
EXPEL: LiteralString = "REVOKE CONNECT ON DATABASE {database} FROM {login}"
# Only who has a role's rights may end its sessions.
REACH: LiteralString = "GRANT {login} TO CURRENT_USER WITH INHERIT TRUE"
END: LiteralString = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %(name)s AND datname = current_database()
"""
DROP: LiteralString = "DROP ROLE {login}"
LISTED: LiteralString = """
SELECT r.rolname AS name,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid AND a.datname = d.datname)::int AS sessions
  FROM pg_database d CROSS JOIN aclexplode(d.datacl) g
  JOIN pg_roles r ON r.oid = g.grantee
  JOIN pg_auth_members m ON m.member = r.oid AND m.roleid = 'chronodesk_analyst'::regrole AND m.inherit_option
 WHERE d.datname = current_database() AND g.privilege_type = 'CONNECT'
 ORDER BY r.rolname
"""
THERE: LiteralString = "SELECT to_regnamespace('reporting') IS NOT NULL"
WITHHELD: LiteralString = "SELECT NOT has_function_privilege(%(name)s, 'pg_advisory_lock(bigint)', 'EXECUTE')"


@dataclass(frozen=True, slots=True)
class Analyst:
    """sessions: open now."""

    name: str
    sessions: int


def create(owner: Connection[Any], name: str) -> str:
    """A login of that name; its password, which nobody can look up again.

    psycopg's DuplicateObject where any role has that name, InsufficientPrivilege for who may not make roles.
    """
    password = secrets.token_urlsafe(24)
    # The server's log sees a verifier only.
    verifier = owner.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    with owner.transaction():
        for statement in (CLOSE, KEEP_OPEN, CREATE, JOIN, ADMIT):
            owner.execute(_about(owner, statement, name, verifier=verifier, connections=CONNECTIONS))
        for setting, value in LIMITS.items():
            words = {"login": sql.Identifier(name), "name": sql.Identifier(setting), "value": sql.Literal(value)}
            owner.execute(sql.SQL(SET).format(**words))
    return password


def drop(owner: Connection[Any], name: str) -> bool:
    """End its sessions here and let it in no more. False: the role stays, for it reads other desks of this server."""
    with owner.transaction():
        owner.execute(_about(owner, EXPEL, name))
        owner.execute(_about(owner, REACH, name))
        owner.execute(END, {"name": name})
    try:
        owner.execute(_about(owner, DROP, name))
    except DependentObjectsStillExist:
        return False
    return True


def listed(owner: Connection[Any]) -> list[Analyst]:
    """Who reads this desk, by name."""
    with owner.cursor(row_factory=class_row(Analyst)) as found:
        return found.execute(LISTED).fetchall()


def is_there(owner: Connection[Any]) -> bool:
    """Whether this database has the schema at all."""
    return owner.execute(THERE).fetchone() == (True,)


def is_withheld(owner: Connection[Any], name: str) -> bool:
    """Whether a superuser ran local/withheld.sql here; on servers that we start, always."""
    return owner.execute(WITHHELD, {"name": name}).fetchone() == (True,)


def url(owner: Connection[Any], name: str, password: str) -> str:
    """What psql and other clients take, from where the owner's connection leads."""
    info = owner.info
    return f"postgresql://{name}:{quote(password)}@{info.host}:{info.port}/{quote(info.dbname)}"


def _about(owner: Connection[Any], statement: LiteralString, name: str, **values: str | int) -> sql.Composed:
    names = {"login": sql.Identifier(name), "database": sql.Identifier(owner.info.dbname)}
    return sql.SQL(statement).format(**names, **{key: sql.Literal(value) for key, value in values.items()})
