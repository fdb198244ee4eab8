"""cli_audit: what can an auditor ask of the whole log? Each command is a module `cli_audit_<name>`."""

from __future__ import annotations

import importlib

import typer

COMMANDS = ("verify", "heads", "bundle", "key", "search", "why")

audit = typer.Typer(no_args_is_help=True, help="Prove what the log says, search it, and see what caused what.")


def register(app: typer.Typer) -> None:
    for name in COMMANDS:
        importlib.import_module(f"chronodesk.cli_audit_{name}").register(audit)
    app.add_typer(audit, name="audit")
