"""How fast are the clocks of a real log folded, on one core? `chronodesk import`, `sla defaults`, `apply`, `report`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.importing import MAPPING, REAL, chronodesk, running, simulated
from benchmarks.measure import Measure

SINCE = "2010-01-01"


def run(quick: bool) -> list[Measure]:
    """The real log; where it is not there, and in a quick run, a simulated one of the same shape."""
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        log = REAL if REAL.exists() and not quick else simulated(Path(folder), 300 if quick else 7_554)
        with running(Path(folder)) as (_, environment):
            chronodesk(environment, "import", str(log), "--mapping", MAPPING, "--json")
            hours = ("--zone", "Europe/Stockholm", "--hours", "09:00-18:00")
            chronodesk(environment, "sla", "defaults", *hours, "--effective-from", SINCE, "--json")
            applied = chronodesk(environment, "sla", "apply", "--from", SINCE, "--json")
            chronodesk(environment, "lag", "--wait", "300", "--json")
            report = chronodesk(environment, "sla", "report", "--json")
    fold = report["fold_seconds"]
    return [
        Measure("clocks of the log folded, one core", "tickets/s", report["tickets"] / fold),
        Measure("clocks of the log folded, one core", "events/s", report["events"] / fold),
        Measure("the same with reading and decoding", "tickets/s", report["tickets"] / report["seconds"]),
        Measure("policies applied, breaches noted", "tickets/s", applied["tickets_a_second"]),
    ]
