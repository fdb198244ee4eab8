"""The past, shown whole: a real log and ten times its events beside it, checked, rebuilt under load, asked and proven.

Every line is a command that anybody can run; this only runs them one after the other and keeps their figures.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString

import httpx
import psycopg
import uvloop

from benchmarks.calls import HOST, Connection, at_a_rate, called
from benchmarks.desks import SINCE, a_log, chronodesk, imported, judged, keys_of, running
from benchmarks.measure import Measure, told

BESIDE = 10
COMMANDS_PER_SECOND, READS_PER_SECOND = 200, 50
CLIENTS = 24
LATEST = 300
AS_OF = "2012-05-01T00:00:00+00:00"
MOST_HANDOFFS: LiteralString = """
SELECT 'T-' || number FROM read.reports ORDER BY assignee_stations + team_stations DESC, number LIMIT 1
"""
AMID: LiteralString = """
SELECT to_char(percentile_disc(0.5) WITHIN GROUP (ORDER BY opened_at), 'YYYY-MM-DD"T"HH24:MI:SSOF":00"')
  FROM read.reports
"""
VERIFIER = Path(__file__).parents[1] / "verify_bundle.py"
RULES = """
extends = "current"

[[policies]]
calendar = "Office hours"
[policies.terms]
name = "Phone"
all = [{ attribute = "channel", values = ["phone"] }]
targets.resolution.seconds = { low = 129600, normal = 43200, high = 7200, urgent = 3600 }
"""


def run(quick: bool) -> list[Measure]:
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder)) as (_, environment):
            fill(environment, Path(folder), quick)
            return [told(measure) for measure in shown(environment, Path(folder), quick)]


def fill(environment: dict[str, str], folder: Path, quick: bool) -> None:
    account = imported(environment, a_log(folder, quick))
    command = [sys.executable, "-m", "chronodesk", "simulate", "--tickets", str(BESIDE * account["cases"])]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    judged(environment)
    chronodesk(environment, "lag", "--wait", "1800", "--json")


def shown(environment: dict[str, str], folder: Path, quick: bool) -> Iterator[Measure]:
    keys, port = keys_of(folder / "desk"), int(environment["CHRONODESK_API_PORT"])
    audited, took = timed(environment, "audit", "verify", "--json")
    yield Measure("audit verify", "events/s", audited["events"] / took)
    with busy(port, keys) as load:
        rebuilt, took = lines(environment, "replay", "rebuild", "--all", "--json")
    events = sum(view["events"] for view in rebuilt)
    yield Measure("all views rebuilt and swapped under load", "events/s", events / took)
    yield Measure("commands meanwhile", "per s", load.commands / load.seconds)
    yield Measure("reads meanwhile", "per s", load.reads / load.seconds)
    yield Measure("failed commands and reads", "", len(load.failures), most=0)
    checks, took = lines(environment, "replay", "verify", "--json")
    yield Measure(f"replay verify, {len(checks)} checks", "s", took)
    then = asked_of(folder / "desk", AMID) if quick else AS_OF
    yield queue_then(port, keys["auditor"], then)
    ticket = asked_of(folder / "desk", MOST_HANDOFFS)
    _, took = timed(environment, "blame", ticket, "--json")
    yield Measure(f"blame of {ticket}, handed on most", "s", took)
    bundle = folder / "bundle.json"
    command = [sys.executable, "-m", "chronodesk", "audit", "bundle", ticket, "--sign-now", "--out", str(bundle)]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    subprocess.run([sys.executable, str(VERIFIER), str(bundle)], check=True, capture_output=True, env=bare())
    (folder / "rules.toml").write_text(RULES)
    answer, took = timed(
        environment, "replay", "what-if", "--policy", str(folder / "rules.toml"), "--from", SINCE, "--json"
    )
    yield Measure("what-if over the whole past", "tickets/s", answer["tickets"] / took)


def timed(environment: dict[str, str], *arguments: str) -> tuple[Any, float]:
    start = time.perf_counter()
    told = chronodesk(environment, *arguments)
    return told, time.perf_counter() - start


def lines(environment: dict[str, str], *arguments: str) -> tuple[list[Any], float]:
    """Of a command that tells as it goes: each line's answer."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "chronodesk", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"chronodesk {' '.join(arguments)}: {done.stdout[-2_000:]}{done.stderr[-2_000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()], time.perf_counter() - start


def bare() -> dict[str, str]:
    """Without the desk: a bundle is checked by somebody who has nothing but the file."""
    return {"PATH": os.environ["PATH"]}


def queue_then(port: int, key: str, then: str) -> Measure:
    asked = {"as_of": then, "basis": "occurred", "limit": "50"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}) as auditor:
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            page = auditor.get("/v1/queues", params=asked, timeout=60).raise_for_status().json()
            seconds.append(time.perf_counter() - start)
        assert page["items"], "nobody waited then"
    return Measure(f"queue as of {then[:10]}", "s", sorted(seconds)[2], most=1.0)


def asked_of(data_dir: Path, query: LiteralString) -> str:
    with psycopg.connect(json.loads((data_dir / "run.json").read_text())["database_url"]) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])


@dataclass
class Load:
    """What agents did and saw while something else was going on."""

    commands: int = 0
    reads: int = 0
    seconds: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)


@contextmanager
def busy(port: int, keys: dict[str, str]) -> Iterator[Load]:
    """200 commands/s and 50 reads/s beside what the caller does."""
    load, stopping = Load(), threading.Event()
    thread = threading.Thread(target=lambda: uvloop.run(_work(port, keys, load, stopping)))
    start = time.perf_counter()
    thread.start()
    try:
        yield load
    finally:
        stopping.set()
        thread.join()
        load.seconds = time.perf_counter() - start


async def _work(port: int, keys: dict[str, str], load: Load, stopping: threading.Event) -> None:
    key, tickets = keys["agent"], list[str]()
    connection = await asyncio.open_connection(HOST, port)
    _, customer = await called(connection, "POST", "/v1/customers", key, {"name": "Cleo"})
    ticket = {"requester": customer["id"], "subject": "Fire", "message": "It burns"}

    async def command(connection: Connection, number: int) -> None:
        """Every third opens a ticket, the others write on one of those opened last."""
        opens = number % 3 == 0 or not tickets
        path = "/v1/tickets" if opens else f"/v1/tickets/{tickets[-1 - number % min(len(tickets), LATEST)]}/notes"
        answer = await _counted(load, called(connection, "POST", path, key, ticket if opens else {"body": "Hm."}))
        if opens and answer is not None:
            tickets.append(answer["number"])
        load.commands += 1

    async def read(connection: Connection, number: int) -> None:
        lists = ["/v1/queues", "/v1/queues/counts", "/v1/sla/board"]
        paths = [*lists, f"/v1/tickets/{tickets[-LATEST]}"] if len(tickets) > LATEST else lists
        await _counted(load, called(connection, "GET", paths[number % len(paths)], key))
        load.reads += 1

    def goes_on(_: int) -> bool:
        return not stopping.is_set()

    await asyncio.gather(
        at_a_rate(port, COMMANDS_PER_SECOND, CLIENTS, goes_on, command),
        at_a_rate(port, READS_PER_SECOND, CLIENTS, goes_on, read),
    )
    connection[1].close()


async def _counted(load: Load, asked: Awaitable[tuple[int, Any]]) -> Any:
    """The answer, unless it failed."""
    try:
        status, answer = await asked
    except OSError as error:
        load.failures[type(error).__name__] += 1
        return None
    if status < 300:
        return answer
    load.failures[str(status)] += 1
    return None
