"""cli_migrate: bring the database up to this release's schema."""

from __future__ import annotations

import typer

from chronodesk.settings import Settings
from chronodesk.start import loaded, owner_url
from chronodesk.terminal import console


def register(app: typer.Typer) -> None:
    app.command("migrate")(migrate)


def migrate() -> None:
    """Create or upgrade tables, functions and roles. Safe to run again, and from several machines at once."""
    from chronodesk.migrate import migrate as run_migrations

    settings: Settings = loaded()
    run_migrations(owner_url(settings), progress=lambda line: console.print(line, markup=False, highlight=False))
