"""server: how is the application served? One process, fast parser, and patience with nobody who sends slowly."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 15.0
HEAD_BYTES = 64 * 1024
IDLE_SECONDS = 20
GRACE_SECONDS = 5


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose request line and headers are not there in time, or are too many.

    uvicorn itself waits for the first request of a connection for ever.
    """

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._deadline is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._deadline is not None and self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The request's head is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        self._forget_deadline()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.close()


class GentleServer(uvicorn.Server):
    """Tells the application when it is to stop: a stream would otherwise hold it up until grace is over."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app = self.config.app
        if isinstance(app, Starlette) and hasattr(app.state, "stop"):
            await app.state.stop()
        await super().shutdown(sockets)


def server(app: ASGIApp, host: str, port: int, log_level: str = "INFO", **more: Any) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        # Logging is set up already; uvicorn's lines come out like ours.
        log_config=None,
        log_level=log_level.lower(),
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        **more,
    )
    return GentleServer(config)


def serve(app: ASGIApp, host: str, port: int, log_level: str = "INFO") -> None:
    """Until SIGTERM or SIGINT; running requests are let finish."""
    server(app, host, port, log_level).run()
