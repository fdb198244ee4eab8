"""metrics_by_hand: made-up rows of figures and stretches, and what metrics come to over them, counted one by one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection, sql

from projections.metrics.answer import Value
from projections.metrics.measure import Metric, Part, Points, Quotient

Fact = dict[str, Any]
TEAMS = (UUID(int=0xA1), UUID(int=0xA2), None)
AGENTS = (UUID(int=0xB1), UUID(int=0xB2), None)
REQUESTERS = (UUID(int=0xC1), UUID(int=0xC2))
POLICIES = ((UUID(int=0xD1), 1), (UUID(int=0xD1), 2), (None, None))
STATUSES = ("new", "open", "pending", "on_hold", "resolved")
DETAILS = {
    "reply": ("first", "next", "further"), "escalated": ("manual", "sla_breach", "rule"),
    "sla": ("first_reply", "resolution"), "rated": ("good", "neutral", "bad"), "rating_requested": ("resolved",),
    "rating_changed": ("good_to_bad", "bad_to_good", "other"), "time_logged": ("billable", "not_billable"),
    "resolved": ("solved", "=cmd"),
}  # fmt: skip
KINDS = (
    "opened", "message", "automatic_reply", "note", "reply", "team_station", "assignee_station", "escalated",
    "de_escalated", "resolved", "fully_resolved", "reopened", "closed", "time_logged", "rating_requested", "rated",
    "rating_changed", "sla",
)  # fmt: skip
TIMES = {"calendar": ("micros", "spent"), "business": ("business_micros", "business_spent")}
HEAD = 100
YEAR = datetime(2012, 1, 1, tzinfo=UTC)
# The clock of Stockholm is changed at these instants; days, weeks, months and years begin at others.
EDGES = tuple(
    datetime(*at, tzinfo=UTC)
    for at in ((2012, 3, 25, 1), (2012, 3, 24, 23), (2012, 10, 28, 1), (2012, 2, 29, 23), (2012, 3, 31, 22))
)
ONLY: dict[str, Callable[[Fact], bool]] = {
    "true": lambda r: True,
    "amount = 1": lambda r: r["amount"] == 1,
    "amount = 0": lambda r: r["amount"] == 0,
    "amount > 1": lambda r: r["amount"] is not None and r["amount"] > 1,
    "amount <= 1": lambda r: r["amount"] is not None and r["amount"] <= 1,
    "amount = 2": lambda r: r["amount"] == 2,
    "detail = 'first'": lambda r: r["detail"] == "first",
    "detail = 'next'": lambda r: r["detail"] == "next",
    "detail = 'good'": lambda r: r["detail"] == "good",
    "detail = 'bad'": lambda r: r["detail"] == "bad",
    "detail = 'good_to_bad'": lambda r: r["detail"] == "good_to_bad",
    "detail = 'bad_to_good'": lambda r: r["detail"] == "bad_to_good",
    "detail = 'billable'": lambda r: r["detail"] == "billable",
    "detail IN ('sla_warning', 'sla_breach')": lambda r: r["detail"] in ("sla_warning", "sla_breach"),
    "cost IS NOT NULL": lambda r: r["cost"] is not None,
    "assignee IS NULL": lambda r: r["assignee"] is None,
    "assignee IS NOT NULL": lambda r: r["assignee"] is not None,
    "unanswered": lambda r: bool(r["unanswered"]),
    "status IN ('new', 'open')": lambda r: r["status"] in ("new", "open"),
    "status = 'pending'": lambda r: r["status"] == "pending",
    "status = 'on_hold'": lambda r: r["status"] == "on_hold",
}
# Of what was spent as new or open, pending, and on hold.
PARTS_OF_LIFE = {"requester_wait": (0, 2), "agent_work": (0,), "pending": (1,), "on_hold": (2,)}


def made_up(chance: random.Random, figures: int, spans: int) -> tuple[list[Fact], list[Fact]]:
    return [_figure(chance, n) for n in range(figures)], [_span(chance, n) for n in range(spans)]


def put(connection: Connection[Any], table: str, rows: Sequence[Fact]) -> None:
    names = list(rows[0])
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.cursor().copy(copy) as writer:
        for row in rows:
            writer.write_row([row[name] for name in names])


def _instant(chance: random.Random) -> datetime:
    if chance.random() < 0.2:
        return chance.choice(EDGES) + timedelta(microseconds=chance.choice((-1, 0, 1)))
    return YEAR + timedelta(microseconds=chance.randrange(200 * 86_400_000_000))


def _dims(chance: random.Random) -> Fact:
    policy, policy_version = chance.choice(POLICIES)
    return {
        "requester": chance.choice(REQUESTERS), "channel": chance.choice(("email", "phone")),
        "category": chance.choice(("printers", "=2+3", None)), "team": chance.choice(TEAMS),
        "assignee": chance.choice(AGENTS), "priority": chance.choice(("low", "urgent")),
        "ticket_type": chance.choice(("question", "task")), "level": chance.choice((1, 2)),
        "tags": chance.choice(([], ["a"], ["a", "b"])), "policy": policy, "policy_version": policy_version,
        "calendar": policy and UUID(int=0xE1), "calendar_version": policy and 3,
    }  # fmt: skip


def _known(chance: random.Random) -> tuple[int, int | None]:
    since = chance.randrange(1, HEAD)
    return since, chance.choice((None, None, chance.randrange(since, HEAD + 10)))


def _figure(chance: random.Random, n: int) -> Fact:
    kind, (since, until) = chance.choice(KINDS), _known(chance)
    whole = kind == "fully_resolved"
    cost = chance.choice((None, 100, 250)) if kind == "time_logged" else None
    return _dims(chance) | {
        "stream": UUID(int=1 + n // 8), "place": n % 8, "number": 1 + n // 8, "kind": kind, "at": _instant(chance),
        "version": n % 8 + 1, "from_version": chance.choice((None, 1, 2, 3)), "actor": "agent",
        "micros": chance.choice((None, 0, chance.randrange(10**12))),
        "business_micros": chance.choice((None, chance.randrange(10**9))), "amount": chance.choice((0, 1, 2, 3, 5)),
        "detail": chance.choice(DETAILS.get(kind, (None,))), "agent": chance.choice(AGENTS), "cost": cost,
        "currency": None if cost is None else chance.choice(("EUR", "EUR", "SEK")), "since": since, "until": until,
        "spent": [chance.randrange(10**12) for _ in range(3)] if whole else None,
        "business_spent": [chance.choice((None, chance.randrange(10**12))) for _ in range(3)] if whole else None,
    }  # fmt: skip


def _span(chance: random.Random, n: int) -> Fact:
    since, until = _known(chance)
    from_at = _instant(chance)
    micros = chance.choice((1, chance.randrange(1, 10**9), chance.randrange(1, 10**13)))
    over = chance.random() < 0.7
    return _dims(chance) | {
        "stream": UUID(int=1 + n // 8), "place": n % 8, "number": 1 + n // 8, "status": chance.choice(STATUSES),
        "unanswered": chance.random() < 0.5, "opened_at": from_at - timedelta(microseconds=chance.randrange(10**12)),
        "from_at": from_at, "from_version": n % 8 + 1,
        "to_at": from_at + timedelta(microseconds=micros) if over else None, "to_version": n % 8 + 2 if over else None,
        "micros": micros if over else None, "size_at": micros.bit_length() if over else None,
        "business_micros": chance.choice((None, micros // 3)) if over else None, "since": since,
        "ended": chance.randrange(since, HEAD + 10) if over else None, "until": until,
    }  # fmt: skip


class ByHand:
    """What metrics come to, as known at one position."""

    def __init__(self, figures: Iterable[Fact], spans: Iterable[Fact], position: int, time: str) -> None:
        self.position = position
        self._time, self._spent = TIMES[time]
        self.figures = [row | {"time": row[self._time]} for row in figures if self._knows(row)]
        self.spans = [self._span(span) for span in spans if self._knows(span)]
        lives = [self._lives(row) for row in self.figures if row["kind"] == "fully_resolved"]
        over = [span for span in self.spans if span["ends"] is not None]
        self._rows = {
            "events": self.figures,
            "lives": [row for rows in lives for row in rows],
            "stretches": [span | {"at": span["ends"], "kind": "stretch", "time": span[self._time]} for span in over],
        }

    def rows(self, metric: Metric, since: datetime, until: datetime) -> list[Fact]:
        if metric.source in ("levels", "ages"):
            return [
                span | {"kind": "open", "time": (until - span["opened_at"]) // timedelta(microseconds=1)}
                for span in self.spans
                if span["from_at"] <= until and (span["ends"] is None or until < span["ends"])
                if span["status"] not in ("resolved", "closed")
            ]
        return [row for row in self._rows[metric.source] if since <= row["at"] < until]

    def value(self, metric: Metric, rows: Sequence[Fact]) -> Value:
        match metric.formula:
            case Points(parts):
                return sum(points * int(self._of(part, rows)) for points, part in parts)
            case Quotient(over, under):
                whole, count = self._of(over, rows), self._of(under, rows)
                exact = None if whole is None or not count else Fraction(whole, count)
            case Part() as part:
                found = self._of(part, rows)
                exact = None if found is None else Fraction(found)
        if exact is None:
            return None
        if "time" in {part.of for part in metric.parts}:
            exact /= 1_000_000
        return float(round(exact, 6)) if metric.unit in ("seconds", "money") else float(exact)

    def chosen(self, part: Part, row: Fact) -> bool:
        if row["kind"] != part.rows.kind:
            return False
        if part.rows.only.startswith("EXISTS"):
            return any(
                r["kind"] == "rated" and r["stream"] == row["stream"] and r["from_version"] == row["version"]
                for r in self.figures
            )
        if part.rows.only.startswith("detail = ") and part.rows.only not in ONLY:
            detail = part.rows.only.split("'")[1]
            return bool(row["detail"] == detail and ("amount" not in part.rows.only or row["amount"] == 1))
        return ONLY[part.rows.only](row)

    def _of(self, part: Part, rows: Sequence[Fact]) -> Any:
        some = [row for row in rows if self.chosen(part, row)]
        told: list[Any] = some if part.of == "rows" else [row[part.of] for row in some if row[part.of] is not None]
        match part.how:
            case "count":
                return len(told)
            case "tickets":
                return len({row["stream"] for row in some})
            case "percentile":
                return sorted(told)[math.ceil(part.fraction * len(told)) - 1] if told else None
        if part.of == "cost" and len({row["currency"] for row in some if row["currency"]}) != 1:
            return None
        return sum(told)

    def _knows(self, row: Fact) -> bool:
        return row["since"] <= self.position and (row["until"] is None or row["until"] > self.position)

    def _span(self, span: Fact) -> Fact:
        over = span["ended"] is not None and span["ended"] <= self.position
        return span | {
            "ends": span["to_at"] if over else None, "agent": span["assignee"], "version": span["to_version"],
            "time": None, "amount": None, "detail": None,
        }  # fmt: skip

    def _lives(self, row: Fact) -> list[Fact]:
        told = []
        for kind, places in PARTS_OF_LIFE.items():
            times = [row[self._spent][place] for place in places]
            told.append(row | {"kind": kind, "time": None if None in times else sum(times)})
        return told


def keys(name: str, row: Fact) -> list[str | None]:
    """The groups that a row falls into."""
    if name == "tag":
        return list(row["tags"]) or [None]
    value = row[name]
    return [None if value is None else str(value)]


def label(at: datetime, every: str, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    match every:
        case "hour":
            return local.replace(minute=0, second=0, microsecond=0).isoformat(timespec="minutes")
        case "week":
            return "{}-W{:02}".format(*local.isocalendar()[:2])
        case "quarter":
            return f"{local.year}-Q{(local.month + 2) // 3}"
        case _:
            return local.strftime({"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}[every])
