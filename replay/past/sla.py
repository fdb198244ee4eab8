"""What was due next, at risk or broken at a moment of the past? The clocks of what was worked on then, folded anew."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from uuid import UUID

from aggregates.envelope import Stored, recorded
from aggregates.moment import Moment
from aggregates.sla.catalogue import Catalogue
from aggregates.sla.clock import Clock
from aggregates.sla.clocks import Clocks, clocks
from commands.log import whole_streams
from commands.store import EventStore
from projections.cursor import Page, bound, decode, page, unbound
from projections.queues_past import worked_on
from projections.sla import MICROSECOND
from projections.sla_queries import KEY, BoardFilter, BoardRow, BoardState, Grouping, Standings, by_urgency
from replay.past.ticket import promised

REMEMBERED = 8
AT_ONCE = 500
NEVER = datetime.max.replace(tzinfo=UTC)


class PastBoards:
    """Boards that were asked for last. A past that can no longer change is folded once; so is one at a time."""

    def __init__(self) -> None:
        self._boards: OrderedDict[tuple[str, int], Sequence[BoardRow]] = OrderedDict()
        self._folding = asyncio.Lock()

    async def board(self, store: EventStore, moment: Moment, book: Catalogue) -> Sequence[BoardRow]:
        """All of it, in order. The view of queues must have reached the moment."""
        key = moment.past, moment.position
        async with self._folding:
            if key not in self._boards:
                self._boards[key] = await _board(store, moment, book)
            self._boards.move_to_end(key)
            while len(self._boards) > REMEMBERED:
                self._boards.popitem(last=False)
            return self._boards[key]


def board_page(
    board: Sequence[BoardRow], wanted: BoardFilter, moment: Moment, limit: int, cursor: str | None
) -> Page[BoardRow]:
    """Raises InvalidCursor."""
    inner = unbound(cursor, moment.past)
    rows = [row for row in board if _wanted(row, wanted, moment.at)]
    if inner is not None:
        due, *rest = decode(KEY, inner)
        rows = [row for row in rows if _order(row) > (due or NEVER, *rest)]
    found = page(rows[: limit + 1], limit, KEY, lambda row: (row.due, row.started_at, row.ticket, row.metric))
    return bound(found, moment.past)


def standings_then(board: Sequence[BoardRow], by: Grouping, now: datetime) -> list[Standings]:
    whose: defaultdict[UUID | None, list[BoardRow]] = defaultdict(list)
    for row in board:
        whose[row.team if by == "team" else row.assignee].append(row)
    return by_urgency(_standing(one, rows, now) for one, rows in whose.items())


async def _board(store: EventStore, moment: Moment, book: Catalogue) -> list[BoardRow]:
    async with store.connection() as connection:
        tickets = await worked_on(connection, moment)
    rows: list[BoardRow] = []
    for start in range(0, len(tickets), AT_ONCE):
        async with store.connection() as connection:
            stored = await whole_streams(connection, tickets[start : start + AT_ONCE])
        rows += await asyncio.to_thread(_folded, stored, moment, book)
    return sorted(rows, key=_order)


def _folded(stored: Sequence[Stored], moment: Moment, book: Catalogue) -> list[BoardRow]:
    found: list[BoardRow] = []
    for ticket, events in groupby(stored, key=lambda event: event.stream):
        found += _rows(ticket, clocks(promised(map(recorded, events), moment), book))
    return found


def _rows(ticket: UUID, folded: Clocks) -> Iterator[BoardRow]:
    """The clocks that the live board would show: those that are due, were broken, or stand still."""
    for clock in folded.open:
        due = clock.breach.due if clock.breach else clock.due
        still = clock.target is not None and not clock.reading.running
        if clock.promised and clock.ended_at is None and (due is not None or still):
            yield _row(ticket, folded, clock, due)


def _row(ticket: UUID, folded: Clocks, clock: Clock, due: datetime | None) -> BoardRow:
    t, reading, current, ground = folded.ticket, clock.reading, clock.current, folded.ground
    warned = [warned.at for warned in (*clock.warned, *clock.coming) if warned.target == clock.target]
    return BoardRow(
        ticket=ticket,
        number=t.number,
        metric=clock.metric,
        cycle=clock.cycle,
        target=clock.target,
        time=reading.time,
        running=reading.running,
        why=reading.why,
        since=current.start if current else clock.started_at,
        micros=clock.counted // MICROSECOND,
        started_at=clock.started_at,
        warn_at=min(warned, default=None),
        due=due,
        team=t.team,
        assignee=t.assignee,
        priority=t.priority,
        status=t.status,
        calendar=ground.calendar if ground else None,
        calendar_version=ground.calendar_version if ground else None,
    )


def _order(row: BoardRow) -> tuple[datetime, datetime, UUID, str]:
    return row.due or NEVER, row.started_at, row.ticket, row.metric


def _wanted(row: BoardRow, wanted: BoardFilter, now: datetime) -> bool:
    asked = ("team", "assignee", "metric", "priority")
    soon = wanted.due_within is None or (row.due is not None and row.due <= now + timedelta(seconds=wanted.due_within))
    state = row.due is not None if wanted.state is None else row.state(now) == wanted.state
    return soon and state and all(getattr(wanted, name) in (None, getattr(row, name)) for name in asked)


def _standing(whose: UUID | None, rows: Sequence[BoardRow], now: datetime) -> Standings:
    states = [row.state(now) for row in rows]

    def count(state: BoardState) -> int:
        return states.count(state)

    coming = [row.due for row in rows if row.due is not None and row.due >= now]
    counted = (count("breached"), count("at_risk"), count("running"), count("paused"))
    return Standings(whose, *counted, min(coming, default=None))
