"""HTTP for changes of policy, calendar or tier on their way to the open tickets: how far have they come?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from api.callers import FigureCaller
from api.services import Shared
from api.strict import router
from consumers.sla_moves import recent_moves

moves = router("/sla/moves", "sla")


class MoveShown(BaseModel):
    """`looked_at` of `total` open tickets were looked at, and `moved` of these got another policy or calendar."""

    model_config = ConfigDict(from_attributes=True)

    position: int = Field(description="of the change in the log")
    kind: Literal["policy_list", "calendar", "customer"]
    cause: UUID = Field(description="the policy list, calendar or customer that changed")
    since: datetime = Field(description="from when it reaches the tickets that are open then")
    total: int | None = Field(description="null: it has not begun")
    looked_at: int
    moved: int
    started_at: datetime | None
    finished_at: datetime | None


class MovesShown(BaseModel):
    moves: list[MoveShown]


@moves.get("")
async def list_moves(
    who: FigureCaller, services: Shared, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> MovesShown:
    """The newest first. The SLA clock brings each of them to every open ticket once."""
    async with services.store.connection() as connection:
        found = await recent_moves(connection, limit)
    return MovesShown(moves=[MoveShown.model_validate(move) for move in found])
