"""How fast is a real log in every view? `chronodesk run` with Kafka, `chronodesk import`, and then until lag is 0."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.desks import a_log, chronodesk, imported, running
from benchmarks.measure import Measure, high_water

TARGET = 2_000.0
LEVEL_SECONDS = 300.0


def run(quick: bool) -> list[Measure]:
    """The real log; where it is not there, and in a quick run, a simulated one of the same shape."""
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        log = a_log(Path(folder), quick)
        with running(Path(folder)) as (desk, environment):
            start = time.monotonic()
            account = imported(environment, log)
            alone = time.monotonic() - start
            chronodesk(environment, "lag", "--wait", str(LEVEL_SECONDS), "--json")
            took = time.monotonic() - start
            memory = peaks(desk)
    events, facts = account["events"], account["facts"]["total"]
    whole = "import to lag 0 in all views"
    return [
        Measure(f"{whole} over Kafka", "log events/s", events / took, target=None if quick else TARGET),
        Measure(f"{whole} over Kafka", "facts/s", facts / took),
        Measure("import alone", "log events/s", events / alone),
        *(Measure(f"peak memory: {name}", "MiB", mib) for name, mib in memory.items()),
    ]


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
