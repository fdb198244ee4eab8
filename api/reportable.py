"""HTTP for reportable fields: which fields may analysts read in SQL, and as what?"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response
from pydantic import BaseModel, Field

from aggregates.reportable import (
    REPORTABLE_FIELDS,
    DeclareField,
    FieldType,
    ReportableName,
    WithdrawField,
)
from api.asking import Ask, newest, stamp
from api.callers import FigureCaller, LeadCaller
from api.services import Shared
from api.shown import Shown
from api.strict import router
from commands.context import Accepted
from commands.reportable import change_reportable, reportable_seen

reportable = router("/reportable-fields", "reporting")
TARGET = "reportable fields"
FieldNamed = Annotated[
    ReportableName,
    Path(description="a custom field, or `ticket.category`, `ticket.tags`, `ticket.resolution_code`"),
]


class ReportableFieldShown(Shown):
    name: str
    type: FieldType
    label: str


class ReportableFieldsShown(BaseModel):
    """Fields whose values analysts read; a value of another type stays hidden. The `version` is the ETag."""

    version: int
    fields: list[ReportableFieldShown]


class ReportableFieldsChanged(BaseModel):
    """What a command did. No events: it was so already."""

    version: int = Field(description="of the list, after this command")
    position: int
    events: list[str] = Field(examples=[["reportable_fields.declared.v1"]])


@reportable.get("")
async def list_reportable_fields(who: FigureCaller, services: Shared, response: Response) -> ReportableFieldsShown:
    """All fields that are declared reportable; never behind."""
    seen = await newest(REPORTABLE_FIELDS, services, response)
    declared = sorted(reportable_seen(seen).declared.items())
    return ReportableFieldsShown(
        version=seen[REPORTABLE_FIELDS].version,
        fields=[ReportableFieldShown.model_validate(field) for _, field in declared],
    )


@reportable.post("")
async def declare_field(who: LeadCaller, body: DeclareField, ask: Ask, response: Response) -> ReportableFieldsChanged:
    """Let analysts read a field in SQL, in all tickets, past ones too; or say anew what it is."""
    return _told(response, await change_reportable(ask.services.handler, body, ask.context(who, body, TARGET)))


@reportable.delete("/{name}")
async def withdraw_field(who: LeadCaller, name: FieldNamed, ask: Ask, response: Response) -> ReportableFieldsChanged:
    """Hide a field from analysts again, at once."""
    command = WithdrawField(name=name)
    return _told(response, await change_reportable(ask.services.handler, command, ask.context(who, command, TARGET)))


def _told(response: Response, accepted: Accepted) -> ReportableFieldsChanged:
    stamp(response, accepted)
    return ReportableFieldsChanged(version=accepted.version, position=accepted.position, events=accepted.events)
