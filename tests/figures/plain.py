"""plain: which figures does an event log hold, told by somebody who knows of Chronodesk only what it calls things?

    python tests/figures/plain.py LOG.xes.gz [--from 2012-01-01] [--to 2013-01-01] [--zone Europe/Stockholm]

Reads an XES log with lxml and counts with pandas. Of two kinds: Volvo IT's incidents (and logs written like them),
whose rows say how an incident stands, and what Chronodesk itself exports, whose rows are events.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from lxml import etree

Row = dict[str, str]
STANDS = {
    "Accepted/In Progress": "open",
    "Accepted/Assigned": "open",
    "Queued/Awaiting Assignment": "queued",
    "Accepted/Wait - User": "pending",
    "Accepted/Wait - Customer": "pending",
    "Accepted/Wait": "on_hold",
    "Accepted/Wait - Implementation": "on_hold",
    "Accepted/Wait - Vendor": "on_hold",
    "Completed/Resolved": "resolved",
    "Completed/In Call": "resolved",
    "Completed/Cancelled": "resolved",
    "Completed/Closed": "closed",
}
OVER = ("resolved", "closed")
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95}


@dataclass
class Story:
    """One ticket: what happened when (`happened`), and how it stood from when on (`stood`)."""

    opened: datetime
    status: str = "new"
    team: str | None = None
    agent: str | None = None
    level: int = 1
    last_team: str | None = None
    last_agent: str | None = None
    resolved: int = 0
    happened: list[dict[str, Any]] = field(default_factory=list)
    stood: list[tuple[datetime, str, str | None, str | None]] = field(default_factory=list)

    def tell(self, kind: str, at: datetime, **more: Any) -> None:
        self.happened.append({"kind": kind, "at": at, "team": self.team, "agent": self.agent, **more})

    def stand(self, at: datetime) -> None:
        """Whoever holds it next is a station: getting it back from nobody is none."""
        if self.team is not None and self.team != self.last_team:
            if self.last_team is not None:
                self.tell("team_handoff", at)
            self.last_team = self.team
        if self.agent is not None and self.agent != self.last_agent:
            self.tell("assigned" if self.last_agent is None else "assignee_handoff", at, since=self.opened)
            self.last_agent = self.agent
        self.stood.append((at, self.status, self.team, self.agent))

    def resolve(self, at: datetime) -> None:
        self.resolved += 1
        self.tell("resolved", at, since=self.opened, nth=self.resolved)


def cases(log: Path) -> Iterator[tuple[str, list[Row]]]:
    """Each case with its rows in order of time, as the log has them."""
    with (gzip.open if log.suffix == ".gz" else open)(log, "rb") as file:
        for _, trace in etree.iterparse(file, tag="{*}trace"):
            rows = [{a.get("key"): a.get("value") for a in event} for event in trace.iter("{*}event")]
            name = next(a.get("value") for a in trace if a.get("key") == "concept:name")
            yield name, sorted(rows, key=lambda row: moment(row))
            trace.clear()


def moment(row: Row) -> datetime:
    return datetime.fromisoformat(row["time:timestamp"]).astimezone(UTC)


def incident(rows: list[Row]) -> Story:
    """An incident of Volvo IT's: each row says who has it and how it stands."""
    story = Story(moment(rows[0]), team=rows[0]["org:group"], level=line(rows[0]["org:group"]))
    story.tell("opened", story.opened)
    for row in rows:
        step(story, row, moment(row), STANDS.get(f"{row['concept:name']}/{row['lifecycle:transition']}"))
    return story


def step(story: Story, row: Row, at: datetime, stands: str | None) -> None:
    over = story.status in OVER
    works_on = stands in ("open", "queued") and story.status not in ("new", "open")
    if works_on or (stands in ("pending", "on_hold") and over) or (stands == "resolved" and story.status == "closed"):
        story.status = "open"
        story.tell("reopened", at)
    move(story, row["org:group"], at, stays=stands != "queued" and row["org:resource"] in ("Siebel", story.agent))
    if stands == "queued":
        story.agent = None
    elif row["org:resource"] != "Siebel":
        story.agent = row["org:resource"]
        story.status = "open" if story.status == "new" else story.status
    if stands == "closed" and story.status not in OVER:
        story.resolve(at)
    if stands == "resolved" and story.status != "resolved":
        story.resolve(at)
    if stands not in (None, "queued", "open"):
        story.status = str(stands)
    story.stand(at)


def move(story: Story, team: str, at: datetime, *, stays: bool) -> None:
    """To another line it goes without its agent."""
    before, story.level = story.level, line(team)
    if team == story.team:
        return
    story.team = team
    if story.level != before:
        story.agent = story.agent if stays else None
        story.tell("escalated" if story.level > before else "de_escalated", at, level=story.level)


def line(team: str) -> int:
    return max(map(int, re.findall(r" ([23])(?:nd|rd)\b", team)), default=1)


def exported(rows: list[Row]) -> Story:
    """A ticket that Chronodesk exported: each row is an event, with the ticket's state after it."""
    story = Story(moment(rows[0]))
    for row in rows:
        at, kind = moment(row), row["cd:type"].split(".")[1]
        story.status, story.team, story.agent = (
            row["cd:status"],
            row.get("org:group") or None,
            row["cd:assignee"] or None,
        )
        story.level = int(row["cd:level"])
        if kind == "resolved":
            story.resolve(at)
        elif kind in ("opened", "reopened", "escalated", "de_escalated"):
            story.tell(kind, at, level=story.level)
        if not kind.startswith(("sla_", "notified")):
            story.stand(at)
    return story


