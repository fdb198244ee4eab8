"""leftovers: which builds does nobody need any more, and how do they go?"""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg import Connection
from psycopg.errors import InsufficientPrivilege, LockNotAvailable

RETIRED: LiteralString = """
SELECT schema FROM consumers.builds
 WHERE view = %(view)s AND NOT live AND retired_at <= clock_timestamp() - make_interval(secs => %(seconds)s)
"""
ABANDONED: LiteralString = """
SELECT schema FROM consumers.builds
 WHERE view = %(view)s AND NOT live AND retired_at IS NULL AND maker <> 'consumer'
"""
DROP: LiteralString = "SELECT consumers.drop_build(%(schema)s)"
LONG_AGO_SECONDS = 600.0


def drop_retired(connection: Connection[Any], view: str, seconds: float = LONG_AGO_SECONDS) -> list[str]:
    """Those in whose place another build has stood for so long; which ones went."""
    found = connection.execute(RETIRED, {"view": view, "seconds": seconds}).fetchall()
    return [schema for (schema,) in found if drop_build(connection, schema)]


def drop_abandoned(connection: Connection[Any], view: str) -> list[str]:
    """What runs that died were building. Only for who holds the lock that a run holds."""
    found = connection.execute(ABANDONED, {"view": view}).fetchall()
    return [schema for (schema,) in found if drop_build(connection, schema)]


def drop_build(connection: Connection[Any], schema: str) -> bool:
    """False: somebody still reads it, or was faster. The next one who looks tries again."""
    try:
        connection.execute(DROP, {"schema": schema})
    except (LockNotAvailable, InsufficientPrivilege):
        return False
    return True
