"""test_real_sla: two years of a real help desk, judged; and each figure computed here by hand from the XML."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from replay.judge import Verdict
from replay.sla_report import Report, Reporting
from replay.tickets import Period
from tests.databases import Database
from tests.replay.judging import ALL, defaults, judge, topics
from tests.replay.logs import REAL_LOG, Desk, desk_on

pytestmark = pytest.mark.skipif(
    not REAL_LOG.exists() and os.environ.get("CI") != "true", reason="the real log is not on this machine"
)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
TARGETS = {"Low": 72, "Medium": 24, "High": 4, "Major": 2}
SETTLED = {"Resolved": "resolved", "In Call": "resolved", "Cancelled": "resolved", "Closed": "closed"}
Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Figure:
    """Of the resolution clock: what was breached when, or met when and after how many seconds."""

    kind: str
    at: datetime
    elapsed: float | None = None


def windows(start: datetime, end: datetime) -> Iterator[Window]:
    """From nine to six in Stockholm, Monday to Friday, as far as it lies between the two."""
    day = start.astimezone(STOCKHOLM).date()
    while day <= end.astimezone(STOCKHOLM).date():
        if day.weekday() < 5:
            opens, closes = max(_local(day, 9), start), min(_local(day, 18), end)
            if opens < closes:
                yield opens, closes
        day += timedelta(days=1)


def _local(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), STOCKHOLM).astimezone(UTC)


def resolution(events: list[dict[str, str]], now: datetime) -> Figure | None:
    """Told by somebody who never saw the fold. None: it waits for its requester to this day."""
    moments = sorted(((datetime.fromisoformat(e["time:timestamp"]), e) for e in events), key=lambda m: m[0])
    target, status, since, passed = timedelta(hours=TARGETS[events[0]["impact"]]), "open", moments[0][0], timedelta()
    settled_at = None
    for at, event in [*moments, (now, {"lifecycle:transition": "Unmatched"})]:
        if status == "open":
            for opens, closes in windows(since, at):
                if passed + (closes - opens) > target or (passed + (closes - opens) == target and closes < at):
                    return Figure("breached", opens + (target - passed))
                passed += closes - opens
        since, before = at, status
        word = event["lifecycle:transition"]
        if word == "Unmatched":
            continue
        status = SETTLED.get(word, "pending" if word in ("Wait - User", "Wait - Customer") else "open")
        if status != before and status in SETTLED.values() and (before, status) != ("resolved", "closed"):
            settled_at = at
    return None if settled_at is None else Figure("met", settled_at, passed.total_seconds())


@pytest.fixture(scope="module")
def cases() -> dict[str, list[dict[str, str]]]:
    found = {}
    with gzip.open(REAL_LOG) as file:
        for _, trace in etree.iterparse(file, tag="trace"):
            events = [{a.get("key"): a.get("value") for a in event} for event in trace.iter("event")]
            found[trace.find("string[@key='concept:name']").get("value")] = events
            trace.clear()
    return found


@pytest.fixture(scope="module")
def desk(module_database: Database) -> Iterator[Desk]:
    with desk_on(module_database) as one:
        one.take(REAL_LOG)
        defaults(module_database)
        yield one


@pytest.fixture(scope="module")
def verdict(desk: Desk) -> Verdict:
    return judge(desk)


def noted(desk: Desk) -> dict[str, list[Figure]]:
    rows = desk.reading.execute(
        "SELECT convert_from(r.key, 'UTF8'), e.topic, convert_from(e.state, 'UTF8')::jsonb -> 'fact'"
        "  FROM store.events e JOIN store.reservations r ON r.stream = e.originator_id"
        " WHERE r.namespace = 'import.bpi2013' AND e.topic IN ('ticket.sla_breached.v1', 'ticket.sla_met.v1')"
    ).fetchall()
    found: dict[str, list[Figure]] = {}
    for case, topic, fact in rows:
        if fact["metric"] == "resolution":
            breached = topic == "ticket.sla_breached.v1"
            at = datetime.fromisoformat(fact["due"] if breached else fact["at"])
            figure = Figure("breached", at) if breached else Figure("met", at, fact["elapsed"])
            found.setdefault(case, []).append(figure)
    return found


def test_all_of_it_is_judged(desk: Desk, verdict: Verdict) -> None:
    assert (verdict.tickets, verdict.judged, verdict.facts["ticket.sla_applied.v1"]) == (7_554, 7_554, 7_554)


def test_every_resolution_is_what_the_log_says_by_hand(
    desk: Desk, verdict: Verdict, cases: dict[str, list[dict[str, str]]]
) -> None:
    now = datetime.now(UTC)
    by_hand = {case: [figure] for case, events in cases.items() if (figure := resolution(events, now))}
    assert len(by_hand) > 7_500
    assert noted(desk) == by_hand


def test_the_report_counts_the_same_months(
    desk: Desk, verdict: Verdict, cases: dict[str, list[dict[str, str]]]
) -> None:
    by_hand = [resolution(events, datetime.now(UTC)) for events in cases.values()]
    counted = Counter((f"{figure.at.astimezone(UTC):%Y-%m}", figure.kind) for figure in by_hand if figure)
    report = Reporting(desk.reading, datetime.now(UTC), Period(), worst=25).run()
    told: Counter[tuple[str, str]] = Counter()
    for (metric, month), kept in report.months.items():
        if metric == "resolution":
            told.update({(month, "met"): kept.met, (month, "breached"): kept.breached})
    assert +told == counted
    _adds_up(report)


def _adds_up(report: Report) -> None:
    """Each span to the sum, each sum to the whole, and the whole to what it was over."""
    assert len(report.worst) == 25
    assert [worst.over for worst in report.worst] == sorted((worst.over for worst in report.worst), reverse=True)
    for worst in report.worst:
        account = worst.account
        assert sum((step.seconds for step in account.steps), timedelta()) == account.elapsed == account.steps[-1].sum
        assert account.elapsed - timedelta(seconds=worst.target) == worst.over
        assert [a.until for a in account.steps[:-1]] == [b.since for b in account.steps[1:]]


def test_nobody_is_paged_for_2011_and_again_is_nothing(desk: Desk, verdict: Verdict) -> None:
    imported = desk.reading.execute(
        "SELECT max(notification_id) FROM store.events WHERE topic = 'policy_list.published.v1'"
    ).fetchone()
    assert imported is not None
    assert set(topics(desk, imported[0])) == {"sla_applied", "sla_warned", "sla_breached", "sla_met"}
    before = desk.head()
    again = judge(desk, ALL)
    assert (again.judged, again.tickets, desk.head()) == (0, 7_554, before)
