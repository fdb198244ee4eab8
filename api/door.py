"""door: what happens to every request before and after its route? Limits, correlation, metrics, one log line."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.callers import CALLER, Caller
from api.metrics import REQUESTS

log = structlog.get_logger("api")

BODY_SECONDS = 25.0
Headers = Iterable[tuple[bytes, bytes]]


class BodyLimit:
    """Counts while the body streams: 413 once it is over `limit`, 408 if it takes too long."""

    def __init__(self, app: ASGIApp, limit: int, seconds: float = BODY_SECONDS) -> None:
        self._app, self._limit, self._seconds = app, limit, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if _announced(scope["headers"]) > self._limit:
            return await problems.answer(problems.of_status(413), {"Connection": "close"})(scope, receive, send)
        await self._app(scope, self._counting(receive), send)

    def _counting(self, receive: Receive) -> Receive:
        deadline, received, whole = time.monotonic() + self._seconds, 0, False

        async def counted() -> Message:
            nonlocal received, whole
            if whole:
                return await receive()
            try:
                # Not wait_for: that makes a task of each receive.
                async with asyncio.timeout(deadline - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, headers={"Connection": "close"}) from None
            received += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            # FastAPI lets only HTTPExceptions pass while it reads a body.
            if received > self._limit:
                raise HTTPException(413, headers={"Connection": "close"})
            return message

        return counted


class Observed:
    """Gives each request a correlation id, measures it, writes its line, and answers for what nobody caught."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        state = scope.setdefault("state", {})
        state["correlation"], state["told"] = _correlation(scope["headers"]), {}
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-correlation-id", str(state["correlation"]).encode()))
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if status:
                raise
            # Where, but neither the error's words nor any values: these may be a customer's own.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("request.failed", correlation=str(state["correlation"]), error=type(error).__name__, where=where)
            await problems.answer(problems.unexpected())(scope, receive, sending)
        finally:
            _measure(scope, status, time.perf_counter() - began)


def _measure(scope: Scope, status: int, seconds: float) -> None:
    found = scope.get("route")
    route, methods = getattr(found, "path", "none"), getattr(found, "methods", None) or ()
    # Methods and addresses that somebody made up must not become series.
    REQUESTS.labels(scope["method"] if scope["method"] in methods else "other", route, str(status)).observe(seconds)
    caller: Caller | None = scope.get(CALLER)
    # What auditors read is on record; plain reads of others are in the metrics.
    if scope["method"] in ("GET", "HEAD") and status < HTTPStatus.INTERNAL_SERVER_ERROR and not _audits(caller):
        return
    who: dict[str, Any] = {"role": caller.role, "caller": str(caller.id)} if caller else {}
    log.info(
        "request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 1),
        correlation=str(scope["state"]["correlation"]), **who, **scope["state"]["told"],
    )  # fmt: skip


def _audits(caller: Caller | None) -> bool:
    return caller is not None and caller.role == "auditor"


def _announced(headers: Headers) -> int:
    """Content-Length, where there is one that makes sense; the server has refused the others."""
    length = next((value for name, value in headers if name == b"content-length"), b"0")
    return int(length) if length.isdigit() and len(length) < 20 else 0


def _correlation(headers: Headers) -> UUID:
    """The caller's own, if it is a UUID or a W3C trace; else a new one."""
    given = {name: value for name, value in headers if name in (b"x-correlation-id", b"traceparent")}
    own = given.get(b"x-correlation-id") or given.get(b"traceparent", b"")[3:35]
    try:
        return UUID(own.decode("ascii")) if own else uuid4()
    except ValueError:
        return uuid4()
