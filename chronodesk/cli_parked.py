"""cli_parked: which tickets could a view not apply, and try them again after the fix."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from chronodesk.errors import FrontDoorError, UsageError
from chronodesk.start import app_url, loaded
from chronodesk.terminal import console

View = Annotated[str | None, typer.Argument(help="only this view")]
Json = Annotated[bool, typer.Option("--json", help="for machines")]


def register(app: typer.Typer) -> None:
    parked = typer.Typer(no_args_is_help=True, help="Tickets that a view set aside because it could not apply them.")
    parked.command("list")(list_)
    parked.command("replay")(replay)
    app.add_typer(parked, name="parked")


def list_(view: View = None, as_json: Json = False) -> None:
    """Show each parked ticket: the event that failed, why, and how many wait behind it."""
    from commands.database import connect
    from consumers.parked import as_json as row_as_json
    from consumers.parked import list_parked

    with connect(app_url(loaded()), name="parked") as connection:
        rows = list_parked(connection, view)
    if as_json:
        console.print_json(json.dumps([row_as_json(row) for row in rows]))
        return
    table = Table("view", "ticket", "version", "position", "type", "events", "error", box=None)
    for row in rows:
        numbers = (str(row.version), str(row.position), row.type, str(row.events))
        table.add_row(row.view, str(row.stream), *numbers, row.error or "")
    console.print(table if rows else "Nothing is parked.")


def replay(view: View = None, as_json: Json = False) -> None:
    """Fold parked tickets anew from the store. Exit code 1 if some still fail."""
    from commands.database import connect
    from consumers.builds import live_build
    from consumers.parked import as_json as row_as_json
    from consumers.parked import replay as replay_build
    from projections.registry import PROJECTIONS

    if view is not None and view not in PROJECTIONS:
        raise UsageError(f"no such view: {view}. There are: {', '.join(PROJECTIONS)}")
    with connect(app_url(loaded()), name="parked") as connection:
        builds = [(name, live_build(connection, name)) for name in ([view] if view else PROJECTIONS)]
        done = [row for name, build in builds if build for row in replay_build(connection, build, PROJECTIONS[name])]
    if as_json:
        console.print_json(json.dumps([row_as_json(row) for row in done]))
    else:
        for row in done:
            console.print(f"{row.view} {row.stream}: {row.error or 'mended'}", markup=False, highlight=False)
        if not done:
            console.print("Nothing is parked.")
    failed = sum(row.error is not None for row in done)
    if failed:
        raise FrontDoorError(f"{failed} of {len(done)} tickets still cannot be applied")
