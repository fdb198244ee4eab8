"""cli: which commands are there, and how does a failure leave the terminal?"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable

import typer

from chronodesk.errors import FrontDoorError
from chronodesk.terminal import errors

COMMANDS = (
    "run",
    "migrate",
    "api",
    "relay",
    "clock",
    "jobs",
    "witness",
    "consume",
    "lag",
    "import",
    "simulate",
    "export",
    "restore",
    "events",
    "config",
    "key",
    "demo",
    "parked",
    "sla",
    "search",
    "analyst",
    "goals",
    "report",
    "replay",
    "audit",
    "log",
    "show",
    "diff",
    "blame",
    "bisect",
)

app = typer.Typer(
    name="chronodesk",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="An event-sourced ticketing backend.",
    epilog="Exit codes: 0 done, 1 failed, 2 asked wrongly, 3 something needed is not available (yet).",
)


@app.callback()
def chronodesk() -> None:
    """Makes every command a subcommand, even while there is only one."""


def register(names: Iterable[str]) -> None:
    """Each command is a module `chronodesk.cli_<name>` with a function `register(app)`."""
    for name in names:
        importlib.import_module(f"chronodesk.cli_{name}").register(app)


def main() -> None:
    # The command that is asked for loads alone: all of them together take seconds to import.
    asked = sys.argv[1:2]
    register(asked if asked and asked[0] in COMMANDS else COMMANDS)
    try:
        app()
    except FrontDoorError as problem:
        errors.print(f"chronodesk: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(problem.exit_code)


if __name__ == "__main__":
    main()
