"""search_queries: which tickets say this? The best first; for customers their own, and of these what they may see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal, LiteralString, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import AwareDatetime, Field, FiniteFloat, TypeAdapter

from aggregates.ticket.events import Channel, Priority, Status
from projections.cursor import Page, decode, page
from projections.search_asked import Asked

HitT = TypeVar("HitT", "Hit", "OwnHit")
Where = Literal["subject", "public", "internal"]
Key = TypeAdapter(tuple[Annotated[int, Field(ge=0, le=2**62)], FiniteFloat, AwareDatetime, UUID])
OwnKey = TypeAdapter(tuple[FiniteFloat, AwareDatetime, UUID])
RANKED = 1_000
"""How many of the newest texts that say it are ranked: what a word is worth that stands everywhere is bounded."""

# To fetch words that are kept out of line costs nothing, thinks the planner, and would rather read those of all texts.
BY_INDEX: LiteralString = "SET LOCAL enable_seqscan = off"
# All that say it come from the index, and only the newest of them are read for their rank.
# Their lengths count for nothing: so where only the subject says it, all texts under it are worth the same as that.
NEWEST: LiteralString = """
WITH newest AS MATERIALIZED (
    SELECT s.ticket, s.version FROM read.search_texts s
"""
THEIR_TICKETS: LiteralString = " JOIN read.search_tickets t ON t.id = s.ticket"
SAY_IT: LiteralString = " WHERE s.words @@ %(query)s::tsquery AND s.position <= %(upto)s"
CONDITIONS: Mapping[str, LiteralString] = MappingProxyType(
    {
        "where": " AND s.kind = %(where)s",
        "since": " AND s.at >= %(since)s",
        "until": " AND s.at < %(until)s",
    }
)
TICKET_CONDITIONS: Mapping[str, LiteralString] = MappingProxyType(
    {
        "statuses": " AND t.status = ANY (%(statuses)s)",
        "priorities": " AND t.priority = ANY (%(priorities)s)",
        "team": " AND t.team = %(team)s",
        "assignee": " AND t.assignee = %(assignee)s",
        "channel": " AND t.channel = %(channel)s",
        "category": " AND t.category = %(category)s",
        "tag": " AND t.tags @> ARRAY[%(tag)s::text]",
        "requester": " AND t.requester = %(requester)s",
    }
)
BEST: LiteralString = """
ORDER BY s.at DESC, s.ticket, s.version DESC LIMIT %(ranked)s
), ranked AS (
    SELECT s.ticket, s.version, s.kind, s.at, s.author_kind, s.author_id, s.language,
           ts_rank(s.words, %(query)s::tsquery) AS score
      FROM newest n JOIN read.search_texts s ON s.ticket = n.ticket AND s.version = n.version
), best AS (
    SELECT DISTINCT ON (ticket) * FROM ranked ORDER BY ticket, score DESC, version
), b AS (
    SELECT * FROM best b
"""
THEIR_FACES: LiteralString = """
)
SELECT t.id, t.number, t.subject, t.status, t.priority, t.team, t.assignee, t.requester, t.category, t.tags,
       b.version, b.kind, b.at, b.author_kind, b.author_id, b.language, b.score
  FROM b JOIN read.search_tickets t ON t.id = b.ticket ORDER BY b.score DESC, b.at DESC, b.ticket DESC
"""
AFTER: LiteralString = " WHERE (b.score, b.at, b.ticket) < (%(score)s::float4, %(at)s, %(ticket)s)"
IN_ORDER: LiteralString = " ORDER BY b.score DESC, b.at DESC, b.ticket DESC LIMIT %(limit)s"
# What is not theirs, or not for them, is not even looked at: neither hits nor times tell of it.
OWN: LiteralString = """
WITH own AS MATERIALIZED (
    SELECT ticket, ticket_number, subject, status, kind, number, at, language, author, own, words
      FROM read.customer_search WHERE requester = %(requester)s
), ranked AS (
    SELECT *, ts_rank(words, %(query)s::tsquery) AS score FROM own WHERE words @@ %(query)s::tsquery
), b AS (
    SELECT DISTINCT ON (ticket) * FROM ranked ORDER BY ticket, score DESC, number NULLS FIRST
)
SELECT ticket AS id, ticket_number AS number, subject, status, kind, number AS message, at, language, author, own, score
  FROM b
"""
TEXTS: LiteralString = """
SELECT m.ticket, m.version, left(m.body, %(most)s)
  FROM unnest(%(tickets)s::uuid[], %(versions)s::bigint[]) AS h (ticket, version)
  JOIN read.messages m ON m.ticket = h.ticket AND m.version = h.version
 WHERE m.body IS NOT NULL
"""
OWN_TEXTS: LiteralString = """
SELECT m.ticket, m.number, left(m.body, %(most)s)
  FROM unnest(%(tickets)s::uuid[], %(numbers)s::int[]) AS h (ticket, number)
  JOIN read.customer_messages m ON m.ticket = h.ticket AND m.number = h.number
 WHERE m.requester = %(requester)s AND m.body IS NOT NULL
