"""As of over HTTP: what was read at a moment is read again later, by who may; and nothing more by anybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from aggregates.ticket.events import Resolved, SlaBreached, SlaBreachWithdrawn
from tests.api.running import Desk
from tests.api.test_sla import Gold, at, gold, opened, team

__all__ = ["gold", "team"]

STEPS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("agent", "claim", {}),
    ("agent", "notes", {"body": "secret-4711"}),
    ("agent", "replies", {"body": "Which floor?"}),
    ("service", "messages", {"body": "The third.", "channel": "email", "author": "customer"}),
    ("agent", "tags/add", {"tags": ["fire", "vip"]}),
    ("agent", "fields", {"fields": {"floor": 3, "cost": 1.5, "hot": True}}),
    ("agent", "hold", {"reason": "the fire brigade"}),
    ("agent", "resolve", {"code": "solved"}),
    ("lead", "close", {}),
)
STATES = ("breached", "at_risk", "running", "paused")
OF_TICKET = ("", "/thread", "/events")


def read(desk: Desk, who: str, path: str, **headers: str) -> Any:
    answer = desk.get(who, path, **headers)
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()


def instant(desk: Desk, ticket: str) -> str:
    """When its newest event was recorded."""
    return str(read(desk, "agent", f"/v1/tickets/{ticket}/events")["events"][-1]["recorded_at"])


def all_seen(desk: Desk, ticket: str, past: str = "", *, version: str = "") -> dict[str, Any]:
    """What everybody reads of a ticket and of the queues, now or as of a moment."""
    seen = {f"ticket{rest}": read(desk, "auditor", f"/v1/tickets/{ticket}{version}{rest}{past}") for rest in OF_TICKET}
    if not version:
        others = {
            "queue": f"/v1/queues{past}", "closed": f"/v1/queues{past}{'&' if past else '?'}status=closed&sort=updated",
            "counts": f"/v1/queues/counts{past}", "agent": f"/v1/agents/{desk.ids['agent']}{past}",
            "customer": f"/v1/customers/{desk.ids['customer']}{past}",
        }  # fmt: skip
        seen |= {name: read(desk, "auditor", path) for name, path in others.items()}
    return seen


def own_seen(desk: Desk, ticket: str, past: str = "") -> dict[str, Any]:
    own = {rest: read(desk, "customer", f"/v1/my/tickets/{ticket}{rest}{past}") for rest in ("", "/thread")}
    mine = read(desk, "customer", f"/v1/my/tickets{past}")["items"]
    return {"ticket": own[""], "messages": own["/thread"]["messages"], "mine": mine}


@pytest.fixture(scope="module")
def lived(desk: Desk) -> tuple[str, list[tuple[int, int, str, Any, Any]]]:
    """A ticket, and after each step: version, position, instant, what we read, what its requester read."""
    ticket = desk.ticket()
    told: list[tuple[int, int, str, Any, Any]] = []
    answer = desk.done("agent", f"/v1/tickets/{ticket}/category", {"category": "Printing"})
    for who, verb, body in (("agent", "", {}), *STEPS):
        if verb:
            sent = {name: str(desk.ids[v]) if name == "author" else v for name, v in body.items()}
            answer = desk.done(who, f"/v1/tickets/{ticket}/{verb}", sent)
        position = answer.headers["chronodesk-position"]
        for view in ("/v1/queues", f"/v1/tickets/{ticket}", f"/v1/customers/{desk.ids['customer']}"):
            desk.get("agent", view, position).raise_for_status()
        seen, own = all_seen(desk, ticket), own_seen(desk, ticket)
        told.append((answer.json()["version"], int(position), instant(desk, ticket), seen, own))
    return ticket, told


def test_what_was_read_after_each_step_is_read_as_of_it(desk: Desk, lived: Any) -> None:
    ticket, told = lived
    id = read(desk, "agent", f"/v1/tickets/{ticket}")["id"]
    for version, position, recorded_at, seen, _ in told:
        of_ticket = {name: answer for name, answer in seen.items() if name.startswith("ticket")}
        assert all_seen(desk, ticket, f"?at_position={position}") == seen
        assert all_seen(desk, ticket, f"?as_of={recorded_at}") == seen
        assert all_seen(desk, ticket if version % 2 else id, version=f"@{version}") == of_ticket
    assert all_seen(desk, ticket, f"?as_of={told[4][2]}&basis=occurred") == told[4][3]


def test_a_customer_reads_again_what_they_read_and_so_do_auditors(desk: Desk, lived: Any) -> None:
    ticket, told = lived
    time = {"time": read(desk, "customer", f"/v1/my/tickets/{ticket}/time")}
    for version, position, recorded_at, _, own in told:
        assert own_seen(desk, ticket, f"?as_of={recorded_at}") == own
        page = {name: own[name] for name in ("ticket", "messages")} | time
        for past in (f"@{version}/customer-view", f"/customer-view?at_position={position}"):
            assert read(desk, "auditor", f"/v1/tickets/{ticket}{past}") == page
    assert read(desk, "auditor", f"/v1/tickets/{ticket}/customer-view") == page
    assert "secret-4711" not in desk.get("auditor", f"/v1/tickets/{ticket}/customer-view").text


def test_an_answer_says_of_which_moment_it_is(desk: Desk, lived: Any) -> None:
    ticket, told = lived
    version, position, recorded_at, *_ = told[2]
    answer = desk.get("agent", f"/v1/tickets/{ticket}@{version}")
    said = f'basis=recorded, at="{at(recorded_at).isoformat()}", position={position}'
    assert answer.headers["chronodesk-moment"] == f"{said}, version={version}"
    assert (answer.headers["etag"], answer.headers["chronodesk-position"]) == (f'"{version}"', str(position))
    assert desk.get("agent", f"/v1/tickets/{ticket}@{version}", if_none_match=f'"{version}"').status_code == 304
    assert desk.get("agent", f"/v1/queues?at_position={position}").headers["chronodesk-moment"] == said
    own = desk.get("customer", f"/v1/my/tickets/{ticket}?as_of={recorded_at}").headers
    assert own["chronodesk-moment"] == f'basis=recorded, at="{at(recorded_at).isoformat()}"'
    assert str(position) not in own["chronodesk-position"]
    assert "chronodesk-moment" not in desk.get("agent", f"/v1/tickets/{ticket}").headers


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("?as_of=2020-01-01T00:00:00Z&at_position=1", "moment.ambiguous", "at_position"),
        ("?as_of=2999-01-01T00:00:00Z", "as_of.future", "as_of"),
        ("?as_of=1600-01-01T00:00:00Z", "as_of.too_early", "as_of"),
        ("?at_position=999999999", "at_position.beyond_head", "at_position"),
        ("?basis=occurred", "basis.of_nothing", "basis"),
        ("?as_of=2020-01-01T00:00:00", "request.invalid", None),
        ("?as_of=yesterday", "request.invalid", None),
        ("?at_position=-1", "request.invalid", None),
        ("?at_position=1&basis=other", "request.invalid", None),
        ("@x", "request.invalid", None),
        ("@", "request.invalid", None),
        ("@1?at_position=1", "moment.ambiguous", "ticket"),
    ],
)
def test_what_is_no_moment_is_refused_by_name(desk: Desk, lived: Any, query: str, code: str, field: str | None) -> None:
    answer = desk.get("agent", f"/v1/tickets/{lived[0]}{query}")
    assert (answer.status_code, answer.json()["code"], answer.json().get("field")) == (422, code, field)


@pytest.mark.parametrize("version", [0, 999])
def test_a_version_that_is_not_there_is_not_found(desk: Desk, lived: Any, version: int) -> None:
    answer = desk.get("agent", f"/v1/tickets/{lived[0]}@{version}/thread")
    assert (answer.status_code, answer.json()["code"]) == (404, "version.not_found")


def test_a_past_without_the_ticket_says_when_it_came(desk: Desk, gold: Gold, team: str, lived: Any) -> None:
    """An import was recorded today, whenever it had happened."""
    ticket, then = opened(desk, gold, team, 600)
    moment = (then + timedelta(minutes=1)).isoformat().replace("+", "%2B")
    unknown = desk.get("auditor", f"/v1/tickets/{ticket}?as_of={moment}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "ticket.not_known_then")
    assert f"happened on {then:%Y-%m-%d %H:%M:%S}" in unknown.json()["detail"]
    assert "basis=occurred" in unknown.json()["detail"]
    happened = f"?as_of={moment}&basis=occurred"
    assert read(desk, "auditor", f"/v1/tickets/{ticket}{happened}")["number"] == ticket
    assert [item["number"] for item in read(desk, "auditor", f"/v1/queues{happened}")["items"]] == [ticket]
    assert read(desk, "auditor", f"/v1/queues?as_of={moment}")["items"] == []
    assert (
        desk.get("auditor", f"/v1/agents/{desk.ids['agent']}?as_of={moment}").json()["code"] == "agent.not_known_then"
    )
    assert [item["number"] for item in read(desk, "customer", f"/v1/my/tickets{happened}")["items"]] == [ticket]
    assert read(desk, "customer", f"/v1/my/tickets?as_of={moment}")["items"] == []
    nobodys = [
        desk.get(who, f"/v1/my/tickets/{name}?as_of={moment}")
        for who, name in (("customer", ticket), ("customer2", ticket), ("customer", str(uuid4())))
    ]
    assert {answer.status_code for answer in nobodys} == {404}
    assert len({answer.text for answer in nobodys}) == 1
    assert len({frozenset(answer.headers) for answer in nobodys}) == 1
    for rest in ("", "/thread"):
        assert read(desk, "customer", f"/v1/my/tickets/{ticket}{rest}{happened}")
        assert desk.get("customer2", f"/v1/my/tickets/{ticket}{rest}{happened}").status_code == 404
    assert read(desk, "customer2", f"/v1/my/tickets{happened}")["items"] == []


def test_a_board_as_of_a_moment_is_the_board_of_that_moment(desk: Desk, gold: Gold, team: str) -> None:
    ticket, then = opened(desk, gold, team, 45)
    opened(desk, gold, team, 30, Resolved(was="new", code="solved"))
    board = board_of(desk)
    position = desk.get("ops", "/v1/views").json()["views"][0]["head"]
    past = board_of(desk, f"&at_position={position}")
    assert board
    assert past == board
    assert board_of(desk, "&at_position=0") == []
    early = (then + timedelta(minutes=10)).isoformat().replace("+", "%2B")
    rows = read(desk, "auditor", f"/v1/sla/board?team={team}&as_of={early}&basis=occurred")["items"]
    of_it = {row["metric"]: row for row in rows if row["ticket"] and row["number"] == ticket}
    assert of_it["first_reply"]["state"] == "running"
    assert of_it["first_reply"]["remaining"] == pytest.approx(50 * 60)
    told = read(desk, "auditor", f"/v1/tickets/{ticket}/sla?as_of={early}&basis=occurred")
    assert (at(told["at"]), told["clocks"][0]["elapsed"]) == (then + timedelta(minutes=10), pytest.approx(600))
    summary = read(desk, "ops", f"/v1/sla/board/summary?as_of={early}&basis=occurred")["items"]
    assert sum(row["running"] for row in summary if row["whose"] == team) >= 2


def board_of(desk: Desk, past: str = "") -> list[dict[str, Any]]:
    """All pages in all states, without what passes by itself."""
    rows: list[dict[str, Any]] = []
    for state in STATES:
        cursor: str | None = ""
        while cursor is not None:
            told = read(desk, "auditor", f"/v1/sla/board?state={state}&limit=2{past}{cursor}")
            rows += [{name: value for name, value in row.items() if name != "remaining"} for row in told["items"]]
            cursor = told["next"] and f"&cursor={told['next']}"
    return rows


def test_breaches_as_of_an_instant_are_those_that_were_known(desk: Desk, gold: Gold, team: str) -> None:
    due, target = datetime.now(UTC) - timedelta(hours=5), {"target": 3_600, "cycle": 1, "metric": "first_reply"}
    promise = {"policy": gold.policy, "policy_version": 1, "in_status": "new", "due": due}
    noted, _ = opened(desk, gold, team, 360, SlaBreached.model_validate(target | promise))
    known = instant(desk, noted)
    undone, _ = opened(
        desk, gold, team, 360, SlaBreached.model_validate(target | promise),
        SlaBreachWithdrawn(metric="first_reply", cycle=1, due=due),
    )  # fmt: skip
    both = f"/v1/sla/breaches?as_of={instant(desk, undone)}"
    assert [row["number"] for row in read(desk, "auditor", f"/v1/sla/breaches?as_of={known}")["items"]] == [noted]
    assert [row["number"] for row in read(desk, "auditor", both)["items"]] == [noted]
    assert [row["number"] for row in read(desk, "auditor", f"{both}&withdrawn=true")["items"]] == [undone]
    assert read(desk, "auditor", f"/v1/sla/breaches?as_of={known}&withdrawn=true")["items"] == []


def test_a_cursor_of_another_moment_is_refused(desk: Desk, lived: Any) -> None:
    for _ in range(3):
        desk.ticket()
    _, told = lived
    head = desk.get("ops", "/v1/views")
    position = head.json()["views"][0]["head"]
    first = read(desk, "agent", f"/v1/queues?limit=1&at_position={position}")
    assert first["next"]
    assert desk.get("agent", f"/v1/queues?limit=1&at_position={position}&cursor={first['next']}").status_code == 200
    for query in (f"&at_position={told[0][1]}", ""):
        assert desk.get("agent", f"/v1/queues?limit=1&cursor={first['next']}{query}").status_code == 422
    mine = read(desk, "customer", f"/v1/my/tickets?limit=1&as_of={instant(desk, desk.ticket())}")
    assert desk.get("customer", f"/v1/my/tickets?as_of={told[0][2]}&cursor={mine['next']}").status_code == 422
