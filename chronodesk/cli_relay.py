"""cli_relay: carry the store's events into Kafka."""

from __future__ import annotations

import typer

from chronodesk.start import loaded


def register(app: typer.Typer) -> None:
    app.command("relay")(relay)


def relay() -> None:
    """Publish every event to Kafka, in order. Start as many as you like: one works, the others stand by."""
    from chronodesk.carriers import bootstrap_of, carry
    from chronodesk.start import app_url
    from consumers.loop import relay as relay_work

    settings = loaded()
    work = relay_work(app_url(settings), bootstrap_of(settings), settings.topic)
    carry({"relay": work}, settings)
