"""cli_clock: note what falls due, and do what policies and surveys say."""

from __future__ import annotations

import typer

from chronodesk.start import loaded


def register(app: typer.Typer) -> None:
    app.command("clock")(clock)


def clock() -> None:
    """Note SLA warnings, breaches and met targets, and ask customers what surveys ask.

    Start as many as you like: one works, the others stand by.
    """
    from chronodesk.carriers import carry
    from chronodesk.start import app_url
    from consumers.sla_clock import SlaClock
    from consumers.survey_clock import SurveyClock

    settings = loaded()
    url = app_url(settings)
    carry({"clock": SlaClock(url).run, "surveys": SurveyClock(url).run}, settings)
