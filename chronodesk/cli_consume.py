"""cli_consume: keep read models up to date."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from chronodesk.errors import UsageError
from chronodesk.start import loaded


def register(app: typer.Typer) -> None:
    app.command("consume")(consume)


def consume(views: Annotated[list[str], typer.Argument(help="which views, e.g. tickets queues")]) -> None:
    """Feed these views from Kafka, or straight from the store where there is no Kafka."""
    from chronodesk.carriers import carry, source_of
    from consumers.loop import consume as consume_view
    from projections.registry import PROJECTIONS

    unknown = sorted(set(views) - set(PROJECTIONS))
    if unknown:
        raise UsageError(f"no such view: {', '.join(unknown)}. There are: {', '.join(PROJECTIONS)}")
    settings = loaded()
    source = source_of(settings)
    carry({view: partial(consume_view, PROJECTIONS[view], source) for view in views}, settings)
