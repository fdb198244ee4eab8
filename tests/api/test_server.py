"""The server itself: slow senders, a database that is away, faults of our own, health and metrics."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

import api.door
import api.server
from api.callers import Keyring
from commands.tickets import Tickets
from tests.api.running import Desk, api_config, key_of, served
from tests.databases import Database

HEAD = b"POST /v1/tickets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key_of("agent").encode() + b"\r\n"


@contextlib.contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        yield connection


def closed_after(connection: socket.socket) -> tuple[float, bytes]:
    """Seconds until the server closes, and what it said."""
    began, said = time.monotonic(), b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65_536):
            said += chunk
    return time.monotonic() - began, said


def test_no_limit_is_longer_than_thirty_seconds() -> None:
    assert max(api.server.HEAD_SECONDS, api.server.IDLE_SECONDS, api.door.BODY_SECONDS) <= 30


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HT", HEAD, HEAD + b"X-A: b\r\n"])
def test_a_head_that_never_ends_is_cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(api.server, "HEAD_SECONDS", 0.3)
    with connected(desk.url) as connection:
        connection.sendall(sent)
        assert closed_after(connection)[0] < 5


def test_a_second_head_on_the_same_connection_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.server, "HEAD_SECONDS", 0.3)
    with connected(desk.url) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in connection.recv(65_536)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        assert closed_after(connection)[0] < 5


def test_a_head_without_end_is_refused(desk: Desk) -> None:
    with connected(desk.url) as connection:
        with contextlib.suppress(ConnectionError):
            for number in range(3_000):
                connection.sendall(b"X-%d: " % number + b"x" * 1_000 + b"\r\n" if number else HEAD)
        seconds, said = closed_after(connection)
    assert seconds < 5
    assert said.startswith(b"HTTP/1.1 400") or not said


def test_a_body_that_trickles_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    monkeypatch.setattr(api.door.BodyLimit.__init__, "__defaults__", (0.5,))
    with served(replace(desk.config)) as url, connected(url) as connection:
        connection.sendall(HEAD + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        seconds, said = closed_after(connection)
    assert 0.3 < seconds < 5
    assert said.startswith(b"HTTP/1.1 408")
    assert b"request.too_slow" in said


def test_a_body_that_says_it_is_too_large_is_not_waited_for(desk: Desk) -> None:
    with connected(desk.url) as connection:
        connection.sendall(HEAD + b"Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n")
        seconds, said = closed_after(connection)
    assert seconds < 5
    assert said.startswith(b"HTTP/1.1 413")


def test_alive_and_ready(desk: Desk) -> None:
    assert desk.call(None, "GET", "/healthz").json() == {"status": "alive"}
    ready = desk.call(None, "GET", "/readyz")
    assert (ready.status_code, ready.json()["schema_revision"]) == (200, desk.config.schema_revision)


def test_not_ready_on_another_schema(desk: Desk) -> None:
    with served(replace(desk.config, schema_revision="9999")) as url:
        answer = httpx.get(f"{url}/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "schema.other_revision")


def test_not_ready_with_the_views_of_another_release(desk: Desk, database: Database) -> None:
    with served(api_config(database)) as url:
        assert httpx.get(f"{url}/readyz").status_code == 200
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            owner.execute(
                "INSERT INTO consumers.builds (schema, view, version, number, live) VALUES ('old', 'desk', 0, 1, true)"
            )
        answer = httpx.get(f"{url}/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "view.other_version")


def test_without_a_database_it_lives_and_says_503(database: Database) -> None:
    with socket.socket() as nobody, ThreadPoolExecutor(2) as threads:
        nobody.bind(("127.0.0.1", 0))
        gone = f"postgresql://x:y@127.0.0.1:{nobody.getsockname()[1]}/z?connect_timeout=1"
        headers = {"Authorization": f"Bearer {key_of('agent')}"}
        config = replace(api_config(database), database_url=gone)
        with served(config) as url, httpx.Client(base_url=url, timeout=20, headers=headers) as http:
            assert http.get("/healthz").status_code == 200
            answers = list(threads.map(http.get, ("/readyz", "/v1/queues")))
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "store.unavailable")
        assert answer.headers["retry-after"] == "1"


def test_a_lost_connection_is_replaced(desk: Desk) -> None:
    ticket = desk.ticket()
    with psycopg.connect(desk.database.superuser_url, autocommit=True) as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name LIKE %s",
            (desk.database.name, "%api%"),
        )
    answers = [desk.post("agent", f"/v1/tickets/{ticket}/notes", {"body": "x"}) for _ in range(20)]
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert answers[-1].status_code == 200


def test_a_fault_of_ours_tells_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sql = "SELECT secret FROM somewhere"

    async def broken(*_: object) -> None:
        raise RuntimeError(sql)

    ticket = desk.ticket()
    monkeypatch.setattr(Tickets, "work", broken)
    with caplog.at_level("INFO"):
        answer = desk.post("agent", f"/v1/tickets/{ticket}/notes", {"body": "canary-in-a-fault"})
    assert (answer.status_code, answer.json()["code"]) == (500, "server.fault")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    logged = caplog.text
    assert "RuntimeError" in logged
    assert answer.headers["x-correlation-id"] in logged
    assert "canary-in-a-fault" not in logged
    assert sql not in logged


def test_metrics_count_requests_by_template_and_commits(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": "x"})
    told = desk.call(None, "GET", "/metrics").text
    assert (
        'chronodesk_http_request_seconds_count{method="POST",route="/v1/tickets/{ticket}/notes",status="200"}' in told
    )
    assert 'chronodesk_appends_total{outcome="accepted"}' in told
    assert "chronodesk_append_batch_bucket" in told
    assert ticket not in told


def test_a_made_up_method_makes_no_new_series(desk: Desk) -> None:
    for method in ("PROPFIND", "MKCOL"):
        for path in ("/v1/queues", f"/v1/{method}"):
            assert desk.call("agent", method, path).status_code in (404, 405)
    told = desk.call(None, "GET", "/metrics").text
    assert "PROPFIND" not in told
    assert "MKCOL" not in told


def test_every_key_is_compared(database: Database) -> None:
    config = api_config(database)
    ring = Keyring(config.keys)
    assert [ring.caller(key.secret.encode()).id for key in config.keys] == [key.id for key in config.keys]  # type: ignore[union-attr]
    assert ring.caller(b"") is None
