"""Who may do what: every route by every role, and what of a ticket its requester can ever see."""

from __future__ import annotations

import re
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS, create_app
from api.config import Key
from tests.api.running import ROLES, Desk, api_config, key_of
from tests.databases import Database

WORK = {"agent", "lead"}
INTAKE = WORK | {"service"}
READ = WORK | {"auditor"}
FIGURES = READ | {"analyst", "ops"}
EVERYBODY: set[str | None] = {*ROLES, None}
VERBS = (
    "notes", "route", "assign", "claim", "unassign", "escalate", "de-escalate", "priority", "category", "type",
    "fields", "tags/add", "tags/remove", "pending", "hold", "reopen", "resolve", "close", "spam", "merge", "links/add",
    "links/remove", "time", "watchers/add", "watchers/remove",
)  # fmt: skip
# Who may call each route; a route that is not here fails the test.
ALLOWED: dict[tuple[str, str], set[str | None]] = {
    **{("POST", f"/v1/tickets/{{ticket}}/{verb}"): {*WORK} for verb in VERBS},
    ("POST", "/v1/tickets"): {*INTAKE},
    ("POST", "/v1/tickets/{ticket}/messages"): {*INTAKE},
    ("POST", "/v1/tickets/{ticket}/replies"): {*INTAKE},
    ("GET", "/v1/tickets/{ticket}"): {*READ},
    ("GET", "/v1/tickets/{ticket}/thread"): {*READ},
    ("GET", "/v1/tickets/{ticket}/events"): {*READ},
    ("GET", "/v1/tickets/{ticket}/sla"): {*READ},
    ("GET", "/v1/tickets/{ticket}/customer-view"): {*READ},
    ("GET", "/v1/tickets/{ticket}/evidence"): {*READ},
    **{("GET", f"/v1/audit/{rest}"): {*FIGURES} for rest in ("heads", "heads/latest")},
    **{("GET", f"/v1/audit/proof/{kind}"): {*FIGURES} for kind in ("inclusion", "consistency")},
    **{("GET", f"/v1/tickets/{{ticket}}/{verb}"): {*READ} for verb in ("log", "diff", "blame", "bisect")},
    **{("GET", f"/v1/sla/{rest}"): {*READ} for rest in ("board", "breaches")},
    **{("GET", f"/v1/sla/{rest}"): {*FIGURES} for rest in ("board/summary", "compliance", "moves")},
    # Auditors, too: nothing of it is written to the log.
    **{("POST", "/v1/what-ifs"): {"lead", "auditor"}, ("DELETE", "/v1/what-ifs/{id}"): {"lead", "auditor"}},
    **{("GET", f"/v1/what-ifs{rest}"): {"lead", "auditor"} for rest in ("", "/{id}", "/{id}/changes")},
    ("POST", "/v1/bulk"): {*WORK},
    ("POST", "/v1/my/tickets"): {"customer"},
    ("POST", "/v1/my/tickets/{ticket}/messages"): {"customer"},
    ("GET", "/v1/my/tickets"): {"customer"},
    ("GET", "/v1/my/tickets/{ticket}"): {"customer"},
    ("GET", "/v1/my/tickets/{ticket}/thread"): {"customer"},
    ("GET", "/v1/queues"): {*READ},
    ("GET", "/v1/search"): {*READ},
    ("GET", "/v1/my/search"): {"customer"},
    ("GET", "/v1/tickets/{ticket}/similar"): {*READ},
    ("GET", "/v1/queues/counts"): {*FIGURES},
    ("POST", "/v1/queues/{team}/next"): {*WORK},
    **{(method, path): {"lead"} for path in ("/v1/teams", "/v1/agents") for method in ("POST",)},
    **{(method, path): {"lead"} for path in ("/v1/teams/{id}", "/v1/agents/{id}") for method in ("PUT", "PATCH")},
    **{("GET", path): {*FIGURES} for path in ("/v1/teams", "/v1/teams/{id}", "/v1/agents", "/v1/agents/{id}")},
    ("PUT", "/v1/agents/me/presence"): {*WORK},
    ("POST", "/v1/customers"): {*INTAKE},
    ("PUT", "/v1/customers/{id}"): {*INTAKE},
    ("PATCH", "/v1/customers/{id}"): {*WORK},
    ("POST", "/v1/organisations"): {*WORK},
    ("PUT", "/v1/organisations/{id}"): {*WORK},
    ("PATCH", "/v1/organisations/{id}"): {*WORK},
    **{("GET", f"/v1/{several}{one}"): {*READ} for several in ("customers", "organisations") for one in ("", "/{id}")},
    **{("POST", f"/v1/sla/policies{rest}"): {"lead"} for rest in ("", "/defaults")},
    **{("PUT", f"/v1/sla/policies/{one}"): {"lead"} for one in ("order", "{id}")},
    ("DELETE", "/v1/sla/policies/{id}"): {"lead"},
    ("POST", "/v1/sla/policies/dry-run"): {*READ},
    **{("GET", f"/v1/sla/policies{rest}"): {*FIGURES} for rest in ("", "/{id}/versions")},
    ("GET", "/v1/reportable-fields"): {*FIGURES},
    ("POST", "/v1/reportable-fields"): {"lead"},
    ("DELETE", "/v1/reportable-fields/{name}"): {"lead"},
    **{("GET", f"/v1/rates{rest}"): {*FIGURES} for rest in ("", "/versions")},
    ("PUT", "/v1/rates"): {"lead"},
    ("GET", "/v1/tickets/{ticket}/time"): {*READ},
    ("GET", "/v1/my/tickets/{ticket}/time"): {"customer"},
    ("POST", "/v1/goals"): {"lead"},
    **{(method, "/v1/goals/{id}"): {"lead"} for method in ("PUT", "DELETE")},
    **{("GET", f"/v1/goals{rest}"): {*FIGURES} for rest in ("", "/progress", "/{id}")},
    **{("GET", f"/v1/goals/{{id}}/{rest}"): {*FIGURES} for rest in ("versions", "progress", "history", "explain")},
    ("POST", "/v1/calendars"): {"lead"},
    ("PUT", "/v1/calendars/{id}"): {"lead"},
    ("PATCH", "/v1/calendars/{id}"): {"lead"},
    ("PUT", "/v1/calendars/{id}/hours"): {"lead"},
    ("POST", "/v1/calendars/{id}/holidays/import"): {"lead"},
    **{("GET", f"/v1/calendars{rest}"): {*FIGURES} for rest in ("", "/{id}", "/{id}/versions", "/{id}/business-time")},
    **{("GET", f"/v1/{rest}"): {*FIGURES} for rest in ("metrics", "metrics/{name}", "reports", "reports/{name}")},
    ("GET", "/v1/reports/{name}.svg"): {*FIGURES},
    ("POST", "/v1/reports/query"): {*FIGURES},
    ("GET", "/v1/events"): {"lead", "auditor", "service"},
    **{("GET", path): {"lead", "auditor"} for path in ("/v1/audit/events", "/v1/events/{position}/causes")},
    ("GET", "/v1/views"): {"ops", "lead", "auditor", "analyst"},
    ("GET", "/v1/surveys"): {*FIGURES},
    ("GET", "/v1/surveys/{id}/versions"): {*FIGURES},
    ("POST", "/v1/surveys"): {"lead"},
    **{("PUT", f"/v1/surveys/{one}"): {"lead"} for one in ("order", "{id}")},
    **{(method, "/v1/ratings/{token}"): EVERYBODY for method in ("GET", "PUT")},
    **{(method, "/v1/my/tickets/{ticket}/rating"): {"customer"} for method in ("GET", "PUT")},
    ("GET", "/v1/tickets/{ticket}/ratings"): {*READ},
    ("GET", "/v1/tickets/{ticket}/rating-link"): {"service"},
    ("GET", "/healthz"): EVERYBODY,
    ("GET", "/readyz"): EVERYBODY,
    ("GET", "/metrics"): EVERYBODY,
}  # fmt: skip
ROUTES = sorted(
    {(m, r.path) for router in ROUTERS for r in router.routes if isinstance(r, APIRoute) for m in r.methods or ()}
)
CANARY = "canary-7f3a91"


