"""logs: how does a test write a small log, import it, and read what it became?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.sax.saxutils import quoteattr

import psycopg

from replay.logs.account import Account
from replay.logs.eventlog import Case, Row
from replay.logs.history import Draft, Telling, tell
from replay.logs.importing import Import, open_log
from replay.logs.lexicon import Lexicon
from replay.logs.mapping import LogMapping, load
from tests.databases import Database

REAL_LOG = Path(__file__).parents[2] / "../shared/data/bpi2013-incidents.xes.gz"
NOW = datetime(2025, 1, 1, tzinfo=UTC)
BPI = load("bpi2013")
Events = Sequence[Mapping[str, Any]]

STATUS = {
    "work": ("Accepted", "In Progress"),
    "queue": ("Queued", "Awaiting Assignment"),
    "wait_user": ("Accepted", "Wait - User"),
    "wait_vendor": ("Accepted", "Wait - Vendor"),
    "resolve": ("Completed", "Resolved"),
    "in_call": ("Completed", "In Call"),
    "cancel": ("Completed", "Cancelled"),
    "close": ("Completed", "Closed"),
    "unmatched": ("Unmatched", "Unmatched"),
}


def event(
    does: str, minute: int = 0, who: str = "Ann", team: str = "G1", impact: str = "Medium", **more: Any
) -> dict[str, Any]:
    """A log event of the real log's shape, `minute` minutes after ten o'clock."""
    name, transition = STATUS[does]
    return {
        "concept:name": name,
        "lifecycle:transition": transition,
        "time:timestamp": f"2012-05-01T{10 + minute // 60:02}:{minute % 60:02}:00.000+02:00",
        "org:resource": who,
        "org:group": team,
        "impact": impact,
        "product": "PROD1",
        "org:role": "A2_1",
        "organization involved": "Org line A",
        "organization country": "se",
        "resource country": "Sweden",
    } | more


def told(*events: Row, mapping: LogMapping = BPI, case: str = "c1", now: datetime = NOW) -> Telling:
    rows = tuple({"case:concept:name": case, **one} for one in events)
    return tell(Case(case, rows, 1, {}), 1, Lexicon(mapping), now)


def names(drafts: Sequence[Draft]) -> list[str]:
    """Facts as a support lead says them, without `ticket.` and version, and without how every ticket begins."""
    return [draft.fact.type_name.split(".")[1] for draft in drafts][2:]


def write_xes(path: Path, cases: Mapping[str, Events]) -> Path:
    traces = "\n".join(_trace(case, events) for case, events in cases.items())
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<log>\n{traces}\n</log>\n', encoding="utf-8")
    return path


def _trace(case: str, events: Events) -> str:
    lines = [f"<trace>\n<string key='concept:name' value={quoteattr(case)}/>"]
    for one in events:
        attributes = "\n".join(f"<string key={quoteattr(k)} value={quoteattr(str(v))}/>" for k, v in one.items())
        lines.append(f"<event>\n{attributes}\n</event>")
    return "\n".join([*lines, "</trace>"])


@dataclass(frozen=True)
class Desk:
    """A database into which logs are imported."""

    reading: psycopg.Connection[Any]
    writing: psycopg.Connection[Any]

    def take(self, path: Path, mapping: LogMapping = BPI, batch: int = 500, now: datetime = NOW) -> Account:
        return Import(self.reading, self.writing, mapping, now, batch).run(open_log(path, mapping))

    def head(self) -> int:
        row = self.reading.execute("SELECT position FROM store.head").fetchone()
        return int(row[0]) if row else 0

    def facts(self, case: str, source: str = "bpi2013") -> list[tuple[int, str, dict[str, Any]]]:
        """Version, type and envelope of each event of a case's ticket."""
        rows = self.reading.execute(
            "SELECT e.originator_version, e.topic, e.state FROM store.reservations r"
            " JOIN store.events e ON e.originator_id = r.stream"
            " WHERE r.namespace = 'import.' || %s AND r.key = %s ORDER BY 1",
            [source, case.encode()],
        ).fetchall()
        return [(version, topic, json.loads(state)) for version, topic, state in rows]

    def story(self, case: str) -> list[str]:
        return [topic.split(".")[1] for _, topic, _ in self.facts(case)][2:]

    def versions(self) -> dict[UUID, int]:
        return dict(self.reading.execute("SELECT id, version FROM store.streams").fetchall())

    def contents(self) -> list[tuple[Any, ...]]:
        """Every ticket's every event, but for what is drawn anew in another run: numbers, ids of commands."""
        rows = self.reading.execute(
            "SELECT originator_id, originator_version, topic, state FROM store.events ORDER BY 1, 2"
        )
        return [(stream, version, topic, _lasting(state)) for stream, version, topic, state in rows]


def _lasting(state: bytes) -> str:
    envelope = json.loads(state)
    del envelope["command_id"], envelope["correlation_id"]
    envelope["fact"].pop("number", None)
    return json.dumps(envelope)


@contextmanager
def desk_on(database: Database) -> Iterator[Desk]:
    with (
        psycopg.connect(database.app_url, autocommit=True) as reading,
        psycopg.connect(database.app_url, autocommit=True) as writing,
    ):
        yield Desk(reading, writing)
