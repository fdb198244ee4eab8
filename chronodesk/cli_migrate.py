"""cli_migrate: bring the database up to this release's schema."""

from __future__ import annotations

import typer

from chronodesk.start import loaded
from chronodesk.terminal import console


def register(app: typer.Typer) -> None:
    app.command("migrate")(migrate)


def migrate() -> None:
    """Create or upgrade tables, functions and roles, and Kafka's topic. Safe to run again."""
    from chronodesk.prepare import prepare

    prepare(loaded(), lambda line: console.print(line, markup=False, highlight=False))
