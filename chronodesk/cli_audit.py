"""cli_audit: what can an auditor ask of the whole desk? Each command is a module `chronodesk.cli_audit_<name>`."""

from __future__ import annotations

import importlib

import typer

COMMANDS = ("search", "why")

audit = typer.Typer(no_args_is_help=True, help="Search the whole log, see what caused what, and prove what it says.")


def register(app: typer.Typer) -> None:
    for name in COMMANDS:
        importlib.import_module(f"chronodesk.cli_audit_{name}").register(audit)
    app.add_typer(audit, name="audit")
