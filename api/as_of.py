"""as_of: which past does a reader ask for, and how are they told which one it was?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import AwareDatetime

from aggregates.envelope import Stored, recorded
from aggregates.errors import NotFound, Unacceptable
from aggregates.moment import Basis, Moment
from api.asking import POSITION, etag, ticket_id
from api.reading import found
from api.services import Services, Shared
from api.strict import invalid
from replay.audit.addressed import NotKnownThen
from replay.past.moments import moment_of_instant, moment_of_position, moment_of_version
from replay.past.ticket import Past, past

MOMENT = "Chronodesk-Moment"
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

AsOf = Annotated[
    AwareDatetime | None, Query(alias="as_of", description="as it was at this instant, 1900 or later; none: now")
]
AtPosition = Annotated[
    int | None, Query(ge=0, le=2**62, description="as it was after the log's first so many events; not with `as_of`")
]
ByBasis = Annotated[
    Basis | None,
    Query(description="of a past; recorded: what was known then; occurred: what had happened, as far as it is known"),
]
Address = Annotated[
    str, Path(description="a UUID, or a number such as `T-1042`; `T-1042@12`: as of version 12", max_length=64)
]


async def _moment(
    services: Shared,
    response: Response,
    as_of: AsOf = None,
    at_position: AtPosition = None,
    basis: ByBasis = None,
) -> Moment | None:
    moment = await _found(services, as_of, at_position, basis)
    if moment is not None:
        response.headers[MOMENT] = f"{_told(moment)}, position={moment.position}"
        response.headers[POSITION] = str(moment.position)
    return moment


async def _known(services: Shared, response: Response, as_of: AsOf = None) -> Moment | None:
    return await _moment(services, response, as_of)


async def _own_moment(services: Shared, response: Response, as_of: AsOf = None, basis: ByBasis = None) -> Moment | None:
    moment = await _found(services, as_of, None, basis)
    if moment is not None:
        response.headers[MOMENT] = _told(moment)
        response.headers[POSITION] = services.seal.close(moment.position)
    return moment


Then = Annotated[Moment | None, Depends(_moment)]
"""None: now."""
Known = Annotated[Moment | None, Depends(_known)]
"""By when it was known alone."""
OwnThen = Annotated[Moment | None, Depends(_own_moment)]
"""By instant alone: gaps between positions or versions would tell of what customers may not see."""


async def _found(
    services: Services, as_of: datetime | None, at_position: int | None, basis: Basis | None
) -> Moment | None:
    """None: now. Raises Unacceptable, and RequestValidationError for what makes no sense together."""
    if as_of is not None and at_position is not None:
        raise Unacceptable("moment.ambiguous", "Ask as of an instant or as of a position.", field="at_position")
    if as_of is None and at_position is None:
        if basis is not None:
            raise Unacceptable("basis.of_nothing", "A basis needs a past: `as_of` or `at_position`.", field="basis")
        return None
    async with services.store.connection() as connection:
        if as_of is None:
            return await moment_of_position(connection, at_position or 0, basis or "recorded")
        if as_of < EARLIEST:
            raise Unacceptable("as_of.too_early", "Nothing is known from before 1900.", field="as_of")
        return await moment_of_instant(connection, as_of, basis or "recorded")


@dataclass(frozen=True, slots=True)
class TicketAsked:
    """A ticket, as it is now or was at one moment: that of `version`, or `moment`."""

    id: UUID
    services: Services
    response: Response
    moment: Moment | None = None
    version: int | None = None
    basis: Basis = "recorded"

    @property
    def now(self) -> bool:
        return self.moment is None and self.version is None

    async def past(self) -> Past:
        """From the log itself. Raises NotFound, and also where it was not known then."""
        return await self.of(await self.stored())

    async def stored(self) -> Sequence[Stored]:
        """All that ever happened to it. Raises NotFound."""
        stored = await self.services.store.stream(self.id)
        found(stored[0] if stored and stored[0].type.startswith("ticket.") else None, "ticket")
        return stored

    async def of(self, stored: Sequence[Stored]) -> Past:
        """The answer's headers say which moment it is of; the version of then is its ETag."""
        told = await asyncio.to_thread(self._folded, stored)
        self.response.headers[POSITION] = str(told.moment.position)
        self.response.headers["ETag"] = etag(told.version)
        self.response.headers[MOMENT] = f"{_told(told.moment)}, position={told.moment.position}, version={told.version}"
        return told

    def _folded(self, stored: Sequence[Stored]) -> Past:
        history = [recorded(event) for event in stored]
        moment = self.moment
        if self.version is not None:
            moment = moment_of_version(history, self.version, self.basis)
        try:
            return past(history, moment or whole_of(stored))
        except NotKnownThen as unknown:
            if unknown.occurred:
                raise NotFound(unknown.code, f"{unknown.detail} Ask with `basis=occurred`.") from None
            raise


def whole_of(stored: Sequence[Stored]) -> Moment:
    """Now, as far as one stream knows."""
    return Moment("recorded", stored[-1].position, stored[-1].recorded_at)


async def _ticket(
    request: Request,
    ticket: Address,
    services: Shared,
    response: Response,
    as_of: AsOf = None,
    at_position: AtPosition = None,
    basis: ByBasis = None,
) -> TicketAsked:
    text, at, version = ticket.partition("@")
    if at and (as_of is not None or at_position is not None):
        raise Unacceptable("moment.ambiguous", "The address names a version: ask for no other moment.", field="ticket")
    if at and not (version.isdecimal() and version.isascii() and len(version) <= 18):
        raise invalid("path.ticket", "ticket_reference")
    id = await ticket_id(text, services, "path.ticket")
    request.state.told["ticket"] = str(id)
    if at:
        return TicketAsked(id, services, response, version=int(version), basis=basis or "recorded")
    return TicketAsked(id, services, response, await _found(services, as_of, at_position, basis))


TicketThen = Annotated[TicketAsked, Depends(_ticket)]


def _told(moment: Moment) -> str:
    """A structured field (RFC 9651)."""
    return f'basis={moment.basis}, at="{moment.at.astimezone(UTC).isoformat()}"'
