"""cli_audit_why: what caused an event, and what did it cause?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from chronodesk.errors import UsageError
from chronodesk.terminal import console, say
from chronodesk.verbs_asked import AsJson, asked

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from replay.audit.causes import Node, Tree


def register(audit: typer.Typer) -> None:
    audit.command("why")(why)


def why(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="T-1042@12, or #98765", show_default=False)],
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="how many events at most")] = 200,
    as_json: AsJson = False,
) -> None:
    """What caused an event, up to the command that began it, and all that came of that; across tickets."""
    from api.audit_shown import causes_shown
    from replay.audit.causes import causes

    async def query(connection: AsyncConnection[Any]) -> Tree:
        return await causes(connection, await _position(connection, event), limit)

    tree = asked(query)
    if as_json:
        console.print_json(causes_shown(tree).model_dump_json())
    else:
        _show(tree)


async def _position(connection: AsyncConnection[Any], text: str) -> int:
    from replay.audit.address import Position, Version, address, parsed
    from replay.audit.addressed import history_of, stream_of

    point = parsed(text) if text.startswith("#") else None
    if point is None:
        wanted = address(text)
        point = wanted.point
        if isinstance(point, Version):
            history = await history_of(connection, await stream_of(connection, wanted.ticket))
            if 1 <= point.number <= len(history):
                return history[point.number - 1].position
            raise UsageError(f"it has no version {point.number}: its newest is {len(history)}")
    if not isinstance(point, Position):
        raise UsageError("name an event: T-1042@12, or its position, like #98765")
    return point.number


def _show(tree: Tree) -> None:
    from rich.text import Text
    from rich.tree import Tree as Drawn

    def draw(node: Node, drawn: Drawn) -> None:
        for child in node.children:
            draw(child, drawn.add(Text(_line(child, tree), style="bold" if child.asked else "")))

    if console.is_terminal:
        drawn = Drawn(Text(_line(tree.root, tree)))
        draw(tree.root, drawn)
        console.print(drawn)
    else:
        _print(tree.root, tree, 0)
    if tree.cut:
        say("There is more than is shown: --limit shows more of it.")


def _print(node: Node, tree: Tree, depth: int) -> None:
    say("  " * depth + _line(node, tree))
    for child in node.children:
        _print(child, tree, depth + 1)


def _line(node: Node, tree: Tree) -> str:
    from chronodesk.verbs_shown import place_of
    from replay.phrases import versioned

    more = " (and more)" if node.more else ""
    if node.told is None:
        kind, _, id = node.sent.caller.partition(":") if node.sent else ("", "", "")
        by = f"command {node.id} by {kind} {versioned(id, tree.names)}".rstrip() if node.sent else f"unknown: {node.id}"
        return by + (f", {node.sent.events} events" if node.sent else "") + more
    rule = node.rule
    by = "" if rule is None else f"  [{rule.name}@{rule.version}, published at #{rule.position}]"
    return "  ".join(filter(None, place_of(node.told))) + by + ("  <- this one" if node.asked else "") + more
