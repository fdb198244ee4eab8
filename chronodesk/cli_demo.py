"""cli_demo: two years of a help desk, imported and shown from the read models, on a desk that runs."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from chronodesk.cli_import import mapping_named, print_account, run_import
from chronodesk.cli_simulate import import_simulated
from chronodesk.database import connected
from chronodesk.errors import FAILED, Unavailable
from chronodesk.hosting import desk_at_hand
from chronodesk.settings import Settings
from chronodesk.terminal import bar, console, errors, plain, say

if TYPE_CHECKING:
    from replay.picture import Line, Month, Picture, Queue

REAL = Path("../shared/data/bpi2013-incidents.xes.gz")
WITHOUT_PROGRESS_SECONDS = 60.0
POLL_SECONDS = 0.2
HEAD, TAIL = 24, 8


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    log: Annotated[
        Path | None, typer.Argument(help=f"event log; none: {REAL} if it is there, else a made-up desk")
    ] = None,
    mapping: Annotated[str, typer.Option(help="what its attributes mean")] = "bpi2013",
    tickets: Annotated[int, typer.Option(min=1, help="of a made-up desk")] = 2_000,
    seed: Annotated[int, typer.Option(help="of a made-up desk")] = 1,
    every: Annotated[bool, typer.Option("--all", help="every event of the history, changes of fields too")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Import a help desk's history, wait until every view has it, and look at it. Starts a desk if none runs here."""
    from replay.picture import look

    log = log or (REAL if REAL.exists() else None)
    named = mapping_named(mapping)
    with desk_at_hand() as settings:
        account = run_import(settings, log, named) if log else import_simulated(settings, tickets, seed)
        caught_up = wait_until_level(settings)
        with connected(settings) as connection:
            picture = look(connection)
    if as_json:
        console.print_json(json.dumps({"import": account.as_json(), **picture.as_json()}, default=str))
    else:
        print_account(account)
        say(f"All views were level with the log {caught_up:.1f} s later.")
        show(picture, every)
    if not account.whole:
        raise typer.Exit(FAILED)


def wait_until_level(settings: Settings) -> float:
    """Seconds until no view was behind. Unavailable if none gets nearer for a minute."""
    from consumers.positions import lag_report
    from projections.registry import PROJECTIONS

    began = moved = time.monotonic()
    behind = -1
    with connected(settings) as connection, errors.status("waiting for the views") as status:
        while True:
            report = lag_report(connection, list(PROJECTIONS))
            now, left = time.monotonic(), sum(view.head if not view.live else view.lag for view in report.views)
            if report.caught_up:
                return now - began
            if left != behind:
                behind, moved = left, now
            if now - moved > WITHOUT_PROGRESS_SECONDS:
                raise Unavailable(f"the views do not get nearer ({left:,} events behind): does `chronodesk run` run?")
            worst = max((view.lag for view in report.views), default=0)
            status.update(f"waiting for the views: {worst:,} events behind")
            time.sleep(POLL_SECONDS)


def show(picture: Picture, every: bool = False) -> None:
    _title("Tickets by status")
    console.print(_statuses(picture))
    _title("The teams with most open work")
    console.print(_teams(picture.teams))
    if picture.ticket:
        _show_ticket(picture, every)
    _title("Arrivals and resolutions a month")
    console.print(_months(picture.months))


def _statuses(picture: Picture) -> Table:
    table = _table("status", ">tickets", "")
    most = max(picture.statuses.values(), default=1)
    for status, tickets in picture.statuses.items():
        table.add_row(status.replace("_", " "), f"{tickets:,}", bar(tickets, most))
    return table


def _teams(queues: Sequence[Queue]) -> Table:
    table = _table("team", ">open work", ">waiting", ">unassigned", "oldest since")
    for queue in queues:
        table.add_row(*_queue(queue))
    return table


def _queue(queue: Queue) -> tuple[str, ...]:
    return (plain(queue.name), f"{queue.tickets:,}", f"{queue.waiting:,}", f"{queue.unassigned:,}", str(queue.oldest))


def _show_ticket(picture: Picture, every: bool) -> None:
    ticket = picture.ticket
    if ticket is None:
        return
    _title(f"The ticket with most handoffs: T-{ticket.number}, {plain(ticket.subject or '')}")
    counts = f"{ticket.assignee_handoffs} from agent to agent, {ticket.team_handoffs} from team to team"
    say(f"{counts}; {ticket.escalations} escalations, {ticket.reopens} reopenings; now {ticket.status}. Times in UTC.")
    table = _table("when", "what", "by")
    # Nothing of it is lost on a narrow terminal: what happened goes on in the next line.
    table.columns[1].no_wrap = False
    for line in _shortened(picture.history, every):
        table.add_row(line.at, plain(line.text), plain(line.by))
    console.print(table, markup=False)


def _shortened(history: Sequence[Line], every: bool) -> list[Line]:
    from replay.picture import Line

    lines = [line for line in history if every or line.type != "ticket.field_changed.v1"]
    if every or len(lines) <= HEAD + TAIL + 1:
        return lines
    left_out = Line("...", "", f"... {len(lines) - HEAD - TAIL} more events: --all shows them ...", "")
    return [*lines[:HEAD], left_out, *lines[-TAIL:]]


def _months(months: Sequence[Month]) -> Table:
    table = _table("month", ">arrived", "", ">resolved", "")
    most = max((max(month.arrived, month.resolved) for month in months), default=1)
    for busy, together in groupby(months, key=lambda month: bool(month.arrived or month.resolved)):
        run = list(together)
        for month in run if busy else run[-1:]:
            table.add_row(*_month(month, most, quiet=len(run) - 1 if not busy else 0))
    return table


def _month(month: Month, most: int, quiet: int = 0) -> tuple[str, ...]:
    """`quiet` months without anything before it are told in the same line."""
    name = f"... {month.month:%Y-%m}" if quiet else f"{month.month:%Y-%m}"
    arrived, resolved = bar(month.arrived, most), bar(month.resolved, most)
    return (name, f"{month.arrived:,}", arrived, f"{month.resolved:,}", resolved)


def _table(*columns: str) -> Table:
    """Columns that begin with `>` are numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left", no_wrap=True)
    return table


def _title(text: str) -> None:
    console.print()
    console.print(text, style="bold", markup=False, highlight=False, soft_wrap=True)
