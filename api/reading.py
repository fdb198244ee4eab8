"""reading: how does a reader get a view that has seen what they have seen?"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Query, Response
from psycopg import AsyncConnection

from aggregates.errors import NotFound
from aggregates.moment import Moment
from api.asking import POSITION, etag
from api.positions import ViewBehind
from api.services import Services, Shared
from api.strict import invalid
from projections.cursor import InvalidCursor

T = TypeVar("T")
LONGEST_WAIT = 10.0
USUAL_WAIT = 2.0
WAIT = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,6})(?:$|[,;\s])")

After = Annotated[
    int | None,
    Header(alias="Chronodesk-After", ge=0, le=2**62, description="Answer once the view has reached this position."),
]
SealedAfter = Annotated[
    str | None,
    Header(alias="Chronodesk-After", max_length=400, description="A `Chronodesk-Position` that you were given."),
]
Prefer = Annotated[
    str | None,
    Header(max_length=400, description="`wait=5`: how many seconds to wait for `Chronodesk-After`, up to 10."),
]
IfNoneMatch = Annotated[str | None, Header(max_length=4_000, description="The `ETag` you have; 304 if it still holds.")]
Limit = Annotated[int, Query(ge=1, le=200, description="how many at most")]
Cursor = Annotated[
    str | None, Query(max_length=1_000, pattern=r"^[A-Za-z0-9_-]+$", description="`next` of the page before")
]


class Reading:
    """A reader's way to a view; `sealed` where they must not be able to read positions."""

    def __init__(self, services: Services, response: Response, after: int, seconds: float, *, sealed: bool) -> None:
        self.services, self._response = services, response
        self._after, self._seconds, self._sealed = after, seconds, sealed

    @asynccontextmanager
    async def view(self, name: str, moment: Moment | None = None) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection to query it on, once it has got far enough, or as far as that moment. Raises ViewBehind."""
        position = await self.reached(name, moment.position if moment else 0)
        if moment is None:
            self._response.headers[POSITION] = self.services.seal.close(position) if self._sealed else str(position)
        async with self.services.store.connection() as connection:
            with cursors():
                yield connection

    def unchanged(self, version: int, if_none_match: str | None) -> Response | None:
        """304 if the reader has this very version."""
        tag = etag(version)
        self._response.headers["ETag"] = tag
        held = {part.strip().removeprefix("W/") for part in (if_none_match or "").split(",")}
        if not held & {tag, "*"}:
            return None
        return Response(status_code=304, headers=dict(self._response.headers))

    async def reached(self, name: str, least: int = 0) -> int:
        """A position that the view has got to, far enough for this reader. Raises ViewBehind."""
        try:
            return await self.services.positions.reach(name, max(self._after, least), self._seconds)
        except ViewBehind as behind:
            if self._sealed:
                behind.more = {}
            raise


@contextmanager
def cursors() -> Iterator[None]:
    """A cursor that the list did not hand out is the reader's fault."""
    try:
        yield
    except InvalidCursor:
        raise invalid("query.cursor", "cursor") from None


def found(entry: T | None, what: str) -> T:
    """Raises NotFound in the same words as commands do."""
    if entry is None:
        raise NotFound(f"{what}.not_found", f"There is no such {what}.")
    return entry


async def _reading(services: Shared, response: Response, after: After = None, prefer: Prefer = None) -> Reading:
    return Reading(services, response, after or 0, _wait(prefer), sealed=False)


async def _own_reading(
    services: Shared, response: Response, after: SealedAfter = None, prefer: Prefer = None
) -> Reading:
    position = 0 if after is None else services.seal.open(after)
    if position is None:
        raise invalid("header.chronodesk-after", "position")
    return Reading(services, response, position, _wait(prefer), sealed=True)


def _wait(prefer: str | None) -> float:
    asked = WAIT.search(prefer or "")
    return min(float(asked[1]), LONGEST_WAIT) if asked else USUAL_WAIT


Read = Annotated[Reading, Depends(_reading)]
OwnRead = Annotated[Reading, Depends(_own_reading)]
