"""Rates over HTTP, what the work on a ticket cost, and what of that its requester ever sees."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.running import Desk

CARD = "/v1/rates"
RATES = {"currency": "EUR", "levels": {"1": 6_000, "2": 9_000}}
NOTE = "canary-9b21"


def publish(desk: Desk, since: str | None = None, **more: Any) -> httpx.Response:
    answer = desk.call("lead", "PUT", CARD, {"rates": RATES | more, "effective_from": since})
    assert answer.is_success, answer.text
    return answer


def log_time(desk: Desk, ticket: str, seconds: int, **more: Any) -> httpx.Response:
    return desk.done("agent", f"/v1/tickets/{ticket}/time", {"seconds": seconds, "note": NOTE, **more})


def own(desk: Desk, ticket: str, who: str = "customer", query: str = "") -> dict[str, Any]:
    answer = desk.get(who, f"/v1/my/tickets/{ticket}/time{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_rates_are_published_and_read_back_at_once(desk: Desk) -> None:
    first = publish(desk)
    assert first.json()["events"] == ["rate_card.published.v1"]
    assert publish(desk).json()["events"] == [], "they are so already"
    later = publish(desk, "2999-01-01T00:00:00Z", currency="SEK")
    listed = desk.get("analyst", CARD)
    assert listed.headers["etag"] == later.headers["etag"]
    card = listed.json()
    assert card["holds"] == len(card["versions"]) - 1, "the newest does not hold yet"
    assert card["versions"][-1]["rates"]["currency"] == "SEK"
    newest = desk.get("auditor", f"{CARD}/versions").json()["versions"][-1]
    assert newest["published_by"] == {"kind": "agent", "id": str(desk.ids["lead"])}
    stale = desk.call("lead", "PUT", CARD, {"rates": RATES}, headers={"If-Match": first.headers["etag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "version.stale")


@pytest.mark.parametrize(
    ("rates", "field"),
    [
        (RATES | {"currency": "EUX"}, "rates.currency"),
        (RATES | {"teams": {"00000000-0000-0000-0000-0000000000ff": {"1": 1}}}, None),
        (RATES | {"levels": {"10": 1}}, None),
        (RATES | {"levels": {"1": 0.5}}, None),
    ],
)
def test_what_is_no_rate_is_refused(desk: Desk, rates: dict[str, Any], field: str | None) -> None:
    answer = desk.call("lead", "PUT", CARD, {"rates": rates})
    assert answer.status_code == 422
    assert field is None or answer.json()["field"] == field


def test_a_ticket_tells_what_each_entry_and_all_of_them_cost(desk: Desk) -> None:
    publish(desk, levels={})
    ticket = desk.ticket()
    before = log_time(desk, ticket, 10)
    publish(desk)
    log_time(desk, ticket, 1_800)
    log_time(desk, ticket, 61, billable=False)
    desk.done("agent", f"/v1/tickets/{ticket}/escalate", {"reason": "hard"})
    publish(desk, currency="SEK")
    log_time(desk, ticket, 61)
    told = desk.get("auditor", f"/v1/tickets/{ticket}/time").json()
    rows = [(e["seconds"], e["billable"], e["rate"], e["currency"], e["cost"]) for e in told["entries"]]
    assert rows == [
        (10, True, None, None, None), (1_800, True, 6_000, "EUR", 3_000), (61, False, 6_000, "EUR", 102),
        (61, True, 9_000, "SEK", 152),
    ]  # fmt: skip
    assert (told["seconds"], told["billable_seconds"]) == (1_932, 1_871)
    assert {e["agent"] for e in told["entries"]} == {str(desk.ids["agent"])}
    euros, crowns = {"currency": "EUR", "cost": 3_102}, {"currency": "SEK", "cost": 152}
    assert told["costs"] == [euros, crowns]
    assert told["billable_costs"] == [{"currency": "EUR", "cost": 3_000}, crowns]
    then = desk.get("agent", f"/v1/tickets/{ticket}@{before.json()['version']}/time").json()
    assert [e["seconds"] for e in then["entries"]] == [10]


def test_a_requester_sees_what_the_desk_shows_and_nothing_else(desk: Desk) -> None:
    publish(desk)
    ticket = desk.ticket()
    log_time(desk, ticket, 1_800)
    log_time(desk, ticket, 600, billable=False)
    hidden = {"seconds": None, "costs": None}
    assert own(desk, ticket) == hidden
    euros = [{"currency": "EUR", "cost": 3_000}]
    for shown, expected in (
        ({"visible_to_customers": "time"}, {"seconds": 1_800, "costs": None}),
        ({"visible_to_customers": "time", "billable_only": False}, {"seconds": 2_400, "costs": None}),
        ({"visible_to_customers": "time_and_cost"}, {"seconds": 1_800, "costs": euros}),
        ({"visible_to_customers": "nothing"}, hidden),
    ):
        publish(desk, **shown)
        assert own(desk, ticket) == expected
        assert desk.get("auditor", f"/v1/tickets/{ticket}/customer-view").json()["time"] == expected
    for other in (ticket, "T-99999999"):
        answer = desk.get("customer2", f"/v1/my/tickets/{other}/time")
        assert (answer.status_code, answer.json()["code"]) == (404, "ticket.not_found")


def test_what_a_requester_saw_then_is_told_by_the_card_of_then(desk: Desk) -> None:
    publish(desk, visible_to_customers="time")
    ticket = desk.ticket()
    shown = log_time(desk, ticket, 60).json()["version"]
    publish(desk, visible_to_customers="nothing")
    path = f"/v1/tickets/{ticket}"
    log_time(desk, ticket, 60)
    assert desk.get("auditor", f"{path}@{shown}/customer-view").json()["time"]["seconds"] == 60
    assert desk.get("auditor", f"{path}/customer-view").json()["time"]["seconds"] is None
    at = desk.get("lead", f"{path}/events").json()["events"][-2]["recorded_at"].replace("+", "%2B")
    assert own(desk, ticket, query=f"?as_of={at}")["seconds"] is None, "what is hidden now is hidden in every past"
    publish(desk, visible_to_customers="time")
    assert own(desk, ticket, query=f"?as_of={at}")["seconds"] == 60
    assert own(desk, ticket)["seconds"] == 120


def test_logged_time_leaves_no_trace_on_what_a_customer_reads(desk: Desk) -> None:
    publish(desk, visible_to_customers="nothing")
    ticket = desk.ticket()
    paths = ("", f"/{ticket}", f"/{ticket}/thread", f"/{ticket}/time")

    def seen() -> list[tuple[Any, str | None]]:
        answers = [desk.get("customer", f"/v1/my/tickets{path}") for path in paths]
        for answer in answers:
            assert NOTE not in answer.text + repr(answer.headers)
            assert str(desk.ids["agent"]) not in answer.text
            assert not re.search(r'"(version|position|entries|agent|rate)"', answer.text)
        return [(answer.json(), answer.headers.get("etag")) for answer in answers]

    desk.get("agent", f"/v1/tickets/{ticket}", desk.done("agent", f"/v1/tickets/{ticket}/claim"))
    before = seen()
    for _ in range(5):
        last = log_time(desk, ticket, 3_600)
    desk.get("agent", f"/v1/tickets/{ticket}", last)
    assert seen() == before
    publish(desk, visible_to_customers="time_and_cost")
    assert [(body, tag) for body, tag in seen()[:3]] == before[:3], "and what is shown is shown in one place"
    assert own(desk, ticket) == {"seconds": 18_000, "costs": [{"currency": "EUR", "cost": 30_000}]}


def test_the_report_of_time_and_cost_adds_up_to_the_same(desk: Desk) -> None:
    """It reads figures, and a ticket's own answer the log."""
    publish(desk)
    tag = uuid4().hex
    ticket = desk.ticket(tags=[tag])
    for seconds in (1, 59, 1_801):
        last = log_time(desk, ticket, seconds)
    (told,) = desk.get("lead", f"/v1/tickets/{ticket}/time").json()["costs"]
    (row,) = desk.get("lead", f"/v1/reports/time_and_cost?tag={tag}", last).json()["rows"]
    assert row["group"] == {"currency": "EUR"}
    assert (row["values"]["time_logged"], row["values"]["cost"]) == (1_861, round(1_861 * 6_000 / 3_600, 6))
    assert round(row["values"]["cost"]) == told["cost"]
