"""What-ifs over HTTP: asked for, folded by a process of their own, watched, read, cancelled, and never left behind."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from api.jobs import MOST_WAITING
from replay.what_if.jobs import Jobs
from tests.api.running import Desk
from tests.databases import Database

HOUR = 3_600
ENDED = ("done", "failed", "cancelled")


def rules(seconds: int, metric: str = "resolution", **more: Any) -> dict[str, Any]:
    target = {"seconds": dict.fromkeys(("low", "normal", "high", "urgent"), seconds), "time": "calendar"}
    return {"policies": [{"terms": {"name": "All", "targets": {metric: target}}}]} | more


@contextmanager
def working(url: str, **options: Any) -> Iterator[None]:
    stopping = threading.Event()
    thread = threading.Thread(target=Jobs(url, **options).run, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(autouse=True)
def _nothing_waits(desk: Desk) -> Iterator[None]:
    yield
    with psycopg.connect(desk.database.app_url, autocommit=True) as connection:
        connection.execute("DELETE FROM consumers.jobs")


def ask(desk: Desk, body: Any, who: str = "lead", **headers: str) -> str:
    answer = desk.post(who, "/v1/what-ifs", body, **headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/what-ifs/{answer.json()['id']}"
    return str(answer.headers["location"])


def ended(desk: Desk, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while True:
        told: dict[str, Any] = desk.get("lead", path).json()
        if told["state"] in ENDED:
            return told
        assert time.monotonic() < deadline, told
        time.sleep(0.05)


def test_what_was_asked_is_answered_and_nothing_is_written_to_the_log(desk: Desk) -> None:
    kept, late = desk.ticket(), desk.ticket()
    desk.done("agent", f"/v1/tickets/{kept}/resolve", {"code": "done", "unanswered": "by phone"})
    time.sleep(1.1)
    desk.done("agent", f"/v1/tickets/{late}/resolve", {"code": "done", "unanswered": "by phone"})
    before = log(desk.database)
    path = ask(desk, rules(1))
    assert desk.get("lead", path).json()["state"] == "queued"
    with working(desk.database.app_url):
        told = ended(desk, path)
    assert (told["state"], told["fraction"], told["tickets"]) == ("done", 1.0, told["report"]["tickets"])
    (total,) = [one for one in told["report"]["totals"] if one["metric"] == "resolution"]
    assert total["before"] == {"met": 0, "breached": 0, "compliance": None}
    assert total["after"]["met"] >= 1
    (change,) = [one for one in changes(desk, path) if one["number"] == late]
    assert (change["before"]["came"], change["after"]["came"]) == ("nothing", "breached")
    assert sum(span["seconds"] for span in change["after"]["spans"]) == pytest.approx(change["after"]["elapsed"])
    assert change["over"] == pytest.approx(change["after"]["elapsed"] - 1)
    assert log(desk.database) == before


def test_a_ticket_that_stands_on_what_was_published_when_it_was_opened_stays_there(desk: Desk) -> None:
    """A version that came later and reached new tickets only is no news to it, whichever other policy is given."""
    policy = f"/v1/sla/policies/{uuid4()}"
    terms = rules(HOUR, "requester_wait")["policies"][0]["terms"]
    terms |= {"name": "Incidents", "all": [{"attribute": "type", "values": ["incident"]}]}
    assert desk.call("lead", "PUT", policy, {"terms": terms}).is_success
    ticket = desk.ticket(ticket_type="incident")
    broken = terms | {"targets": {"requester_wait": {"seconds": {"normal": 1}, "time": "calendar"}}}
    assert desk.call("lead", "PUT", policy, {"terms": broken, "reach": "new"}).is_success
    assert desk.call("lead", "PUT", f"/v1/sla/policies/{uuid4()}", {"terms": terms | {"name": "Others"}}).is_success
    time.sleep(1.1)
    with working(desk.database.app_url):
        for given, came in (({}, []), (named("Others", 2), []), (named("Incidents", 1), [("open", "breached")])):
            path = ask(desk, {"extends": "current", "metric": "requester_wait"} | given)
            assert ended(desk, path)["state"] == "done"
            sides = [(one["before"]["came"], one["after"]["came"]) for one in changes(desk, path)]
            assert sides == came
    assert [one["number"] for one in changes(desk, path)] == [ticket]


def named(name: str, seconds: int) -> dict[str, Any]:
    given = rules(seconds, "requester_wait")
    given["policies"][0]["terms"] |= {"name": name, "all": [{"attribute": "type", "values": ["incident"]}]}
    return given


def log(database: Database) -> Any:
    with psycopg.connect(database.app_url) as connection:
        return connection.execute("SELECT position, hash FROM store.head").fetchone()


def changes(desk: Desk, path: str) -> list[dict[str, Any]]:
    """Page by page."""
    found: list[dict[str, Any]] = []
    query = "?limit=1"
    while True:
        page = desk.get("auditor", f"{path}/changes{query}").json()
        found += page["items"]
        if page["next"] is None:
            return found
        query = f"?limit=1&cursor={page['next']}"


PIGEON = {"priority": "low", "all": [{"attribute": "channel", "values": ["pigeon"]}]}
BUSINESS = {"name": "x", "targets": {"resolution": {"seconds": {"low": 1}}}}


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (rules(HOUR, "speed"), None, "body.policies.0.terms.targets.speed.?"),
        (rules(HOUR) | {"policies": []}, None, "body"),
        (rules(HOUR) | {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, None, "body"),
        (rules(HOUR) | {"calendars": {"x": {"zone": "Mars/Base"}}}, "calendar.unknown_zone", "calendars.x.zone"),
        (rules(HOUR) | {"calendars": {"Day & Night": {"zone": "X"}}}, "calendar.unknown_zone", "calendars.?.zone"),
        ({"policies": [{"terms": BUSINESS}]}, "policy.needs_calendar", "policies.0.terms.calendar"),
        ({"policies": [{"calendar": "Nowhere", "terms": BUSINESS}]}, "calendar.unknown", "policies.0.calendar"),
        (rules(HOUR) | {"priority": [PIGEON]}, "policy.condition_value", "priority.0.all.0.values.0"),
        (rules(HOUR) | {"policies": 2 * rules(HOUR)["policies"]}, "policy.given_twice", "policies.0"),
    ],
)
def test_what_is_wrong_with_rules_is_said_by_its_place(desk: Desk, body: Any, code: str | None, field: str) -> None:
    answer = desk.post("lead", "/v1/what-ifs", body)
    problem = answer.json()
    assert answer.status_code == 422, problem
    if code is None:
        assert problem["errors"][0]["field"] == field
    else:
        assert (problem["code"], problem["field"]) == (code, field)


def test_the_same_key_asks_once_and_another_request_with_it_is_refused(desk: Desk) -> None:
    first = ask(desk, rules(HOUR), Idempotency_Key="one")
    assert ask(desk, rules(HOUR), Idempotency_Key="one") == first
    assert ask(desk, rules(HOUR), who="auditor", Idempotency_Key="one") != first
    again = desk.post("lead", "/v1/what-ifs", rules(2 * HOUR), Idempotency_Key="one")
    assert (again.status_code, again.json()["code"]) == (422, "idempotency_key.reused")
    assert len(desk.get("lead", "/v1/what-ifs").json()["what_ifs"]) == 2


def test_the_queue_ends_somewhere(desk: Desk) -> None:
    paths = [ask(desk, rules(HOUR)) for _ in range(MOST_WAITING)]
    refused = desk.post("lead", "/v1/what-ifs", rules(HOUR))
    assert (refused.status_code, refused.json()["code"]) == (409, "what_if.too_many")
    assert desk.call("lead", "DELETE", paths[0]).json()["state"] == "cancelled"
    ask(desk, rules(HOUR))


def test_cancelled_it_is_never_begun_and_done_it_stays_done(desk: Desk) -> None:
    first, second = ask(desk, rules(HOUR)), ask(desk, rules(HOUR))
    desk.call("lead", "DELETE", first)
    with working(desk.database.app_url):
        assert ended(desk, second)["state"] == "done"
    assert desk.get("lead", first).json()["started_at"] is None
    assert desk.call("lead", "DELETE", second).json()["state"] == "done"
    assert desk.get("lead", f"/v1/what-ifs/{uuid4()}").json()["code"] == "what_if.not_found"


def test_cancelled_while_it_runs_it_stops(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ask(desk, rules(HOUR))

    def told(*arguments: Any, **options: Any) -> None:
        desk.call("lead", "DELETE", path)
        arguments[3](1, 0.5)
        raise AssertionError("it went on")

    monkeypatch.setattr("replay.what_if.jobs.what_if", told)
    with working(desk.database.app_url):
        assert ended(desk, path)["state"] == "cancelled"


def test_a_worker_that_is_told_to_stop_leaves_it_to_the_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path, begun = ask(desk, rules(HOUR)), threading.Event()

    def told(*arguments: Any, **options: Any) -> None:
        begun.set()
        while True:
            arguments[3](1, 0.5)
            time.sleep(0.01)

    with monkeypatch.context() as patched:
        patched.setattr("replay.what_if.jobs.what_if", told)
        with working(desk.database.app_url):
            assert begun.wait(10)
    assert desk.get("lead", path).json()["state"] == "queued"
    with working(desk.database.app_url):
        assert ended(desk, path)["state"] == "done"


HANGS = """
import sys, threading
import replay.what_if.jobs as jobs
def hang(url, given, asked, told, **more):
    told(1, 0.5)
    print("begun", flush=True)
    threading.Event().wait()
jobs.what_if = hang
jobs.Jobs(sys.argv[1]).run(threading.Event())
"""


def test_what_a_killed_worker_had_begun_another_one_begins_anew(desk: Desk) -> None:
    path = ask(desk, rules(HOUR))
    with subprocess.Popen(
        [sys.executable, "-c", HANGS, desk.database.app_url], stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "begun\n"
        running = desk.get("lead", path).json()
        worker.kill()
    assert (running["state"], running["tickets"], running["fraction"]) == ("running", 1, 0.5)
    with working(desk.database.app_url):
        time.sleep(1)
        assert desk.get("lead", path).json()["state"] == "running", "nobody knows yet that it is dead"
    with working(desk.database.app_url, dead_seconds=0.5):
        assert ended(desk, path)["state"] == "done"


def test_what_kills_every_worker_is_given_up(desk: Desk) -> None:
    path = ask(desk, rules(HOUR))
    with psycopg.connect(desk.database.app_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE consumers.jobs SET state = 'running', attempts = 3, beat_at = now() - interval '1 hour'"
        )
    with working(desk.database.app_url):
        told = ended(desk, path)
    assert (told["state"], told["problem"]["code"]) == ("failed", "what_if.given_up")