"""
MOST_READ = 8_000
"""Characters of a text that a snippet is looked for in."""


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """What is None is not asked for. since <= when it was written < until; the rest is of the ticket now."""

    where: Where | None = None
    statuses: Collection[Status] | None = None
    priorities: Collection[Priority] | None = None
    team: UUID | None = None
    assignee: UUID | None = None
    channel: Channel | None = None
    category: str | None = None
    tag: str | None = None
    requester: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A ticket, and which of its texts says it best: `version` is that event's."""

    id: UUID
    number: int
    subject: str | None
    status: Status
    priority: Priority
    team: UUID | None
    assignee: UUID | None
    requester: UUID | None
    category: str | None
    tags: list[str]
    version: int
    kind: Where
    at: datetime
    author_kind: str
    author_id: str
    language: str | None
    score: float


@dataclass(frozen=True, slots=True)
class OwnHit:
    """The same for a customer. `message`: its number in the thread that they see; None: the subject says it."""

    id: UUID
    number: int
    subject: str | None
    status: str
    kind: Where
    message: int | None
    at: datetime
    language: str | None
    author: str
    own: bool
    score: float


async def search(
    connection: AsyncConnection[Any],
    asked: Asked,
    wanted: SearchFilter,
    upto: int,
    limit: int,
    cursor: str | None = None,
) -> Page[Hit]:
    """Tickets of which one text, or it and the subject, says all of it. Raises InvalidCursor.

    upto   the position that the view has reached; later pages leave out what came after it
    """
    parameters: dict[str, Any] = {"query": asked.tsquery, "ranked": RANKED, "limit": limit + 1}
    after: LiteralString = ""
    if cursor is not None:
        upto, score, at, ticket = decode(Key, cursor)
        after, parameters = AFTER, parameters | {"score": score, "at": at, "ticket": ticket}
    conditions, filters = _asked(wanted)
    query = NEWEST + conditions + BEST + after + IN_ORDER + THEIR_FACES
    async with by_index(connection):
        found = await _all(connection, Hit, query, parameters | filters | {"upto": upto})
    return page(found, limit, Key, lambda hit: (upto, hit.score, hit.at, hit.id))


async def search_own(
    connection: AsyncConnection[Any], asked: Asked, requester: UUID, limit: int, cursor: str | None = None
) -> Page[OwnHit]:
    """The requester's own tickets, by what they may see of them. Raises InvalidCursor."""
    parameters: dict[str, Any] = {"query": asked.tsquery, "requester": requester, "limit": limit + 1}
    after: LiteralString = ""
    if cursor is not None:
        score, at, ticket = decode(OwnKey, cursor)
        after, parameters = AFTER, parameters | {"score": score, "at": at, "ticket": ticket}
    found = await _all(connection, OwnHit, OWN + after + IN_ORDER, parameters)
    return page(found, limit, OwnKey, lambda hit: (hit.score, hit.at, hit.id))


async def texts(connection: AsyncConnection[Any], hits: Sequence[Hit]) -> dict[tuple[UUID, int], str]:
    """What the messages and notes among the hits say, as far as the view of tickets has it."""
    told = [(hit.id, hit.version) for hit in hits if hit.kind != "subject"]
    asked = {"tickets": [id for id, _ in told], "versions": [version for _, version in told], "most": MOST_READ}
    return await _texts(connection, TEXTS, asked) if told else {}


async def own_texts(
    connection: AsyncConnection[Any], requester: UUID, hits: Sequence[OwnHit]
) -> dict[tuple[UUID, int], str]:
    told = [(hit.id, hit.message) for hit in hits if hit.message is not None]
    asked = {"tickets": [id for id, _ in told], "numbers": [number for _, number in told], "most": MOST_READ}
    return await _texts(connection, OWN_TEXTS, asked | {"requester": requester}) if told else {}


@asynccontextmanager
async def by_index(connection: AsyncConnection[Any]) -> AsyncIterator[None]:
    """Whatever is asked in here."""
    async with connection.transaction():
        await connection.execute(BY_INDEX)
        yield


def _asked(wanted: SearchFilter) -> tuple[LiteralString, dict[str, Any]]:
    both = {**CONDITIONS, **TICKET_CONDITIONS}
    asked = {name: value for name in both if (value := getattr(wanted, name)) is not None}
    joined = THEIR_TICKETS if asked.keys() & TICKET_CONDITIONS.keys() else ""
    filters = {name: list(value) if name in ("statuses", "priorities") else value for name, value in asked.items()}
    return joined + SAY_IT + "".join([both[name] for name in asked]), filters


async def _all(
    connection: AsyncConnection[Any], view: type[HitT], query: LiteralString, parameters: Mapping[str, Any]
) -> list[HitT]:
    async with connection.cursor(binary=True, row_factory=class_row(view)) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def _texts(
    connection: AsyncConnection[Any], query: LiteralString, parameters: Mapping[str, Any]
) -> dict[tuple[UUID, int], str]:
    rows = await (await connection.execute(query, parameters)).fetchall()
    return {(ticket, place): body for ticket, place, body in rows}
