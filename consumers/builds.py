"""builds: where does a read model's current build live, and how does a new one take its place?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, LiteralString

from psycopg import Connection, sql
from psycopg.rows import class_row

from commands.log import read_head
from consumers.faults import Fenced, OutdatedCode
from consumers.partition import PARTITIONS
from projections import projection as packaged
from projections.projection import Projection

Maker = Literal["consumer", "rebuild", "verify"]

# One at a time a view, held until commit: concurrent CREATE SCHEMA and CREATE VIEW fail.
ALONE: LiteralString = "SELECT pg_advisory_xact_lock(4244, hashtext(%(view)s))"
LIVE: LiteralString = """
SELECT schema, view, version, number, live FROM consumers.builds WHERE view = %(view)s AND live
"""
# What a run (rebuild, verify) is building belongs to that run.
NEWEST: LiteralString = """
SELECT schema, view, version, number, live FROM consumers.builds
 WHERE view = %(view)s AND version = %(version)s AND maker = 'consumer' AND retired_at IS NULL
 ORDER BY number DESC LIMIT 1
"""
# Never one that was given before: who still works on a build that was dropped must not find another of its name.
NUMBER: LiteralString = """
INSERT INTO consumers.numbers AS n (view, number)
SELECT %(view)s, coalesce(max(number), 0) + 1 FROM consumers.builds WHERE view = %(view)s
    ON CONFLICT (view) DO UPDATE SET number = greatest(n.number + 1, excluded.number)
RETURNING number
"""
INSERT: LiteralString = """
INSERT INTO consumers.builds (schema, view, version, number, maker)
VALUES (%(schema)s, %(view)s, %(version)s, %(number)s, %(maker)s)
"""
CHECKPOINTS: LiteralString = """
INSERT INTO consumers.checkpoints (schema, partition)
SELECT %(schema)s, partition FROM generate_series(0, %(last)s) AS partition
"""
CREATE_SCHEMA: LiteralString = "SELECT consumers.create_schema(%(schema)s)"
ENTER: LiteralString = "SELECT set_config('search_path', quote_ident(%(schema)s), true)"
DROP_VIEW: LiteralString = "DROP VIEW IF EXISTS {} CASCADE"
READ_VIEWS_OF: LiteralString = """
SELECT DISTINCT view_schema, view_name FROM information_schema.view_table_usage
 WHERE view_schema IN ('read', 'reporting') AND table_schema = %(schema)s
"""
# A digest tells whether this code would make others of the same tables.
VIEWS_MADE: LiteralString = """
UPDATE consumers.builds SET views = md5(%(views)s)
 WHERE schema = %(schema)s AND views IS DISTINCT FROM md5(%(views)s)
"""
# What others still build of this version, or an older one, has become pointless too.
RETIRE: LiteralString = """
UPDATE consumers.builds SET live = false, retired_at = clock_timestamp()
 WHERE view = %(view)s AND schema <> %(schema)s AND retired_at IS NULL
   AND (live OR maker = 'consumer' AND version <= %(version)s)
RETURNING schema
"""
# Its workers find with their next batch, or their next look, that it is no longer theirs.
FENCE: LiteralString = "UPDATE consumers.checkpoints SET epoch = epoch + 1 WHERE schema = ANY (%(schemas)s)"
GO_LIVE: LiteralString = "UPDATE consumers.builds SET live = true WHERE schema = %(schema)s AND retired_at IS NULL"
# Readers of the old views are let finish, but new ones queue up behind us. A reader who has one of the views and waits
# for another would be thrown out by Postgres after its deadlock_timeout of a second: we must give up well before.
PATIENCE: LiteralString = "SET LOCAL lock_timeout = '100ms'"
RETIRED: LiteralString = "SELECT FROM consumers.builds WHERE schema = %(schema)s AND retired_at IS NULL"
POSITION: LiteralString = "SELECT coalesce(min(position), 0) FROM consumers.checkpoints WHERE schema = %(schema)s"


@dataclass(frozen=True, slots=True)
class Ddl:
    """What a projection's tables are, the views in `read` and `reporting` through which people query them, and their
    indexes."""

    tables: str
    read_views: str
    indexes: str = ""


@dataclass(frozen=True, slots=True)
class Build:
    """One set of a projection's tables, in a schema of their own. goal: go live when this position is reached."""

    schema: str
    view: str
    version: int
    number: int
    live: bool
    goal: int = 0


def packaged_ddl(projection: Projection[Any]) -> Ddl:
    name = projection.name
    return Ddl(packaged.tables(name), packaged.read_views(name), packaged.indexes(name))


