"""How long after it fell due does a breach stand in the log, while a desk takes 300 commands a second?"""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psycopg
import uvloop

from aggregates.ticket.events import SlaBreached
from benchmarks.calls import Connection, at_a_rate, called
from benchmarks.desks import keys_of, running
from benchmarks.measure import Measure

COMMANDS_PER_SECOND = 300
SECONDS = 60
# Every third command opens a ticket, and each of those is left unanswered.
OPENS = 3
TARGET_SECONDS = 2
CLIENTS = 16
MOST_SECONDS = 1.0
DELAYS = """
SELECT extract(epoch FROM recorded_at - (convert_from(state, 'UTF8')::jsonb #>> '{fact,due}')::timestamptz)::float8
  FROM store.events WHERE topic = %s
"""


def run(quick: bool) -> list[Measure]:
    seconds = 5 if quick else SECONDS
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder)) as (_, environment):
            desk = json.loads((Path(folder) / "desk" / "run.json").read_text())
            port, keys = int(environment["CHRONODESK_API_PORT"]), keys_of(Path(folder) / "desk")
            requester = prepared(port, keys)
            rate = uvloop.run(load(port, keys["agent"], requester, seconds))
            time.sleep(TARGET_SECONDS + 5)
            with psycopg.connect(desk["database_url"]) as connection:
                delays = sorted(row[0] for row in connection.execute(DELAYS, [SlaBreached.type_name]))
    name = f"breach delay at {rate:,.0f} commands/s"
    assert len(delays) > rate * seconds / OPENS * 0.9, f"{len(delays)} breaches"
    return [
        Measure(f"{name}, p50", "s", delays[len(delays) // 2]),
        Measure(f"{name}, p99", "s", delays[int(len(delays) * 0.99)], most=MOST_SECONDS),
    ]


def prepared(port: int, keys: dict[str, str]) -> str:
    """A policy of a few seconds, and a customer."""
    bearer = {"Authorization": f"Bearer {keys['lead']}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=bearer) as lead:
        target = {"seconds": {"normal": TARGET_SECONDS}, "time": "calendar"}
        terms = {"name": "Seconds", "targets": {"first_reply": target}, "warnings": [{"percent": 50}]}
        lead.post("/v1/sla/policies", json={"terms": terms}).raise_for_status()
        return str(lead.post("/v1/customers", json={"name": "Cleo"}).raise_for_status().json()["id"])


async def load(port: int, key: str, requester: str, seconds: int) -> float:
    """Commands at a steady rate, whoever is free sends the next. The rate that was reached."""
    start = time.perf_counter()
    total = COMMANDS_PER_SECOND * seconds
    tickets: list[str] = []

    async def command(connection: Connection, number: int) -> None:
        opens = number % OPENS == 0 or not tickets
        path = "/v1/tickets" if opens else f"/v1/tickets/{tickets[number % len(tickets)]}/notes"
        body = {"requester": requester, "subject": "Fire", "message": "It burns"} if opens else {"body": "Hm."}
        status, answer = await called(connection, "POST", path, key, body)
        assert status < 300, answer
        if opens:
            tickets.append(answer["ticket"])

    await at_a_rate(port, COMMANDS_PER_SECOND, CLIENTS, lambda number: number < total, command)
    return total / (time.perf_counter() - start)
