"""SLA over HTTP and at the terminal: a ticket is followed through, and each figure says what it is made of."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from aggregates.envelope import Actor, Envelope, encode, envelope_of
from aggregates.fact import Fact
from aggregates.ticket.events import MessageReceived, Opened, SlaApplied, SlaBreached
from api.compliance import compliance, periods
from commands.append import Append, Write, append_blocking
from commands.database import connect
from commands.tickets import NUMBER, number_key
from projections.sla_report_queries import Outcomes
from tests.api.running import Desk

POLICIES = "/v1/sla/policies"
CLOCK = re.compile(r"[0-9]+:[0-9]{2}:[0-9]{2}(\.[0-9]+)?")
LONG_AGO = "2020-01-01T00:00:00Z"
ALL_WEEK = {
    day: [{"opens": "00:00", "closes": "24:00"}]
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}


@pytest.fixture(scope="module")
def team(desk: Desk) -> str:
    return str(desk.done("lead", "/v1/teams", {"name": "SLA"}).json()["id"])


@dataclass(frozen=True)
class Gold:
    policy: UUID
    calendar: UUID


@pytest.fixture(scope="module")
def gold(desk: Desk, team: str) -> Gold:
    """For this team: an hour for the first reply, two for the resolution, in business time of a desk always open."""
    hours = {"zone": "Europe/Stockholm", **ALL_WEEK}
    calendar = {"name": "Always", "hours": hours, "effective_from": LONG_AGO}
    always = desk.done("lead", "/v1/calendars", calendar).json()["id"]
    quick = {p: 3_600 for p in ("low", "normal", "high", "urgent")}
    targets = {
        "first_reply": {"seconds": quick, "time": "calendar"},
        "resolution": {"seconds": dict.fromkeys(quick, 7_200), "time": "business"},
    }
    terms = {
        "name": "Gold", "calendar": always, "targets": targets, "warnings": [{"percent": 50}],
        "all": [{"attribute": "team", "values": [team]}],
    }  # fmt: skip
    published = desk.done("lead", POLICIES, {"terms": terms, "effective_from": LONG_AGO})
    return Gold(UUID(published.json()["policies"][0]), UUID(always))


def opened(desk: Desk, gold: Gold, team: str, minutes_ago: float, *more: Fact) -> tuple[str, datetime]:
    """Its number, and when it was opened: in the past, as only an import can say."""
    then, stream, command = datetime.now(UTC) - timedelta(minutes=minutes_ago), uuid4(), uuid4()
    requester = desk.ids["customer"]
    with connect(desk.database.app_url, name="test") as connection:
        (number,) = connection.execute("SELECT nextval('store.ticket_numbers')").fetchone() or (0,)
        facts: tuple[Fact, ...] = (
            Opened(number=number, requester=requester, subject="Printer on fire", channel="email", team=UUID(team)),
            MessageReceived(author=requester, body="It burns.", channel="email"),
            SlaApplied(
                policy=gold.policy, policy_version=1, calendar=gold.calendar, calendar_version=1, list_version=1
            ),
            *more,
        )
        actor = Actor(kind="import", id="test")
        events = tuple((fact.type_name, encode(_enveloped(fact, actor, command, then))) for fact in facts)
        name = ((NUMBER, number_key(number), stream),)
        append = Append(command, "test", b"test", (Write(stream, 0, events),), reserve=name)
        (outcome,) = append_blocking(connection, [append])
    assert outcome.kind == "accepted"
    for view in ("/v1/sla/board", "/v1/queues"):
        desk.get("agent", f"{view}?limit=1", str(outcome.last_position)).raise_for_status()
    return f"T-{number}", then


def _enveloped(fact: Fact, actor: Actor, command: UUID, then: datetime) -> Envelope[Fact]:
    return envelope_of(fact.type_name)(
        actor=actor, command_id=command, correlation_id=command, occurred_at=then, fact=fact
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def clock(desk: Desk, ticket: str, metric: str) -> dict[str, Any]:
    answer = desk.get("agent", f"/v1/tickets/{ticket}/sla?metric={metric}")
    (found,) = answer.json()["clocks"]
    return dict(found)


def micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


def test_a_ticket_is_followed_through(desk: Desk, team: str, gold: Gold) -> None:
    ticket, then = opened(desk, gold, team, 90)
    late = clock(desk, ticket, "first_reply")
    assert (late["state"], at(late["breached_at"]), late["met_at"]) == ("breached", then + timedelta(hours=1), None)
    assert at(late["warned_at"]) == then + timedelta(minutes=30)
    assert -1_900 < late["remaining"] < -1_800
    desk.done("agent", f"/v1/tickets/{ticket}/replies", {"body": "Which floor?"})
    desk.done("agent", f"/v1/tickets/{ticket}/pending", {})
    desk.done("agent", f"/v1/tickets/{ticket}/reopen", {})
    last = desk.done("agent", f"/v1/tickets/{ticket}/resolve", {"code": "water"})
    answer = desk.get("auditor", f"/v1/tickets/{ticket}/sla")
    told = answer.json()
    assert (answer.headers["etag"], int(answer.headers["chronodesk-position"])) == (
        last.headers["etag"], last.json()["position"]
    )  # fmt: skip
    assert (told["number"], told["status"], told["standing"]["policy"]) == (ticket, "resolved", str(gold.policy))
    assert (told["standing"]["policy_name"], told["standing"]["calendar_name"]) == ("Gold", "Always")
    assert at(told["opened_at"]) == then
    assert told["first_resolved_at"] == told["last_resolved_at"]
    assert at(told["closes_at"]) - at(told["last_resolved_at"]) == timedelta(days=4)
    reply, resolution = told["clocks"]
    assert (reply["metric"], reply["state"], at(reply["breached_at"])) == (
        "first_reply", "breached", then + timedelta(hours=1)
    )  # fmt: skip
    assert (resolution["state"], resolution["met_at"]) == ("met", told["last_resolved_at"])
    assert [(s["why"], s["running"]) for s in resolution["spans"]] == [
        ("new", True), ("open", True), ("pending", False), ("open", True), ("resolved", False),
    ]  # fmt: skip
    assert all(one["to"] == other["from"] for one, other in pairwise(resolution["spans"]))
    for account in (reply, resolution):
        assert sum(micros(span["seconds"]) for span in account["spans"]) == micros(account["elapsed"])
        assert micros(account["spans"][-1]["sum"]) == micros(account["elapsed"])
    assert {span["time"] for span in resolution["spans"]} == {"business"}


def test_it_is_never_behind_and_never_for_customers(desk: Desk, team: str, gold: Gold) -> None:
    ticket, _ = opened(desk, gold, team, 1)
    desk.done("agent", f"/v1/tickets/{ticket}/replies", {"body": "Which floor?"})
    assert clock(desk, ticket, "first_reply")["state"] == "met"
    assert desk.get("customer", f"/v1/tickets/{ticket}/sla").status_code == 403
    assert desk.get("agent", f"/v1/tickets/{uuid4()}/sla").status_code == 404
    assert desk.get("agent", f"/v1/tickets/{desk.ids['agent']}/sla").status_code == 404
    every = desk.get("agent", f"/v1/tickets/{ticket}/sla?all=true").json()["clocks"]
    assert {"requester_wait", "agent_work"} <= {found["metric"] for found in every}


def test_a_policy_published_a_moment_ago_is_known(desk: Desk) -> None:
    other = str(desk.done("lead", "/v1/teams", {"name": "new"}).json()["id"])
    for name in ("one", "two"):
        targets = {"first_reply": {"seconds": {"normal": 60}, "time": "calendar"}}
        terms = {"name": name, "targets": targets, "all": [{"attribute": "team", "values": [other]}]}
        policy = desk.done("lead", POLICIES, {"terms": terms}).json()["policies"][0]
        ticket = desk.ticket(team=other)
        assert desk.get("agent", f"/v1/tickets/{ticket}/sla").json()["standing"]["policy_name"] == name
        desk.call("lead", "DELETE", f"{POLICIES}/{policy}?reach=open")


def test_the_board_shows_what_is_due_next(desk: Desk, gold: Gold, team: str) -> None:
    mine = str(desk.done("lead", "/v1/teams", {"name": "board"}).json()["id"])
    risky, broken, fine = (opened(desk, gold, mine, minutes) for minutes in (40, 130, 10))
    last = desk.done("agent", f"/v1/tickets/{risky[0]}/assign", {"agent": str(desk.ids["agent2"])})
    page = desk.get("agent", f"/v1/sla/board?team={mine}", last).json()
    due = [(row["number"], row["metric"], row["state"], at(row["due"])) for row in page["items"]]
    hour = timedelta(hours=1)
    assert due == [
        (broken[0], "first_reply", "breached", broken[1] + hour),
        (broken[0], "resolution", "breached", broken[1] + 2 * hour),
        (risky[0], "first_reply", "at_risk", risky[1] + hour),
        (fine[0], "first_reply", "running", fine[1] + hour),
        (risky[0], "resolution", "running", risky[1] + 2 * hour),
        (fine[0], "resolution", "running", fine[1] + 2 * hour),
    ]
    for row in page["items"]:
        left = at(row["due"]) - at(page["at"])
        assert micros(row["remaining"]) == left // timedelta(microseconds=1), "both kinds of time run all the time"
    assert page["items"][2]["assignee"] == str(desk.ids["agent2"])

    def numbers(query: str) -> list[str]:
        return [row["number"] for row in desk.get("agent", f"/v1/sla/board?team={mine}&{query}").json()["items"]]

    assert numbers("state=breached") == [broken[0]] * 2
    assert numbers("metric=first_reply&due_within=1500") == [broken[0], risky[0]]
    assert numbers(f"assignee={desk.ids['agent2']}") == [risky[0]] * 2
    assert numbers("state=paused") == numbers("priority=urgent") == []
    first = desk.get("agent", f"/v1/sla/board?team={mine}&limit=4").json()
    assert numbers(f"cursor={first['next']}") == [risky[0], fine[0]]
    summary = {row["whose"]: row for row in desk.get("analyst", "/v1/sla/board/summary").json()["items"]}
    told = summary[mine]
    assert [told[state] for state in ("breached", "at_risk", "running", "paused")] == [2, 1, 3, 0]
    assert at(told["next_due"]) == risky[1] + hour
    agents = desk.get("analyst", "/v1/sla/board/summary?by=agent").json()["items"]
    assert [(row["at_risk"], row["running"]) for row in agents if row["whose"] == str(desk.ids["agent2"])] == [(1, 1)]


def test_who_asks_for_the_next_ticket_gets_what_is_due_soonest(desk: Desk, gold: Gold, team: str) -> None:
    mine = str(desk.done("lead", "/v1/teams", {"name": "next"}).json()["id"])
    urgent = desk.ticket(team=mine, priority="urgent")
    fine, late, risky = (opened(desk, gold, mine, minutes)[0] for minutes in (10, 70, 30))
    given = [desk.done("lead", f"/v1/queues/{mine}/next").json()["ticket"] for _ in range(4)]
    shown = [desk.get("agent", f"/v1/tickets/{id}/sla").json()["number"] for id in given]
    assert shown == [late, risky, fine, urgent]


@pytest.mark.parametrize(
    "query",
    ["board?state=late", "board?due_within=-1", "board?metric=speed", "board?cursor=WyJhIiwxXQ", "board?team=x",
     "board?limit=201", "board/summary?by=day", "breaches?from=yesterday", "breaches?ticket=x", "breaches?cursor=WzFd",
     "breaches?from=2024-01-01T00:00:00", "breaches?withdrawn=perhaps", "compliance", "compliance?from=2024-01-01",
     "compliance?from=2024-01-01T00:00:00Z&to=2024-02-01T00:00:00Z&tz=Mars/Base",
     "compliance?from=2024-01-01T00:00:00Z&to=2024-02-01T00:00:00Z&by=hour",
     "compliance?from=2024-01-01T00:00:00Z&to=2024-01-01T00:00:00Z",
     "compliance?from=2024-01-01T00:00:00Z&to=2023-01-01T00:00:00Z",
     "compliance?from=2020-01-01T00:00:00Z&to=2024-01-01T00:00:00Z&by=day",
     "compliance?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z"],
)  # fmt: skip
def test_a_question_of_another_form_is_refused(desk: Desk, query: str) -> None:
    answer = desk.get("lead", f"/v1/sla/{query}")
    assert answer.status_code == 422, answer.text


def test_compliance_counts_a_late_reply_in_its_bucket(desk: Desk, team: str, gold: Gold) -> None:
    before = shares(desk).get("first_reply", {"met": 0, "breached": 0})
    ticket, _ = opened(desk, gold, team, 65)
    desk.done("agent", f"/v1/tickets/{ticket}/replies", {"body": "Which floor?"})
    ticket, _ = opened(desk, gold, team, 30)
    last = desk.done("agent", f"/v1/tickets/{ticket}/replies", {"body": "Which floor?"})
    after = shares(desk, last)["first_reply"]
    assert (after["met"] - before["met"], after["breached"] - before["breached"]) == (1, 1)
    assert after["compliance"] == after["met"] / (after["met"] + after["breached"])
    assert sum(b["met"] for b in after["buckets"]) == after["met"]
    assert after["buckets"][0]["compliance"] is None


def shares(desk: Desk, after: httpx.Response | None = None) -> dict[str, Any]:
    since, until = datetime.now(UTC) - timedelta(days=3), datetime.now(UTC) + timedelta(days=1)
    query = {"from": since.isoformat(), "to": until.isoformat(), "by": "day", "tz": "Asia/Tokyo"}
    answer = desk.get("analyst", f"/v1/sla/compliance?{httpx.QueryParams(query)}", after)
    return {found["metric"]: found for found in answer.json()["metrics"]}


def test_breaches_are_listed_by_whom_they_met(desk: Desk, team: str, gold: Gold) -> None:
    due = datetime.now(UTC) - timedelta(minutes=200)
    noted = SlaBreached(
        metric="first_reply", cycle=1, target=3_600, due=due, in_status="new", team=UUID(team), agent=None,
        policy=gold.policy, policy_version=1,
    )  # fmt: skip
    ticket, _ = opened(desk, gold, team, 260, noted)
    for query in (f"ticket={ticket}", f"policy={gold.policy}", f"team={team}&metric=first_reply"):
        (breach,) = desk.get("lead", f"/v1/sla/breaches?{query}").json()["items"]
        assert (breach["number"], at(breach["due"]), breach["target"]) == (ticket, due, 3_600)
    assert desk.get("lead", f"/v1/sla/breaches?ticket={ticket}&withdrawn=true").json()["items"] == []
    since = httpx.QueryParams({"from": (due + timedelta(seconds=1)).isoformat(), "ticket": ticket})
    assert desk.get("lead", f"/v1/sla/breaches?{since}").json()["items"] == []
    assert desk.get("lead", "/v1/sla/breaches?ticket=T-99999999").status_code == 404


def instants(*local: tuple[int, int, int, int]) -> list[datetime]:
    return [datetime(*one, tzinfo=UTC) for one in local]


def test_days_weeks_and_months_are_those_of_the_time_zone() -> None:
    stockholm = ZoneInfo("Europe/Stockholm")
    since, until = instants((2026, 3, 28, 12), (2026, 3, 30, 12))
    days = periods(since, until, "day", stockholm)
    # The 29th of March has 23 hours there.
    assert [instant for _, instant in days] == instants((2026, 3, 27, 23), (2026, 3, 28, 23), (2026, 3, 29, 22))
    assert [day for day, _ in days] == [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]
    assert [day for day, _ in periods(since, until, "week", stockholm)] == [date(2026, 3, 23), date(2026, 3, 30)]
    since, until = instants((2025, 11, 30, 23), (2026, 1, 31, 23))
    months = periods(since, until, "month", stockholm)
    assert [day for day, _ in months] == [date(2025, 12, 1), date(2026, 1, 1)]


def test_a_bucket_without_any_has_no_share() -> None:
    days = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    (metric,) = compliance(days, [Outcomes("update", 0, 3, 1), Outcomes("update", 2, 0, 2)]).metrics
    assert (metric.met, metric.breached, metric.compliance) == (3, 3, 0.5)
    assert [bucket.compliance for bucket in metric.buckets] == [0.75, None, 0.0]
    assert compliance(days, []).metrics == []


@pytest.fixture
def run(desk: Desk, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CHRONODESK_", "DATABASE_"))}
    environment = kept | {
        "DATABASE_URL": desk.database.app_url,
        "CHRONODESK_DATA_DIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "chronodesk", "sla", *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_at_the_terminal_a_person_sees_that_it_adds_up(desk: Desk, team: str, gold: Gold, run: Any) -> None:
    ticket, _ = opened(desk, gold, team, 90)
    desk.done("agent", f"/v1/tickets/{ticket}/replies", {"body": "Which floor?"})
    desk.done("agent", f"/v1/tickets/{ticket}/pending", {})
    desk.done("agent", f"/v1/tickets/{ticket}/reopen", {})
    last = desk.done("agent", f"/v1/tickets/{ticket}/resolve", {"code": "water"})
    told = run("explain", ticket, "--metric", "resolution")
    assert (told.returncode, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert lines[0] == f"{ticket} is resolved; Gold@1, Always@1"
    spans = [line.split("  ") for line in lines if ": " in line and line.startswith("  ")]
    assert [next(part.strip() for part in span if ": " in part) for span in spans] == [
        "runs: new", "runs: open", "stands: pending", "runs: open", "stands: resolved",
    ]  # fmt: skip
    counted = [next(seconds(part) for part in span[3:] if CLOCK.fullmatch(part.strip())) for span in spans]
    (total,) = (line.removeprefix("  = ") for line in lines if line.startswith("  = "))
    assert sum(counted) == seconds(total) > micros(5_400)
    as_json = json.loads(run("explain", ticket, "--json").stdout)
    served = desk.get("agent", f"/v1/tickets/{ticket}/sla", last).json()
    assert as_json["clocks"] == served["clocks"]


def seconds(text: str) -> int:
    """Microseconds in 1:30:05.25."""
    hours, minutes, rest = text.strip().split(":")
    return micros(int(hours) * 3_600 + int(minutes) * 60 + float(rest))


def test_at_the_terminal_the_board_is_the_one_of_the_api(desk: Desk, team: str, gold: Gold, run: Any) -> None:
    opened(desk, gold, team, 45)
    shown = run("board", "--team", team, "--limit", "200")
    assert (shown.returncode, shown.stderr) == (0, "")
    served = desk.get("agent", f"/v1/sla/board?team={team}&limit=200").json()["items"]
    assert [line.split("  ")[:2] for line in shown.stdout.splitlines()] == [
        [row["number"], row["metric"]] for row in served
    ]
    listed = json.loads(run("board", "--team", team, "--limit", "1", "--json").stdout)
    assert listed["items"][0]["ticket"] == served[0]["ticket"]
    assert run("board", "--team", str(uuid4())).stdout == "Nothing is due.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("explain", "T-99999999"), 1, "there is no ticket T-99999999"),
        (("explain", str(uuid4())), 1, "there is no ticket"),
        (("explain", "nonsense"), 2, "like T-1042"),
        (("explain", "T-1", "--metric", "speed"), 2, "speed"),
    ],
)
def test_at_the_terminal_a_wrong_question_is_told(
    arguments: tuple[str, ...], code: int, says: str, run: Any, desk: Desk
) -> None:
    told = run(*arguments)
    assert told.returncode == code
    assert says in told.stderr
    assert "Traceback" not in told.stderr
