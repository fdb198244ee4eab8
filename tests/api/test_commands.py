"""`chronodesk api` and `chronodesk events` as somebody types them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import typer
from typer.testing import CliRunner, Result

from aggregates.envelope import Stored
from aggregates.fact import FACTS
from chronodesk import cli_api, cli_events
from chronodesk.cli_events import HEADERS, asyncapi_document, schemas
from chronodesk.errors import Unavailable, UsageError
from chronodesk.settings import Settings
from consumers.messages import event_headers
from tests.databases import Database

SECRET = "only for tests, and of no use elsewhere"


def command(*words: str, cwd: Path, **settings: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CHRONODESK_", "DATABASE_"))}
    ours = {f"CHRONODESK_{name.upper()}": value for name, value in settings.items()}
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-m", "chronodesk", *words],
        cwd=cwd, env=kept | ours | path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_it_serves_and_stops_when_told_to(database: Database, tmp_path: Path, port: int) -> None:
    keys = json.dumps([{"key": "k" * 20, "role": "lead", "id": str(uuid4())}])
    process = command(
        "api",
        cwd=tmp_path,
        database_url=database.app_url,
        secret=SECRET,
        api_port=str(port),
        api_keys=keys,
        log_json="true",
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {'k' * 20}"}) as http:
            deadline = time.monotonic() + 30
            while not answers(http):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            created = http.post("/v1/teams", json={"name": "1st line"})
            assert created.status_code == 201
            with http.stream("GET", "/v1/events", headers={"Accept": "text/event-stream"}) as stream:
                assert next(stream.iter_lines()) == "retry: 1000"
                process.send_signal(signal.SIGTERM)
                began = time.monotonic()
                out, err = process.communicate(timeout=20)
        assert time.monotonic() - began < 4, "an open stream does not hold it up"
    finally:
        process.kill()
    assert "Traceback" not in out + err
    assert SECRET not in out + err
    lines = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    line = next(line for line in lines if line.get("event") == "request")
    assert (line["route"], line["status"], line["role"]) == ("/v1/teams", 201, "lead")


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """In this process: starting another one for each takes seconds."""
    app = typer.Typer()
    app.callback()(lambda: None)
    cli_api.register(app)
    cli_events.register(app)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("chronodesk.start.configure_logging", lambda settings: None)
    return lambda *words, **settings: CliRunner().invoke(
        app, words, env={f"CHRONODESK_{name.upper()}": value for name, value in settings.items()}
    )


def test_it_says_what_is_missing(typed: Callable[..., Result], port: int) -> None:
    missing = typed("api", api_port=str(port)).exception
    assert isinstance(missing, UsageError)
    assert "CHRONODESK_SECRET" in str(missing)
    missing = typed("api", api_port=str(port), secret=SECRET).exception
    assert isinstance(missing, Unavailable)
    assert "CHRONODESK_DATABASE_URL" in str(missing)


def test_it_says_that_its_port_is_taken(typed: Callable[..., Result]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = str(other.getsockname()[1])
        assert f"127.0.0.1:{taken}" in str(typed("api", secret=SECRET, api_port=taken).exception)


def test_the_catalogue_lists_every_event(typed: Callable[..., Result]) -> None:
    table = typed("events").output
    assert all(name in table for name in FACTS)
    assert isinstance(typed("events", "--json", "--asyncapi").exception, UsageError)
    assert set(json.loads(typed("events", "--json").output)) == set(FACTS)
    assert json.loads(typed("events", "--asyncapi").output)["asyncapi"] == "3.0.0"


def test_schemas_describe_the_envelope_with_its_fact() -> None:
    schema = schemas()["ticket.escalated.v1"]
    assert {"actor", "command_id", "correlation_id", "fact"} <= set(schema["required"])
    assert "to_level" in schema["$defs"]["Escalated"]["properties"]


def test_asyncapi_names_the_topic_and_resolves(tmp_path: Path) -> None:
    document = asyncapi_document(Settings(data_dir=tmp_path))
    assert document["channels"]["events"]["address"] == "chronodesk.events.v1"
    assert set(document["components"]["messages"]) == set(FACTS)
    for reference in references(document):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        assert place


def test_asyncapi_names_the_headers_that_records_have() -> None:
    from datetime import UTC, datetime

    event = Stored(1, UUID(int=1), 1, "team.disabled.v1", datetime.now(UTC), b"{}")
    assert [name for name, _ in event_headers(event, b"urn:x")] == list(HEADERS)


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for value in node for found in references(value)] if isinstance(node, list) else []
