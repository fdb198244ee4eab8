"""Which events of the whole desk are these? By what surrounds them, and by what they say.

What surrounds them is a question to the trail. What they say is nowhere but in the events themselves, decoded: so that
what was erased is not found. That takes microseconds an event, so one request looks at so many and says how far it got.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, LiteralString, get_args

from psycopg import AsyncConnection

from aggregates.envelope import ActorKind, Stored
from aggregates.errors import Unacceptable
from aggregates.fact import FACTS
from projections.cursor import encode
from projections.trail_queries import ORDERS, Trace, TrailFilter, actors_named, search
from replay.audit.said import decoded, says, stored_at, wordy

KINDS: tuple[ActorKind, ...] = get_args(ActorKind)
UNSEEN: LiteralString = """
SELECT h.position - min(c.position)
  FROM store.head h CROSS JOIN consumers.builds b JOIN consumers.checkpoints c USING (schema)
 WHERE b.view = 'trail' AND b.live GROUP BY h.position
"""
READ = 2_000
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """Newest first. next: where to go on, even if nothing was found yet; None: all was looked at.

    looked_at   how many events
    reached     the position of the last one of them; None: of none
    """

    items: tuple[Trace, ...]
    next: str | None
    looked_at: int
    reached: int | None


async def unseen(connection: AsyncConnection[Any]) -> int:
    """How many of the log's newest events the trail has not come to yet."""
    behind = await (await connection.execute(UNSEEN)).fetchone()
    return behind[0] if behind else 0


def types_named(text: str) -> list[str]:
    """`ticket.escalated.v1`, `ticket.escalated` or `escalated`. Raises Unacceptable where there is none such."""
    found = [name for name in FACTS if text in (name, name.rpartition(".")[0], name.split(".")[1])]
    if not found:
        raise Unacceptable(
            "type.unknown", "There is no such type of events; `chronodesk events` lists all.", field="type"
        )
    return found


async def actors_asked(
    connection: AsyncConnection[Any], text: str | None
) -> tuple[ActorKind | None, list[tuple[str, str]] | None]:
    """A kind (`rule`), one with an id or a name (`agent:Ada`), or a name alone. Raises Unacceptable for nobody's."""
    if text is None:
        return None, None
    kind, colon, rest = text.partition(":")
    if kind not in KINDS:
        rest = text
    elif not colon:
        return kind, None
    found = await actors_named(connection, rest)
    if kind in KINDS:
        return None, list(dict.fromkeys([(kind, rest), *(one for one in found if one[0] == kind)]))
    if not found:
        raise Unacceptable("actor.unknown", "Nobody is called so who ever did anything here.", field="actor")
    return None, found


async def find(
    connection: AsyncConnection[Any],
    wanted: TrailFilter,
    words: Sequence[str],
    limit: int,
    cursor: str | None = None,
    most: int = MOST,
) -> Found:
    """All of the words, in any order. Looks at `most` events at most, if it has to read them. Raises InvalidCursor."""
    if not words:
        plain = await search(connection, wanted, limit, cursor)
        return Found(plain.items, plain.next, len(plain.items), plain.items[-1].position if plain.items else None)
    wanted = replace(wanted, types=_wordy(wanted))
    folded, order = [word.casefold() for word in words], ORDERS[wanted.basis]
    found: list[Trace] = []
    looked_at, reached = 0, None
    while True:
        page = await search(connection, wanted, min(READ, most - looked_at), cursor)
        stored = await stored_at(connection, [trace.position for trace in page.items])
        hits = await asyncio.to_thread(_saying, stored, folded)
        for trace in page.items:
            looked_at, reached = looked_at + 1, trace.position
            if trace.position in hits:
                found.append(trace)
            if len(found) == limit:
                return Found(tuple(found), encode(order.key, order.of(trace)), looked_at, reached)
        cursor = page.next
        if cursor is None or looked_at >= most:
            return Found(tuple(found), cursor, looked_at, reached)


def _wordy(wanted: TrailFilter) -> list[str]:
    return wordy() if wanted.types is None else [name for name in wanted.types if name in wordy()]


def _saying(stored: Sequence[Stored], words: Sequence[str]) -> set[int]:
    return {position for position, event in decoded(stored).items() if says(event.fact, words)}
