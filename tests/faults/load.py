"""load: agents at work, who repeat what got no answer and remember what was acknowledged."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx

from commands.context import command_id
from tests.faults.desk import KEYS, Desk, headers, identity

TEMPORARY = {502, 503, 504}
PATIENCE_SECONDS = 60.0

# Some of it falls due while the agents are still at work, some when they have long gone on.
PROMISES = {
    "name": "Soon",
    "targets": {
        "first_reply": {"seconds": {"normal": 1}, "time": "calendar"},
        "assignment": {"seconds": {"normal": 1}, "time": "calendar"},
        "resolution": {"seconds": {"normal": 2}, "time": "calendar"},
    },
    "warnings": [{"percent": 50}],
    "reactions": [{"on": "breach", "actions": [{"action": "tag", "tags": ["late"]}]}],
}


class Load:
    """One customer, one agent; every request has its own Idempotency-Key and is repeated with it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.refused = 0
        self._customer = str(uuid4())
        lead = headers("lead")
        with httpx.Client(base_url=desk.url, timeout=10) as http:
            http.put(f"/v1/customers/{self._customer}", json={"name": "Cleo"}, headers=lead).raise_for_status()
            http.put(f"/v1/agents/{identity('agent')}", json={"name": "Ada"}, headers=lead).raise_for_status()
            http.post("/v1/sla/policies", json={"terms": PROMISES}, headers=lead).raise_for_status()

    def run(self, stopping: threading.Event, pause: float = 0.01) -> list[UUID]:
        """The command ids that were acknowledged, until told to stop; the last one is seen through."""
        done: list[UUID] = []
        with httpx.Client(base_url=self._desk.url, timeout=10) as http:
            for path, body in self._work(http, done):
                self._ask(http, path, body, done)
                if stopping.wait(pause):
                    return done
        return done

    def _work(self, http: httpx.Client, done: list[UUID]) -> Iterator[tuple[str, Any]]:
        for n in itertools.count(1):
            opening = {"requester": self._customer, "subject": f"printer {n} on fire", "message": "help"}
            ticket = f"/v1/tickets/{self._ask(http, '/v1/tickets', opening, done)['ticket']}"
            if n % 3 == 0:
                # Left lying, so that its promises are broken.
                continue
            yield f"{ticket}/claim", None
            yield f"{ticket}/notes", {"body": f"note on {n}"}
            yield f"{ticket}/replies", {"body": f"answer to {n}"}
            yield f"{ticket}/resolve", {}

    def _ask(self, http: httpx.Client, path: str, body: Any, done: list[UUID]) -> Any:
        key, deadline = str(uuid4()), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = http.post(path, json=body, headers=headers("agent", **{"Idempotency-Key": key}))
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code not in TEMPORARY:
                assert answer.is_success, (path, answer.status_code, answer.text)
                done.append(self._command(key))
                return answer.json()
            assert "Retry-After" in answer.headers
            self.refused += 1
            time.sleep(0.1)
        raise AssertionError(f"no answer to {path} for {PATIENCE_SECONDS} s: {self._desk.last_words()}")

    def _command(self, key: str) -> UUID:
        return command_id(f"agent:{KEYS['agent']['id']}", key)
