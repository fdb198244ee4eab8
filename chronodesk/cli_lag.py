"""cli_lag: how far behind is each view?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from chronodesk.errors import Unavailable
from chronodesk.start import app_url, loaded
from chronodesk.terminal import console

if TYPE_CHECKING:
    from consumers.positions import LagReport


def register(app: typer.Typer) -> None:
    app.command("lag")(lag)


def lag(
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
    wait: Annotated[float, typer.Option(help="wait up to this many seconds until no view is behind", min=0)] = 0,
) -> None:
    """Show how far each view and the relay have come. With --wait: exit code 3 if a view is behind at the end."""
    from commands.database import connect
    from consumers.positions import wait_for_views
    from projections.registry import PROJECTIONS

    with connect(app_url(loaded()), name="lag") as connection:
        report = wait_for_views(connection, list(PROJECTIONS), wait)
    if as_json:
        console.print_json(json.dumps(report.as_json()))
    else:
        _show(report)
    if wait and not report.caught_up:
        raise Unavailable(f"not level with the log after {wait:g} s: {_behind(report)}")


def _show(report: LagReport) -> None:
    table = Table("view", "build", *RIGHT, box=None)
    for column in table.columns[2:]:
        column.justify = "right"
    for row in report.views:
        build = row.build or "not yet built"
        name = build if row.live or row.build is None else f"{build} (being built)"
        parked = f"[red]{row.parked}[/red]" if row.parked else "0"
        table.add_row(row.view, name, str(row.position), str(row.head), str(row.lag), parked, _ago(row.idle_seconds))
    for relay in report.relays:
        told = (str(relay.position), str(relay.head), str(relay.lag), "", _ago(relay.age_seconds))
        table.add_row("(relay)", relay.topic, *told)
    console.print(table)


RIGHT = ("position", "head", "lag", "parked", "last moved")


def _ago(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.0f} s ago"


def _behind(report: LagReport) -> str:
    return ", ".join(f"{row.view} by {row.lag}" for row in report.views if row.lag or not row.live)
