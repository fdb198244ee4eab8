"""cli_diff: what of a ticket became another between two moments, and by whom?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from chronodesk.terminal import console, say
from chronodesk.verbs_asked import AsJson, ByBasis, asked, named

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import AsyncConnection

    from replay.audit.diffing import Change
    from replay.phrases import Names


def register(app: typer.Typer) -> None:
    app.command("diff")(show_diff)


def show_diff(
    ticket: Annotated[str, typer.Argument(help="T-1042, or an id", show_default=False)],
    moments: Annotated[
        str,
        typer.Argument(
            metavar="FROM..TO", help="@12..@15, @2012-03-01..@2012-04-01, @12.. up to now, ..@15", show_default=False
        ),
    ] = "..",
    basis: ByBasis = "recorded",
    as_json: AsJson = False,
) -> None:
    """Each thing that changed, from what to what, and by which events. What changed back is no difference."""
    from api.verbs_told import diff_shown
    from replay.audit.address import between
    from replay.audit.addressed import history_of, past_of, stream_of
    from replay.audit.diffing import diff

    async def query(connection: AsyncConnection[Any]) -> tuple[UUID, list[Change], Names]:
        first, last = between(moments)
        stream = await stream_of(connection, ticket)
        history = await history_of(connection, stream)
        known = await past_of(connection, history, last, basis)
        before = [] if first is None else await past_of(connection, history, first, basis, known=False)
        return stream, diff(before, known), await named(connection, known)

    stream, changes, names = asked(query)
    if as_json:
        console.print_json(diff_shown(stream, changes, names).model_dump_json())
    elif changes:
        _show(changes, names)
    else:
        say("Nothing changed.")


def _show(changes: list[Change], names: Names) -> None:
    from chronodesk.verbs_shown import event, held, place, table

    rows = []
    for change in changes:
        before, after = (held(change.part, value, names) for value in (change.before, change.after))
        for nth, one in enumerate(change.by):
            version, at, who, what = event(one, names)
            rows.append((*(("", "") if nth else (place(change.part), f"{before} -> {after}")), version, at, who, what))
    table(("", "change", "", "happened", "who", "what"), rows)
