"""How fast are the clocks of a real log folded, on one core? `chronodesk import`, `sla defaults`, `apply`, `report`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.desks import a_log, chronodesk, imported, judged, running
from benchmarks.measure import Measure


def run(quick: bool) -> list[Measure]:
    """The real log; where it is not there, and in a quick run, a simulated one of the same shape."""
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        log = a_log(Path(folder), quick)
        with running(Path(folder)) as (_, environment):
            imported(environment, log)
            applied = judged(environment)
            chronodesk(environment, "lag", "--wait", "300", "--json")
            report = chronodesk(environment, "sla", "report", "--json")
    fold = report["fold_seconds"]
    return [
        Measure("clocks of the log folded, one core", "tickets/s", report["tickets"] / fold),
        Measure("clocks of the log folded, one core", "events/s", report["events"] / fold),
        Measure("the same with reading and decoding", "tickets/s", report["tickets"] / report["seconds"]),
        Measure("policies applied, breaches noted", "tickets/s", applied["tickets_a_second"]),
    ]
