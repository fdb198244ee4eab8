"""What cannot be read or makes no sense is refused with a problem that echoes nothing; odd text is kept as it is."""

from __future__ import annotations

import contextlib
import json
import unicodedata
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.api.running import Desk, key_of

JSON = {"Authorization": f"Bearer {key_of('agent')}", "Content-Type": "application/json"}
NIL = str(UUID(int=0))
SQL = (
    "'; DROP TABLE store.events; --", "' OR '1'='1", "%s %(x)s %%", "$1 $$ $a$", "\\'; SELECT pg_sleep(9); --",
    "{}{0}", "1); DELETE FROM read.tickets WHERE (1=1", "E'\\x00'", "NULL", "::uuid", "\"; --", "`id`", "/* */ --",
    "'::text || chr(0)", "\\u0000", "\\", "'", '"', ";", "COPY x FROM PROGRAM 'id'",
)  # fmt: skip
ODD = (
    "שלום עולם", "مرحبا \u202eabc\u202c", "zero\u200bwidth\u200d\u2060", "👩‍👩‍👧‍👦 🏴‍☠️ \U0001d518\U0001d52b",
    unicodedata.normalize("NFC", "Ångström é"), unicodedata.normalize("NFD", "Ångström é"),
    "\u0301combining first", "tab\tnew\nline", "\x01\x1b[31m", "\ufeffbom", "\ufffd", "\uffff", "ﬁ ligature ǅ",
)  # fmt: skip


def raw(desk: Desk, body: bytes | Iterator[bytes], path: str = "/v1/tickets", **headers: str) -> httpx.Response:
    return desk.http.post(path, content=body, headers=JSON | headers)


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["type"] == f"urn:chronodesk:problem:{told['code']}"
    return told


def opening(desk: Desk, **more: Any) -> bytes:
    return json.dumps({"requester": str(desk.ids["customer"]), "subject": "x"} | more).encode()


UNREADABLE = {
    "nothing": b"", "not JSON": b"{", "two values": b"{} {}", "a comment": b"{/* */}", "NaN": b'{"subject": NaN}',
    "infinity": b'{"subject": -Infinity}', "a lone surrogate": b'{"subject": "\\ud800"}',
    "a reversed pair": b'{"subject": "\\udc00\\ud800"}', "invalid UTF-8": b'{"subject": "\xff\xfe"}',
    "overlong UTF-8": b'{"subject": "\xc0\x80"}', "an encoded surrogate": b'{"subject": "\xed\xa0\x80"}',
    "100,000 deep lists": b"[" * 100_000, "100,000 deep objects": b'{"a":' * 100_000, "UTF-16": "{}".encode("utf-16"),
    "a number of 5,000 digits": b'{"subject": ' + b"9" * 5_000 + b"}", "1e999": b'{"subject": 1e999}', "null": b"null",
    "a list": b"[]", "a string": b'"x"', "a raw NUL": b'{"subject": "\x00"}',
    "100,000 deep lists, all closed": b"[" * 100_000 + b"]" * 100_000,
}  # fmt: skip
WELL_FORMED = {"nothing", "1e999", "null", "a list", "a string"}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_no_command_is_refused(desk: Desk, what: str) -> None:
    is_problem(raw(desk, UNREADABLE[what]), 422 if what in WELL_FORMED else 400)


@pytest.mark.parametrize("what", UNREADABLE)
def test_the_same_inside_a_custom_field(desk: Desk, what: str) -> None:
    inner = UNREADABLE[what].removeprefix(b'{"subject": ').removesuffix(b"}") or b"{"
    answer = raw(desk, opening(desk)[:-1] + b', "fields": {"a": ' + inner + b"}}")
    assert answer.status_code in ((201,) if what == "null" else (201, 400, 422))
    assert what in ("null", "a string") or answer.status_code != 201


def test_other_media_types_are_refused(desk: Desk) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert raw(desk, opening(desk), **{"Content-Type": kind}).status_code in (400, 415, 422)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"subject": "a\x00b"}, "body.subject"),
        ({"message": "\x00"}, "body.message"),
        ({"tags": ["a\x00"]}, "body.tags.0"),
        ({"subject": ""}, "body.subject"),
        ({"subject": " \t "}, "body.subject"),
        ({"subject": "x" * 501}, "body.subject"),
        ({"message": "x" * 100_001}, "body.message"),
        ({"priority": "huge"}, "body.priority"),
        ({"requester": "no uuid"}, "body.requester"),
        ({"requester": None}, "body.requester"),
        ({"unknown": 1}, "body"),
        ({"__class__": {}}, "body"),
        ({"tags": ["x"] * 51}, "body.tags"),
        ({"fields": {"Bad Name'": 1}}, None),
        ({"fields": {"a": 2**60}}, None),
        ({"fields": {"a": {"b": 1}}}, None),
        ({"fields": {"a": "x\x00"}}, None),
        ({"subject": {"erased": True}}, "body.subject"),
        ({"subject": 5}, "body.subject"),
    ],
)
def test_a_value_of_another_form_is_named(desk: Desk, more: dict[str, Any], field: str | None) -> None:
    told = is_problem(raw(desk, opening(desk, **more)), 422)
    assert told["code"] == "request.invalid"
    assert field is None or field in [fault["field"] for fault in told["errors"]]


