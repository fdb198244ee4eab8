"""cli_replay: what can ops ask of the whole past? Each command is a module `cli_replay_<name>`."""

from __future__ import annotations

import importlib

import typer

COMMANDS = ("rebuild", "verify", "what_if")


replay = typer.Typer(no_args_is_help=True, help="Go through the log again: build views anew, see that all agrees.")


def register(app: typer.Typer) -> None:
    for name in COMMANDS:
        importlib.import_module(f"chronodesk.cli_replay_{name}").register(replay)
    app.add_typer(replay, name="replay")
