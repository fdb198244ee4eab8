"""How fast is a real log in every view? `chronodesk run` with Kafka, `chronodesk import`, and then until lag is 0."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from benchmarks.measure import Measure
from chronodesk.local.files import free_port

REAL = Path(__file__).parents[1] / "../shared/data/bpi2013-incidents.xes.gz"
MAPPING = "bpi2013"
TARGET = 2_000.0
START_SECONDS, LEVEL_SECONDS = 120.0, 300.0


def run(quick: bool) -> list[Measure]:
    """The real log; where it is not there, and in a quick run, a simulated one of the same shape."""
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        log = REAL if REAL.exists() and not quick else simulated(Path(folder), 300 if quick else 7_554)
        with running(Path(folder)) as (desk, environment):
            start = time.monotonic()
            account = chronodesk(environment, "import", str(log), "--mapping", MAPPING, "--json")
            imported = time.monotonic() - start
            chronodesk(environment, "lag", "--wait", str(LEVEL_SECONDS), "--json")
            took = time.monotonic() - start
            memory = peaks(desk)
    events, facts = account["events"], account["facts"]["total"]
    whole = "import to lag 0 in all views"
    return [
        Measure(f"{whole} over Kafka", "log events/s", events / took, target=None if quick else TARGET),
        Measure(f"{whole} over Kafka", "facts/s", facts / took),
        Measure("import alone", "log events/s", events / imported),
        *(Measure(f"peak memory: {name}", "MiB", mib) for name, mib in memory.items()),
    ]


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
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHRONODESK_")}
    environment |= {"CHRONODESK_DATA_DIR": str(folder / "desk"), "CHRONODESK_API_PORT": str(free_port())}
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


def peaks(desk: psutil.Process) -> dict[str, float]:
    """Peak resident memory of each process of the desk, in MiB; of Postgres the largest one."""
    found: dict[str, float] = {}
    for process in desk.children(recursive=True):
        name = part_of(process.cmdline())
        if name is not None:
            found[name] = max(found.get(name, 0.0), high_water(process.pid))
    return found


def part_of(command: list[str]) -> str | None:
    words = " ".join(command)
    if "chronodesk.child" in words:
        return words.split("chronodesk.child ")[1]
    return "kafka" if "kafka.Kafka" in words else "postgres (largest)" if "postgres" in words else None


def high_water(pid: int) -> float:
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) / 1024 if match else 0.0
