"""git's verbs on a ticket over HTTP: log, diff, blame, bisect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.running import Desk


@pytest.fixture(scope="module")
def ticket(desk: Desk) -> str:
    """T-1001: 1 opened, 2 its message, 3 high, 4 vip, 5 assigned, 6 resolved, 7 reopened, 8 answered."""
    number = desk.ticket()
    path = f"/v1/tickets/{number}"
    desk.done("agent", f"{path}/priority", {"priority": "high"})
    desk.done("agent", f"{path}/tags/add", {"tags": ["vip"]})
    desk.done("lead", f"{path}/assign", {"agent": str(desk.ids["agent"])})
    desk.done("agent", f"{path}/resolve", {"code": "done", "unanswered": "by phone"})
    desk.done("agent2", f"{path}/reopen", {"reason": "smokes again"})
    desk.done("agent", f"{path}/replies", {"body": "Water is coming."})
    return number


def got(desk: Desk, path: str, who: str = "auditor") -> dict[str, Any]:
    answer = desk.call(who, "GET", path)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_log_says_when_who_what_and_why_a_line_an_event(desk: Desk, ticket: str) -> None:
    lines = got(desk, f"/v1/tickets/{ticket}/log")["lines"]
    assert [line["version"] for line in lines] == list(range(1, 9))
    assert [(line["who"], line["what"]) for line in lines][2:] == [
        ("Agent", "priority normal -> high"),
        ("Agent", "tagged vip"),
        ("Lead", "assigned to Agent"),
        ("Agent", "resolved (done) unanswered: by phone"),
        ("Agent2", "reopened, was resolved: smokes again"),
        ("Agent", "reply: Water is coming."),
    ]
    assert lines[2]["actor"] == {"kind": "agent", "id": str(desk.ids["agent"])}
    pages: list[dict[str, Any]] = []
    after = 0
    while after is not None:
        page = got(desk, f"/v1/tickets/{ticket}/log?limit=3&after={after}")
        pages, after = [*pages, *page["lines"]], page["next"]
    assert pages == lines
    assert [line["version"] for line in got(desk, f"/v1/tickets/{ticket}/log?type=tagged")["lines"]] == [4]


def test_a_diff_names_what_changed_and_the_event_that_did_it(desk: Desk, ticket: str) -> None:
    changes = got(desk, f"/v1/tickets/{ticket}/diff?from=2&to=5")["changes"]
    told = {(c["field"], c["element"]): (c["before"], c["after"], [by["version"] for by in c["by"]]) for c in changes}
    assert told == {
        ("priority", None): ("normal", "high", [3]),
        ("tags", "vip"): (None, "vip", [4]),
        ("assignee", None): (None, str(desk.ids["agent"]), [5]),
        ("status", None): ("new", "open", [5]),
    }
    assert "resolved" not in desk.call("auditor", "GET", f"/v1/tickets/{ticket}/diff?from=5").text.split('"by"')[0]
    backwards = desk.call("auditor", "GET", f"/v1/tickets/{ticket}/diff?from=5&to=2")
    assert (backwards.status_code, backwards.json()["code"]) == (422, "range.backwards")


def test_a_diff_may_be_asked_by_instants_and_positions(desk: Desk, ticket: str) -> None:
    lines = got(desk, f"/v1/tickets/{ticket}/log")["lines"]
    by_version = got(desk, f"/v1/tickets/{ticket}/diff?from=2&to=5")
    start, end = (lines[place]["recorded_at"] for place in (1, 4))
    assert got(desk, f"/v1/tickets/{ticket}/diff?from={start}&to={end}") == by_version
    positions = [f"%23{lines[place]['position']}" for place in (1, 4)]
    assert got(desk, f"/v1/tickets/{ticket}/diff?from={positions[0]}&to={positions[1]}") == by_version


def test_a_blame_puts_each_thing_down_to_its_event_as_of_then(desk: Desk, ticket: str) -> None:
    def blamed(query: str) -> dict[str, tuple[Any, int, str]]:
        lines = got(desk, f"/v1/tickets/{ticket}/blame{query}")["lines"]
        return {
            line["element"] or line["field"]: (line["value"], line["by"]["version"], line["by"]["who"])
            for line in lines
        }

    now, then = blamed(""), blamed("?at=6")
    assert now["status"] == ("open", 7, "Agent2")
    assert then["status"] == ("resolved", 6, "Agent")
    assert now["resolution_code"] == (None, 7, "Agent2")
    assert now["vip"] == ("vip", 4, "Agent")
    assert now["public_replies"] == (1, 8, "Agent")
    assert now["subject"][:2] == ("Printer on fire", 1)


def test_a_bisect_finds_since_when_it_was_so(desk: Desk, ticket: str) -> None:
    asked = {"expression": 'status == "resolved" and public_replies == 0'}
    answer = desk.call("auditor", "GET", f"/v1/tickets/{ticket}/bisect", params=asked)
    (stretch,) = answer.json()["stretches"]
    assert (stretch["since"]["version"], stretch["until"]["version"]) == (6, 7)
    asked = {"expression": 'assignee_name == "Agent"', "at": "6"}
    (stretch,) = desk.call("auditor", "GET", f"/v1/tickets/{ticket}/bisect", params=asked).json()["stretches"]
    assert (stretch["since"]["version"], stretch["until"]) == (5, None)


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ("bisect?expression=__import__('os')", 422, "expression.malformed", "expression"),
        ("bisect?expression=colour", 422, "expression.malformed", "expression"),
        ("bisect", 422, "request.invalid", None),
        ("blame?at=yesterday", 422, "point.malformed", "at"),
        ("blame?at=99", 404, "version.not_found", None),
        ("blame?at=2999-01-01", 422, "as_of.future", "as_of"),
        ("blame?at=2001-01-01", 404, "ticket.not_known_then", None),
        ("diff?to=x", 422, "point.malformed", "to"),
        ("log?type=exploded", 422, "type.unknown", "type"),
    ],
)
def test_what_is_asked_wrongly_is_said(
    desk: Desk, ticket: str, query: str, status: int, code: str, field: str | None
) -> None:
    answer = desk.call("auditor", "GET", f"/v1/tickets/{ticket}/{query}")
    assert (answer.status_code, answer.json()["code"], answer.json().get("field")) == (status, code, field)


def test_a_ticket_that_is_no_ticket_has_no_log(desk: Desk) -> None:
    for id in (desk.ids["agent"], "T-99999999"):
        assert desk.call("auditor", "GET", f"/v1/tickets/{id}/log").status_code == 404
