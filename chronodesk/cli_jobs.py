"""cli_jobs: answer what the API was asked for and cannot answer at once."""

from __future__ import annotations

import os

import typer

from chronodesk.start import loaded

# Whoever waits for minutes can wait a little longer; whoever waits for a page cannot.
PATIENCE = 10


def register(app: typer.Typer) -> None:
    app.command("jobs")(jobs)


def jobs() -> None:
    """Answer what-ifs, one after the other, at low priority. Start as many as you like: each is one's own."""
    from chronodesk.carriers import carry
    from chronodesk.start import app_url
    from replay.what_if.jobs import Jobs

    settings = loaded()
    os.nice(PATIENCE)
    carry({"jobs": Jobs(app_url(settings)).run}, settings)
