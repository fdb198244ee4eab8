"""queues_queries: a page of a work list, and the counts beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal, LiteralString, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import AwareDatetime, Field, TypeAdapter

from aggregates.ticket.events import Channel, Priority, Status
from projections.cursor import Page, decode, page

Sort = Literal["waiting", "priority", "opened", "newest", "updated"]
Rank = Annotated[int, Field(ge=1, le=4)]
KeyT = TypeVar("KeyT")
RANKS: Mapping[Priority, int] = MappingProxyType({"urgent": 1, "high": 2, "normal": 3, "low": 4})
CLOSED_SORTS: frozenset[Sort] = frozenset({"opened", "newest", "updated"})

ITEMS: LiteralString = """
SELECT id, version, number, requester, subject, channel, category, team, assignee, priority, status, level, tags,
       opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at, priority_rank
  FROM read.queues
"""
OPEN: LiteralString = " WHERE listed"
CLOSED: LiteralString = " WHERE status = 'closed'"
CONDITIONS: Mapping[str, LiteralString] = MappingProxyType(
    {
        "team": " AND team = %(team)s",
        "assignee": " AND assignee = %(assignee)s",
        "statuses": " AND status = ANY (%(statuses)s)",
        "priorities": " AND priority_rank = ANY (%(priorities)s)",
        "level": " AND level = %(level)s",
        "category": " AND category = %(category)s",
        "channel": " AND channel = %(channel)s",
        "tag": " AND tags @> ARRAY[%(tag)s::text]",
        "requester": " AND requester = %(requester)s",
    }
)
HELD: Mapping[bool | None, LiteralString] = MappingProxyType(
    {None: "", True: " AND assignee IS NULL", False: " AND assignee IS NOT NULL"}
)
LIMIT: LiteralString = " LIMIT %(limit)s"
COUNTS: LiteralString = "SELECT team, status, priority, unassigned, tickets FROM read.queue_counts"


@dataclass(frozen=True, slots=True)
class QueueItem:
    """`waiting_since`: the oldest requester message without an answer; `priority_rank`: 1 is urgent."""

    id: UUID
    version: int
    number: int
    requester: UUID | None
    subject: str | None
    channel: Channel
    category: str | None
    team: UUID | None
    assignee: UUID | None
    priority: Priority
    status: Status
    level: int
    tags: list[str]
    opened_at: datetime
    updated_at: datetime
    waiting_since: datetime | None
    last_requester_message_at: datetime | None
    last_public_reply_at: datetime | None
    priority_rank: int


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What is None is not asked for. Without `statuses`: all that is not closed."""

    team: UUID | None = None
    assignee: UUID | None = None
    unassigned: bool | None = None
    statuses: Collection[Status] | None = None
    priorities: Collection[Priority] | None = None
    level: int | None = None
    category: str | None = None
    channel: Channel | None = None
    tag: str | None = None
    requester: UUID | None = None


@dataclass(frozen=True, slots=True)
class Count:
    team: UUID | None
    status: Status
    priority: Priority
    unassigned: bool
    tickets: int


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """Tickets that are not closed. `by_team` has None for those without a team."""

    total: int
    unassigned: int
    by_team: dict[UUID | None, int]
    by_status: dict[Status, int]
    by_priority: dict[Priority, int]


