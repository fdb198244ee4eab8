"""cli_audit_search: which events of the whole desk are these?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from chronodesk.cli_sla import instant
from chronodesk.progress import progress
from chronodesk.terminal import console, say
from chronodesk.verbs_asked import AsJson, ByBasis, asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import AsyncConnection

    from projections.trail_queries import TrailFilter
    from replay.audit.said import Told
    from replay.audit.searching import Found

Since = Annotated[str | None, typer.Option(help="2012-03-01, or an instant; UTC", show_default=False)]
Until = Annotated[str | None, typer.Option(help="before then", show_default=False)]


def register(audit: typer.Typer) -> None:
    audit.command("search")(search)


def search(
    actor: Annotated[
        str | None,
        typer.Option(help="Ada; rule, import, system; agent:ID, import:bpi2013:Ann, rule:ID@2", show_default=False),
    ] = None,
    type: Annotated[
        str | None, typer.Option("--type", help="escalated, ticket.escalated.v1", show_default=False)
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="words, all of which stand somewhere in what was written", show_default=False)
    ] = None,
    since: Since = None,
    until: Until = None,
    basis: ByBasis = "recorded",
    cause: Annotated[
        UUID | None, typer.Option(help="a command, a request or an event: what it led to", show_default=False)
    ] = None,
    ticket: Annotated[str | None, typer.Option(help="T-1042, or an id", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="how many at most")] = 50,
    cursor: Annotated[str | None, typer.Option(help="go on there", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Events of the whole desk by who, what, when and why, newest first. Words are looked for in every event's text."""
    from projections.trail_queries import TrailFilter
    from replay.audit.addressed import stream_of
    from replay.audit.said import told
    from replay.audit.searching import actors_asked, types_named, unseen

    period = [None if at is None else instant(name, at) for name, at in (("since", since), ("until", until))]

    async def query(connection: AsyncConnection[Any]) -> tuple[Found, list[Told], int]:
        kind, actors = await actors_asked(connection, actor)
        types = None if type is None else types_named(type)
        stream = None if ticket is None else await stream_of(connection, ticket)
        wanted = TrailFilter(kind, actors, types, period[0], period[1], basis, cause, stream)
        with progress("events") as telling:
            found = await _find(connection, wanted, (text or "").split(), limit, cursor, telling)
        lines, _ = await told(connection, found.items)
        return found, lines, await unseen(connection)

    found, lines, behind = asked(query)
    if as_json:
        _print_json(found, lines)
    else:
        _show(found, lines, limit)
        if behind:
            say(f"The log's newest {behind:,} events are not in the trail yet.", "yellow")


async def _find(
    connection: AsyncConnection[Any],
    wanted: TrailFilter,
    words: list[str],
    limit: int,
    cursor: str | None,
    telling: Callable[[int, float], None],
) -> Found:
    """One request after the other until there are enough, or nothing is left to look at."""
    from replay.audit.searching import find

    found = await find(connection, wanted, words, limit, cursor)
    newest = found.reached or 1
    while found.next is not None and len(found.items) < limit:
        telling(found.looked_at, 1 - (found.reached or 0) / newest)
        more = await find(connection, wanted, words, limit - len(found.items), found.next)
        found = replace(more, items=(*found.items, *more.items), looked_at=found.looked_at + more.looked_at)
    return found


def _print_json(found: Found, lines: list[Told]) -> None:
    from api.audit_shown import FoundShown, trace_shown

    items = [trace_shown(line) for line in lines]
    shown = FoundShown(items=items, next=found.next, looked_at=found.looked_at, reached=found.reached)
    console.print_json(json.dumps(shown.model_dump(mode="json")))


def _show(found: Found, lines: list[Told], limit: int) -> None:
    from chronodesk.verbs_shown import place_of, table

    rows = [place_of(line) for line in lines]
    if rows:
        table(("position", "recorded", "happened", "stream", "who", "what"), rows)
    else:
        say("There is no such event.")
    if found.next is not None:
        say(f"There may be more than these {limit}: --cursor {found.next}")
