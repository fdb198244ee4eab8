"""kept: where are the tree's hashes, and the heads, when somebody asks for a proof? In tables that can be lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, LiteralString

from psycopg import AsyncConnection, Connection

from aggregates.errors import Unavailable
from replay.proof.heads import FalseHead, SignedHead
from replay.proof.merkle import Key, Span, keys, leaf_hash

KEEP: LiteralString = """
INSERT INTO witness.nodes AS n (level, place, hash)
SELECT * FROM unnest(%(levels)s::int[], %(places)s::bigint[], %(hashes)s::bytea[])
    ON CONFLICT (level, place) DO UPDATE SET hash = excluded.hash WHERE n.hash <> excluded.hash
"""
KEEP_HEADS: LiteralString = """
INSERT INTO witness.heads SELECT * FROM unnest(%(sizes)s::bigint[], %(lines)s::text[]) ON CONFLICT DO NOTHING
"""
NODES: LiteralString = """
SELECT level, place, hash
  FROM unnest(%(levels)s::int[], %(places)s::bigint[]) AS asked (level, place) JOIN witness.nodes USING (level, place)
"""
LEAVES: LiteralString = """
SELECT notification_id, hash FROM store.events WHERE notification_id = ANY (%(positions)s::bigint[])
"""
LEVEL: LiteralString = (
    "SELECT place, hash FROM witness.nodes WHERE level = %(level)s AND place < %(upto)s ORDER BY place"
)
NEWEST: LiteralString = "SELECT line FROM witness.heads ORDER BY tree_size DESC LIMIT 1"
OF_SIZE: LiteralString = "SELECT line FROM witness.heads WHERE tree_size = %(size)s"
PAGE: LiteralString = """
SELECT line FROM witness.heads WHERE tree_size > %(after)s ORDER BY tree_size LIMIT %(limit)s
"""
LAST: LiteralString = """
SELECT line FROM (SELECT * FROM witness.heads WHERE tree_size > %(after)s ORDER BY tree_size DESC LIMIT %(limit)s) AS h
 ORDER BY tree_size
"""
LAST_SIZE: LiteralString = "SELECT coalesce(max(tree_size), 0) FROM witness.heads"


def keep(connection: Connection[Any], nodes: Iterable[tuple[Key, bytes]]) -> None:
    found = list(nodes)
    levels, places = [key.level for key, _ in found], [key.place for key, _ in found]
    connection.execute(KEEP, {"levels": levels, "places": places, "hashes": [hash for _, hash in found]})


def keep_heads(connection: Connection[Any], heads: Iterable[SignedHead]) -> None:
    found = list(heads)
    sizes, lines = [head.tree_size for head in found], [head.line for head in found]
    connection.execute(KEEP_HEADS, {"sizes": sizes, "lines": lines})


def last_size(connection: Connection[Any]) -> int:
    """Of the newest head that is kept; 0: none is."""
    row = connection.execute(LAST_SIZE).fetchone()
    return int(row[0]) if row else 0


def level(connection: Connection[Any], level: int, upto: int) -> list[tuple[int, bytes]]:
    """One level's hashes in order of place."""
    return [(place, bytes(hash)) for place, hash in connection.execute(LEVEL, {"level": level, "upto": upto})]


async def fetched(connection: AsyncConnection[Any], spans: Iterable[Span]) -> Mapping[Key, bytes]:
    """The hashes that make up these subtrees, as far as they are there."""
    wanted = {key for span in spans for key in keys(span)}
    inner = [key for key in wanted if key.level]
    asked = {"levels": [key.level for key in inner], "places": [key.place for key in inner]}
    nodes = await connection.execute(NODES, asked)
    found = {Key(level, place): bytes(hash) async for level, place, hash in nodes}
    leaves = await connection.execute(LEAVES, {"positions": [key.place + 1 for key in wanted if not key.level]})
    return found | {Key(0, position - 1): leaf_hash(bytes(hash)) async for position, hash in leaves}


async def newest_head(connection: AsyncConnection[Any]) -> SignedHead | None:
    return await _head(connection, NEWEST)


async def head_of(connection: AsyncConnection[Any], size: int) -> SignedHead | None:
    return await _head(connection, OF_SIZE, size=size)


async def heads_after(connection: AsyncConnection[Any], after: int, limit: int) -> list[SignedHead]:
    """The oldest of them first."""
    return await _heads(connection, PAGE, after, limit)


async def last_heads(connection: AsyncConnection[Any], after: int, limit: int) -> list[SignedHead]:
    """The newest of them, in order."""
    return await _heads(connection, LAST, after, limit)


async def _heads(connection: AsyncConnection[Any], query: LiteralString, after: int, limit: int) -> list[SignedHead]:
    cursor = await connection.execute(query, {"after": after, "limit": limit})
    return [_read(line) async for (line,) in cursor]


async def _head(connection: AsyncConnection[Any], query: LiteralString, **asked: int) -> SignedHead | None:
    cursor = await connection.execute(query, asked)
    row = await cursor.fetchone()
    return _read(row[0]) if row else None


def _read(line: str) -> SignedHead:
    """Raises Unavailable for what is no head: it was published, and can be had from there."""
    try:
        return SignedHead.read(line)
    except FalseHead:
        raise Unavailable("head.damaged", "The database's copy of a head was changed.") from None
