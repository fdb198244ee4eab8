"""cli_log: what happened to a ticket, a line an event?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chronodesk.terminal import console
from chronodesk.verbs_asked import AsJson, ByBasis, Ticket, past, understood

if TYPE_CHECKING:
    from aggregates.envelope import Recorded
    from replay.phrases import Names

HEADINGS = ("", "position", "recorded", "happened", "who", "what", "why")


def register(app: typer.Typer) -> None:
    app.command("log")(log)


def log(
    ticket: Ticket,
    basis: ByBasis = "recorded",
    reverse: Annotated[bool, typer.Option("--reverse", help="newest first")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="only so many of the newest", show_default=False)] = None,
    type: Annotated[
        str | None, typer.Option("--type", help="only these: escalated, ticket.escalated.v1", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Who did what to a ticket, when and why: one line an event, newest last."""
    from api.verbs_told import log_shown
    from replay.audit.searching import types_named

    types = None if type is None else understood(types_named, type)
    found = past(ticket, basis)
    kept = [event for event in found.events if types is None or event.fact.type_name in types]
    kept = kept[-limit:] if limit else kept
    told = kept[::-1] if reverse else kept
    if as_json:
        console.print_json(log_shown(found.ticket, told, found.names).model_dump_json())
    else:
        _show(told, found.names)


def _show(events: list[Recorded], names: Names) -> None:
    from chronodesk.verbs_shown import instant, table
    from replay.audit.log_lines import lines

    rows = [
        (
            *(f"@{line.version}", f"#{line.position}", instant(line.recorded_at)),
            *("" if line.occurred_at is None else instant(line.occurred_at), line.who, line.what, line.why),
        )
        for line in lines(events, names)
    ]
    table(HEADINGS, rows)
