"""similar_queries: which solved tickets are about the same as this one, and how were they solved?

What a ticket is about say its subject and the customer's first message. Tickets are alike by the words that they share,
each worth the more the rarer it is: how rare, the planner's own statistics know, and nothing has to be kept for it.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from aggregates.ticket.events import Status
from projections.languages import COMMON
from projections.search_queries import by_index
from projections.search_words import forms, quoted, tokens

CANDIDATES = 1_000
"""About how many tickets are compared: words are taken, the rarest first, until so many are expected to have one."""
MOST_WORDS = 25
MOST_READ = 4_000
"""Characters of the first message."""
LEAST = 0.1
UNKNOWN_SHARE = 0.0001

ABOUT: LiteralString = """
SELECT t.subject, left(m.body, %(most)s) FROM read.search_tickets t
  LEFT JOIN read.messages m ON m.ticket = t.id AND m.version = t.first_message
 WHERE t.id = %(ticket)s
"""
# The lexemes of many texts, and in which share of all texts each of them is; and of how many texts these are shares.
SHARES: LiteralString = """
SELECT coalesce(s.most_common_elems::text::text[], '{}'), coalesce(s.most_common_elem_freqs, '{}'),
       greatest(c.reltuples, 0)::bigint
  FROM consumers.builds b JOIN pg_class c ON c.oid = format('%I.search_texts', b.schema)::regclass
  LEFT JOIN pg_stats s ON s.schemaname = b.schema AND s.tablename = 'search_texts' AND s.attname = 'words'
 WHERE b.view = 'search' AND b.live
"""
# Words are kept out of line: joined with nothing they are fetched once a ticket, and not once a word of it.
ALIKE: LiteralString = """
WITH said AS MATERIALIZED (
    SELECT query::tsquery, weight, word
      FROM unnest(%(queries)s::text[], %(weights)s::float8[], %(words)s::text[]) AS u (query, weight, word)
), candidates AS MATERIALIZED (
    SELECT t.id, t.number, t.subject, t.status, t.resolution_code, t.opened_at, s.words || ''::tsvector AS words
      FROM read.search_texts s JOIN read.search_tickets t ON t.id = s.ticket AND t.first_message = s.version
     WHERE s.words @@ %(any)s::tsquery AND t.status IN ('resolved', 'closed') AND t.resolution_code IS NOT NULL
       AND NOT t.spam AND t.id <> %(ticket)s
)
SELECT c.id, c.number, c.subject, c.status, c.resolution_code, c.opened_at, w.score / %(whole)s AS score, w.words
  FROM candidates c CROSS JOIN LATERAL (
       SELECT sum(said.weight) AS score, array_agg(said.word ORDER BY said.weight DESC, said.word) AS words
         FROM said WHERE c.words @@ said.query) w
 WHERE w.score >= %(whole)s * %(least)s
 ORDER BY w.score DESC, c.number DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Similar:
    """score: the share of what the ticket says that this one says, too; words: which, as they are written there."""

    id: UUID
    number: int
    subject: str | None
    status: Status
    resolution_code: str
    opened_at: datetime
    score: float
    words: list[str]


@dataclass(frozen=True, slots=True)
class Said:
    """A word of the ticket's, by what it is found, and in which share of all texts it is."""

    word: str
    names: tuple[str, ...]
    share: float

    @property
    def weight(self) -> float:
        """Never nothing, even of a word that is everywhere."""
        return log(1 + 1 / self.share)

    @property
    def query(self) -> str:
        return " | ".join(map(quoted, self.names))


async def similar(connection: AsyncConnection[Any], ticket: UUID, limit: int) -> list[Similar] | None:
    """The most alike first. None: there is no such ticket."""
    about = await (await connection.execute(ABOUT, {"ticket": ticket, "most": MOST_READ})).fetchone()
    if about is None:
        return None
    shares, texts = await _shares(connection)
    said = await to_thread(said_in, "\n".join(filter(None, about)), shares)
    if not said:
        return []
    rare = rarest(said, texts)
    asked = {
        "ticket": ticket,
        "any": " | ".join(word.query for word in rare),
        "queries": [word.query for word in said],
        "weights": [word.weight for word in said],
        "words": [word.word for word in said],
        "whole": sum(word.weight for word in said),
        "least": LEAST,
        "limit": limit,
    }
    async with by_index(connection), connection.cursor(row_factory=class_row(Similar)) as cursor:
        await cursor.execute(ALIKE, asked)
        return await cursor.fetchall()


def said_in(text: str, shares: Mapping[str, float]) -> list[Said]:
    """The rarest words of a text, by their stems where they have any."""
    said, seen = [], set[str]()
    for token in tokens(text):
        word, *stems = forms(token)
        names = tuple(stems) or (word,)
        if seen.isdisjoint(names) and word not in COMMON and len(word) > 1:
            known = [share for name in names if (share := shares.get(name)) is not None]
            said.append(Said(word, names, max(known, default=_unknown(shares))))
            seen.update(names)
    return sorted(said, key=lambda word: (word.share, word.word))[:MOST_WORDS]


def rarest(said: Sequence[Said], texts: int) -> Sequence[Said]:
    """At least three, and as many as do not find too many tickets."""
    expected = 0.0
    for count, word in enumerate(said):
        expected += word.share * texts
        if count >= 3 and expected > CANDIDATES:
            return said[:count]
    return said


def _unknown(shares: Mapping[str, float]) -> float:
    """Less than any that the statistics name."""
    return min(shares.values(), default=2 * UNKNOWN_SHARE) / 2


async def _shares(connection: AsyncConnection[Any]) -> tuple[Mapping[str, float], int]:
    row = await (await connection.execute(SHARES)).fetchone()
    if row is None:
        return {}, 0
    lexemes, shares, texts = row
    # The shares are followed by their least, their greatest and that of nulls.
    return dict(zip(lexemes, shares, strict=False)), texts
