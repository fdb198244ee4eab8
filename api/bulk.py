"""HTTP for mass actions: up to a hundred commands at once, each with an outcome of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, create_model

from aggregates.errors import Refusal
from aggregates.fact import Command
from aggregates.ticket import commands as c
from aggregates.ticket.commands import OpenTicket, TicketCommand
from api import problems
from api.answers import BulkAnswer, CommandAnswer, Outcome
from api.asking import AskAnew, Asking, answered, ticket_id
from api.callers import AgentCaller, Caller
from api.strict import invalid, router

bulk = router("/bulk", "tickets")

TYPES: Mapping[str, type[Command]] = {
    "open": c.OpenTicket, "message": c.ReceiveMessage, "reply": c.AddReply, "note": c.AddNote, "route": c.Route,
    "assign": c.Assign, "claim": c.Claim, "unassign": c.Unassign, "escalate": c.Escalate,
    "de_escalate": c.DeEscalate, "priority": c.ChangePriority, "category": c.ChangeCategory,
    "type": c.ChangeType, "fields": c.ChangeFields, "add_tags": c.AddTags, "remove_tags": c.RemoveTags,
    "pending": c.WaitForRequester, "hold": c.Hold, "reopen": c.Reopen, "resolve": c.Resolve, "close": c.Close,
    "spam": c.MarkSpam, "watch": c.Watch, "unwatch": c.Unwatch, "merge": c.Merge, "link": c.Link, "unlink": c.Unlink,
    "time": c.LogTime,
}  # fmt: skip


def _typed(name: str, command: type[Command]) -> type[Command]:
    """The command with a word in front that says which one it is; still the command itself to whoever decides."""
    kind: Any = Literal[name]
    return create_model(f"Bulk{command.__name__}", __base__=command, __doc__=command.__doc__, type=(kind, ...))


if TYPE_CHECKING:
    BulkCommand = TicketCommand
else:
    BulkCommand = Annotated[
        Union[tuple(_typed(name, command) for name, command in TYPES.items())],  # noqa: UP007
        Field(discriminator="type"),
    ]


class BulkItem(BaseModel):
    """One command. `ticket` is left out for `open` alone."""

    model_config = ConfigDict(extra="forbid")

    ticket: Annotated[str, Field(max_length=64)] | None = Field(None, examples=["T-1042"])
    expected_version: Annotated[int, Field(ge=0, le=2**62)] | None = Field(None, description="as `If-Match` elsewhere")
    command: BulkCommand


class Bulk(BaseModel):
    model_config = ConfigDict(extra="forbid")

    commands: Annotated[list[BulkItem], Field(min_length=1, max_length=100)]


@bulk.post("")
async def run_bulk(who: AgentCaller, body: Bulk, ask: AskAnew) -> BulkAnswer:
    """Run many commands: each succeeds or fails by itself; those on one ticket in their order."""
    tickets = [await _found(item, place, ask) for place, item in enumerate(body.commands)]
    given = enumerate(zip(body.commands, tickets, strict=True))
    running = [_outcome(who, ask, item, ticket, place) for place, (item, ticket) in given]
    return BulkAnswer(outcomes=await asyncio.gather(*running))


async def _found(item: BulkItem, place: int, ask: Asking) -> UUID | Refusal | None:
    """Before anything runs: looking numbers up in between would mix the order up."""
    opens, where = isinstance(item.command, OpenTicket), f"body.commands.{place}.ticket"
    if opens != (item.ticket is None):
        raise invalid(where, "extra_forbidden" if opens else "missing")
    try:
        return None if item.ticket is None else await ticket_id(item.ticket, ask.services, where)
    except RequestValidationError:
        raise
    except Refusal as refusal:
        return refusal


async def _outcome(who: Caller, ask: Asking, item: BulkItem, ticket: UUID | Refusal | None, place: int) -> Outcome:
    try:
        answer = await _run(who, ask, item, ticket, place)
    except Refusal as refusal:
        return Outcome(place=place, status=refusal.status, problem=problems.of_refusal(refusal))
    return Outcome(place=place, status=200, answer=answer)


async def _run(who: Caller, ask: Asking, item: BulkItem, ticket: UUID | Refusal | None, place: int) -> CommandAnswer:
    if isinstance(ticket, Refusal):
        raise ticket
    context = ask.context(who, item.command, str(ticket or ""), place + 1)
    if isinstance(item.command, OpenTicket):
        return answered(await ask.services.tickets.open(item.command, context))
    assert ticket is not None  # noqa: S101
    context = replace(context, expected_version=item.expected_version)
    return answered(await ask.services.tickets.work(ticket, item.command, context))
