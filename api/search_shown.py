"""search_shown: what is shown of what a search found?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from aggregates.envelope import ActorKind
from aggregates.ticket.events import Priority, Status
from api.shown import ERASED, Human, Shown
from projections.cursor import Page
from projections.search_asked import Asked
from projections.search_queries import Hit, OwnHit
from projections.search_snippets import Part, marked, snippet

Texts = Mapping[tuple[UUID, int], str]


class PartShown(Shown):
    """A piece of text as it was written; `marked`: it was looked for."""

    text: str
    marked: bool


class FoundIn(Shown):
    """The text that says best what was looked for."""

    kind: Literal["subject", "public", "internal"]
    version: int = Field(description="of the ticket, when it was written")
    at: datetime
    author_kind: ActorKind
    author_id: str
    language: Literal["bg", "en", "ru", "sl", "zh"] | None = Field(description="null if it is none of these for sure")


class HitShown(Shown):
    id: UUID
    number: Human
    subject: list[PartShown] | None = Field(description=ERASED)
    status: Status
    priority: Priority
    team: UUID | None
    assignee: UUID | None
    requester: UUID | None
    category: str | None
    tags: list[str]
    found_in: FoundIn
    snippet: list[PartShown] | None = Field(description="null if the subject says it")
    score: float = Field(description="comparable within one search")


class SearchPage(Shown):
    """The best first."""

    items: list[HitShown]
    next: str | None = Field(description="the `cursor` of the next page")


class OwnFoundIn(Shown):
    number: int = Field(description="of the message in the thread")
    author: Literal["customer", "support"]
    own: bool
    at: datetime


class OwnHitShown(Shown):
    id: UUID
    number: Human
    subject: list[PartShown] | None = Field(description=ERASED)
    status: Literal["new", "open", "pending", "resolved", "closed"]
    message: OwnFoundIn | None = Field(description="null if the subject says it")
    snippet: list[PartShown] | None = Field(description="of the message")


class OwnSearchPage(Shown):
    """The best first."""

    items: list[OwnHitShown]
    next: str | None = Field(description="the `cursor` of the next page")


class SimilarTicket(Shown):
    id: UUID
    number: Human
    subject: str | None = Field(description=ERASED)
    status: Literal["resolved", "closed"]
    resolution_code: str
    opened_at: datetime
    score: float = Field(description="0 to 1: how much of what this ticket says it says, too; rare words count more")
    words: list[str] = Field(description="what both say, the rarest first, as it is written in this ticket")


class SimilarShown(Shown):
    """The most alike first."""

    items: list[SimilarTicket]


def search_page(page: Page[Hit], asked: Asked, texts: Texts) -> SearchPage:
    return SearchPage(items=[_hit(hit, asked, texts) for hit in page.items], next=page.next)


def own_search_page(page: Page[OwnHit], asked: Asked, texts: Texts) -> OwnSearchPage:
    return OwnSearchPage(items=[_own_hit(hit, asked, texts) for hit in page.items], next=page.next)


def _hit(hit: Hit, asked: Asked, texts: Texts) -> HitShown:
    snippet = _snippet(texts.get((hit.id, hit.version)), asked)
    told = {"subject": _subject(hit.subject, asked), "found_in": hit, "snippet": snippet}
    return HitShown.model_validate(asdict(hit) | told)


def _own_hit(hit: OwnHit, asked: Asked, texts: Texts) -> OwnHitShown:
    message = None if hit.message is None else asdict(hit) | {"number": hit.message}
    snippet = _snippet(texts.get((hit.id, hit.message or 0)), asked)
    told = {"subject": _subject(hit.subject, asked), "message": message, "snippet": snippet}
    return OwnHitShown.model_validate(asdict(hit) | told)


def _subject(subject: str | None, asked: Asked) -> list[Part] | None:
    return None if subject is None else marked(subject, asked)


def _snippet(text: str | None, asked: Asked) -> list[Part] | None:
    return None if text is None else snippet(text, asked)