def test_ids_that_name_nothing(desk: Desk) -> None:
    absent = dict.fromkeys((NIL, "T-0", "T-" + "9" * 18), 404)
    nonsense = dict.fromkeys(("x", "T-", "T-" + "9" * 40, "t-١٢", "12", "%00", "%F0%9F%94%A5", "%27--"), 422)
    for ticket, status in (absent | nonsense).items():
        is_problem(desk.post("agent", f"/v1/tickets/{ticket}/claim"), status)
        is_problem(desk.get("agent", f"/v1/tickets/{ticket}"), status)
    is_problem(raw(desk, opening(desk, requester=NIL)), 422)
    is_problem(desk.call("lead", "PUT", f"/v1/agents/{NIL}", {"name": "x"}), 422)
    told = is_problem(desk.post("agent", f"/v1/tickets/{desk.ticket()}/assign", {"agent": NIL}), 422)
    assert (told["code"], told["field"]) == ("agent.unknown", "agent")


def test_errors_echo_neither_input_nor_sql_nor_a_stack(desk: Desk) -> None:
    canary = "zq9canary"
    ticket = desk.ticket()
    bodies: list[dict[str, Any]] = [
        {"subject": canary * 100}, {canary: 1}, {"requester": canary}, {"priority": canary}, {"tags": {canary: canary}},
        {"fields": {canary.upper(): canary}}, {"fields": {"a": [canary]}}, {"channel": canary}, {"team": canary},
        {"assignee": {"x": canary}}, {"author": canary},
    ]  # fmt: skip
    answers = [raw(desk, opening(desk, **body)) for body in bodies]
    answers += [
        raw(desk, f'{{"{canary}": {canary}}}'.encode()), desk.get("agent", f"/v1/tickets/{canary}"),
        desk.get("agent", f"/v1/{canary}"), desk.get("agent", f"/v1/queues?sort={canary}"),
        desk.get("agent", f"/v1/queues?cursor={canary}"), desk.get("agent", f"/v1/queues?team={canary}"),
        desk.post("agent", f"/v1/tickets/{ticket}/claim", If_Match=canary), desk.get("agent", "/v1/queues", canary),
        desk.post("agent", "/v1/bulk", {"commands": [{"ticket": ticket, "command": {"type": canary}}]}),
        desk.post("agent", "/v1/bulk", {"commands": [{"ticket": canary, "command": {"type": "claim"}}]}),
        desk.http.get("/v1/queues", headers={"Authorization": f"Bearer {canary}"}),
        desk.call("agent", "DELETE", f"/v1/tickets/{canary}"),
    ]  # fmt: skip
    for answer in answers:
        told = is_problem(answer, answer.status_code)
        assert 400 <= answer.status_code < 500
        assert canary not in answer.text.lower(), told
        assert not any(word in answer.text for word in ("Traceback", "SELECT", "psycopg", "pydantic", ".py"))


def test_too_large_a_body_is_refused_whether_it_says_its_size_or_not(desk: Desk) -> None:
    limit = desk.config.max_body_bytes
    is_problem(raw(desk, b" " * (limit + 1)), 413)
    is_problem(raw(desk, (b" " * 65_536 for _ in range(17))), 413)
    fits = opening(desk, message="x" * 100_000)
    assert raw(desk, fits + b" " * (limit - len(fits))).status_code == 201


def test_an_endless_body_is_cut_off(desk: Desk) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    with contextlib.suppress(httpx.WriteError, httpx.RemoteProtocolError):
        is_problem(raw(desk, endless()), 413)
    # What the sockets between us hold comes on top of what the server took.
    assert sent < 40 * 1024 * 1024


def test_if_match(desk: Desk) -> None:
    path = f"/v1/tickets/{desk.ticket()}/notes"
    refused = dict.fromkeys(("2", 'W/"2"', '"2", "3"', '"x"', '"-1"', '""'), 400) | {'"' + "9" * 400 + '"': 422}
    stale = dict.fromkeys(('"1"', '"3"', '"999999999999999999"'), 412)
    for tag, status in (refused | stale | {'"2"': 200, "*": 200}).items():
        answer = desk.post("agent", path, {"body": "x"}, If_Match=tag)
        assert (tag, answer.status_code) == (tag, status)
    assert desk.post("agent", path, {"body": "x"}).status_code == 200
    assert desk.post("agent", "/v1/tickets/T-9999999/notes", {"body": "x"}, If_Match="*").status_code == 404


