"""desk: a whole desk in processes of its own, whose every part a test may kill and start again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from chronodesk.local.files import free_port
from chronodesk.local.kafka import LocalKafka
from chronodesk.processes import SERVICES, VIEWS
from commands.database import connect
from consumers.positions import wait_for_views
from tests.databases import Database

KEYS = {role: {"key": f"{role}-{uuid4()}", "role": role, "id": str(uuid4())} for role in ("lead", "agent")}
PATIENCE_SECONDS = 60.0


DUE = "SELECT count(*) FROM read.sla_tickets WHERE next_at <= clock_timestamp() + interval '3 seconds'"


class Desk:
    """Parts by name: api, relay, consume-tickets, ... One that is killed stays dead until it is started again."""

    def __init__(self, database: Database, kafka: LocalKafka, log: Path) -> None:
        self.database, self.kafka, self._log = database, kafka, log
        self.port = free_port()
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        self._processes = {process.name: process for process in SERVICES}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def topic(self) -> str:
        return f"{self.database.name}.events.v1"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHRONODESK_")}
        return inherited | {
            "CHRONODESK_DESK": self.database.name,
            "CHRONODESK_DATA_DIR": str(self._log.parent / "data"),
            "CHRONODESK_DATABASE_URL": self.database.app_url,
            "CHRONODESK_OWNER_DATABASE_URL": self.database.owner_url,
            "CHRONODESK_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "CHRONODESK_TRANSPORT": "kafka",
            "CHRONODESK_API_PORT": str(self.port),
            "CHRONODESK_SECRET": "s" * 40,
            "CHRONODESK_API_KEYS": json.dumps(list(KEYS.values())),
        }

    def start(self, *names: str) -> None:
        for name in names or self._processes:
            self._parts[name] = self.command(*self._processes[name].arguments)

    def command(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`chronodesk ARGUMENTS` with this desk's settings, its output in the log."""
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "chronodesk", *arguments], env=self.environment, stdout=log, stderr=log
            )

    def kill(self, name: str) -> None:
        self._parts[name].kill()
        self._parts[name].wait()

    def stop(self) -> None:
        for part in self._parts.values():
            part.send_signal(signal.SIGTERM)
        for part in self._parts.values():
            try:
                part.wait(timeout=15)
            except subprocess.TimeoutExpired:
                part.kill()
                part.wait()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"the API does not get ready: {self.last_words()}")

    def wait_until_level(self) -> None:
        """Until every view reflects the whole log."""
        with connect(self.database.app_url, name="test") as connection:
            report = wait_for_views(connection, VIEWS, PATIENCE_SECONDS)
        assert report.caught_up, f"the views do not get level: {report} {self.last_words()}"

    def wait_until_noted(self) -> None:
        """Until the SLA clock has nothing left to note, and every view knows what it noted."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with psycopg.connect(self.database.app_url, autocommit=True) as connection:
            while connection.execute(DUE).fetchone() != (0,):
                assert time.monotonic() < deadline, f"the clock does not come to an end: {self.last_words()}"
                time.sleep(0.2)
        self.wait_until_level()

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-3_000:]


@contextmanager
def running_desk(database: Database, kafka: LocalKafka, folder: Path) -> Iterator[Desk]:
    """Migrated, started and ready."""
    desk = Desk(database, kafka, folder / "desk.log")
    assert desk.command("migrate").wait(timeout=60) == 0, desk.last_words()
    desk.start()
    try:
        desk.wait_until_ready()
        yield desk
    finally:
        desk.stop()


def headers(role: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEYS[role]['key']}"} | more


def identity(role: str) -> Any:
    return KEYS[role]["id"]
