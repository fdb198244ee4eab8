"""cli_parked: which tickets could a view not apply, why, and what is to become of them?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from chronodesk.errors import FrontDoorError, UsageError
from chronodesk.start import app_url, loaded
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from psycopg import Connection

    from consumers.builds import Build

View = Annotated[str | None, typer.Argument(help="only this view")]
OneView = Annotated[str, typer.Argument(help="a view", show_default=False)]
Ticket = Annotated[UUID, typer.Argument(help="the stream's id, as `parked list` shows it", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="for machines")]


def register(app: typer.Typer) -> None:
    parked = typer.Typer(no_args_is_help=True, help="Tickets that a view set aside because it could not apply them.")
    parked.command("list")(list_)
    parked.command("show")(show)
    parked.command("replay")(replay)
    parked.command("drop")(drop)
    app.add_typer(parked, name="parked")


def list_(view: View = None, as_json: Json = False) -> None:
    """Show each parked ticket: the event that failed, why, and how many wait behind it."""
    from consumers.parked import as_json as row_as_json
    from consumers.parked import list_parked

    with _builds(view) as (connection, _):
        rows = list_parked(connection, view)
    if as_json:
        console.print_json(json.dumps([row_as_json(row) for row in rows]))
        return
    table = Table("view", "ticket", "version", "position", "type", "events", "error", box=None)
    for row in rows:
        numbers = (str(row.version), str(row.position), row.type, str(row.events))
        table.add_row(row.view, str(row.stream), *numbers, row.error or "")
    console.print(table if rows else "Nothing is parked.")


def show(view: OneView, ticket: Ticket, as_json: Json = False) -> None:
    """Show every event of a ticket that waits, and why. What they say stays in the log."""
    from consumers.parked import as_json as row_as_json
    from consumers.parked import parked_events

    with _builds(view) as (connection, builds):
        rows = [row for build in builds.values() for row in parked_events(connection, build, ticket)]
    if as_json:
        console.print_json(json.dumps([row_as_json(row) for row in rows]))
    for row in [] if as_json else rows:
        why = row.error or "waits behind it"
        say(f"version {row.version}  position {row.position:,}  {row.type}  {row.parked_at:%Y-%m-%d %H:%M:%S}  {why}")
    if not rows:
        raise FrontDoorError(f"{ticket} is not parked in {view}")


def replay(view: View = None, as_json: Json = False) -> None:
    """Fold parked tickets anew from the store. Exit code 1 if some still fail."""
    from consumers.parked import as_json as row_as_json
    from consumers.parked import replay as replay_build
    from projections.registry import PROJECTIONS

    with _builds(view) as (connection, builds):
        done = [row for name, build in builds.items() for row in replay_build(connection, build, PROJECTIONS[name])]
    if as_json:
        console.print_json(json.dumps([row_as_json(row) for row in done]))
    else:
        for row in done:
            say(f"{row.view} {row.stream}: {row.error or 'mended'}")
        if not done:
            say("Nothing is parked.")
    failed = sum(row.error is not None for row in done)
    if failed:
        raise FrontDoorError(f"{failed} of {len(done)} tickets still cannot be applied")


def drop(
    view: OneView,
    ticket: Ticket,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: Json = False,
) -> None:
    """Take a ticket that cannot be applied out of a view. The log keeps it; its next event has it tried again."""
    from consumers.parked import drop as drop_from
    from projections.registry import PROJECTIONS

    if not yes:
        typer.confirm(f"Take {ticket} out of the view {view}?", abort=True, err=True)
    with _builds(view) as (connection, builds):
        waited = sum(drop_from(connection, build, PROJECTIONS[name], ticket) for name, build in builds.items())
    if not waited:
        raise FrontDoorError(f"{ticket} is not parked in {view}")
    if as_json:
        console.print_json(json.dumps({"view": view, "stream": str(ticket), "events": waited}))
    else:
        say(f"{ticket} is out of {view}; {waited:,} events waited.")


@contextmanager
def _builds(view: str | None) -> Iterator[tuple[Connection[Any], Mapping[str, Build]]]:
    """A connection, and the live builds of this view or of all. Raises UsageError."""
    from commands.database import connect
    from consumers.builds import live_build
    from projections.registry import PROJECTIONS

    if view is not None and view not in PROJECTIONS:
        raise UsageError(f"no such view: {view}. There are: {', '.join(PROJECTIONS)}")
    with closing(connect(app_url(loaded()), name="parked")) as connection:
        found = {name: live_build(connection, name) for name in ([view] if view else PROJECTIONS)}
        yield connection, {name: build for name, build in found.items() if build}