@dataclass(frozen=True)
class Log:
    """happened: an event a row. stood: a stretch a row, [at, until), in which a ticket stood the same."""

    happened: pd.DataFrame
    stood: pd.DataFrame


def read(log: Path) -> Log:
    happened, stood = [], []
    for name, rows in cases(log):
        story = (exported if "cd:type" in rows[0] else incident)(rows)
        happened += [{"case": name, **one} for one in story.happened]
        ends = [at for at, *_ in story.stood[1:]] + [None]
        stood += [(name, story.opened, *one, until) for one, until in zip(story.stood, ends, strict=True)]
    columns = ["case", "opened", "at", "status", "team", "agent", "until"]
    return Log(_timed(pd.DataFrame(happened)), _timed(pd.DataFrame(stood, columns=columns)))


def _timed(frame: pd.DataFrame) -> pd.DataFrame:
    for name in {"at", "since", "until", "opened"} & set(frame.columns):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame


def months(since: date, until: date, zone: ZoneInfo) -> list[tuple[str, datetime, datetime]]:
    """Each month's name, and the instants at which it begins and ends in that zone."""
    edges = [date(since.year + m // 12, m % 12 + 1, 1) for m in range(since.month - 1, since.month + 1_200)]
    edges = [edge for edge in edges if edge <= until]
    begin = [datetime.combine(edge, time(), zone).astimezone(UTC) for edge in edges]
    return [(f"{edge:%Y-%m}", *ends) for edge, ends in zip(edges, pairwise(begin), strict=False)]


def figures(log: Log, begins: datetime, ends: datetime) -> dict[str, float | None]:
    """All of one stretch of time, [begins, ends)."""
    now = log.happened[(log.happened["at"] >= begins) & (log.happened["at"] < ends)]
    resolved, last = now[now["kind"] == "resolved"], log.happened[log.happened["kind"] == "resolved"]
    last = last.sort_values(["at", "nth"]).groupby("case").tail(1)
    last = last[(last["at"] >= begins) & (last["at"] < ends)]
    stood = log.stood[(log.stood["at"] < ends) & ~(log.stood["until"] <= ends)]
    stood = stood[~stood["status"].isin(OVER)]
    kinds = now["kind"].value_counts()
    return {
        "arrivals": int(kinds.get("opened", 0)),
        "resolutions": len(resolved),
        "first_resolutions": int((resolved["nth"] == 1).sum()),
        "reopens": int(kinds.get("reopened", 0)),
        "escalations": int(kinds.get("escalated", 0)),
        "assignee_handoffs": int(kinds.get("assignee_handoff", 0)),
        "team_handoffs": int(kinds.get("team_handoff", 0)),
        "backlog": stood["case"].nunique(),
        "backlog_unassigned": int(stood["agent"].isna().sum()),
        **timed("first_resolution", resolved[resolved["nth"] == 1]),
        **timed("full_resolution", last),
        **timed("assignment", now[now["kind"] == "assigned"]),
    }


def timed(name: str, rows: pd.DataFrame) -> dict[str, float | None]:
    """Average and nearest-rank percentiles, in seconds."""
    return told(name, sorted((rows["at"] - rows["since"]) / pd.Timedelta(seconds=1)) if len(rows) else [])


def told(name: str, seconds: list[float]) -> dict[str, float | None]:
    found: dict[str, float | None] = {f"{name}_avg": sum(seconds) / len(seconds) if seconds else None}
    for how, share in SHARES.items():
        found[f"{name}_{how}"] = seconds[max(math.ceil(share * len(seconds)), 1) - 1] if seconds else None
    return found


def in_business_time(log: Log, begins: datetime, ends: datetime, zone: ZoneInfo) -> dict[str, float | None]:
    """First resolutions, as far as they passed from nine to six, Monday to Friday."""
    now = log.happened[(log.happened["at"] >= begins) & (log.happened["at"] < ends)]
    first = now[(now["kind"] == "resolved") & (now["nth"] == 1)]
    return told(
        "first_resolution", sorted(office(*ends, zone) for ends in zip(first["since"], first["at"], strict=True))
    )


def office(since: datetime, until: datetime, zone: ZoneInfo) -> float:
    """Seconds of office hours between the two."""
    day, passed = since.astimezone(zone).date(), timedelta()
    while day <= until.astimezone(zone).date():
        opens, closes = (datetime.combine(day, time(hour), zone).astimezone(UTC) for hour in (9, 18))
        if day.weekday() < 5:
            passed += max(min(closes, until) - max(opens, since), timedelta())
        day += timedelta(days=1)
    return passed / timedelta(seconds=1)


def by_group(log: Log, begins: datetime, ends: datetime, kind: str, by: str) -> dict[str | None, int]:
    """How often it happened to whom: `team` or `agent` who had the ticket right after it."""
    now = log.happened[(log.happened["at"] >= begins) & (log.happened["at"] < ends) & (log.happened["kind"] == kind)]
    return {None if pd.isna(name) else name: int(n) for name, n in now[by].value_counts(dropna=False).items()}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("log", type=Path)
    asked.add_argument("--from", dest="since", type=date.fromisoformat, default=date(2012, 1, 1))
    asked.add_argument("--to", dest="until", type=date.fromisoformat, default=date(2013, 1, 1))
    asked.add_argument("--zone", type=ZoneInfo, default=ZoneInfo("Europe/Stockholm"))
    wanted = asked.parse_args()
    log = read(wanted.log)
    told = {name: figures(log, begins, ends) for name, begins, ends in months(wanted.since, wanted.until, wanted.zone)}
    print(json.dumps(told, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
