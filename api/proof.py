"""HTTP for proof: what was signed of the log, and evidence that a ticket's events are in it, for checking elsewhere."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from aggregates.errors import NotFound, Unacceptable
from api.asking import TicketId
from api.callers import FigureCaller, ReaderCaller
from api.reading import Limit
from api.services import Shared
from api.strict import router
from replay.proof.evidence import Evidence, consistency_proof, evidence, history, inclusion_proof, required_head
from replay.proof.heads import Digest, SignedHead
from replay.proof.kept import heads_after

audit = router("/audit", "audit")
ticket_evidence = router("/tickets", "tickets")

Size = Annotated[int, Query(ge=1, le=2**62, description="of a tree: how many events it covers")]


class HeadsPage(BaseModel):
    """The oldest first. `next`: ask for what comes `after` this."""

    heads: list[SignedHead]
    next: int


class InclusionShown(BaseModel):
    """The hashes that lead from leaf number position - 1 to the root of a tree."""

    position: int
    tree_size: int
    path: list[Digest] = Field(description="RFC 9162, 2.1.3, from the leaf upwards")


class ConsistencyShown(BaseModel):
    """The hashes that lead to the roots of both trees."""

    first: int
    second: int
    path: list[Digest] = Field(description="RFC 9162, 2.1.4")


@audit.get("/heads")
async def list_heads(
    who: FigureCaller,
    services: Shared,
    after: Annotated[int, Query(ge=0, le=2**62, description="only heads of more events than this")] = 0,
    limit: Limit = 100,
) -> HeadsPage:
    """Signed heads of the log. They hold no text of anybody; keep them, and nobody can show you another past later."""
    async with services.store.connection() as connection:
        found = await heads_after(connection, after, limit)
    return HeadsPage(heads=found, next=found[-1].tree_size if found else after)


@audit.get("/heads/latest")
async def latest_head(who: FigureCaller, services: Shared) -> SignedHead:
    """The newest signed head."""
    async with services.store.connection() as connection:
        return await required_head(connection)


@audit.get("/proof/inclusion")
async def prove_inclusion(who: FigureCaller, services: Shared, position: Size, tree_size: Size) -> InclusionShown:
    """That the event at a position is in the tree of `tree_size` events; its leaf is made of its chain hash."""
    _require_order(position, tree_size, "query.position")
    async with services.store.connection() as connection:
        _require_signed(await required_head(connection), tree_size)
        path = await inclusion_proof(connection, position, tree_size)
    return InclusionShown(position=position, tree_size=tree_size, path=[hash.hex() for hash in path])


@audit.get("/proof/consistency")
async def prove_consistency(who: FigureCaller, services: Shared, first: Size, second: Size) -> ConsistencyShown:
    """That the tree of `second` events begins with the tree of `first`: nothing before it was changed."""
    _require_order(first, second, "query.first")
    async with services.store.connection() as connection:
        _require_signed(await required_head(connection), second)
        path = await consistency_proof(connection, first, second)
    return ConsistencyShown(first=first, second=second, path=[hash.hex() for hash in path])


@ticket_evidence.get("/{ticket}/evidence")
async def get_evidence(
    who: ReaderCaller,
    ticket: TicketId,
    services: Shared,
    since: Annotated[
        int | None, Query(ge=1, le=2**62, description="prove as well that the log goes on from the head of this size")
    ] = None,
) -> Evidence:
    """A ticket's events, internal notes included, with all that `verify_bundle.py` needs to check them offline."""
    async with services.store.connection() as connection:
        return await evidence(connection, ticket, await history(connection, ticket), since)


def _require_order(smaller: int, larger: int, field: str) -> None:
    if smaller > larger:
        raise Unacceptable("proof.beyond_tree", "A tree holds only what is not beyond its size.", field=field)


def _require_signed(head: SignedHead, size: int) -> None:
    if size > head.tree_size:
        raise NotFound("head.not_yet", f"The newest head is of {head.tree_size} events.")
