"""cli_lag: how far behind is each view?"""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.live import Live
from rich.table import Table

from chronodesk.errors import Unavailable, UsageError
from chronodesk.start import app_url, loaded
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from psycopg import Connection

    from consumers.positions import LagReport

RIGHT = ("position", "head", "lag", "parked", "last moved")


def register(app: typer.Typer) -> None:
    app.command("lag")(lag)


def lag(
    as_json: Annotated[bool, typer.Option("--json", help="for machines; with --watch one object a line")] = False,
    wait: Annotated[float, typer.Option(help="wait up to this many seconds until no view is behind", min=0)] = 0,
    watch: Annotated[bool, typer.Option("--watch", help="show it again and again, until Ctrl-C")] = False,
    every: Annotated[float, typer.Option(help="with --watch: seconds between", min=0.1)] = 1.0,
) -> None:
    """Show how far each view and the relay have come. With --wait: exit code 3 if a view is behind at the end."""
    from chronodesk.database import told_plainly
    from commands.database import connect
    from consumers.positions import wait_for_views
    from projections.registry import PROJECTIONS

    if watch and wait:
        raise UsageError("either --wait or --watch, not both")
    with told_plainly(), closing(connect(app_url(loaded()), name="lag")) as connection:
        if watch:
            _watch(connection, every, as_json)
            return
        report = wait_for_views(connection, list(PROJECTIONS), wait)
    if as_json:
        console.print_json(json.dumps(report.as_json()))
    else:
        console.print(_table(report))
    if wait and not report.caught_up:
        raise Unavailable(f"not level with the log after {wait:g} s: {_behind(report)}")


def _watch(connection: Connection[Any], every: float, as_json: bool) -> None:
    """A table that stays in its place; a line each time where nobody sits at a terminal."""
    from consumers.positions import lag_report
    from projections.registry import PROJECTIONS

    def report() -> LagReport:
        return lag_report(connection, list(PROJECTIONS))

    try:
        if console.is_terminal and not as_json:
            with Live(_table(report()), console=console, auto_refresh=False) as live:
                while True:
                    time.sleep(every)
                    live.update(_table(report()), refresh=True)
        while True:
            found = report()
            console.file.write(json.dumps(found.as_json()) + "\n" if as_json else "")
            console.file.flush()
            if not as_json:
                say(_line(found))
            time.sleep(every)
    except KeyboardInterrupt:
        return


def _table(report: LagReport) -> Table:
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
    return table


def _line(report: LagReport) -> str:
    head = max((row.head for row in report.views), default=0)
    parked = sum(row.parked for row in report.views)
    relays = "".join(f"; relay behind by {relay.lag:,}" for relay in report.relays if relay.lag)
    return f"head {head:,}; behind: {_behind(report) or 'nobody'}; parked {parked}{relays}"


def _ago(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.0f} s ago"


def _behind(report: LagReport) -> str:
    return ", ".join(f"{row.view} by {row.lag:,}" for row in report.views if row.lag or not row.live)
