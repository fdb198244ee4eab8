"""Where in the log is the past that somebody asks for?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from aggregates.envelope import Recorded
from aggregates.errors import NotFound, Unacceptable
from aggregates.moment import Basis, Moment, by_occurrence
from commands.log import place_of_instant, place_of_position


async def moment_of_instant(connection: AsyncConnection[Any], instant: datetime, basis: Basis) -> Moment:
    """recorded: all that was recorded by then, and nothing can be added to it any more; occurred: all that had
    happened by then, as far as it is known today. Raises Unacceptable for the future.
    """
    place = await place_of_instant(connection, instant)
    if place.now < instant:
        raise Unacceptable("as_of.future", "Nothing is known of the future yet.", field="as_of")
    if basis == "occurred":
        return Moment(basis, place.head, instant, by=instant)
    return Moment(basis, place.position, instant)


async def moment_of_position(connection: AsyncConnection[Any], position: int, basis: Basis) -> Moment:
    """The log's first `position` events. Raises Unacceptable where it has fewer."""
    place = await place_of_position(connection, position)
    if place is None:
        raise Unacceptable("at_position.beyond_head", "The log does not reach so far yet.", field="at_position")
    return Moment(basis, position, place)


def moment_of_version(history: Sequence[Recorded], version: int, basis: Basis) -> Moment:
    """A stream's first `version` events, of which all are given. Raises NotFound where it has fewer."""
    if not 1 <= version <= len(history):
        raise NotFound("version.not_found", f"It has no version {version}: its newest is {len(history)}.")
    known = history[:version]
    last = known[-1]
    at = last.recorded_at if basis == "recorded" else max(known, key=by_occurrence).at
    return Moment(basis, last.position, at, version=version)
