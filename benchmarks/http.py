"""How fast does a ticket open over HTTP? Beside an endpoint of the same app that parses it and stores nothing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx
import uvloop

from aggregates.ticket.commands import OpenTicket
from api.answers import CommandAnswer
from api.app import create_app
from api.asking import AskAnew
from api.callers import IntakeCaller
from api.config import ApiConfig, Key
from api.server import serve
from api.strict import router
from benchmarks.measure import Measure
from chronodesk.local.files import free_port
from chronodesk.local.postgres import APP, OWNER, EmbeddedPostgres
from chronodesk.migrate import migrate, newest_revision
from chronodesk.start import loaded

CONCURRENCY = 32
ROUNDS = 5
TARGET = 0.4
KEYS = (Key("agent-key", "agent", UUID(int=1)), Key("lead-key", "lead", UUID(int=2)))
HOST = "127.0.0.1"


def run(quick: bool) -> list[Measure]:
    requests, rounds = (320, 1) if quick else (3_200, ROUNDS)
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as server:
            server.create_database("http")
            migrate(server.url(OWNER, "http"))
            with serving(server.url(APP, "http")) as port:
                body = ticket_body(port)
                pairs = [uvloop.run(one_round(port, body, requests)) for _ in range(rounds + 1)][1:]
    opened, parsed = (median(rates) for rates in zip(*pairs, strict=True))
    name = f"POST /v1/tickets, {CONCURRENCY} at a time"
    return [Measure(name, "requests/s", opened, parsed, "parse only", TARGET)]


def application(url: str) -> Any:
    """The product's own app and, beside it, a route that does all but deciding and storing."""
    app = create_app(ApiConfig(url, b"b" * 32, KEYS, newest_revision()))
    beside = router("/bench", "bench")

    @beside.post("/parse", status_code=201)
    async def parse_only(who: IntakeCaller, body: OpenTicket, ask: AskAnew) -> CommandAnswer:
        return CommandAnswer(
            ticket=body.requester, number="T-1", version=2, position=2, events=["ticket.opened.v1"] * 2
        )

    # Evaluated lazily by FastAPI in this module's namespace, as for every route of the product.
    app.router.routes.extend(beside.routes)
    return app


@contextmanager
def serving(url: str) -> Iterator[int]:
    """One API process of its own."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.http", url, str(port)])
    try:
        wait_until_ready(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://{HOST}:{port}/readyz").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError("the API does not get ready")


def ticket_body(port: int) -> bytes:
    bearer = {"Authorization": f"Bearer {KEYS[1].secret}"}
    answer = httpx.post(f"http://{HOST}:{port}/v1/customers", json={"name": "Cleo"}, headers=bearer)
    ticket = {
        "requester": answer.raise_for_status().json()["id"],
        "subject": "The printer is on fire",
        "message": "It has been burning since this morning. " * 10,
        "priority": "high",
        "tags": ["fire", "printer"],
        "fields": {"room": "4.12"},
    }
    return json.dumps(ticket).encode()


async def one_round(port: int, body: bytes, requests: int) -> tuple[float, float]:
    """Requests/s of opening and of parsing only, one after the other."""
    return await rate(port, "/v1/tickets", body, requests), await rate(port, "/v1/bench/parse", body, requests)


async def rate(port: int, path: str, body: bytes, requests: int) -> float:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {KEYS[0].secret}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    start = time.perf_counter()
    each = requests // CONCURRENCY
    await asyncio.gather(*(client(port, head.encode() + body, each) for _ in range(CONCURRENCY)))
    return each * CONCURRENCY / (time.perf_counter() - start)


async def client(port: int, request: bytes, times: int) -> None:
    """One kept connection. By hand: a real client library would cost more than the server under test."""
    reader, writer = await asyncio.open_connection(HOST, port)
    for _ in range(times):
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 201"), head
        await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    writer.close()


if __name__ == "__main__":
    # Both sides would pay for a line a request; the ratio is about storing.
    loaded(log_level="WARNING")
    serve(application(sys.argv[1]), HOST, int(sys.argv[2]), "WARNING")
