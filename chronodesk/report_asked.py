"""report_asked: how does a command at a terminal ask for figures, all of them as of one position?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from psycopg import AsyncConnection

from aggregates.errors import Unacceptable
from api.reports_asked import VIEW, ReportQuery, of_query
from chronodesk.errors import Unavailable, UsageError
from chronodesk.verbs_asked import asked
from consumers.positions import view_positions
from projections.desk_names import NAMED, ids_of
from projections.metrics.answer import Answer, AsOf, MetricShown
from projections.metrics.answering import answered, shown
from projections.metrics.behind import Evidence, behind
from projections.metrics.question import Question, question
from projections.metrics.reports import Report
from replay.past.moments import moment_of_instant, moment_of_position

T = TypeVar("T")
Filters = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of each report; `query` is what one may ask over HTTP, too."""

    query: Mapping[str, Any]
    filters: Filters
    as_of: datetime | None
    at_position: int | None


@dataclass(frozen=True, slots=True)
class Explained:
    """What a number is made of; `more`: there is more than is shown."""

    metric: MetricShown
    as_of: AsOf
    tz: str
    evidence: Sequence[Evidence]
    more: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def report_of(wanted: Report, wish: Wish) -> Answer:
    """Raises FrontDoorError, saying what helps."""

    async def ask(connection: AsyncConnection[Any]) -> Answer:
        return await answered(connection, await _question(connection, wanted, wish, await _settled(connection, wish)))

    return asked(_patient(ask))


def pack_of(reports: Sequence[Report], wish: Wish, told: Callable[[int, float], None]) -> list[Answer]:
    """Each of them, as of the same position; those that run over time by month, unless something else is wished."""

    async def ask(connection: AsyncConnection[Any]) -> list[Answer]:
        as_of, found = await _settled(connection, wish), []
        for wanted in reports:
            bucket = wish.query.get("bucket", "month") if wanted.bucket else "none"
            of_it = replace(wish, query={**wish.query, "bucket": bucket})
            found.append(await answered(connection, await _question(connection, wanted, of_it, as_of)))
            told(len(found), len(found) / len(reports))
        return found

    return asked(_patient(ask))


def explained(wanted: Report, wish: Wish, name: str, limit: int) -> Explained:
    metric = next((each for each in wanted.metrics if each.name == name), None)
    if metric is None:
        names = ", ".join(each.name for each in wanted.metrics)
        raise UsageError(f"--explain {name}: {wanted.name} has {names}")

    async def ask(connection: AsyncConnection[Any]) -> Explained:
        settled = await _question(connection, wanted, wish, await _settled(connection, wish))
        page = await behind(connection, settled, metric, limit, None)
        return Explained(shown(metric), settled.as_of, settled.zone.key, page.items, page.next is not None)

    return asked(_patient(ask))


def _patient(query: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> Callable[[AsyncConnection[Any]], Awaitable[T]]:
    """Who waits at a terminal can stop it with Ctrl-C; the limit of other connections is for those who cannot."""

    async def ask(connection: AsyncConnection[Any]) -> T:
        await connection.execute("SET statement_timeout = 0")
        return await query(connection)

    return ask


async def _question(connection: AsyncConnection[Any], wanted: Report, wish: Wish, as_of: AsOf) -> Question:
    filters = {name: await _values(connection, name, values) for name, values in wish.filters.items()}
    return question(of_query(wanted, ReportQuery.model_validate({**wish.query, **filters})), as_of)


async def _values(connection: AsyncConnection[Any], dimension: str, values: Sequence[str]) -> list[str]:
    """Teams and agents may be called by their names."""
    if dimension not in NAMED:
        return list(values)
    return [id for value in values for id in await _ids(connection, dimension, value)]


async def _ids(connection: AsyncConnection[Any], dimension: str, value: str) -> list[str]:
    if not value or _is_id(value):
        return [value]
    found = await ids_of(connection, dimension, value)
    if not found:
        raise Unacceptable("report.value_unknown", f"There is no {dimension} {value}.", field=dimension)
    return list(map(str, found))


def _is_id(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True


async def _settled(connection: AsyncConnection[Any], wish: Wish) -> AsOf:
    """The position asked for, else the one that the view has reached."""
    reached = (await view_positions(connection, [VIEW])).get(VIEW)
    if reached is None:
        raise Unavailable(f"the view {VIEW} was never built: does `chronodesk run` run?")
    position = reached if wish.at_position is None else wish.at_position
    if wish.as_of is not None:
        position = (await moment_of_instant(connection, wish.as_of, "recorded")).position
    moment = await moment_of_position(connection, position, "recorded")
    if position > reached:
        raise Unavailable(f"the view {VIEW} has come to position {reached:,} of {position:,}; run the same again later")
    return AsOf(position, moment.at)
