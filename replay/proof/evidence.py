"""evidence: what must somebody hold who is to check one ticket's history without us, our code or our database?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict, Field

from aggregates.errors import NotFound, Unacceptable, Unavailable
from replay.proof.heads import Digest, FalseHead, Instant, SignedHead
from replay.proof.kept import fetched, head_of, newest_head
from replay.proof.merkle import Span, consistency, goes_on, includes, inclusion, leaf_hash, root_of

HOW_TO_CHECK = (
    "python verify_bundle.py FILE --key PUBLIC_KEY checks this file offline; it needs Python 3.11 and the package "
    "cryptography. By hand: an event's hash is SHA-256 of prev, position (8 bytes, big-endian), ticket (16 bytes), "
    "version (8), length of type in bytes (4), type, recorded_at (8: microseconds since 2000-01-01 UTC) and state; its "
    "leaf is SHA-256 of a zero byte and that hash; inclusion leads from there to head.root (RFC 9162, 2.1.3.2); and "
    "head.signature is Ed25519 over the head's seven lines. Take PUBLIC_KEY from where it was published, not from here."
)
CHUNK = 500
"""Of a long ticket: its proofs need hashes from all over the log."""
EVENTS: LiteralString = """
SELECT e.notification_id AS position, e.originator_version AS version, e.topic AS type, e.recorded_at, e.state, e.hash,
       coalesce(p.hash, decode(repeat('00', 32), 'hex')) AS prev
  FROM store.events e LEFT JOIN store.events p ON p.notification_id = e.notification_id - 1
 WHERE e.originator_id = %(ticket)s ORDER BY e.originator_version
"""


class EvidenceEvent(BaseModel):
    """One event of the ticket, its link in the chain, and the way from it to the head's root."""

    model_config = ConfigDict(frozen=True)

    position: int = Field(description="in the whole log, from 1")
    version: int = Field(description="in the ticket's own history, from 1")
    type: str
    recorded_at: Instant
    state: str = Field(description="verbatim: these bytes, in UTF-8, are what was hashed")
    prev: Digest = Field(description="the hash of the event before it in the log")
    hash: Digest
    inclusion: list[Digest] = Field(description="RFC 9162, 2.1.3; the leaf is number position - 1")


class Earlier(BaseModel):
    """That the log goes on from a head which somebody may hold since long."""

    model_config = ConfigDict(frozen=True)

    head: SignedHead
    consistency: list[Digest] = Field(description="RFC 9162, 2.1.4")


class Evidence(BaseModel):
    """A ticket's events, each proven to be in the log whose head was signed. `verify_bundle.py` checks it offline."""

    model_config = ConfigDict(frozen=True)

    format: Literal["chronodesk evidence v1"] = "chronodesk evidence v1"
    how_to_check: str = HOW_TO_CHECK
    ticket: UUID
    number: str = Field(examples=["T-1042"])
    head: SignedHead
    earlier: Earlier | None
    events: list[EvidenceEvent]

    @property
    def text(self) -> str:
        """The file."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Row:
    position: int
    version: int
    type: str
    recorded_at: datetime
    state: bytes
    hash: bytes
    prev: bytes


async def history(connection: AsyncConnection[Any], ticket: UUID) -> list[Row]:
    """The ticket's events with their links. Raises NotFound where there is no such ticket."""
    async with connection.cursor(binary=True, row_factory=class_row(Row)) as cursor:
        await cursor.execute(EVENTS, {"ticket": ticket})
        rows = await cursor.fetchall()
    if not rows or not rows[0].type.startswith("ticket."):
        raise NotFound("ticket.not_found", "There is no such ticket.")
    return rows


async def evidence(
    connection: AsyncConnection[Any], ticket: UUID, rows: Sequence[Row], since: int | None = None
) -> Evidence:
    """Of the events that the newest head covers; `since`: the size of an older head. Raises NotFound, Unavailable."""
    head = await required_head(connection)
    covered = [row for row in rows if row.position <= head.tree_size]
    if not covered:
        raise NotFound("head.not_yet", "No head has been signed yet that covers this ticket.")
    earlier = None if since is None else await _earlier(connection, head, since)
    events = [
        event
        for at in range(0, len(covered), CHUNK)
        for event in await _proven(connection, head, covered[at : at + CHUNK])
    ]
    return Evidence(ticket=ticket, number=_number(covered[0]), head=head, earlier=earlier, events=events)


async def required_head(connection: AsyncConnection[Any]) -> SignedHead:
    """The newest. Raises NotFound; Unavailable where the database's copy is false."""
    head = await newest_head(connection)
    if head is None:
        raise NotFound("head.not_found", "No head of the log has been signed yet.")
    try:
        head.require_true(head.log_id, frozenset())
    except FalseHead:
        raise _damaged() from None
    return head


async def inclusion_proof(connection: AsyncConnection[Any], position: int, size: int) -> list[bytes]:
    """Raises Unavailable where the tree does not reach so far."""
    path = inclusion(position - 1, size)
    kept = await fetched(connection, path)
    return [_root(span, kept) for span in path]


async def consistency_proof(connection: AsyncConnection[Any], first: int, second: int) -> list[bytes]:
    """Raises Unavailable where the tree does not reach so far."""
    path = consistency(first, second)
    kept = await fetched(connection, path)
    return [_root(span, kept) for span in path]


async def _proven(connection: AsyncConnection[Any], head: SignedHead, rows: Sequence[Row]) -> list[EvidenceEvent]:
    paths = [inclusion(row.position - 1, head.tree_size) for row in rows]
    spans = {span for path in paths for span in path}
    kept = await fetched(connection, spans)
    roots = {span: _root(span, kept) for span in spans}
    return [_event(row, [roots[span] for span in path], head) for row, path in zip(rows, paths, strict=True)]


def _event(row: Row, path: Sequence[bytes], head: SignedHead) -> EvidenceEvent:
    if not includes(bytes.fromhex(head.root), head.tree_size, row.position - 1, leaf_hash(row.hash), path):
        raise _damaged()
    try:
        state = row.state.decode()
    except UnicodeDecodeError:
        raise Unacceptable("evidence.not_text", f"The event at position {row.position} is no text.") from None
    return EvidenceEvent(
        position=row.position,
        version=row.version,
        type=row.type,
        recorded_at=row.recorded_at,
        state=state,
        prev=row.prev.hex(),
        hash=row.hash.hex(),
        inclusion=[hash.hex() for hash in path],
    )


async def _earlier(connection: AsyncConnection[Any], head: SignedHead, since: int) -> Earlier:
    earlier = await head_of(connection, since)
    if earlier is None:
        raise NotFound("head.not_found", f"No head of {since} events was signed.")
    path = await consistency_proof(connection, since, head.tree_size)
    if not goes_on(since, bytes.fromhex(earlier.root), head.tree_size, bytes.fromhex(head.root), path):
        raise _damaged()
    return Earlier(head=earlier, consistency=[hash.hex() for hash in path])


def _root(span: Span, kept: Any) -> bytes:
    try:
        return root_of(span, kept)
    except KeyError:
        raise _damaged() from None


def _damaged() -> Unavailable:
    """Nothing is handed out that would not hold."""
    return Unavailable(
        "proof.not_available",
        "The log, or what is kept to prove it by, is not what was signed. `chronodesk audit verify` says whether it "
        "is the log; the rest the witness mends when it starts.",
    )


def _number(first: Row) -> str:
    return f"T-{json.loads(first.state)['fact']['number']}"
