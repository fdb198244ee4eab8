"""HTTP for whoever starts and watches this process: is it alive, can it take work, what does it count?"""

from __future__ import annotations

from typing import Literal, LiteralString

import psycopg
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from aggregates.errors import Unavailable
from api.services import Services, Shared
from api.strict import named_as_its_function
from projections.registry import PROJECTIONS

health = APIRouter(tags=["operations"], generate_unique_id_function=named_as_its_function)

REVISION: LiteralString = "SELECT version_num FROM public.alembic_version"
LIVE: LiteralString = "SELECT view, version FROM consumers.builds WHERE live"


class Alive(BaseModel):
    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    status: Literal["ready"] = "ready"
    schema_revision: str


@health.get("/healthz")
async def alive() -> Alive:
    """This process runs."""
    return Alive()


@health.get("/readyz")
async def ready(services: Shared) -> Ready:
    """The database is there; its schema and its views are those that this release was written for.

    A view that nobody has built yet keeps nobody from writing.
    """
    expected = services.config.schema_revision
    if await _revision(services) != expected:
        raise Unavailable("schema.other_revision", "The database has another schema; run `chronodesk migrate`.")
    live = await _live(services)
    for view, projection in PROJECTIONS.items():
        if live.get(view, projection.version) != projection.version:
            raise Unavailable("view.other_version", f"The view {view} is not of this release.")
    return Ready(schema_revision=expected)


@health.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> PlainTextResponse:
    """For Prometheus."""
    return PlainTextResponse(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _live(services: Services) -> dict[str, int]:
    async with services.store.connection() as connection:
        return dict(await (await connection.execute(LIVE)).fetchall())


async def _revision(services: Services) -> str | None:
    async with services.store.connection() as connection:
        try:
            row = await (await connection.execute(REVISION)).fetchone()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
            return None
    return str(row[0]) if row else None
