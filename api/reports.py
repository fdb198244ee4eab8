"""HTTP for figures: what is there to be known, what does it mean, how much is it, and what is it made of?"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Query, Response
from psycopg.errors import QueryCanceled

from aggregates.errors import Unacceptable
from api.callers import FigureCaller
from api.metrics_shown import (
    EvidencePage,
    EvidenceShown,
    MetricDefinition,
    MetricDefinitions,
    ReportsShown,
    metric_definition,
    report_shown,
)
from api.reading import Cursor, Read, Reading, cursors
from api.reports_asked import Asked, AskReport, of_body, readable, settled
from api.strict import router
from projections.metrics.answer import Answer, as_json
from projections.metrics.answering import answered, shown
from projections.metrics.behind import behind
from projections.metrics.catalogue import METRICS, metric
from projections.metrics.files import FILES, Format, accepted
from projections.metrics.question import Question, question
from projections.metrics.reports import REPORTS

metrics = router("/metrics", "figures")
reports = router("/reports", "figures")

BINARY = {"schema": {"type": "string", "format": "binary"}}
FORMATS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {media.split(";")[0]: BINARY for media, _ in FILES.values()},
        "description": "As JSON, or as a table with a row a bucket and group",
    }
}
Wanted = Annotated[Format | None, Query(description="stronger than `Accept`")]
Accept = Annotated[str, Header(include_in_schema=False)]
PageSize = Annotated[int, Query(ge=1, le=200, description="how many of what is behind a number")]
Explain = Annotated[
    str | None,
    Query(max_length=64, description="a metric: answer with the tickets and events of which it is made up in the whole "
                                     "period, for one bucket or group ask for no more than that"),
]  # fmt: skip


@metrics.get("")
async def list_metrics(who: FigureCaller) -> MetricDefinitions:
    """Every figure there is, and what exactly it means."""
    return MetricDefinitions(metrics=[metric_definition(each) for each in METRICS.values()])


@metrics.get("/{name}")
async def get_metric(who: FigureCaller, name: str) -> MetricDefinition:
    """What one figure means."""
    return metric_definition(metric(name))


@reports.get("")
async def list_reports(who: FigureCaller) -> ReportsShown:
    """Reports that are ready made."""
    return ReportsShown(reports=[report_shown(each) for each in REPORTS.values()])


@reports.get("/{name}", response_model=Answer | EvidencePage, responses=FORMATS)
async def get_report(
    who: FigureCaller,
    name: str,
    asked: Asked,
    response: Response,
    format: Wanted = None,
    accept: Accept = "",
    explain: Explain = None,
    page_size: PageSize = 50,
    cursor: Cursor = None,
) -> Any:
    """Its figures, as of a position that the answer names: asked again at that position, they are the same."""
    wanted = await asked.question(name)
    if explain is not None:
        return await _explained(asked.read, wanted, explain, page_size, cursor)
    return await _answered(asked.read, response, wanted, format or accepted(accept))


@reports.post("/query", response_model=Answer, responses=FORMATS)
async def query_report(
    who: FigureCaller, body: AskReport, read: Read, response: Response, format: Wanted = None, accept: Accept = ""
) -> Any:
    """A report of your own: metrics and dimensions of the catalogue, filters, buckets, order. Nothing is written."""
    ask = of_body(body)
    asked = question(ask, await settled(read, response, body.as_of, body.at_position))
    await readable(who, read.services, asked)
    return await _answered(read, response, asked, format or accepted(accept))


async def _answered(read: Reading, response: Response, asked: Question, format: Format) -> Response:
    try:
        async with read.services.store.connection() as connection:
            answer = await answered(connection, asked)
    except QueryCanceled:
        raise too_much() from None
    if format == "json":
        media, body = "application/json", as_json(answer)
    else:
        media, write = FILES[format]
        body = write(answer)
    return Response(body, media_type=media, headers=dict(response.headers) | {"Vary": "Accept"})


async def _explained(read: Reading, asked: Question, name: str, limit: int, cursor: str | None) -> EvidencePage:
    wanted = next((each for each in asked.metrics if each.name == name), None)
    if wanted is None:
        raise Unacceptable("report.metric_unknown", "Explain a metric of this report.", field="explain")
    try:
        async with read.services.store.connection() as connection:
            with cursors():
                found = await behind(connection, asked, wanted, limit, cursor)
    except QueryCanceled:
        raise too_much() from None
    items = [EvidenceShown.model_validate(one) for one in found.items]
    return EvidencePage(metric=shown(wanted), as_of=asked.as_of, items=items, next=found.next)


def too_much() -> Unacceptable:
    return Unacceptable("report.takes_too_long", "Ask for a shorter period, or for less of it.", field="from")
