"""test_real_log: two years of a real help desk, counted here by hand from the XML and compared with the store."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from lxml import etree

from replay.logs.account import Account
from tests.databases import Database
from tests.replay.logs import REAL_LOG, Desk, desk_on

pytestmark = pytest.mark.skipif(
    not REAL_LOG.exists() and os.environ.get("CI") != "true", reason="the real log is not on this machine"
)
LINES = (" 3rd", " 2nd")
RESOLVES = {"Resolved", "In Call", "Cancelled"}
WAITS = {"Wait - User": "pending", "Wait - Customer": "pending"}
Event = dict[str, str]


@dataclass
class Counts:
    """What the log must become, told without any of the importer's code."""

    cases: dict[str, list[Event]] = field(default_factory=dict)
    facts: Counter[str] = field(default_factory=Counter)
    reopened_from: Counter[str] = field(default_factory=Counter)
    teams: set[str] = field(default_factory=set)
    agents: set[str] = field(default_factory=set)

    def add(self, case: str, events: list[Event]) -> None:
        self.cases[case] = events
        self.facts.update(opened=1, imported=1)
        self.teams |= {event["org:group"] for event in events}
        self.agents |= {event["org:resource"] for event in events} - {"Siebel"}
        self._moves(events)
        self._fields(events)
        self._status(events)
        self._holders(events)

    def _moves(self, events: list[Event]) -> None:
        for before, after in pairwise((*line(event["org:group"]), event["org:group"]) for event in events):
            if before[1] != after[1]:
                up, down = after[0] > before[0], after[0] < before[0]
                self.facts["escalated" if up else "de_escalated" if down else "routed"] += 1

    def _fields(self, events: list[Event]) -> None:
        for name in ("product", "org:role", "organization involved", "organization country", "resource country"):
            values = [event[name] for event in events if name in event]
            self.facts["field_changed"] += sum(old != new for old, new in pairwise(values))
            self.facts["field_changed"] += name not in events[0] and bool(values)

    def _status(self, events: list[Event]) -> None:
        now = "open"
        for event in events:
            then, word = now, event["lifecycle:transition"]
            if word == "Unmatched":
                continue
            now = "closed" if word == "Closed" else "resolved" if word in RESOLVES else "open"
            now = WAITS.get(word, "on_hold") if word.startswith("Wait") else now
            back = then in ("resolved", "closed") and now in ("open", "pending", "on_hold")
            if back or (then in ("pending", "on_hold") and now == "open") or (then == "closed" and now == "resolved"):
                self.reopened_from[then] += 1
            if now != then:
                self.facts["resolved"] += now == "resolved" or (now == "closed" and then != "resolved")
                self.facts["closed"] += now == "closed"
                self.facts["put_pending"] += now == "pending"
                self.facts["put_on_hold"] += now == "on_hold"

    def _holders(self, events: list[Event]) -> None:
        holder, team = None, events[0]["org:group"]
        for event in events:
            moved = line(event["org:group"]) != line(team)
            team, who, queued = event["org:group"], event["org:resource"], event["concept:name"] == "Queued"
            if queued:
                self.facts["unassigned"] += holder is not None and not moved
                holder = None
            elif who != "Siebel":
                self.facts["assigned"] += who != holder
                holder = who


def line(team: str) -> tuple[int]:
    return (3 if " 3rd" in team else 2 if " 2nd" in team else 1,)


@pytest.fixture(scope="module")
def counted() -> Counts:
    counts = Counts()
    with gzip.open(REAL_LOG) as file:
        for _, trace in etree.iterparse(file, tag="trace"):
            events = [{a.get("key"): a.get("value") for a in event} for event in trace.iter("event")]
            counts.add(trace.find("string[@key='concept:name']").get("value"), events)
            trace.clear()
    return counts


@pytest.fixture(scope="module")
def desk(module_database: Database) -> Iterator[Desk]:
    with desk_on(module_database) as one:
        yield one


