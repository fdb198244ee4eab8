"""cli_search: in which tickets was something written?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from aggregates.ticket.events import Status
from chronodesk.errors import UsageError
from chronodesk.terminal import console, plain, say
from chronodesk.verbs_asked import AsJson, asked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

    from api.search_shown import HitShown, PartShown, SearchPage

ALL = 2**62


def register(app: typer.Typer) -> None:
    app.command("search")(search)


def search(
    words: Annotated[
        list[str],
        typer.Argument(
            help="in any form, in any of the desk's languages; OR, '\"as it stands\"', and after -- -without"
        ),
    ],
    status: Annotated[list[str] | None, typer.Option(help="any of these", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="how many at most")] = 10,
    cursor: Annotated[str | None, typer.Option(help="go on there", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Tickets in which all of this was written, internal notes included, the best first."""
    for one in status or ():
        if one not in get_args(Status):
            raise UsageError(f"there is no status {one}: {', '.join(get_args(Status))}")
    page = asked(lambda connection: _found(connection, " ".join(words), status, limit, cursor))
    if as_json:
        console.print_json(page.model_dump_json())
    else:
        _show(page)


async def _found(
    connection: AsyncConnection[Any], text: str, status: list[str] | None, limit: int, cursor: str | None
) -> SearchPage:
    from api.search_shown import SearchPage, search_page
    from projections import search_asked, search_queries
    from projections.cursor import InvalidCursor

    words = search_asked.asked(text)
    if words is None:
        return SearchPage(items=[], next=None)
    wanted = search_queries.SearchFilter(statuses=status)  # type: ignore[arg-type]
    try:
        page = await search_queries.search(connection, words, wanted, ALL, limit, cursor)
    except InvalidCursor as made_up:
        raise UsageError(str(made_up)) from None
    return search_page(page, words, await search_queries.texts(connection, page.items))


def _show(page: SearchPage) -> None:
    if not page.items:
        say("Nothing was written that says this.")
    for hit in page.items:
        console.print(f"{hit.number}  {hit.status}  {_marked(hit.subject or [])}", highlight=False, soft_wrap=True)
        if hit.snippet:
            console.print(f"    {_who(hit)}: {_marked(hit.snippet)}", highlight=False, soft_wrap=True)
    if page.next is not None:
        say(f"There may be more: --cursor {page.next}")


def _who(hit: HitShown) -> str:
    note = " (internal)" if hit.found_in.kind == "internal" else ""
    return f"{hit.found_in.at:%Y-%m-%d} {hit.found_in.author_kind}{note}"


def _marked(parts: Sequence[PartShown]) -> str:
    """What was looked for in bold at a terminal; nothing of a text is read as markup."""
    from rich.markup import escape

    told = [(escape(plain(part.text.replace("\n", " "))), part.marked) for part in parts]
    return "".join(f"[bold]{text}[/bold]" if is_marked else text for text, is_marked in told)
