"""desks: what is measured at? Desks that nobody else uses, and the logs that go into them."""

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

import psutil

from chronodesk.local.files import free_port
from chronodesk.local.postgres import OWNER, EmbeddedPostgres
from chronodesk.migrate import migrate

REAL = Path(__file__).parents[1] / "../shared/data/bpi2013-incidents.xes.gz"
CASES, FEW_CASES = 7_554, 300
MAPPING = "bpi2013"
SINCE = "2010-01-01"
HOURS = ("--zone", "Europe/Stockholm", "--hours", "09:00-18:00")
START_SECONDS = 120.0


def a_log(folder: Path, quick: bool) -> Path:
    """The real one; where it is not there, and in a quick run, a simulated one of the same shape."""
    return REAL if REAL.exists() and not quick else simulated(folder, FEW_CASES if quick else CASES)


def simulated(folder: Path, tickets: int) -> Path:
    log = folder / "simulated.xes.gz"
    subprocess.run(
        [sys.executable, "-m", "chronodesk", "simulate", "--tickets", str(tickets), "--seed", "1", "--out", str(log)],
        check=True,
        capture_output=True,
    )
    return log


@contextmanager
def running(folder: Path) -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    """A desk of its own: Postgres with fsync, Kafka, API, relay and a consumer a view."""
    environment = unset() | {"CHRONODESK_DATA_DIR": str(folder / "desk"), "CHRONODESK_API_PORT": str(free_port())}
    with (folder / "run.log").open("wb") as log:
        desk = subprocess.Popen(
            [sys.executable, "-m", "chronodesk", "run", "--transport", "kafka"],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(folder / "run.log", "Chronodesk is running")
        yield psutil.Process(desk.pid), environment
    finally:
        desk.send_signal(signal.SIGINT)
        desk.wait()


@contextmanager
def store_of(folder: Path, log: Path) -> Iterator[tuple[EmbeddedPostgres, dict[str, str]]]:
    """Nothing but Postgres and what is in the log, judged: no view."""
    with EmbeddedPostgres(folder) as server:
        migrate(server.url(OWNER, server.database))
        environment = unset()
        environment |= {"CHRONODESK_DATA_DIR": str(folder / "desk"), "CHRONODESK_DATABASE_URL": server.app_url}
        imported(environment, log)
        judged(environment)
        yield server, environment


def imported(environment: dict[str, str], log: Path) -> Any:
    return chronodesk(environment, "import", str(log), "--mapping", MAPPING, "--json")


def judged(environment: dict[str, str]) -> Any:
    """By the policies that are shipped, in the hours of an office, as if they had always held."""
    chronodesk(environment, "sla", "defaults", *HOURS, "--effective-from", SINCE, "--json")
    return chronodesk(environment, "sla", "apply", "--from", SINCE, "--json")


def unset() -> dict[str, str]:
    """What is set for another desk is none of this one's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CHRONODESK_")}


def keys_of(data_dir: Path) -> dict[str, str]:
    found = json.loads((data_dir / "api-keys.json").read_text())["api_keys"]
    return {key["role"]: key["key"] for key in found}


def wait_for(log: Path, words: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while words not in log.read_text(errors="replace"):
        if time.monotonic() > deadline:
            raise TimeoutError(log.read_text(errors="replace")[-2_000:])
        time.sleep(0.2)


def chronodesk(environment: dict[str, str], *arguments: str) -> Any:
    """A command's answer; progress goes to stderr and is not kept."""
    command = [sys.executable, "-m", "chronodesk", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"chronodesk {' '.join(arguments)}: {done.stderr[-2_000:]}")
    return json.loads(done.stdout)