@pytest.fixture(scope="module")
def account(desk: Desk) -> Account:
    return desk.take(REAL_LOG)


def test_all_of_it_is_read_and_becomes_tickets(account: Account) -> None:
    assert (account.cases, account.events, account.tickets) == (7_554, 65_533, {"new": 7_554})
    assert account.whole
    assert not account.skipped


def test_every_kind_of_fact_is_as_often_as_the_log_says(account: Account, counted: Counts) -> None:
    told = {kind.split(".")[1]: n for kind, n in account.facts.items() if kind.startswith("ticket.")}
    assert told.pop("reopened") == counted.reopened_from.total()
    assert told == counted.facts
    assert account.facts["team.created.v1"] == len(counted.teams) == 649
    assert account.facts["agent.registered.v1"] == len(counted.agents) == 1_439


def test_131_events_after_a_closing_reopen_it(account: Account, desk: Desk, counted: Counts) -> None:
    assert counted.reopened_from["closed"] == 131
    rows = desk.reading.execute(
        "SELECT convert_from(state, 'UTF8')::jsonb #>> '{fact,was}', count(*) FROM store.events"
        " WHERE topic = 'ticket.reopened.v1' GROUP BY 1"
    ).fetchall()
    assert dict(rows) == counted.reopened_from


def test_what_is_not_in_the_facts_is_in_the_account(account: Account) -> None:
    remarks = {(remark.attribute, remark.value): n for remark, n in account.remarks.items()}
    unmatched = ("concept:name/lifecycle:transition", "Unmatched/Unmatched")
    assert remarks == {("org:role", ""): 6_950, unmatched: 5}


def test_every_stream_counts_from_one_without_gaps(account: Account, desk: Desk) -> None:
    row = desk.reading.execute(
        "SELECT count(*), count(*) FILTER (WHERE n <> version OR last <> version) FROM store.streams"
        " JOIN (SELECT originator_id, count(*) AS n, max(originator_version) AS last FROM store.events GROUP BY 1) AS e"
        "   ON e.originator_id = id"
    ).fetchone()
    assert row == (7_554 + 649 + 1_439 + 1, 0)
    assert desk.head() == account.written


def test_a_real_case_is_told_event_by_event(account: Account, desk: Desk) -> None:
    """1-364285768: three lines, two years, closed by the system at night."""
    facts = desk.facts("1-364285768")
    assert [topic.split(".")[1] for _, topic, _ in facts if "field" not in topic] == [
        "opened", "imported", "assigned",                   # Frederic, V30
        "escalated", "assigned",                            # queued to V5 3rd; Anne Claire
        "de_escalated", "escalated", "assigned",            # to V30 and on to V13 2nd 3rd
        "resolved", "reopened", "de_escalated", "assigned",  # back to V30; Eric
        "escalated", "assigned", "assigned", "assigned",    # V5 3rd: Anne Claire, Sarah, Loic
        "resolved", "closed",
    ]  # fmt: skip
    opened, closed = facts[0][2], facts[-1][2]
    assert opened["occurred_at"] == "2010-03-31T16:59:42+02:00"
    assert opened["fact"]["subject"] == "Incident 1-364285768: PROD582"
    assert (closed["occurred_at"], closed["actor"]["id"]) == ("2012-05-11T01:26:15+02:00", "bpi2013:Siebel")


def test_the_longest_case_is_whole(account: Account, desk: Desk, counted: Counts) -> None:
    case, events = max(counted.cases.items(), key=lambda item: len(item[1]))
    facts = desk.facts(case)
    assert len(events) == 123
    assert {e["time:timestamp"][:19] for e in events} >= {state["occurred_at"][:19] for _, _, state in facts}
    assert [version for version, _, _ in facts] == list(range(1, len(facts) + 1))


def test_all_of_it_again_adds_nothing(account: Account, desk: Desk) -> None:
    before = desk.head()
    again = desk.take(REAL_LOG)
    assert (desk.head(), again.written, again.tickets) == (before, 0, {"unchanged": 7_554})
