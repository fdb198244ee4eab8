"""cli_audit_heads: which heads of the log were signed?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from chronodesk.database import connected_async, told_plainly
from chronodesk.settings import Settings
from chronodesk.start import loaded
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from replay.proof.heads import SignedHead


def register(audit: typer.Typer) -> None:
    audit.command("heads")(heads)


def heads(
    after: Annotated[int, typer.Option(min=0, help="only heads of more events than this")] = 0,
    last: Annotated[int, typer.Option(min=1, max=10_000, help="how many, the newest at the end")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="one a line, as they were published")] = False,
) -> None:
    """Show signed heads: the database's copy. The witness's file and topic are what counts."""
    with told_plainly():
        found = asyncio.run(_found(loaded(), after, last))
    if as_json:
        for head in found:
            console.print(head.line, markup=False, highlight=False, soft_wrap=True)
        return
    if not found:
        say("No head was signed yet.")
        return
    table = Table("events", "signed at", "root", "key", box=None)
    table.columns[0].justify = "right"
    for head in found:
        row = (f"{head.timestamp:%Y-%m-%d %H:%M:%SZ}", head.root[:16], head.key_id[:16])
        table.add_row(f"{head.tree_size:,}", *row)
    console.print(table)


async def _found(settings: Settings, after: int, last: int) -> list[SignedHead]:
    from replay.proof.kept import last_heads

    async with connected_async(settings, "audit") as connection:
        return await last_heads(connection, after, last)
