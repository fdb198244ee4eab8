"""HTTP for what-ifs: the past under other rules, asked for now and answered when it is folded.

An auditor may ask, too: nothing is written to the log, and whoever may read all of it may also reckon with it.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import psycopg
from fastapi import Depends, Query, Response
from pydantic import TypeAdapter

from aggregates.errors import Refusal, ReusedKey, Unavailable, require
from api.asking import IdempotencyKey
from api.callers import Caller, allowed
from api.desk import Id
from api.jobs import Job, Jobs
from api.problems import OURS
from api.reading import Cursor, Limit, found
from api.services import Shared
from api.strict import invalid, router
from api.what_if_shown import SideChangeShown, SideChangesPage, WhatIfShown, WhatIfsShown
from commands.context import command_id
from commands.database import connect
from commands.log import read_head
from projections.cursor import InvalidCursor, decode, page
from replay.what_if.given import AskWhatIf
from replay.what_if.jobs import KIND
from replay.what_if.resolve import resolved

what_ifs = router("/what-ifs", "sla")
RulesCaller = Annotated[Caller, Depends(allowed("lead", "auditor"))]
Newest = Annotated[int, Query(ge=1, le=100, description="how many of the newest")]
PLACE: TypeAdapter[int] = TypeAdapter(int)


@what_ifs.post("", status_code=202)
async def ask_what_if(
    who: RulesCaller, body: AskWhatIf, services: Shared, response: Response, idempotency_key: IdempotencyKey = None
) -> WhatIfShown:
    """Ask what would have come of the past under other policies, calendars or priorities. Changes nothing.

    The rules are looked at now, as if they were to be published; the past is folded by `chronodesk jobs`.
    """
    await asyncio.to_thread(_require_sound, services.config.database_url, body)
    id = command_id(who.name, idempotency_key) if idempotency_key else uuid4()
    request = body.model_dump(mode="json", by_alias=True)
    async with services.store.connection() as connection:
        jobs = Jobs(connection, KIND)
        asked = await jobs.ask(id, who.name, request)
        job = await jobs.one(id)
    require(job is not None, "what_if.too_many", "Many are waiting to be answered: cancel one, or ask again later.")
    shown = _shown(job)
    if not asked and job is not None and job.request != request:
        raise ReusedKey("idempotency_key.reused", "This Idempotency-Key came with another request.")
    response.headers["Location"] = f"/v1/what-ifs/{id}"
    return shown


@what_ifs.get("")
async def list_what_ifs(who: RulesCaller, services: Shared, limit: Newest = 20) -> WhatIfsShown:
    """What was asked lately, and how far each is."""
    async with services.store.connection() as connection:
        jobs = await Jobs(connection, KIND).newest(limit)
    return WhatIfsShown(what_ifs=[_shown(job) for job in jobs])


@what_ifs.get("/{id}")
async def get_what_if(who: RulesCaller, id: Id, services: Shared) -> WhatIfShown:
    """How far it is and, once it is done, what came of it."""
    async with services.store.connection() as connection:
        return _shown(await Jobs(connection, KIND).one(id))


@what_ifs.get("/{id}/changes")
async def list_what_if_changes(
    who: RulesCaller, id: Id, services: Shared, limit: Limit = 50, cursor: Cursor = None
) -> SideChangesPage:
    """The tickets that change sides, each explained span by span; as many as were to be kept."""
    try:
        after = 0 if cursor is None else decode(PLACE, cursor)
    except InvalidCursor:
        raise invalid("query.cursor", "cursor") from None
    async with services.store.connection() as connection:
        jobs = Jobs(connection, KIND)
        found(await jobs.one(id), "what_if")
        items = await jobs.items(id, after, limit + 1)
    chosen = page(items, limit, PLACE, lambda row: row[0])
    return SideChangesPage(items=[SideChangeShown.model_validate(item) for _, item in chosen.items], next=chosen.next)


@what_ifs.delete("/{id}")
async def cancel_what_if(who: RulesCaller, id: Id, services: Shared) -> WhatIfShown:
    """Cancel it; what is finished stays as it is."""
    async with services.store.connection() as connection:
        jobs = Jobs(connection, KIND)
        await jobs.cancel(id)
        return _shown(await jobs.one(id))


def _shown(job: Job | None) -> WhatIfShown:
    return WhatIfShown.model_validate(found(job, "what_if"))


def _require_sound(url: str, body: AskWhatIf) -> None:
    """Raises Refusal, whose field is the place in the body."""
    try:
        with closing(connect(url, name="api what-if")) as connection:
            resolved(connection, body, read_head(connection).position, datetime.now(UTC))
    except Refusal as refusal:
        refusal.field = _without_names(refusal.field)
        raise
    except psycopg.OperationalError as away:
        raise Unavailable("store.unavailable", "The event store is busy or away.") from away


def _without_names(field: str | None) -> str | None:
    """The place, but for names that somebody made up."""
    parts = (field or "").split(".")
    return ".".join(part if part.isdecimal() or OURS.fullmatch(part) else "?" for part in parts) or None
