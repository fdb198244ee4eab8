"""The whole desk's events by what they are and say, and what caused what, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.running import Desk


@pytest.fixture(scope="module", autouse=True)
def told(desk: Desk) -> str:
    """Two tickets that one command linked, and one that a message to a closed one opened; its number."""
    first, second = desk.ticket(), desk.ticket(message="It smokes only a little.")
    other = desk.get("agent", f"/v1/tickets/{second}/events").json()["events"][0]["stream"]
    linked = desk.done("agent", f"/v1/tickets/{first}/links/add", {"other": other, "relation": "blocks"})
    desk.done("agent2", f"/v1/tickets/{first}/escalate", {"reason": "Smoke, and FIRE"})
    desk.done("agent", f"/v1/tickets/{second}/claim")
    desk.done("agent", f"/v1/tickets/{second}/resolve", {"code": "done", "unanswered": "went out"})
    desk.done("agent", f"/v1/tickets/{second}/close")
    desk.done("customer", f"/v1/my/tickets/{other}/messages", {"body": "Again!"})
    position = desk.done("agent", f"/v1/tickets/{first}/notes", {"body": "noted"}).headers["chronodesk-position"]
    assert desk.get("auditor", "/v1/audit/events?limit=1", position).status_code == 200
    assert linked.json()["events"] == ["ticket.linked.v1"]
    return first


def found(desk: Desk, **asked: Any) -> list[dict[str, Any]]:
    answer = desk.call("auditor", "GET", "/v1/audit/events", params=asked | {"limit": 200})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def types(items: list[dict[str, Any]]) -> list[str]:
    return [item["type"].split(".")[1] for item in items]


def test_events_are_found_by_who_did_them(desk: Desk) -> None:
    by_name = found(desk, actor="agent2")
    assert types(by_name) == ["escalated"]
    assert by_name == found(desk, actor=f"agent:{desk.ids['agent2']}") == found(desk, actor="agent:Agent2")
    assert types(found(desk, actor="customer", type="ticket.message_received.v1")) == ["message_received"]
    assert {item["who"] for item in found(desk, actor="agent")} == {"Agent", "Agent2", "Lead"}


def test_events_are_found_by_type_ticket_time_and_cause(desk: Desk, told: str) -> None:
    (escalated,) = found(desk, type="escalated", ticket=told)
    assert (escalated["ticket"], escalated["what"]) == (told, "escalated to line 2: Smoke, and FIRE")
    at = escalated["recorded_at"]
    assert found(desk, since=at)[-1] == escalated
    assert escalated not in found(desk, until=at)
    assert found(desk, since=at, basis="occurred") == found(desk, since=at)
    linked = found(desk, type="linked")
    assert len(linked) == 2
    assert found(desk, cause=linked[0]["command_id"]) == linked
    assert found(desk, cause=linked[0]["correlation_id"]) == linked


def test_words_are_found_in_whatever_people_wrote(desk: Desk) -> None:
    assert types(found(desk, text="fire smoke")) == ["escalated"]
    assert types(found(desk, text="smoke")) == ["escalated", "message_received"]
    assert types(found(desk, text="ONLY a little.")) == ["message_received"]
    assert set(types(found(desk, text="printer"))) == {"opened"}
    assert types(found(desk, text="Agent2")) == ["registered"]
    assert found(desk, text="resolved") == [], "our own words are nobody's text"


def test_pages_join_without_gap_or_overlap_newest_first(desk: Desk) -> None:
    for asked in ({}, {"basis": "occurred"}, {"text": "e"}):
        whole, cursor = found(desk, **asked), ""
        pages: list[dict[str, Any]] = []
        while cursor is not None:
            more = asked | {"limit": 4} | ({"cursor": cursor} if cursor else {})
            page = desk.call("auditor", "GET", "/v1/audit/events", params=more).json()
            pages, cursor = [*pages, *page["items"]], page["next"]
        assert pages == whole
        positions = [item["position"] for item in whole]
        assert positions == sorted(positions, reverse=True)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("actor=Nobody", "actor.unknown"),
        ("type=exploded", "type.unknown"),
        ("cursor=xyz", "request.invalid"),
        ("actor=%00", "request.invalid"),
        ("ticket=x", "request.invalid"),
        ("cause=x", "request.invalid"),
        ("since=2020-01-01T00:00:00", "request.invalid"),
    ],
)
def test_what_is_asked_wrongly_is_said(desk: Desk, query: str, code: str) -> None:
    answer = desk.call("auditor", "GET", f"/v1/audit/events?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_link_has_one_command_and_two_streams(desk: Desk) -> None:
    here, there = found(desk, type="linked")
    tree = desk.call("auditor", "GET", f"/v1/events/{here['position']}/causes").json()
    root = tree["root"]
    assert (root["kind"], root["id"], root["sent_by"]) == ("command", here["command_id"], f"agent:{desk.ids['agent']}")
    assert [child["event"]["position"] for child in root["causes"]] == [there["position"], here["position"]]
    assert [child["asked"] for child in root["causes"]] == [False, True]
    assert not tree["cut"]


def test_a_follow_up_hangs_on_the_message_that_opened_it(desk: Desk) -> None:
    (followed,) = found(desk, type="followed_up")
    root = desk.call("auditor", "GET", f"/v1/events/{followed['position']}/causes").json()["root"]
    assert types([child["event"] for child in root["causes"]])[:3] == ["followed_up", "opened", "message_received"]
    assert len({child["event"]["stream"] for child in root["causes"]}) == 2


def test_a_tree_that_is_cut_says_so_and_still_holds_what_was_asked_about(desk: Desk) -> None:
    (followed,) = found(desk, type="followed_up")
    tree = desk.call("auditor", "GET", f"/v1/events/{followed['position'] + 1}/causes?limit=1").json()
    assert (tree["cut"], tree["root"]["more"]) == (True, True)
    (child,) = tree["root"]["causes"]
    assert (child["asked"], child["event"]["position"]) == (True, followed["position"] + 1)
    assert desk.call("auditor", "GET", "/v1/events/99999999/causes").status_code == 404


def test_a_search_is_on_record(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        found(desk, type="linked")
    assert "/v1/audit/events" in caplog.text
    assert str(desk.ids["auditor"]) in caplog.text