def test_every_route_is_listed_and_every_listed_one_is_there() -> None:
    assert set(ROUTES) == set(ALLOWED)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_route_lets_in_exactly_its_roles(desk: Desk, method: str, path: str) -> None:
    address = re.sub(r"\{\w+\}", str(uuid4()), path)
    asked = {role: desk.call(role, method, address, {} if method != "GET" else None) for role in (*ROLES, None)}
    let_in = {role for role, answer in asked.items() if answer.status_code not in (401, 403)}
    assert let_in == ALLOWED[method, path]
    if None not in let_in:
        assert asked[None].status_code == 401
        assert asked[None].headers["www-authenticate"] == "Bearer"
        assert all(asked[role].json()["code"] == "caller.not_allowed" for role in {*ROLES} - let_in)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer wrong",
        "Bearer",
        f"Basic {key_of('agent')}",
        key_of("agent"),
        f"Bearer {key_of('agent')}x",
        "Bearer \xe9",
    ],
)
def test_a_wrong_key_is_nobodys(desk: Desk, header: str) -> None:
    answer = desk.http.get("/v1/queues", headers={b"authorization": header.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (401, "caller.unknown")


def test_a_stranger_is_refused_before_their_body_is_read(desk: Desk) -> None:
    answer = desk.http.post("/v1/tickets", content=b"{not json", headers={"Content-Type": "application/json"})
    assert answer.status_code == 401


def test_keys_are_kept_as_digests_only(database: Database) -> None:
    app = create_app(api_config(database))
    kept = repr(vars(app.state.keyring)) + repr(app.state.config)
    assert key_of("agent") not in kept
    assert "secret" not in repr(Key("secret", "agent", uuid4()))


def test_somebody_elses_ticket_looks_like_one_that_is_not_there(desk: Desk) -> None:
    ticket = desk.ticket()
    written = desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": "x"})
    desk.get("agent", f"/v1/tickets/{ticket}", written)
    for suffix, method in (("", "GET"), ("/thread", "GET"), ("/time", "GET"), ("/messages", "POST")):
        body = {"body": "mine?"} if method == "POST" else None
        answers = [
            desk.call("customer2", method, f"/v1/my/tickets/{name}{suffix}", body)
            for name in (ticket, written.json()["ticket"], "T-99999999", str(uuid4()))
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.text for answer in answers}) == 1
        names = [set(answer.headers) for answer in answers]
        assert all(name == names[0] for name in names)
    assert ticket not in desk.get("customer2", "/v1/my/tickets").text


def test_a_customer_opens_tickets_for_nobody_else(desk: Desk) -> None:
    body = {"subject": "x", "message": "y", "requester": str(desk.ids["customer2"])}
    assert desk.post("customer", "/v1/my/tickets", body).status_code == 422
    ticket = desk.done("customer", "/v1/my/tickets", {"subject": "x", "message": "y"}).json()["ticket"]
    opened, message = desk.get("lead", f"/v1/tickets/{ticket}/events").json()["events"]
    assert opened["fact"]["requester"] == message["fact"]["author"] == str(desk.ids["customer"])
    assert opened["actor"] == {"kind": "customer", "id": str(desk.ids["customer"])}


def test_a_customer_says_nothing_that_is_internal(desk: Desk) -> None:
    ticket = desk.ticket()
    for more in (
        {"audience": "internal"},
        {"author": str(desk.ids["customer2"])},
        {"occurred_at": "2020-01-01T00:00:00Z"},
    ):
        answer = desk.post("customer", f"/v1/my/tickets/{ticket}/messages", {"body": "x", **more})
        assert answer.status_code == 422


def test_no_internal_text_on_any_customer_surface(desk: Desk) -> None:
    ticket = desk.ticket(subject="seen", tags=[CANARY], fields={"note": CANARY}, category=CANARY)
    path = f"/v1/tickets/{ticket}"
    team = desk.done("lead", "/v1/teams", {"name": CANARY}).json()["id"]
    for verb, body in (
        ("notes", {"body": CANARY}), ("route", {"team": team, "reason": CANARY}), ("replies", {"body": "public"}),
        ("escalate", {"reason": CANARY}), ("time", {"seconds": 5, "note": CANARY}), ("hold", {"reason": CANARY}),
        ("reopen", {"reason": CANARY}), ("pending", {"reason": CANARY}), ("claim", None),
        ("resolve", {"code": CANARY, "unanswered": CANARY}),
    ):  # fmt: skip
        last = desk.done("agent", f"{path}/{verb}", body)
    # The views have seen it all before the customer looks.
    assert CANARY in desk.get("agent", f"{path}/thread", last).text
    answers = [
        desk.get("customer", "/v1/my/tickets"), desk.get("customer", f"/v1/my/tickets/{ticket}"),
        desk.get("customer", f"/v1/my/tickets/{ticket}/thread"), desk.get("customer", path),
        desk.get("customer", f"/v1/my/tickets/{ticket}/time"), desk.get("customer", f"{path}/time"),
        desk.get("customer", f"/v1/my/tickets?cursor={CANARY}"), desk.get("customer", "/v1/queues/counts"),
        desk.post("customer", f"/v1/my/tickets/{ticket}/messages", {"body": "more"}),
        desk.post("customer", f"/v1/my/tickets/{ticket}/messages", {"body": CANARY, "x": 1}),
        desk.get("customer", f"/v1/my/tickets/{ticket}/thread"), desk.get("customer", f"{path}/events"),
        desk.get("customer", "/openapi.json"), desk.get("customer", "/metrics"),
    ]  # fmt: skip
    for answer in answers:
        assert CANARY not in answer.text + repr(answer.headers)
        assert str(desk.ids["agent"]) not in answer.text


def test_a_customer_never_sees_a_version_or_a_position(desk: Desk) -> None:
    ticket = desk.ticket()
    for _ in range(20):
        last = desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": "hidden"})
    desk.get("agent", f"/v1/tickets/{ticket}", last)
    answers = [
        desk.done("customer", f"/v1/my/tickets/{ticket}/messages", {"body": "x"}),
        desk.get("customer", f"/v1/my/tickets/{ticket}"),
        desk.get("customer", f"/v1/my/tickets/{ticket}/thread"),
    ]
    for answer in answers:
        assert not re.search(r'"(version|position|level|assignee|team|tags|priority)"', answer.text)
        assert not re.fullmatch(r"[0-9]+", answer.headers["chronodesk-position"])
    assert int(answers[1].headers["etag"].strip('"')) < 5
    assert "etag" not in answers[0].headers
    tokens = {len(answer.headers["chronodesk-position"]) for answer in answers}
    assert len(tokens) == 1, "a token's length tells nothing"


def test_a_customers_sealed_position_is_theirs_to_send_back_and_no_other_is(desk: Desk) -> None:
    wrote = desk.done("customer", "/v1/my/tickets", {"subject": "x", "message": "y"})
    seen = desk.get("customer", f"/v1/my/tickets/{wrote.json()['ticket']}", wrote)
    assert seen.status_code == 200
    for forged in ("12", "x" * 300, wrote.headers["chronodesk-position"][:-2] + "AA"):
        answer = desk.get("customer", "/v1/my/tickets", forged)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "header.chronodesk-after")


def test_how_far_behind_a_view_is_is_not_told_to_customers(desk: Desk) -> None:
    from api.seal import Seal

    ahead = Seal(desk.config.secret).close(10**9)
    answer = desk.call("customer", "GET", "/v1/my/tickets", headers={"Chronodesk-After": ahead, "Prefer": "wait=0"})
    assert (answer.status_code, answer.json()["code"]) == (503, "view.behind")
    assert not {"position", "lag"} & set(answer.json())


def test_analysts_and_ops_read_no_text(desk: Desk) -> None:
    told = f"{CANARY}-told"
    ticket = desk.ticket(subject=told, message=told)
    desk.get("agent", f"/v1/tickets/{ticket}", desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": told}))
    for role in ("analyst", "ops"):
        for method, path in ROUTES:
            if method == "GET":
                address = path.replace("{ticket}", ticket).replace("{id}", str(desk.ids["customer"]))
                assert told not in desk.call(role, "GET", address).text


def test_an_auditors_reads_are_on_record(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        answer: httpx.Response = desk.get("auditor", "/v1/queues")
        desk.get("auditor", "/v1/queues")
    out = caplog.text
    assert answer.headers["x-correlation-id"] in out
    assert str(desk.ids["auditor"]) in out
