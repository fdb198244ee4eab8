"""connect: how do the carriers talk to Postgres, so that a dead peer is noticed within seconds?"""

from __future__ import annotations

from typing import Any

import psycopg

SESSION = (
    # A worker that was stopped in mid-batch must not hold its checkpoints for ever.
    "-c lock_timeout=10s -c idle_in_transaction_session_timeout=30s -c timezone=UTC "
    # The server must notice as well: it is there that locks are held.
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3"
)


def connect(url: str, name: str) -> psycopg.Connection[Any]:
    """Autocommit. Raises OperationalError after 5 s without an answer."""
    return psycopg.connect(
        url,
        autocommit=True,
        application_name=f"chronodesk {name}",
        options=SESSION,
        connect_timeout=5,
        keepalives_idle=5,
        keepalives_interval=3,
        keepalives_count=3,
        tcp_user_timeout=15_000,
    )
