"""test_search: searching over HTTP: marks, pages, roles, similar tickets, and that no query is a fault of ours."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import httpx
import pytest

from commands.database import connect
from tests.api.running import Desk

HOLD: LiteralString = """
SELECT 1 FROM consumers.checkpoints
 WHERE schema = (SELECT schema FROM consumers.builds WHERE view = 'tickets' AND live) FOR UPDATE
"""

NASTY = (
    "'", "\\", "a & b | !c <-> (d", ":*", "!", "((((", "' OR 1=1 --", '"', '-"', "OR", "or or or", "-a", "a" * 400,
    "\u6253", "\u6253\u5370\u673a" * 100, "%", "\U0001f44d", "\u202e\u0301", "x:*", "a:ABCD", "<5000>",
    "\ufffd", "\t\n",
)  # fmt: skip


def found(desk: Desk, who: str, q: str, after: httpx.Response | None = None, **more: Any) -> dict[str, Any]:
    path = "/v1/my/search" if who.startswith("customer") else "/v1/search"
    answer = desk.get(who, f"{path}?{httpx.QueryParams({'q': q} | more)}", after)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def text_of(parts: list[dict[str, Any]]) -> str:
    return "".join(f"[{part['text']}]" if part["marked"] else part["text"] for part in parts)


@contextmanager
def texts_come_late(desk: Desk) -> Iterator[threading.Timer]:
    """The view that holds the texts stands still, until a moment after the timer that this gives is started."""
    with connect(desk.database.app_url, name="test") as holding:
        holding.execute("BEGIN")
        holding.execute(HOLD)
        letting_go = threading.Timer(0.5, lambda: holding.execute("ROLLBACK"))
        yield letting_go
        letting_go.join()


@pytest.fixture(scope="module")
def ticket(desk: Desk) -> str:
    return desk.ticket(
        subject="Tiskalnik ne tiska", message="Ra\u010dunov ni mogo\u010de natisniti, <b>napaka</b> E-77."
    )


def test_who_has_written_sees_the_text_however_late_its_own_view_is(desk: Desk) -> None:
    number = desk.ticket(subject="Pozno", message="Kasneje.")
    with texts_come_late(desk) as letting_go:
        last = desk.done("agent", f"/v1/tickets/{number}/notes", {"body": "Zamrznjeno besedilo."})
        letting_go.start()
        (hit,) = found(desk, "agent", "zamrznjeno", last)["items"]
    assert text_of(hit["snippet"]) == "[Zamrznjeno] besedilo."


def test_an_agent_finds_and_sees_why(desk: Desk, ticket: str) -> None:
    last = desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": "Toner je prazen, naro\u010di novega."})
    (hit,) = found(desk, "agent", "tiskalniki racune", last)["items"]
    assert hit["number"] == ticket
    assert text_of(hit["subject"]) == "[Tiskalnik] ne tiska"
    assert text_of(hit["snippet"]) == "[Ra\u010dunov] ni mogo\u010de natisniti, <b>napaka</b> E-77."
    assert (hit["found_in"]["kind"], hit["found_in"]["language"]) == ("public", "sl")
    (hit,) = found(desk, "auditor", "tonerja", last, **{"in": "internal"})["items"]
    assert text_of(hit["snippet"]).startswith("[Toner] je prazen")
    assert found(desk, "agent", "toner", last, **{"in": "public"})["items"] == []
    assert found(desk, "agent", "E-77", last, status="closed")["items"] == []
    assert [h["number"] for h in found(desk, "agent", ticket, last)["items"]] == [ticket]


def test_a_customer_finds_their_own_and_no_note(desk: Desk, ticket: str) -> None:
    last = desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": "canary-91c4 Toner"})
    last = desk.done("agent", f"/v1/tickets/{ticket}/replies", {"body": "Poslali smo vam nov valj."})
    assert found(desk, "agent", "canary-91c4", last)["items"]
    desk.get("customer", "/v1/my/search?q=x", desk.done("customer", f"/v1/my/tickets/{ticket}/messages", {"body": "?"}))
    (hit,) = found(desk, "customer", "valja")["items"]
    assert (hit["number"], hit["message"]["number"], hit["message"]["author"]) == (ticket, 2, "support")
    assert text_of(hit["snippet"]) == "Poslali smo vam nov [valj]."
    for query in ("canary", "toner", "tiskalnik -valj"):
        answer = desk.get("customer", f"/v1/my/search?q={query}")
        assert "canary" not in answer.text
        assert not {"version", "position", "score", "team", "assignee"} & set(
            answer.json()["items"] and answer.json()["items"][0]
        )
    assert found(desk, "customer", "toner")["items"] == []
    assert found(desk, "customer2", "tiskalnik")["items"] == []
    assert not desk.get("customer", "/v1/my/search?q=valj").headers["chronodesk-position"].isdigit()


def test_pages_go_on_where_they_ended(desk: Desk) -> None:
    tickets = {desk.ticket(subject="Kaleidoscope broken") for _ in range(5)}
    last = desk.done("agent", f"/v1/tickets/{min(tickets)}/notes", {"body": "x"})
    first = found(desk, "agent", "kaleidoscopes", last, limit=3)
    rest = found(desk, "agent", "kaleidoscopes", limit=3, cursor=first["next"])
    assert {hit["number"] for hit in first["items"] + rest["items"]} == tickets
    assert (len(first["items"]), rest["next"]) == (3, None)
    for path in ("/v1/search", "/v1/my/search"):
        who = "customer" if "my" in path else "agent"
        answer = desk.get(who, f"{path}?q=kaleidoscopes&cursor=nonsense")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "query.cursor")


def test_similar_solved_tickets_come_with_their_code(desk: Desk) -> None:
    solved = desk.ticket(subject="VPN tunnel drops every hour", message="The tunnel to Ljubljana drops hourly.")
    desk.done("agent", f"/v1/tickets/{solved}/replies", {"body": "We renewed the certificate."})
    desk.done("agent", f"/v1/tickets/{solved}/claim")
    last = desk.done("agent", f"/v1/tickets/{solved}/resolve", {"code": "certificate_renewed"})
    fresh = desk.ticket(subject="VPN tunnels dropping", message="Our tunnel drops each hour.")
    seen = desk.done("agent", f"/v1/tickets/{fresh}/notes", {"body": "x"})
    desk.get("agent", "/v1/search?q=x", last)
    (alike,) = desk.get("agent", f"/v1/tickets/{fresh}/similar", seen).json()["items"]
    assert (alike["number"], alike["resolution_code"]) == (solved, "certificate_renewed")
    assert "tunnels" in alike["words"]
    assert desk.get("agent", f"/v1/tickets/{solved}/similar").json()["items"] == []


@pytest.mark.parametrize(
    "q", [*NASTY, *("".join(random.Random(n).choices("'\"\\:*&|!()<->ab OR-1 ", k=30)) for n in range(30))]
)
def test_no_query_is_a_fault_of_ours(desk: Desk, q: str) -> None:
    for who in ("agent", "customer"):
        assert isinstance(found(desk, who, q[:400])["items"], list)


def test_a_query_is_needed_and_not_too_long(desk: Desk) -> None:
    for path in ("", "?q=" + "a" * 401, "?q=a%00b", "?q=a&limit=51", "?q=a&in=notes", "?q=a&from=yesterday"):
        assert desk.get("agent", f"/v1/search{path}").status_code == 422