class UnsupportedList(ValueError):
    """Closed tickets neither wait nor press: they are listed on their own, by `opened`, `newest` or `updated`."""


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted, and how its next page is found."""

    key: TypeAdapter[tuple[Any, ...]]
    of: Callable[[QueueItem], tuple[Any, ...]]
    after: LiteralString
    by: LiteralString


ORDERS: Mapping[Sort, Order] = MappingProxyType(
    {
        "waiting": Order(
            TypeAdapter(tuple[Literal["waiting"], AwareDatetime | None, AwareDatetime, UUID]),
            lambda item: ("waiting", item.waiting_since, item.opened_at, item.id),
            " AND (waiting_key, opened_at, id) > (coalesce(%(k1)s::timestamptz, 'infinity'), %(k2)s, %(k3)s)",
            " ORDER BY waiting_key, opened_at, id",
        ),
        "priority": Order(
            TypeAdapter(tuple[Literal["priority"], Rank, AwareDatetime | None, AwareDatetime, UUID]),
            lambda item: ("priority", item.priority_rank, item.waiting_since, item.opened_at, item.id),
            " AND (priority_rank, waiting_key, opened_at, id)"
            " > (%(k1)s, coalesce(%(k2)s::timestamptz, 'infinity'), %(k3)s, %(k4)s)",
            " ORDER BY priority_rank, waiting_key, opened_at, id",
        ),
        "opened": Order(
            TypeAdapter(tuple[Literal["opened"], AwareDatetime, UUID]),
            lambda item: ("opened", item.opened_at, item.id),
            " AND (opened_at, id) > (%(k1)s, %(k2)s)",
            " ORDER BY opened_at, id",
        ),
        "newest": Order(
            TypeAdapter(tuple[Literal["newest"], AwareDatetime, UUID]),
            lambda item: ("newest", item.opened_at, item.id),
            " AND (opened_at, id) < (%(k1)s, %(k2)s)",
            " ORDER BY opened_at DESC, id DESC",
        ),
        "updated": Order(
            TypeAdapter(tuple[Literal["updated"], AwareDatetime, UUID]),
            lambda item: ("updated", item.updated_at, item.id),
            " AND (updated_at, id) < (%(k1)s, %(k2)s)",
            " ORDER BY updated_at DESC, id DESC",
        ),
    }
)
"""waiting and priority: those that wait longest first, then those that nobody waits for, oldest first."""


async def queue_page(
    connection: AsyncConnection[Any],
    wanted: QueueFilter,
    limit: int,
    sort: Sort = "waiting",
    cursor: str | None = None,
) -> Page[QueueItem]:
    """One page of a work list. Raises InvalidCursor and UnsupportedList."""
    order = ORDERS[sort]
    conditions, parameters = asked_for(wanted, sort, cursor)
    async with connection.cursor(row_factory=class_row(QueueItem)) as rows:
        await rows.execute(ITEMS + conditions + order.by + LIMIT, parameters | {"limit": limit + 1})
        return page(await rows.fetchall(), limit, order.key, order.of)


async def counts(connection: AsyncConnection[Any], team: UUID | None = None) -> QueueCounts:
    """How many tickets are not closed, of one team or of all."""
    async with connection.cursor(row_factory=class_row(Count)) as cursor:
        await cursor.execute(COUNTS)
        return summed(await cursor.fetchall(), team)


def asked_for(wanted: QueueFilter, sort: Sort, cursor: str | None) -> tuple[LiteralString, dict[str, Any]]:
    """The conditions of a page, and their parameters. Raises InvalidCursor and UnsupportedList."""
    parameters = _parameters(wanted)
    conditions = _scope(wanted, sort) + "".join(CONDITIONS[name] for name in CONDITIONS if name in parameters)
    conditions += HELD[wanted.unassigned]
    if cursor is not None:
        order = ORDERS[sort]
        key: tuple[Any, ...] = decode(order.key, cursor)
        parameters |= {f"k{i}": part for i, part in enumerate(key)}
        conditions += order.after
    return conditions, parameters


def summed(counts: Iterable[Count], team: UUID | None) -> QueueCounts:
    rows = [count for count in counts if team is None or count.team == team]
    return QueueCounts(
        total=sum(count.tickets for count in rows),
        unassigned=sum(count.tickets for count in rows if count.unassigned),
        by_team=_sums((count.team, count.tickets) for count in rows),
        by_status=_sums((count.status, count.tickets) for count in rows),
        by_priority=_sums((count.priority, count.tickets) for count in rows),
    )


def _scope(wanted: QueueFilter, sort: Sort) -> LiteralString:
    """Open and closed tickets have indexes of their own: a list is of the one or of the other."""
    statuses = frozenset(wanted.statuses or ())
    if "closed" not in statuses:
        return OPEN
    if statuses != {"closed"} or sort not in CLOSED_SORTS:
        raise UnsupportedList("closed tickets are listed on their own, by opened, newest or updated")
    return CLOSED


def _parameters(wanted: QueueFilter) -> dict[str, Any]:
    asked = {name: value for name in CONDITIONS if (value := getattr(wanted, name)) is not None}
    if wanted.statuses is not None:
        asked["statuses"] = list(wanted.statuses)
    if wanted.priorities is not None:
        asked["priorities"] = [RANKS[priority] for priority in wanted.priorities]
    return asked


def _sums(counts: Iterable[tuple[KeyT, int]]) -> dict[KeyT, int]:
    sums: Counter[KeyT] = Counter()
    for key, tickets in counts:
        sums[key] += tickets
    return dict(sums)
