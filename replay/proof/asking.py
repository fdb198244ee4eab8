"""asking: how does somebody get a head signed now, whoever the witness is?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, LiteralString

from psycopg import Connection

from commands.log import read_head
from consumers.standby import ACTIVE, WITNESS
from replay.proof.kept import last_size
from replay.proof.witness import Witness

ASK: LiteralString = "NOTIFY witness"
RELEASE: LiteralString = "SELECT pg_advisory_unlock(4242, %(work)s)"
LOOK_SECONDS = 0.1


def signed_now(connection: Connection[Any], witness: Callable[[], Witness], seconds: float) -> bool:
    """Whether a head now covers the log as it was when we asked. Raises Refused where it must not be signed."""
    wanted = read_head(connection).position
    if last_size(connection) >= wanted:
        return True
    if connection.execute(ACTIVE, {"work": WITNESS}).fetchone() == (True,):
        try:
            witness().signing(connection).sign()
        finally:
            connection.execute(RELEASE, {"work": WITNESS})
        return last_size(connection) >= wanted
    connection.execute(ASK)
    return _reached(connection, wanted, time.monotonic() + seconds)


def _reached(connection: Connection[Any], wanted: int, deadline: float) -> bool:
    pause = threading.Event()
    while last_size(connection) < wanted:
        if time.monotonic() > deadline:
            return False
        pause.wait(LOOK_SECONDS)
    return True
