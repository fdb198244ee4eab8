"""figures_stretches: what was a ticket like at each instant, in order of occurrence?"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import NamedTuple, Protocol

from aggregates.ticket.events import TicketFact
from aggregates.ticket.state import Ticket, amended, changes
from projections.figures_time import MICROSECOND, Policies, Values
from projections.sizes import size

dimensions = attrgetter("requester", "channel", "category", "team", "assignee", "priority", "ticket_type", "level")
TEAM, ASSIGNEE = 3, 4
STATUS, FROM_AT = 1, -2
TO_AT, TO_VERSION, MICROS, BUSINESS_MICROS = 0, 1, 2, 3
SPENT: Mapping[str, int] = MappingProxyType({"new": 0, "open": 0, "pending": 1, "on_hold": 2})


class Began(NamedTuple):
    """When something began, and with which event."""

    at: datetime
    version: int


class Row(Protocol):
    values: Values
    end: Values | None


class Rows(Protocol):
    """Where rows go, each under a key of its own. Only the end of one is ever told later, and that it holds no more."""

    def add(self, key: object, values: Values) -> None: ...
    def end(self, key: object, end: Values) -> None: ...
    def drop(self, key: object) -> None: ...
    def held(self) -> Iterator[tuple[object, Row]]: ...


class Stretches:
    """`rows`: one a stretch, by the version of the event that began it.

    opening     its first; None: until then it is not looked at
    waiting     since the oldest message that nobody answered
    dims        its dimensions now
    """

    def __init__(self, rows: Rows, policies: Policies) -> None:
        self.rows, self.ticket = rows, Ticket()
        self.number = 0
        self.opening: Began | None = None
        self.waiting: Began | None = None
        self.dims: Values = ()
        self._policies = policies
        self._past: list[tuple[datetime, Values]] = []
        self._look: Values | None = None
        self._span: Began | None = None

    def change(self, fact: TicketFact, at: datetime) -> None:
        changed = changes(self.ticket, fact)
        if not changed:
            return
        amended(self.ticket, changed)
        dims = (*dimensions(self.ticket), sorted(self.ticket.tags))
        if dims != self.dims:
            self.dims = dims
            self._past.append((at, dims))

    def dims_at(self, at: datetime) -> Values | None:
        """After all that is known to have happened by then; None before the opening."""
        if self.opening is None or at < self.opening.at:
            return None
        return self._past[bisect_right(self._past, at, key=itemgetter(0)) - 1][1]

    def see(self, opening: Began, at: datetime, version: int) -> None:
        """Where something about the ticket is another, one stretch ends and the next one begins; none is empty."""
        ticket, span = self.ticket, self._span
        over = ticket.status == "closed" or ticket.spam
        look = None if over else (ticket.status, self.waiting is not None, self.dims)
        if look == self._look:
            return
        if span is not None and span.at == at:
            self.rows.drop(span.version)
        elif span is not None:
            self.rows.end(span.version, ended(self._policies, span.at, at, version))
        self._look, self._span = look, None if look is None else Began(at, version)
        if look is not None:
            status, unanswered, dims = look
            self.rows.add(version, (self.number, status, unanswered, *dims, opening.at, at, version))


def ended(policies: Policies, from_at: datetime, at: datetime, version: int) -> Values:
    """How a stretch ended, by the policies that are known."""
    micros = (at - from_at) // MICROSECOND
    return at, version, micros, policies.passed(from_at, at, version), size(micros), *policies.held(at, version)


def spent(stretches: Rows, at: datetime) -> Values:
    """Time by then as new or open, pending and on hold, in all and within business hours; None: not known."""
    micros: list[int | None] = [0, 0, 0]
    business: list[int | None] = [0, 0, 0]
    for _, stretch in stretches.held():
        place, end = SPENT.get(stretch.values[STATUS]), stretch.end
        if place is not None and end is not None and end[TO_AT] <= at:
            micros[place] = _plus(micros[place], end[MICROS])
            business[place] = _plus(business[place], end[BUSINESS_MICROS])
    return micros, business


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
