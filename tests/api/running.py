"""running: a whole API over real HTTP, on a real Postgres, with consumers that keep its views up to date."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import uvicorn

from api.app import create_app
from api.config import ApiConfig, Key, Role
from api.server import server
from chronodesk.migrate import newest_revision
from commands.database import connect
from consumers.loop import Source, consume, run_all
from consumers.positions import wait_for_views
from projections.registry import PROJECTIONS
from tests.databases import Database

ROLES: tuple[Role, ...] = ("agent", "lead", "auditor", "analyst", "ops", "customer", "service")
SECRET = b"only for tests, and of no use elsewhere"


def key_of(name: str) -> str:
    return f"key-of-{name}"


def keys() -> tuple[Key, ...]:
    """One for each role, and a second agent and customer."""
    names: Mapping[str, Role] = {role: role for role in ROLES} | {"agent2": "agent", "customer2": "customer"}
    return tuple(Key(key_of(name), role, uuid4()) for name, role in names.items())


@dataclass
class Desk:
    """`ids`: whom each key stands for, by its name."""

    url: str
    database: Database
    config: ApiConfig
    http: httpx.Client
    ids: Mapping[str, UUID] = field(default_factory=dict)

    def call(
        self, who: str | None, method: str, path: str, json: Any = None, *, headers: Mapping[str, str] = {}, **more: Any
    ) -> httpx.Response:
        sent = dict(headers) | ({"Authorization": f"Bearer {key_of(who)}"} if who else {})
        return self.http.request(method, path, headers=sent, json=json, **more)

    def get(self, who: str, path: str, after: httpx.Response | str | None = None, **headers: str) -> httpx.Response:
        """What has seen the answer `after`."""
        if isinstance(after, httpx.Response):
            after = after.headers["chronodesk-position"]
        seen = {"Chronodesk-After": after, "Prefer": "wait=10"} if after else {}
        return self.call(who, "GET", path, headers=seen | {name.replace("_", "-"): v for name, v in headers.items()})

    def post(self, who: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        return self.call(who, "POST", path, json, headers={name.replace("_", "-"): v for name, v in headers.items()})

    def done(self, who: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        """The same, and it must succeed."""
        answer = self.post(who, path, json, **headers)
        assert answer.is_success, answer.text
        return answer

    def ticket(self, **more: Any) -> str:
        """A new ticket of the customer's; its number."""
        body = {"requester": str(self.ids["customer"]), "subject": "Printer on fire", "message": "It burns."} | more
        return str(self.done("agent", "/v1/tickets", body).json()["number"])


@contextmanager
def running_desk(database: Database, **config: Any) -> Iterator[Desk]:
    """The callers that need it are registered; views follow within milliseconds."""
    given = replace(api_config(database), **config)
    with served(given) as url, httpx.Client(base_url=url, timeout=30) as http, consuming(database):
        desk = Desk(url, database, given, http, {key.secret.removeprefix("key-of-"): key.id for key in given.keys})
        for name in ("agent", "agent2", "lead"):
            registered = desk.call("lead", "PUT", f"/v1/agents/{desk.ids[name]}", {"name": name.title()})
            assert registered.status_code == 201, registered.text
        for name in ("customer", "customer2"):
            registered = desk.call("agent", "PUT", f"/v1/customers/{desk.ids[name]}", {"name": name.title()})
            assert registered.status_code == 201, registered.text
        with connect(database.app_url, name="test") as connection:
            assert wait_for_views(connection, list(PROJECTIONS), 30).caught_up
        yield desk


def api_config(database: Database) -> ApiConfig:
    return ApiConfig(database.app_url, SECRET, keys(), newest_revision())


@contextmanager
def served(config: ApiConfig) -> Iterator[str]:
    """Real HTTP on a free port; the URL."""
    running = server(create_app(config), "127.0.0.1", 0, "WARNING")
    thread = threading.Thread(target=running.run, name="api")
    thread.start()
    try:
        yield _url(running)
    finally:
        running.should_exit = True
        thread.join(15)
    assert not thread.is_alive()


@contextmanager
def consuming(database: Database) -> Iterator[None]:
    stopping = threading.Event()
    source = Source(database.app_url, None, "unused")
    works = {
        name: lambda stop, projection=projection: consume(projection, source, stop)
        for name, projection in PROJECTIONS.items()
    }
    thread = threading.Thread(target=run_all, args=(works, stopping), name="consumers")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(15)
    assert not thread.is_alive()


def _url(running: uvicorn.Server) -> str:
    deadline = time.monotonic() + 10
    while not running.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    return f"http://127.0.0.1:{port}"
