"""Which measures run, and how are they printed? `python -m benchmarks [NAME ...] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import (
    append,
    as_of,
    breaches,
    due,
    figures,
    http,
    importing,
    judging,
    proof,
    rebuild,
    reporting,
    search,
    show,
)
from benchmarks.measure import Measure

BENCHMARKS: dict[str, Callable[[bool], list[Measure]]] = {
    "append": append.run,
    "http": http.run,
    "import": importing.run,
    "due": due.run,
    "breaches": breaches.run,
    "judging": judging.run,
    "as-of": as_of.run,
    "proof": proof.run,
    "rebuild": rebuild.run,
    "figures": figures.run,
    "search": search.run,
    "reporting": reporting.run,
    "show": show.run,
}


def main() -> int:
    """Exit code 1 if a measure misses its target."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all if none is named")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measures here too")
    parser.add_argument("--quick", action="store_true", help="short runs: to see that everything works")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    measures = [measure for name in given.names or BENCHMARKS for measure in BENCHMARKS[name](given.quick)]
    print_all(measures)
    if given.json:
        given.json.write_text(json.dumps([measure.as_json() for measure in measures], indent=2) + "\n")
    return 0 if all(measure.reached for measure in measures) else 1


def print_all(measures: list[Measure]) -> None:
    table = Table("measure", "ours", "beside", "ratio", "target", "")
    for column in table.columns[1:5]:
        column.justify = "right"
    for measure in measures:
        table.add_row(*measure.cells())
    Console(width=None if sys.stdout.isatty() else 140).print(table)


if __name__ == "__main__":
    sys.exit(main())
