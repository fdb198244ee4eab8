"""A ticket's whole way over HTTP: written, read back by those who work on it and by its requester."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

from tests.api.running import Desk


def test_a_tickets_whole_way(desk: Desk) -> None:
    team = desk.done("lead", "/v1/teams", {"name": "1st line", "members": [str(desk.ids["agent"])]}).json()["id"]
    opened = desk.done(
        "service", "/v1/tickets",
        {"requester": str(desk.ids["customer"]), "subject": "Fire", "message": "It burns.", "channel": "email"},
    )  # fmt: skip
    assert opened.status_code == 201
    assert opened.headers["location"] == f"/v1/tickets/{opened.json()['ticket']}"
    ticket = f"/v1/tickets/{opened.json()['number']}"
    steps = [
        ("route", {"team": team}, ["ticket.routed.v1"]),
        ("claim", None, ["ticket.assigned.v1"]),
        ("priority", {"priority": "urgent"}, ["ticket.priority_changed.v1"]),
        ("category", {"category": "hardware"}, ["ticket.category_changed.v1"]),
        ("type", {"ticket_type": "incident"}, ["ticket.type_changed.v1"]),
        ("fields", {"fields": {"room": "4.12", "floor": 4, "ratio": 0.5, "on": True}}, ["ticket.field_changed.v1"] * 4),
        ("tags/add", {"tags": ["Fire", "printer"]}, ["ticket.tagged.v1"]),
        ("tags/remove", {"tags": ["printer"]}, ["ticket.untagged.v1"]),
        ("notes", {"body": "third fire"}, ["ticket.note_added.v1"]),
        ("replies", {"body": "Help is near."}, ["ticket.reply_added.v1"]),
        ("watchers/add", {}, ["ticket.watcher_added.v1"]),
        ("escalate", {"reason": "needs a technician"}, ["ticket.escalated.v1"]),
        ("de-escalate", {"agent": str(desk.ids["agent"])}, ["ticket.de_escalated.v1"]),
        ("pending", {"reason": "which?"}, ["ticket.put_pending.v1"]),
        ("messages", {"body": "The left one."}, ["ticket.message_received.v1", "ticket.reopened.v1"]),
        ("hold", {}, ["ticket.put_on_hold.v1"]),
        ("reopen", {}, ["ticket.reopened.v1"]),
        ("unassign", {}, ["ticket.unassigned.v1"]),
        ("assign", {"agent": str(desk.ids["agent2"])}, ["ticket.assigned.v1"]),
        ("time", {"seconds": 900}, ["ticket.time_logged.v1"]),
        ("watchers/remove", {}, ["ticket.watcher_removed.v1"]),
        ("resolve", {"code": "replaced"}, ["ticket.resolved.v1"]),
        ("close", None, ["ticket.closed.v1"]),
    ]
    version = opened.json()["version"]
    for verb, body, events in steps:
        answer = desk.done("agent", f"{ticket}/{verb}", body, If_Match=f'"{version}"')
        assert (verb, answer.json()["events"]) == (verb, events)
        version += len(events)
        assert answer.json()["version"] == version
        assert answer.headers["etag"] == f'"{version}"'
    shown = desk.get("auditor", ticket, answer)
    assert shown.headers["etag"] == f'"{version}"'
    assert int(shown.headers["chronodesk-position"]) >= answer.json()["position"]
    state = shown.json()
    assert (state["status"], state["priority"], state["level"], state["tags"]) == ("closed", "urgent", 1, ["fire"])
    assert state["fields"] == {"room": "4.12", "floor": 4, "ratio": 0.5, "on": True}
    assert (state["assignee"], state["time_spent"]) == (str(desk.ids["agent2"]), 900)
    history = desk.get("auditor", f"{ticket}/events").json()["events"]
    assert [event["version"] for event in history] == list(range(1, version + 1))
    assert [e["type"] for e in history][2:] == [event for _, _, events in steps for event in events]
    assert desk.get("auditor", f"{ticket}/events?after={version - 1}").json()["events"] == history[-1:]


def test_history_says_who_when_and_why(desk: Desk) -> None:
    correlation = str(uuid4())
    ticket = desk.ticket()
    answer = desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": "x"}, X_Correlation_Id=correlation)
    assert answer.headers["x-correlation-id"] == correlation
    event = desk.get("lead", f"/v1/tickets/{ticket}/events").json()["events"][-1]
    assert event["actor"] == {"kind": "agent", "id": str(desk.ids["agent"])}
    assert (event["correlation_id"], event["subject"]) == (correlation, str(desk.ids["customer"]))
    assert event["fact"] == {"body": "x"}


def test_a_w3c_trace_is_the_correlation(desk: Desk) -> None:
    trace = uuid4()
    answer = desk.get("ops", "/v1/views", traceparent=f"00-{trace.hex}-b7ad6b7169203331-01")
    assert UUID(answer.headers["x-correlation-id"]) == trace
    assert desk.get("ops", "/v1/views", X_Correlation_Id="no uuid").headers["x-correlation-id"] != "no uuid"


def test_thread_shows_everything_to_agents_and_public_messages_to_the_customer(desk: Desk) -> None:
    ticket = desk.ticket(message="first")
    desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": "between us"})
    answer = desk.done("agent", f"/v1/tickets/{ticket}/replies", {"body": "second"})
    thread = desk.get("agent", f"/v1/tickets/{ticket}/thread", answer).json()["messages"]
    assert [(m["body"], m["audience"]) for m in thread] == [
        ("first", "public"), ("between us", "internal"), ("second", "public"),
    ]  # fmt: skip
    own = desk.get("customer", f"/v1/my/tickets/{ticket}/thread").json()["messages"]
    assert [(m["number"], m["body"], m["author"]) for m in own] == [(1, "first", "customer"), (2, "second", "support")]


def test_an_unchanged_ticket_is_not_sent_again(desk: Desk) -> None:
    answer = desk.done("agent", f"/v1/tickets/{desk.ticket()}/notes", {"body": "x"})
    path = f"/v1/tickets/{answer.json()['ticket']}"
    tag = desk.get("agent", path, answer).headers["etag"]
    assert desk.get("agent", path, If_None_Match=tag).status_code == 304
    assert desk.get("agent", path, If_None_Match=f'"99", W/{tag}').status_code == 304
    assert desk.get("agent", path, If_None_Match='"99"').status_code == 200


def test_a_customer_works_on_their_own_ticket(desk: Desk) -> None:
    opened = desk.done("customer", "/v1/my/tickets", {"subject": "Help", "message": "me"})
    path = f"/v1/my/tickets/{opened.json()['number']}"
    first = desk.get("customer", path, opened)
    assert first.json()["subject"] == "Help"
    number = opened.json()["number"]
    desk.done("agent", f"/v1/tickets/{number}/notes", {"body": "hidden"})
    hidden = desk.done("agent", f"/v1/tickets/{number}/tags/add", {"tags": ["secret"]})
    desk.get("agent", f"/v1/tickets/{number}", hidden)
    assert desk.get("customer", path).headers["etag"] == first.headers["etag"]
    wrote = desk.done("customer", f"{path}/messages", {"body": "more"})
    assert set(wrote.json()) == {"ticket", "number"}
    assert desk.get("customer", path, wrote).headers["etag"] != first.headers["etag"]
    listed = desk.get("customer", "/v1/my/tickets?limit=1").json()
    assert listed["items"][0]["number"] == number
    assert len(desk.get("customer", f"/v1/my/tickets?limit=1&cursor={listed['next']}").json()["items"]) == 1


def test_a_message_to_a_closed_ticket_opens_one_that_follows_up(desk: Desk) -> None:
    ticket = desk.ticket()
    for verb, body in (("replies", {"body": "done"}), ("resolve", {}), ("close", None)):
        desk.done("agent", f"/v1/tickets/{ticket}/{verb}", body)
    told = desk.done("customer", f"/v1/my/tickets/{ticket}/messages", {"body": "again"})
    assert told.json()["number"] != ticket
    again = desk.done("agent", f"/v1/tickets/{ticket}/messages", {"body": "and again"})
    assert again.json()["ticket"] == told.json()["ticket"]
    shown = desk.get("customer", f"/v1/my/tickets/{told.json()['ticket']}", told).json()
    assert shown["number"] == told.json()["number"]


def test_links_are_seen_from_both_sides(desk: Desk) -> None:
    one, other = desk.ticket(), desk.ticket()
    ids = {
        number: desk.get("agent", f"/v1/tickets/{number}/events").json()["events"][0]["stream"]
        for number in (one, other)
    }
    answer = desk.done("agent", f"/v1/tickets/{one}/links/add", {"other": ids[other], "relation": "blocks"})
    shown = desk.get("agent", f"/v1/tickets/{other}", answer).json()
    assert shown["links"] == [{"relation": "blocked_by", "other": ids[one]}]
    gone = desk.done("agent", f"/v1/tickets/{one}/links/remove", {"other": ids[other], "relation": "blocks"})
    assert desk.get("agent", f"/v1/tickets/{other}", gone).json()["links"] == []


def test_what_is_written_to_a_merged_ticket_goes_to_the_other(desk: Desk) -> None:
    one, other = desk.ticket(), desk.ticket()
    into = desk.get("agent", f"/v1/tickets/{other}/events").json()["events"][0]["stream"]
    merged = desk.done("agent", f"/v1/tickets/{one}/merge", {"into": into}).json()
    assert merged["follow_up"] == {"ticket": into, "number": other}
    told = desk.done("service", f"/v1/tickets/{one}/messages", {"body": "And it smokes"})
    assert told.json()["ticket"] == into
    refused = desk.post("agent", f"/v1/tickets/{one}/merge", {"into": into})
    assert (refused.status_code, refused.json()["code"]) == (409, "ticket.closed")


def test_only_channels_say_when_it_happened(desk: Desk) -> None:
    ticket = desk.ticket()
    opened_at = desk.get("agent", f"/v1/tickets/{ticket}/events").json()["events"][0]["recorded_at"]
    late = {"body": "late", "occurred_at": opened_at}
    refused = desk.post("agent", f"/v1/tickets/{ticket}/messages", late)
    assert (refused.status_code, refused.json()["code"]) == (403, "occurred_at.not_allowed")
    desk.done("service", f"/v1/tickets/{ticket}/messages", late)
    assert desk.get("agent", f"/v1/tickets/{ticket}/events").json()["events"][-1]["occurred_at"] == opened_at
    future = desk.post("service", f"/v1/tickets/{ticket}/messages", late | {"occurred_at": "2999-01-01T00:00:00Z"})
    assert (future.status_code, future.json()["field"]) == (422, "occurred_at")


def test_work_lists_filter_sort_and_page(desk: Desk) -> None:
    team = desk.done("lead", "/v1/teams", {"name": "2nd line"}).json()["id"]
    numbers = [desk.ticket(team=team, priority=priority) for priority in ("low", "urgent", "high")]
    last = desk.done("agent", f"/v1/tickets/{numbers[0]}/claim")
    listed = desk.get("agent", f"/v1/queues?team={team}&sort=priority", last).json()["items"]
    assert [item["number"] for item in listed] == [numbers[1], numbers[2], numbers[0]]
    pages, cursor = [], ""
    while True:
        page = desk.get("agent", f"/v1/queues?team={team}&sort=newest&limit=2{cursor}").json()
        pages.append([item["number"] for item in page["items"]])
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert pages == [[numbers[2], numbers[1]], [numbers[0]]]
    queue = f"/v1/queues?team={team}"
    assert len(desk.get("agent", f"{queue}&unassigned=true").json()["items"]) == 2
    assert len(desk.get("agent", f"{queue}&assignee={desk.ids['agent']}").json()["items"]) == 1
    assert len(desk.get("agent", f"{queue}&status=new").json()["items"]) == 2
    assert len(desk.get("agent", f"{queue}&priority=urgent&priority=low").json()["items"]) == 2
    counts = desk.get("analyst", f"/v1/queues/counts?team={team}").json()
    assert (counts["total"], counts["unassigned"]) == (3, 2)
    assert counts["by_team"] == [{"team": team, "tickets": 3}]


def test_configuration_is_made_changed_and_read(desk: Desk) -> None:
    organisation = desk.done("agent", "/v1/organisations", {"name": "Ex & Co"}).json()["id"]
    cleo = {"name": "Cleo", "contacts": [{"kind": "email", "value": "cleo@example.org"}], "organisation": organisation}
    customer = desk.done("agent", "/v1/customers", cleo)
    taken = desk.post("agent", "/v1/customers", cleo | {"name": "Other"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name.taken")
    changed = desk.call(
        "agent",
        "PATCH",
        f"/v1/customers/{customer.json()['id']}",
        {"tier": "vip"},
        headers={"If-Match": customer.headers["etag"]},
    )
    shown = desk.get("agent", f"/v1/customers/{customer.json()['id']}", changed).json()
    assert (shown["tier"], shown["contacts"], shown["organisation"]) == ("vip", cleo["contacts"], organisation)
    stale = desk.call(
        "agent", "PATCH", f"/v1/customers/{shown['id']}", {"tier": "premium"}, headers={"If-Match": '"1"'}
    )
    assert stale.status_code == 412
    here = desk.call("agent", "PUT", "/v1/agents/me/presence", {"online": True})
    assert desk.get("ops", f"/v1/agents/{desk.ids['agent']}", here).json()["online"] is True
    names = [entry["name"] for entry in desk.get("lead", "/v1/agents").json()["items"]]
    assert names == sorted(names)
    renamed = desk.call("agent", "PATCH", f"/v1/organisations/{organisation}", {"name": "New"})
    assert desk.get("agent", f"/v1/organisations/{organisation}", renamed).json()["name"] == "New"
    assert desk.get("agent", "/v1/organisations").json()["items"]


def test_one_kind_of_thing_is_not_changed_as_another(desk: Desk) -> None:
    ticket = desk.get("agent", f"/v1/tickets/{desk.ticket()}/events").json()["events"][0]["stream"]
    for path in (f"/v1/agents/{desk.ids['customer']}", f"/v1/teams/{ticket}", f"/v1/customers/{desk.ids['agent']}"):
        answer = desk.call("lead", "PATCH", path, {"name": "x"})
        assert (path, answer.status_code) == (path, 404)
    for path in (f"/v1/tickets/{desk.ids['agent']}/claim", f"/v1/tickets/{desk.ids['customer']}/notes"):
        assert desk.post("agent", path, {"body": "x"}).status_code == 404
    assert desk.get("agent", f"/v1/tickets/{desk.ids['agent']}/events").status_code == 404


def test_a_bulk_gives_each_command_its_own_outcome(desk: Desk) -> None:
    one, other = desk.ticket(), desk.ticket()
    commands = [
        {"ticket": one, "command": {"type": "claim"}},
        {"ticket": one, "command": {"type": "close"}},
        {"ticket": "T-999999", "command": {"type": "claim"}},
        {"ticket": other, "command": {"type": "note", "body": "first"}},
        {"ticket": other, "command": {"type": "note", "body": "second"}, "expected_version": 3},
        {"ticket": other, "command": {"type": "note", "body": "stale"}, "expected_version": 2},
        {"command": {"type": "open", "requester": str(desk.ids["customer"]), "subject": "new"}},
        {"ticket": one, "command": {"type": "assign", "agent": str(uuid4())}},
    ]
    answer = desk.post("agent", "/v1/bulk", {"commands": commands}, Idempotency_Key="a bulk")
    outcomes = answer.json()["outcomes"]
    assert [outcome["status"] for outcome in outcomes] == [200, 409, 404, 200, 200, 412, 200, 422]
    assert outcomes[1]["problem"]["code"] == "ticket.not_resolved"
    again = desk.post("agent", "/v1/bulk", {"commands": commands}, Idempotency_Key="a bulk").json()["outcomes"]
    assert [o["answer"] for o in again if o["status"] == 200] == [o["answer"] for o in outcomes if o["status"] == 200]


def test_a_reader_waits_for_what_they_wrote_or_is_told_how_far_behind_the_view_is(desk: Desk) -> None:
    written = desk.done("agent", f"/v1/tickets/{desk.ticket()}/notes", {"body": "x"})
    assert desk.get("agent", f"/v1/tickets/{written.json()['ticket']}", written).json()["version"] == 3
    began = time.monotonic()
    ahead = str(written.json()["position"] + 1_000)
    behind = desk.call("agent", "GET", "/v1/queues", headers={"Chronodesk-After": ahead, "Prefer": "wait=1"})
    assert 0.8 < time.monotonic() - began < 3
    told = behind.json()
    assert (behind.status_code, told["code"], behind.headers["retry-after"]) == (503, "view.behind", "1")
    assert told["position"] + told["lag"] == int(ahead)


def test_ops_see_positions_and_lag(desk: Desk) -> None:
    views = desk.get("ops", "/v1/views").json()["views"]
    assert [view["view"] for view in views] == [
        "desk",
        "tickets",
        "queues",
        "reports",
        "sla",
        "trail",
        "search",
        "figures",
    ]
    assert all(view["position"] + view["lag"] == view["head"] for view in views)
