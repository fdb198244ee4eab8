"""asking: how does a request become a command with a context, and what becomes of the answer?"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Protocol
from uuid import UUID, uuid4

from fastapi import Depends, Header, Path, Request, Response

from aggregates.errors import Refusal
from aggregates.fact import Command
from aggregates.ticket.commands import Intake, OpenTicket, TicketCommand
from aggregates.ticket.events import FollowedUp, Merged, Opened
from api.answers import CommandAnswer, TicketRef, human
from api.callers import Caller, Forbidden
from api.services import Services, Shared
from api.strict import invalid
from commands.context import Accepted, Context, command_id, digest
from commands.handle import Seen

NUMBER = re.compile(r"[Tt]-([0-9]{1,18})")
STRONG = re.compile(r'"([0-9]{1,18})"')
POSITION = "Chronodesk-Position"

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x20-\x7e]+$",
        description="The same key with the same request gives the same answer, however often it is sent.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(max_length=400, description='The `ETag` that you decided on, e.g. `"12"`; 412 if it is another one by now.'),
]


class Malformed(Refusal):
    status: ClassVar[int] = 400


class Asking:
    """One request's way to the handler."""

    def __init__(
        self, services: Services, request: Request, response: Response, key: str | None, expected: int | None
    ) -> None:
        self.services, self._state, self._response = services, request.state, response
        self._key, self._expected = key, expected

    def context(self, who: Caller, command: Command, target: str, place: int = 0) -> Context:
        """`place` in a bulk, from 1. Raises Forbidden where a role may not say when something happened."""
        occurred_at = command.occurred_at if isinstance(command, Intake) else None
        if occurred_at is not None and who.role != "service":
            raise Forbidden("occurred_at.not_allowed", "Only channels may say when it happened.", field="occurred_at")
        id = command_id(who.name, self._key, place) if self._key else uuid4()
        self._state.told["command"] = str(id)
        return Context(
            now=datetime.now(UTC),
            actor=who.actor,
            caller=who.name,
            request=digest(self.services.config.secret, target, command),
            command_id=id,
            correlation_id=self._state.correlation,
            expected_version=self._expected,
            occurred_at=occurred_at,
        )

    async def work(self, who: Caller, ticket: UUID, command: TicketCommand) -> CommandAnswer:
        accepted = await self.services.tickets.work(ticket, command, self.context(who, command, str(ticket)))
        return self.told(accepted, ticket)

    async def open(self, who: Caller, command: OpenTicket) -> CommandAnswer:
        accepted = await self.services.tickets.open(command, self.context(who, command, ""))
        self._response.headers["Location"] = f"/v1/tickets/{accepted.stream}"
        return self.told(accepted, accepted.stream)

    def told(self, accepted: Accepted, about: UUID) -> CommandAnswer:
        """The answer, with its headers. A message to a closed ticket is answered by the one that follows it up."""
        self._state.told |= {"ticket": str(accepted.stream), "position": accepted.position}
        self._response.headers[POSITION] = str(accepted.position)
        if accepted.stream == about:
            self._response.headers["ETag"] = etag(accepted.version)
        return answered(accepted)


def answered(accepted: Accepted) -> CommandAnswer:
    number, follow_up = None, None
    for fact in accepted.facts:
        if isinstance(fact, Opened):
            number = human(fact.number)
        if isinstance(fact, FollowedUp):
            follow_up = TicketRef(ticket=fact.follow_up, number=human(fact.number))
        if isinstance(fact, Merged):
            follow_up = TicketRef(ticket=fact.into, number=human(fact.number))
    return CommandAnswer(
        ticket=accepted.stream,
        number=number,
        version=accepted.version,
        position=accepted.position,
        events=accepted.events,
        follow_up=follow_up,
    )


def etag(version: int) -> str:
    return f'"{version}"'


class Standing(Protocol):
    """A stream at one of its versions, written at `position`."""

    @property
    def version(self) -> int: ...
    @property
    def position(self) -> int: ...


def stamp(response: Response, standing: Standing) -> None:
    response.headers["ETag"] = etag(standing.version)
    response.headers[POSITION] = str(standing.position)


async def newest(id: UUID, services: Services, response: Response) -> Seen:
    """A stream as it is in the log, never behind; the answer's headers say at which version."""
    seen = await services.handler.memory.recall([id], fresh=True)
    stamp(response, seen[id])
    return seen


def expected_version(if_match: str | None) -> int | None:
    """`*` asks for no more than that it exists, which every command does. Raises Malformed."""
    if if_match is None or if_match.strip() == "*":
        return None
    strong = STRONG.fullmatch(if_match.strip())
    if strong is None:
        raise Malformed("if_match.malformed", 'Send one ETag, such as `"12"`.')
    return int(strong[1])


async def _asking(
    request: Request,
    response: Response,
    services: Shared,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Asking:
    return Asking(services, request, response, idempotency_key, expected_version(if_match))


async def _asking_anew(
    request: Request, response: Response, services: Shared, idempotency_key: IdempotencyKey = None
) -> Asking:
    return Asking(services, request, response, idempotency_key, None)


async def _ticket(
    request: Request,
    ticket: Annotated[str, Path(description="a UUID, or a number such as `T-1042`", max_length=64)],
    services: Shared,
) -> UUID:
    id = await ticket_id(ticket, services, "path.ticket")
    request.state.told["ticket"] = str(id)
    return id


async def ticket_id(text: str, services: Services, where: str) -> UUID:
    """A ticket's id by id or number. RequestValidationError where it is neither; raises NotFound."""
    number = NUMBER.fullmatch(text)
    if number is not None:
        return await services.ticket_numbered(int(number[1]))
    try:
        return UUID(text)
    except ValueError:
        raise invalid(where, "ticket_reference") from None


Ask = Annotated[Asking, Depends(_asking)]
"""For commands on something that has a version."""
AskAnew = Annotated[Asking, Depends(_asking_anew)]
"""For commands on something that has none yet."""
TicketId = Annotated[UUID, Depends(_ticket)]
