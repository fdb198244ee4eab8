"""How does a process connect to Postgres? With every time limit set, and as the application role."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool

APP_ROLE = "chronodesk_app"
CONNECT_SECONDS = 5
# Whoever cannot have a lock or a row says so in seconds; a dead peer is noticed and its locks are let go.
SESSION = {
    "role": APP_ROLE,
    "timezone": "UTC",
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "15s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "12s",
}


def connect(url: str, *, name: str, **session: str) -> Connection[Any]:
    """An autocommit connection; `session` overrides single limits, for long readers."""
    return Connection.connect(url, autocommit=True, **session_parameters(name, session))


async def connect_async(url: str, *, name: str) -> AsyncConnection[Any]:
    """The same for whoever asks this one thing."""
    return await AsyncConnection.connect(url, autocommit=True, **session_parameters(name))


def pool(url: str, *, name: str, size: int) -> AsyncConnectionPool[AsyncConnection[Any]]:
    """Autocommit connections. One that a restarted server broke fails its next use and is then replaced.

    It grows as needed: while one connection is enough, all use that one, whose plans and caches are warm.
    """
    return AsyncConnectionPool(
        url,
        kwargs={"autocommit": True, **session_parameters(name)},
        min_size=1,
        max_size=size,
        timeout=CONNECT_SECONDS,
        open=False,
        name=name,
    )


def session_parameters(name: str, overrides: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """libpq parameters: `name` shows in pg_stat_activity."""
    limits = " ".join(f"-c {key}={value}" for key, value in {**SESSION, **overrides}.items())
    return {
        "options": limits,
        "application_name": f"chronodesk {name}",
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 12_000,
    }