def test_the_same_key_with_the_same_request_gives_the_same_answer(desk: Desk) -> None:
    key = {"Idempotency_Key": "printable ~ key 1"}
    body = json.loads(opening(desk, message="m"))
    first, again = (desk.post("agent", "/v1/tickets", body, **key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert [first.headers[name] for name in ("etag", "location")] == [
        again.headers[name] for name in ("etag", "location")
    ]
    other = is_problem(desk.post("agent", "/v1/tickets", body | {"subject": "y"}, **key), 422)
    assert other["code"] == "idempotency_key.reused"
    ticket = first.json()["number"]
    is_problem(desk.post("agent", f"/v1/tickets/{ticket}/notes", {"body": "x"}, **key), 422)
    assert desk.post("lead", "/v1/tickets", body, **key).json()["ticket"] != first.json()["ticket"]
    note = {"Idempotency_Key": "note"}
    one, two = (desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": "x"}, **note).json() for _ in range(2))
    assert one == two
    assert desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": "x"}).json()["version"] == one["version"] + 1


@pytest.mark.parametrize("key", ["", "x" * 201, "é"])
def test_a_key_must_be_printable_and_short(desk: Desk, key: str) -> None:
    headers = {b"idempotency-key": key.encode(), b"authorization": JSON["Authorization"].encode()}
    answer = desk.http.post("/v1/tickets", json=json.loads(opening(desk)), headers=headers)
    assert is_problem(answer, 422)["errors"][0]["field"] == "header.idempotency-key"


@pytest.mark.parametrize("text", [*SQL, *ODD])
def test_any_text_comes_back_as_it_was_given(desk: Desk, text: str) -> None:
    given = f"x{text}x"
    opened = desk.done(
        "agent", "/v1/tickets",
        {"requester": str(desk.ids["customer"]), "subject": given, "message": given, "category": given,
         "fields": {"a": given}, "tags": [given]},
    )  # fmt: skip
    path = f"/v1/tickets/{opened.json()['number']}"
    last = desk.done("agent", f"{path}/replies", {"body": given})
    shown = desk.get("agent", path, last).json()
    assert (shown["subject"], shown["category"], shown["fields"]) == (given, given, {"a": given})
    assert shown["tags"] == [given.lower()]
    bodies = [message["body"] for message in desk.get("customer", f"/v1/my{path[3:]}/thread").json()["messages"]]
    assert bodies == [given, given]
    assert desk.get("agent", f"{path}/events").json()["events"][0]["fact"]["subject"] == given
    listed = desk.get("agent", "/v1/queues", last).json()
    assert listed["items"]
    found = desk.http.get("/v1/queues", params={"category": given, "tag": given.lower()}, headers=JSON).json()["items"]
    assert [item["number"] for item in found] == [opened.json()["number"]]


def test_refused_by_the_lifecycle(desk: Desk) -> None:
    ticket = f"/v1/tickets/{desk.ticket()}"
    for verb, body, code in (
        ("close", None, "ticket.not_resolved"), ("resolve", {}, "ticket.no_public_reply"),
        ("reopen", {}, "ticket.already_open"), ("unassign", {}, "ticket.not_assigned"),
        ("de-escalate", {}, "ticket.lowest_level"),
        ("escalate", {"level": 1, "reason": "x"}, "ticket.level_not_higher"),
    ):  # fmt: skip
        assert is_problem(desk.post("agent", f"{ticket}/{verb}", body), 409)["code"] == code


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=99999999999999999999", "limit=x", "team=x", "status=gone", "sort=size", "cursor=!!",
     "cursor=abc", "status=closed", "status=closed&status=open&sort=newest", "tag=%00", "category=%00", "level=0",
     "level=x", "cursor=WyJhIiwxXQ", "unassigned=maybe"],
)  # fmt: skip
def test_a_query_of_another_form_is_refused(desk: Desk, query: str) -> None:
    is_problem(desk.get("agent", f"/v1/queues?{query}"), 422)


@pytest.mark.parametrize("after", ["-1", "x", "9" * 400, "1.5", ""])
def test_a_position_of_another_form_is_refused(desk: Desk, after: str) -> None:
    headers = {"Chronodesk-After": after}
    is_problem(desk.call("agent", "GET", "/v1/queues", headers=headers), 422)
    assert desk.get("lead", f"/v1/events?after={after or '-'}").status_code == 422


def test_pages_are_bounded(desk: Desk) -> None:
    for several in ("teams", "agents", "customers", "organisations", "calendars", "events", "queues"):
        is_problem(desk.get("lead", f"/v1/{several}?limit=201"), 422)
    is_problem(desk.get("customer", "/v1/my/tickets?limit=201"), 422)
    command = {"ticket": "T-1", "command": {"type": "claim"}}
    is_problem(desk.post("agent", "/v1/bulk", {"commands": [command] * 101}), 422)
    is_problem(desk.post("agent", "/v1/bulk", {"commands": []}), 422)


def test_addresses_and_methods_that_are_not_there(desk: Desk) -> None:
    assert is_problem(desk.get("agent", "/v1/nothing"), 404)["code"] == "route.unknown"
    told = desk.call("agent", "DELETE", "/v1/queues")
    assert is_problem(told, 405)["code"] == "method.not_allowed"
    assert told.headers["allow"] == "GET"
    assert desk.call("agent", "DELETE", "/v1/teams").headers["allow"] == "GET, POST"
