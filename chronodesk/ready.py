"""ready: does the API take work yet?"""

from __future__ import annotations

import asyncio
import http.client

from chronodesk.errors import Unavailable
from chronodesk.settings import Settings

PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.2


async def wait_until_ready(settings: Settings, stopping: asyncio.Event, patience: float = PATIENCE_SECONDS) -> None:
    """Returns when /readyz says so, or when we stop. Unavailable when patience is at its end."""
    deadline = asyncio.get_running_loop().time() + patience
    while not stopping.is_set():
        if await asyncio.to_thread(is_ready, reachable_host(settings), settings.api_port):
            return
        if asyncio.get_running_loop().time() > deadline:
            raise Unavailable(f"The API is not ready after {patience:.0f} s.")
        await asyncio.sleep(PAUSE_SECONDS)


def is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=3)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def reachable_host(settings: Settings) -> str:
    """An API that listens everywhere is asked here."""
    everywhere = {"0.0.0.0", "::", ""}  # noqa: S104  compared with, not bound to
    return "127.0.0.1" if settings.api_host in everywhere else settings.api_host
