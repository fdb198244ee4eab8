"""reports_asked: what may somebody ask of the figures, and as of which position of the log are they answered?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from aggregates.errors import Unacceptable
from aggregates.reportable import REPORTABLE_FIELDS
from aggregates.text import SafeText
from api.as_of import EARLIEST, MOMENT
from api.asking import POSITION
from api.callers import Caller, FigureCaller, Forbidden
from api.config import Role
from api.reading import Read, Reading
from api.services import Services
from commands.reportable import reportable_seen
from projections.metrics.answer import AsOf, Every, TimeKind
from projections.metrics.catalogue import METRICS
from projections.metrics.dimensions import DIMENSIONS, MOST_VALUES, typed
from projections.metrics.measure import Metric
from projections.metrics.question import MOST_GROUPINGS, MOST_METRICS, Ask, Instant, Question, question
from projections.metrics.reports import Report, report
from replay.past.moments import moment_of_instant, moment_of_position

VIEW = "figures"
NO_TEXT: frozenset[Role] = frozenset({"analyst", "ops"})
"""Who may not read what is typed into tickets."""
INSTANT: TypeAdapter[AwareDatetime] = TypeAdapter(AwareDatetime)
WHEN = "an instant, or a day of `tz`, as which it begins"
Cut = Literal["hour", "day", "week", "month", "quarter", "year", "none"]
Text = Annotated[SafeText, Field(max_length=200)]
Day = Annotated[str | None, Query(max_length=64, description=WHEN, examples=["2026-03-01", "2026-03-01T12:00:00Z"])]
AnyOf = Annotated[list[Text], Query(max_length=MOST_VALUES, description="any of these; empty: what has none")]


class ReportQuery(BaseModel):
    """What a report is asked with; what is left out is as the report has it."""

    since: Day = Field(None, alias="from")
    until: Day = Field(None, alias="to")
    tz: str = Field("UTC", max_length=64, description="whose days and hours these are: an IANA time zone")
    bucket: Cut | None = Field(None, description="weeks begin on Monday; none: all in one")
    time: TimeKind = Field("calendar", description="business: within the hours of the policies then in force")
    group_by: Annotated[list[str], Field(max_length=MOST_GROUPINGS)] | None = Field(
        None, description="dimensions, each by itself or with commas between them; empty: none"
    )
    compare: Literal["previous", "none"] = Field("previous", description="with the period before, just as long")
    limit: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        None, description="so many rows, where none are buckets"
    )
    team: AnyOf = []
    assignee: AnyOf = []
    agent: AnyOf = []
    priority: AnyOf = []
    channel: AnyOf = []
    category: AnyOf = []
    ticket_type: AnyOf = []
    level: AnyOf = []
    tag: AnyOf = []
    requester: AnyOf = []
    status: AnyOf = []
    detail: AnyOf = []
    currency: AnyOf = []
    as_of: AwareDatetime | None = Field(None, description="as known at this instant, 1900 or later; none: now")
    at_position: Annotated[int, Field(ge=0, le=2**62)] | None = Field(
        None, description="as of the log's first so many events; not with `as_of`"
    )

    @property
    def filters(self) -> Mapping[str, Sequence[str]]:
        return {name: getattr(self, name) for name in DIMENSIONS}


class AskReport(BaseModel):
    """Figures of one's own choice: names of the catalogue and values, and nothing that is ever run as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: Annotated[tuple[Text, ...], Field(min_length=1, max_length=MOST_METRICS)]
    title: Text = "Own report"
    since: Annotated[str, Field(max_length=64, description=WHEN)] | None = Field(None, alias="from")
    until: Annotated[str, Field(max_length=64, description=WHEN)] | None = Field(None, alias="to")
    tz: Annotated[str, Field(max_length=64)] = "UTC"
    bucket: Every | None = None
    time: TimeKind = "calendar"
    group_by: Annotated[tuple[Text, ...], Field(max_length=MOST_GROUPINGS)] = ()
    filters: Annotated[
        dict[Text, Annotated[tuple[Text | None, ...], Field(min_length=1, max_length=MOST_VALUES)]],
        Field(max_length=len(DIMENSIONS), description="by dimension, any of its values; null: what has none"),
    ] = Field(default_factory=dict)
    compare: bool = True
    order: Text | None = Field(None, description="by which metric, largest first")
    limit: Annotated[int, Field(ge=1, le=1_000)] | None = None
    as_of: AwareDatetime | None = None
    at_position: Annotated[int, Field(ge=0, le=2**62)] | None = None


