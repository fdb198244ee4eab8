"""cli_clock: note what falls due, and do what the policies say."""

from __future__ import annotations

import typer

from chronodesk.start import loaded


def register(app: typer.Typer) -> None:
    app.command("clock")(clock)


def clock() -> None:
    """Note SLA warnings, breaches and met targets. Start as many as you like: one works, the others stand by."""
    from chronodesk.carriers import carry
    from chronodesk.start import app_url
    from consumers.sla_clock import SlaClock

    settings = loaded()
    carry({"clock": SlaClock(app_url(settings)).run}, settings)