def ensure_live(connection: Connection[Any], projection: Projection[Any], ddl: Ddl | None = None) -> Build:
    """The build that this code is to feed: the live one, or, if that is of another version, a new one beside it.

    The very first build is live at once. Views that this code makes otherwise of the same tables are made anew.
    OutdatedCode if the live build is of a newer version than this code. LockNotAvailable if readers would not let go.
    """
    ddl = ddl or packaged_ddl(projection)
    with connection.transaction():
        connection.execute(ALONE, {"view": projection.name})
        live = live_build(connection, projection.name)
        if live is None:
            return swap(connection, create_build(connection, projection, ddl), ddl)
        if live.version == projection.version:
            _make_views(connection, live, ddl, [live.schema])
            return live
        if live.version > projection.version:
            raise OutdatedCode(f"{live.schema} is live, but this code knows only version {projection.version}")
        beside = _newest(connection, projection) or create_build(connection, projection, ddl)
        return replace(beside, goal=read_head(connection).position)


def go_live_when_caught_up(
    connection: Connection[Any], projection: Projection[Any], build: Build, ddl: Ddl | None = None
) -> Build:
    """Swap it in once it has reached its goal. LockNotAvailable if readers would not let go: ask again."""
    if build_position(connection, build.schema) < build.goal:
        return build
    with connection.transaction():
        connection.execute(ALONE, {"view": build.view})
        return swap(connection, build, ddl or packaged_ddl(projection))


def live_build(connection: Connection[Any], view: str) -> Build | None:
    return _one(connection, LIVE, {"view": view})


def create_build(
    connection: Connection[Any], projection: Projection[Any], ddl: Ddl, maker: Maker = "consumer"
) -> Build:
    """Empty tables and checkpoints at 0. Leaves the search_path of the transaction on the new schema.

    A run's tables are filled by COPY, which is faster without the indexes for readers: it makes them afterwards.
    """
    row = connection.execute(NUMBER, {"view": projection.name}).fetchone()
    number = row[0] if row else 1
    schema = f"{projection.name}_v{projection.version}_b{number}"
    build = Build(schema, projection.name, projection.version, number, live=False)
    named = {"schema": schema, "view": build.view, "version": build.version, "number": number, "maker": maker}
    connection.execute(CREATE_SCHEMA, {"schema": schema})
    connection.execute(INSERT, named)
    connection.execute(CHECKPOINTS, {"schema": schema, "last": PARTITIONS - 1})
    enter(connection, schema)
    connection.execute((ddl.tables + (ddl.indexes if maker == "consumer" else "")).encode())
    return build


def enter(connection: Connection[Any], schema: str) -> None:
    """Until the transaction ends, unqualified names are this build's tables."""
    connection.execute(ENTER, {"schema": schema}, prepare=True)


def build_position(connection: Connection[Any], schema: str) -> int:
    """Everything up to here is in the build."""
    row = connection.execute(POSITION, {"schema": schema}).fetchone()
    return row[0] if row else 0


def is_retired(connection: Connection[Any], build: Build) -> bool:
    """Whether another build stands in its place, or it is gone altogether."""
    return connection.execute(RETIRED, {"schema": build.schema}).fetchone() is None


def swap(connection: Connection[Any], build: Build, ddl: Ddl) -> Build:
    """Within the caller's transaction, who is alone: readers read this build, and what was live is retired.

    Fenced if this build was retired itself. LockNotAvailable if readers would not let go of the old views.
    """
    asked = {"view": build.view, "schema": build.schema, "version": build.version}
    retired = [row[0] for row in connection.execute(RETIRE, asked).fetchall()]
    connection.execute(FENCE, {"schemas": retired})
    if connection.execute(GO_LIVE, {"schema": build.schema}).rowcount != 1:
        raise Fenced(f"{build.schema}: another build took its place while it was built")
    _make_views(connection, build, ddl, retired)
    return replace(build, live=True)


def _make_views(connection: Connection[Any], build: Build, ddl: Ddl, instead_of: Sequence[str]) -> None:
    """Unless they are there: in the place of those that read these schemas."""
    if connection.execute(VIEWS_MADE, {"schema": build.schema, "views": ddl.read_views}).rowcount:
        connection.execute(PATIENCE)
        for schema in instead_of:
            _drop_read_views(connection, schema)
        enter(connection, build.schema)
        connection.execute(ddl.read_views.encode())


def _drop_read_views(connection: Connection[Any], schema: str) -> None:
    """A view cannot be replaced by one with other columns."""
    for view in connection.execute(READ_VIEWS_OF, {"schema": schema}).fetchall():
        connection.execute(sql.SQL(DROP_VIEW).format(sql.Identifier(*view)))


def _newest(connection: Connection[Any], projection: Projection[Any]) -> Build | None:
    return _one(connection, NEWEST, {"view": projection.name, "version": projection.version})


def _one(connection: Connection[Any], query: LiteralString, asked: Mapping[str, Any]) -> Build | None:
    with connection.cursor(row_factory=class_row(Build)) as cursor:
        return cursor.execute(query, asked).fetchone()
