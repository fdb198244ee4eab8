"""SLA policies over HTTP: publish, order, retire, read back; and why a ticket would get which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from aggregates.sla.policies import POLICY_LIST
from consumers.sla_moves import Moves
from consumers.sla_store import Configuration
from tests.api.running import Desk

LIST = "/v1/sla/policies"


@pytest.fixture(autouse=True)
def _empty_list(desk: Desk) -> Iterator[None]:
    """Each test leaves a desk on which nothing is promised."""
    yield
    for policy in desk.get("lead", LIST).json()["policies"]:
        assert desk.call("lead", "DELETE", f"{LIST}/{policy['id']}?reach=open").status_code == 200


def publish(desk: Desk, name: str, **more: Any) -> str:
    reach = more.pop("reach", "new")
    body = {"terms": {"name": name, **more}, "reach": reach}
    return str(desk.done("lead", LIST, body).json()["policies"][0])


def office(desk: Desk) -> str:
    hours = {"zone": "UTC", "monday": [{"opens": "09:00", "closes": "17:00"}]}
    return str(desk.done("lead", "/v1/calendars", {"name": "Office", "hours": hours}).json()["id"])


def applied(desk: Desk, ticket: str) -> list[dict[str, Any]]:
    events = desk.get("lead", f"/v1/tickets/{ticket}/events").json()["events"]
    return [event["fact"] for event in events if event["type"] == "ticket.sla_applied.v1"]


def refused(answer: Any) -> tuple[int, str, str | None]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem.get("field")


def test_a_policy_is_published_and_read_back_at_once(desk: Desk) -> None:
    answer = desk.done("lead", LIST, {"terms": {"name": "Gold"}})
    (policy,) = answer.json()["policies"]
    assert (answer.status_code, answer.json()["events"]) == (201, ["policy_list.published.v1"])
    assert answer.headers["location"] == f"{LIST}/{policy}/versions"
    listed = desk.get("analyst", LIST)
    assert listed.headers["etag"] == answer.headers["etag"] == f'"{listed.json()["version"]}"'
    assert listed.headers["chronodesk-position"] == answer.headers["chronodesk-position"]
    (shown,) = listed.json()["policies"]
    assert (shown["id"], shown["name"], shown["holds"], len(shown["versions"])) == (policy, "Gold", 1, 1)
    assert shown["versions"][0]["terms"]["auto_close"] == 345_600


def test_a_request_that_is_sent_again_publishes_once(desk: Desk) -> None:
    first, again = (desk.done("lead", LIST, {"terms": {"name": "Gold"}}, Idempotency_Key="gold") for _ in range(2))
    assert first.json() == again.json()
    assert len(desk.get("lead", LIST).json()["policies"]) == 1


def test_a_new_version_under_its_id_and_its_history(desk: Desk) -> None:
    policy = str(uuid4())
    for name, since in (("Gold", None), ("Gold II", "2020-01-01T00:00:00Z"), ("Gold III", "2999-01-01T00:00:00Z")):
        body = {"terms": {"name": name}, "effective_from": since, "reach": "open"}
        assert desk.call("lead", "PUT", f"{LIST}/{policy}", body).status_code == 200
    same = desk.call("lead", "PUT", f"{LIST}/{policy}", {"terms": {"name": "Gold III"}})
    assert same.json()["events"] == []
    assert desk.get("lead", LIST).json()["policies"][0]["holds"] == 2, "the third does not hold yet"
    desk.call("lead", "DELETE", f"{LIST}/{policy}")
    history = desk.get("auditor", f"{LIST}/{policy}/versions").json()
    assert [(v["number"], v["terms"]["name"], v["reach"]) for v in history["versions"]] == [
        (1, "Gold", "open"), (2, "Gold II", "open"), (3, "Gold III", "open"),
    ]  # fmt: skip
    by = {"kind": "agent", "id": str(desk.ids["lead"])}
    assert {tuple(v["published_by"].items()) for v in history["versions"]} == {tuple(by.items())}
    first, second, _ = history["versions"]
    assert first["effective_from"] <= first["published_at"] < second["published_at"]
    assert second["effective_from"] == "2020-01-01T00:00:00Z"
    (retired,) = history["retirements"]
    assert (retired["reach"], retired["retired_by"]) == ("new", by)
    assert policy in [shown["id"] for shown in desk.get("lead", LIST).json()["retired"]]


def test_a_list_that_somebody_else_changed_is_not_ordered_unseen(desk: Desk) -> None:
    one, two = publish(desk, "one"), publish(desk, "two")
    seen = desk.get("lead", LIST).headers["etag"]
    ordered = desk.call("lead", "PUT", f"{LIST}/order", {"order": [two, one]}, headers={"If-Match": seen})
    assert ordered.json()["events"] == ["policy_list.ordered.v1"]
    assert [policy["id"] for policy in desk.get("lead", LIST).json()["policies"]] == [two, one]
    late = desk.call("lead", "PUT", f"{LIST}/order", {"order": [one, two]}, headers={"If-Match": seen})
    assert refused(late) == (412, "version.stale", None)
    some = desk.call("lead", "PUT", f"{LIST}/order", {"order": [one]})
    assert refused(some) == (422, "policy.order_incomplete", "order")


def test_what_is_not_there_is_refused_naming_the_field(desk: Desk) -> None:
    nobody = str(uuid4())
    business = {"first_reply": {"seconds": {"high": 60}}}
    for terms, code, field in (
        ({"targets": business}, "policy.needs_calendar", "terms.calendar"),
        ({"calendar": nobody}, "calendar.unknown", "terms.calendar"),
        ({"all": [{"attribute": "team", "values": [nobody]}]}, "team.unknown", "terms.all.0.values"),
        ({"all": [{"attribute": "field", "values": [1]}]}, "policy.condition_name", "terms.all.0.name"),
    ):
        assert refused(desk.post("lead", LIST, {"terms": {"name": "x", **terms}})) == (422, code, field)
    assert refused(desk.call("lead", "DELETE", f"{LIST}/{nobody}")) == (404, "policy.not_found", None)
    assert refused(desk.get("lead", f"{LIST}/{nobody}/versions")) == (404, "policy.not_found", None)


def test_nobody_else_gets_the_id_of_the_list(desk: Desk) -> None:
    for path in ("customers", "teams", "agents", "organisations", "calendars"):
        answer = desk.call("lead", "PUT", f"/v1/{path}/{POLICY_LIST}", {"name": "x"})
        assert answer.status_code == 422, path


def test_the_defaults_hold_for_the_tickets_that_come(desk: Desk) -> None:
    calendar = office(desk)
    published = desk.done("lead", f"{LIST}/defaults", {"calendar": calendar})
    chat, *_, standard = published.json()["policies"]
    assert desk.done("lead", f"{LIST}/defaults", {"calendar": calendar}).json()["events"] == []
    names = [policy["name"] for policy in desk.get("lead", LIST).json()["policies"]]
    assert names == ["Chat", "Phone", "Email", "Social", "Standard"]
    by_chat, by_form = desk.ticket(channel="chat"), desk.ticket(channel="web_form")
    assert [[fact["policy"] for fact in applied(desk, ticket)] for ticket in (by_chat, by_form)] == [[chat], [standard]]
    assert [fact["calendar"] for fact in applied(desk, by_chat)] == [calendar]


def test_if_match_does_not_mind_what_was_noted_about_the_ticket(desk: Desk) -> None:
    publish(desk, "urgent ones", all=[{"attribute": "priority", "values": ["urgent"]}])
    ticket = desk.ticket()
    path = f"/v1/tickets/{ticket}"
    raised = desk.done("agent", f"{path}/priority", {"priority": "urgent"})
    assert raised.json()["events"] == ["ticket.priority_changed.v1", "ticket.sla_applied.v1"]
    before = raised.json()["version"] - 1
    assert desk.post("agent", f"{path}/notes", {"body": "x"}, If_Match=f'"{before - 1}"').status_code == 412
    assert desk.post("agent", f"{path}/notes", {"body": "x"}, If_Match=f'"{before}"').status_code == 200
    assert desk.post("agent", f"{path}/notes", {"body": "x"}, If_Match=f'"{before}"').status_code == 412


def test_a_dry_run_says_which_policy_and_why(desk: Desk) -> None:
    calendar = office(desk)
    vip = publish(
        desk, "VIP", calendar=calendar, targets={"first_reply": {"seconds": {"high": 60, "low": 600}}},
        all=[{"attribute": "tier", "values": ["vip", "premium"]}],
        any=[{"attribute": "tag", "values": ["fire"]}, {"attribute": "field", "name": "floor", "values": [4]}],
    )  # fmt: skip
    rest = publish(desk, "Rest")
    asked = {"priority": "high", "tags": ["Water"], "fields": {"floor": 4}, "tier": "vip"}
    told = desk.done("auditor", f"{LIST}/dry-run", asked).json()
    assert (told["policy"], told["policy_version"], told["name"]) == (vip, 1, "VIP")
    assert (told["calendar"], told["calendar_version"], told["targets"]) == (calendar, 1, {"first_reply": 60})
    judged, other = told["policies"]
    assert (judged["holds"], other["policy"], other["holds"]) == (True, rest, True)
    assert [(check["held"], check["had"]) for check in judged["all"] + judged["any"]] == [
        (True, ["vip"]), (False, ["water"]), (True, [4]),
    ]  # fmt: skip
    told = desk.done("agent", f"{LIST}/dry-run", asked | {"tier": "standard"}).json()
    assert (told["name"], told["policies"][0]["holds"], told["targets"]) == ("Rest", False, {})
    long_ago = desk.done("agent", f"{LIST}/dry-run", {"at": "2001-01-01T00:00:00Z"}).json()
    assert (long_ago["policy"], long_ago["policies"]) == (None, [])


def test_a_dry_run_of_a_ticket_sees_what_that_ticket_sees(desk: Desk) -> None:
    publish(desk, "Old", all=[{"attribute": "priority", "values": ["normal"]}])
    ticket = desk.ticket()
    (before,) = applied(desk, ticket)
    policy = desk.get("lead", LIST).json()["policies"][0]["id"]
    desk.call("lead", "PUT", f"{LIST}/{policy}", {"terms": {"name": "New"}})
    told = desk.done("agent", f"{LIST}/dry-run", {"ticket": ticket}).json()
    assert (told["name"], told["policy_version"], told["list_version"]) == ("Old", 1, before["list_version"])
    assert desk.done("agent", f"{LIST}/dry-run", {}).json()["name"] == "New"
    assert applied(desk, ticket) == [before], "a dry run changes nothing"


def test_a_dry_run_takes_the_requesters_tier(desk: Desk) -> None:
    publish(desk, "VIP", all=[{"attribute": "tier", "values": ["vip"]}])
    vip = desk.done("agent", "/v1/customers", {"name": "Vera", "tier": "vip"}).json()["id"]
    assert desk.done("agent", f"{LIST}/dry-run", {"requester": vip}).json()["name"] == "VIP"
    ticket = desk.ticket(requester=vip)
    assert desk.done("agent", f"{LIST}/dry-run", {"ticket": ticket}).json()["name"] == "VIP"
    assert desk.done("agent", f"{LIST}/dry-run", {"requester": str(desk.ids["customer"])}).json()["name"] is None
    nobody = desk.post("agent", f"{LIST}/dry-run", {"requester": str(uuid4())})
    assert refused(nobody) == (422, "customer.unknown", "requester")


@pytest.mark.parametrize(
    ("asked", "status", "where"),
    [
        ({"ticket": "T-1", "priority": "low"}, 422, "body.ticket"),
        ({"tier": "vip", "requester": str(uuid4())}, 422, "body.tier"),
        ({"ticket": "x"}, 422, "body.ticket"),
        ({"ticket": "T-99999999"}, 404, None),
        ({"ticket": str(uuid4())}, 404, None),
        ({"ticket": str(POLICY_LIST)}, 404, None),
        ({"at": "2026-01-01T00:00:00"}, 422, "body.at"),
    ],
)
def test_a_dry_run_of_nothing_is_refused(desk: Desk, asked: dict[str, Any], status: int, where: str | None) -> None:
    answer = desk.post("agent", f"{LIST}/dry-run", asked)
    assert answer.status_code == status
    assert where is None or where in [error["field"] for error in answer.json()["errors"]]


def test_a_change_that_reaches_open_tickets_can_be_watched(desk: Desk) -> None:
    """What the SLA clock keeps of it: here it has found the change and not begun yet."""
    publish(desk, "Gold", reach="open")
    position = desk.get("lead", LIST).headers["chronodesk-position"]
    with psycopg.connect(desk.database.app_url, autocommit=True) as connection:
        Moves(connection, Configuration(connection)).advance()
    found = {move["position"]: move for move in desk.get("analyst", "/v1/sla/moves").json()["moves"]}
    move = found[int(position)]
    assert (move["kind"], move["cause"], move["finished_at"]) == ("policy_list", str(POLICY_LIST), None)
