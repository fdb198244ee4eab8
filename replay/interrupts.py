"""Was it Ctrl-C? One that comes in the midst of a query may leave as the query's own error."""

from __future__ import annotations

import psycopg


def interrupted(error: BaseException) -> bool:
    """Whether somebody's wish to stop is this error, or is behind it. Anything else is a failure of its own."""
    behind: BaseException | None = error
    while behind is not None and not isinstance(behind, KeyboardInterrupt):
        behind = behind.__cause__ or behind.__context__
    return behind is not None


STOPS = (KeyboardInterrupt, psycopg.OperationalError)
