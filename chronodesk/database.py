"""database: how does a command at a terminal reach Postgres, and how is it told what failed there?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING, Any

from chronodesk.errors import Unavailable
from chronodesk.settings import Settings
from chronodesk.start import app_url

if TYPE_CHECKING:
    import psycopg


@contextmanager
def told_plainly(mend: str = "run the same again, it goes on there") -> Iterator[None]:
    """What fails at Postgres, as what the person at the terminal can do about it."""
    import psycopg

    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction):
        raise Unavailable("this database holds no desk yet: run `chronodesk migrate`") from None
    except psycopg.OperationalError as away:
        raise Unavailable(f"Postgres went away ({_first_line(away)}); {mend}") from None


@contextmanager
def connected(settings: Settings, name: str = "import") -> Iterator[psycopg.Connection[Any]]:
    """Closed at the end without a COMMIT: after Ctrl-C an answer may still be on its way, and nothing waits for one."""
    from commands.database import connect

    with closing(connect(app_url(settings), name=name)) as connection:
        yield connection


@asynccontextmanager
async def connected_async(settings: Settings, name: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """For queries that the API asks, too."""
    from commands.database import connect_async

    async with await connect_async(app_url(settings), name=name) as connection:
        yield connection


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
