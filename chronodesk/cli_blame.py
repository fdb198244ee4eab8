"""cli_blame: who set each thing that a ticket holds?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from chronodesk.terminal import console
from chronodesk.verbs_asked import AsJson, ByBasis, Ticket, past

if TYPE_CHECKING:
    from replay.audit.blame import Blamed
    from replay.phrases import Names


def register(app: typer.Typer) -> None:
    app.command("blame")(show_blame)


def show_blame(ticket: Ticket, basis: ByBasis = "recorded", as_json: AsJson = False) -> None:
    """Each thing that a ticket holds, with the event that set it. Tags, watchers, links and fields one by one."""
    from api.verbs_told import blame_shown
    from replay.audit.blame import blame

    found = past(ticket, basis)
    blamed = blame(found.events)
    if as_json:
        console.print_json(blame_shown(found.ticket, blamed, found.names).model_dump_json())
    else:
        _show(blamed, found.names)


def _show(blamed: list[Blamed], names: Names) -> None:
    from chronodesk.verbs_shown import event, held, place, table

    rows = [(place(one.part), held(one.part, one.value, names), *event(one.event, names)) for one in blamed]
    table(("", "is", "since", "happened", "who", "what"), rows)
