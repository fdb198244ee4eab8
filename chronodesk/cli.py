"""cli: which commands are there, and how does a failure leave the terminal?"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec

import typer

from chronodesk.errors import FrontDoorError
from chronodesk.terminal import errors

COMMANDS = (
    "run",
    "migrate",
    "api",
    "relay",
    "consume",
    "lag",
    "import",
    "simulate",
    "events",
    "config",
    "key",
    "demo",
    "parked",
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


def register() -> None:
    """Each command is a module `chronodesk.cli_<name>` with a function `register(app)`."""
    for name in COMMANDS:
        module = f"chronodesk.cli_{name}"
        if find_spec(module) is not None:
            importlib.import_module(module).register(app)


def main() -> None:
    register()
    try:
        app()
    except FrontDoorError as problem:
        errors.print(f"chronodesk: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(problem.exit_code)


if __name__ == "__main__":
    main()
