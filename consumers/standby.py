"""standby: who of many is at work? Whoever holds the lock; the others wait for it."""

from __future__ import annotations

import threading
from typing import Any, LiteralString

from psycopg import Connection

WAIT_SECONDS = 0.5
RELAY, SLA_CLOCK, WITNESS, SURVEYS = 2, 3, 4, 5

# Held by the session: whoever dies lets go of it at once.
ACTIVE: LiteralString = "SELECT pg_try_advisory_lock(4242, %(work)s)"


def become_active(connection: Connection[Any], work: int, stopping: threading.Event) -> bool:
    """Wait until nobody else does this work. False: told to stop before that."""
    while not stopping.is_set():
        if connection.execute(ACTIVE, {"work": work}).fetchone() == (True,):
            return True
        stopping.wait(WAIT_SECONDS)
    return False