class ReportAsked:
    """A report's way from a request to a question."""

    def __init__(self, who: Caller, read: Reading, response: Response, query: ReportQuery) -> None:
        self._who, self.read, self._response, self.query = who, read, response, query

    async def question(self, name: str) -> Question:
        """Raises NotFound for a report that is not there, Unacceptable for what makes no sense, and Forbidden."""
        ask = of_query(report(name), self.query)
        as_of = await settled(self.read, self._response, self.query.as_of, self.query.at_position)
        return await readable(self._who, self.read.services, question(ask, as_of))


def of_query(asked: Report, query: ReportQuery) -> Ask:
    named = [name for part in query.group_by or () for name in part.split(",") if name]
    return Ask(
        metrics=asked.metrics,
        report=asked.name,
        title=asked.title,
        since=_instant(query.since, "from"),
        until=_instant(query.until, "to"),
        tz=query.tz,
        bucket=asked.bucket if query.bucket is None else None if query.bucket == "none" else query.bucket,
        time=query.time,
        group_by=asked.group_by if query.group_by is None else named,
        filters=query.filters,
        compare=query.compare == "previous",
        order=asked.order,
        limit=query.limit,
    )


def of_body(body: AskReport) -> Ask:
    """Raises Unacceptable for a metric or dimension that is not there."""
    for name in body.filters:
        if name not in DIMENSIONS:
            detail = f"There are {', '.join(DIMENSIONS)}."
            raise Unacceptable("report.dimension_unknown", detail, field="filters")
    return Ask(
        metrics=[_metric(name) for name in body.metrics],
        report="query",
        title=body.title,
        since=_instant(body.since, "from"),
        until=_instant(body.until, "to"),
        tz=body.tz,
        bucket=body.bucket,
        time=body.time,
        group_by=body.group_by,
        filters=body.filters,
        compare=body.compare,
        order=body.order,
        limit=body.limit,
    )


async def settled(read: Reading, response: Response, as_of: datetime | None, at_position: int | None) -> AsOf:
    """The position asked for, else the one that the view has reached; the answer's headers say which it is."""
    if as_of is not None and at_position is not None:
        raise Unacceptable("moment.ambiguous", "Ask as of an instant or as of a position.", field="at_position")
    if as_of is not None and as_of < EARLIEST:
        raise Unacceptable("as_of.too_early", "Nothing is known from before 1900.", field="as_of")
    async with read.services.store.connection() as connection:
        if as_of is not None:
            at_position = (await moment_of_instant(connection, as_of, "recorded")).position
    position = await read.reached(VIEW) if at_position is None else at_position
    async with read.services.store.connection() as connection:
        moment = await moment_of_position(connection, position, "recorded")
    await read.reached(VIEW, position)
    response.headers[POSITION] = str(position)
    response.headers[MOMENT] = f'basis=recorded, at="{moment.at.isoformat()}", position={position}'
    return AsOf(position, moment.at)


async def readable(who: Caller, services: Services, asked: Question) -> Question:
    """The question, if it tells this caller nothing that people typed and nobody declared. Raises Forbidden."""
    if who.role not in NO_TEXT:
        return asked
    seen = await services.handler.memory.recall([REPORTABLE_FIELDS], fresh=True)
    declared = reportable_seen(seen).declared
    for name, field in typed(asked.metrics, (*asked.group_by, *asked.filters)).items():
        if field not in declared:
            detail = f"People type it: your role may read it once a lead declares {field} a reportable field."
            raise Forbidden("report.not_reportable", detail, field=name)
    return asked


def _metric(name: str) -> Metric:
    found = METRICS.get(name)
    if found is None:
        raise Unacceptable("report.metric_unknown", "`GET /v1/metrics` lists those that are there.", field="metrics")
    return found


def _instant(text: str | None, field: str) -> Instant | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text) if len(text) == len("2026-03-01") else INSTANT.validate_python(text)
    except (ValueError, ValidationError):
        raise Unacceptable("report.instant_malformed", f"Say {WHEN}.", field=field) from None


async def _asked(
    who: FigureCaller, read: Read, response: Response, query: Annotated[ReportQuery, Query()]
) -> ReportAsked:
    return ReportAsked(who, read, response, query)


Asked = Annotated[ReportAsked, Depends(_asked)]
