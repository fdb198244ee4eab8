"""cli_bisect: since when was something so of a ticket?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chronodesk.errors import FAILED
from chronodesk.terminal import console, say
from chronodesk.verbs_asked import AsJson, ByBasis, Ticket, past, understood

if TYPE_CHECKING:
    from replay.audit.bisect import Stretch
    from replay.phrases import Names


def register(app: typer.Typer) -> None:
    app.command("bisect")(show_bisect)


def show_bisect(
    ticket: Ticket,
    expression: Annotated[
        str, typer.Argument(help="what is so: 'status == \"resolved\" and public_replies == 0'", show_default=False)
    ],
    every: Annotated[bool, typer.Option("--all", help="every stretch in which it held, not only the first")] = False,
    basis: ByBasis = "recorded",
    as_json: AsJson = False,
) -> None:
    """The first version at which an expression became true; exit code 1 if it never did.

    Not by halving: what became true may become false again. A ticket's course is folded once and looked at whole.
    """
    from api.verbs_told import bisect_shown
    from api.verbs_told import understood as expressed
    from replay.audit.bisect import stretches

    condition = understood(expressed, expression)
    found = past(ticket, basis)
    held = list(stretches(found.events, condition, found.names))[: None if every else 1]
    if as_json:
        console.print_json(bisect_shown(found.ticket, expression, held, found.names).model_dump_json())
    elif held:
        _show(held, found.names)
    else:
        say("It never was so.")
    if not held:
        raise typer.Exit(FAILED)


def _show(held: list[Stretch], names: Names) -> None:
    from chronodesk.verbs_shown import event, table

    table(("since", "happened", "who", "what", ""), [(*event(one.since, names), _end(one, names)) for one in held])


def _end(stretch: Stretch, names: Names) -> str:
    from chronodesk.verbs_shown import event

    if stretch.until is None:
        return "and still is"
    version, at, *_ = event(stretch.until, names)
    return f"until {version}, {at}"
