"""reportable: how does a command at a terminal change which fields analysts may read?"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from aggregates.envelope import Actor
from aggregates.reportable import REPORTABLE_FIELDS, FieldDeclared, ReportableCommand
from commands.context import Accepted, Context
from commands.database import pool
from commands.handle import Handler
from commands.reportable import change_reportable, reportable_seen
from commands.store import EventStore

ACTOR = Actor(kind="system", id="command-line")


async def change(url: str, command: ReportableCommand) -> Accepted:
    """Raises Refusal."""
    async with pool(url, name="reportable", size=1) as connections:
        # The secret is for digests of what people send over HTTP.
        return await change_reportable(Handler(EventStore(connections), b""), command, _context())


async def declared(url: str) -> list[FieldDeclared]:
    """By name."""
    async with pool(url, name="reportable", size=1) as connections:
        seen = await Handler(EventStore(connections), b"").memory.recall([REPORTABLE_FIELDS], fresh=True)
        return [field for _, field in sorted(reportable_seen(seen).declared.items())]


def _context() -> Context:
    """What is so already is found by deciding, so every call is a command of its own."""
    id = uuid4()
    return Context(
        now=datetime.now(UTC), actor=ACTOR, caller="command line", request=id.bytes, command_id=id, correlation_id=id
    )
