"""Ratings over HTTP: by a signed link that nobody can make, by the customer's own key, and what others see of them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from aggregates.errors import Gone, NotFound
from api.rating_links import Link, RatingLinks
from api.ratings import PRIVATE
from consumers.positions import wait_for_views
from consumers.survey_clock import ask, find
from tests.api.running import SECRET, Desk

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CANARY = "canary-5c1e"
SWEDISH = {"question": "Hur nöjd är du?", "scale": ["1", "2", "3", "4", "5"]}


@pytest.fixture(scope="module", autouse=True)
def _survey(desk: Desk) -> None:
    desk.done("lead", "/v1/surveys", {"terms": {"name": "x", "delay": 0, "translations": {"sv": SWEDISH}}})


@pytest.fixture
def asked(desk: Desk) -> dict[str, Any]:
    """A resolved ticket whose customer has been asked; its link."""
    ticket = desk.ticket(subject="Printer on fire")
    desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": CANARY})
    desk.done("agent", f"/v1/tickets/{ticket}/replies", {"body": "Put out."})
    desk.done("agent", f"/v1/tickets/{ticket}/resolve", {"code": CANARY})
    with psycopg.connect(desk.database.app_url, autocommit=True) as connection:
        while find(connection) or ask(connection):
            pass
        assert wait_for_views(connection, ["tickets"], 10).caught_up
    link = desk.get("service", f"/v1/tickets/{ticket}/rating-link")
    assert link.status_code == 200, link.text
    return {"ticket": ticket, **link.json()}


def rated(desk: Desk, path: str, body: Any, **headers: str) -> httpx.Response:
    return desk.call(None, "PUT", path, body, headers=headers)


def test_who_has_the_link_answers_without_any_key(desk: Desk, asked: dict[str, Any]) -> None:
    question = desk.call(None, "GET", asked["path"])
    assert question.json() == {
        "number": asked["ticket"],
        "subject": "Printer on fire",
        "question": "How satisfied are you with our help?",
        "scale": ["Very dissatisfied", "Dissatisfied", "Neither", "Satisfied", "Very satisfied"],
        "expires_at": asked["expires_at"],
        "rating": None,
    }
    answer = rated(desk, asked["path"], {"score": 2, "comment": "Slow."})
    assert (answer.status_code, answer.json()["rating"]) == (200, {"score": 2, "comment": "Slow."})
    assert desk.call(None, "GET", asked["path"]).json() == answer.json()
    changed = rated(desk, asked["path"], {"score": 5})
    assert changed.json()["rating"] == {"score": 5, "comment": None}
    [request] = desk.get("agent", f"/v1/tickets/{asked['ticket']}/ratings").json()["requests"]
    assert (request["request"], request["occasion"], request["agent"]) == (
        asked["request"],
        "resolved",
        str(desk.ids["agent"]),
    )
    told = [(a["score"], a["was"], a["comment"]) for a in request["answers"]]
    assert told == [(2, None, "Slow."), (5, 2, None)]


def test_what_is_written_is_the_customers_own(desk: Desk, asked: dict[str, Any]) -> None:
    rated(desk, asked["path"], {"score": 4, "comment": "Quick!"})
    event = desk.get("auditor", f"/v1/tickets/{asked['ticket']}/events").json()["events"][-1]
    customer = str(desk.ids["customer"])
    assert (event["type"], event["actor"]) == ("ticket.satisfaction_rated.v1", {"kind": "customer", "id": customer})
    assert event["subject"] == customer
    blamed = desk.get("auditor", f"/v1/tickets/{asked['ticket']}/blame").json()["lines"]
    [rating] = [line for line in blamed if line["field"] == "rated"]
    assert (rating["value"]["score"], rating["by"]["what"]) == (4, "rated 4 of 5: Quick!")


def test_the_same_answer_again_is_written_once(desk: Desk, asked: dict[str, Any]) -> None:
    answers = [rated(desk, asked["path"], {"score": 3}) for _ in range(3)]
    answers.append(rated(desk, asked["path"], {"score": 3}, **{"Idempotency-Key": "a"}))
    assert len({answer.text for answer in answers}) == 1
    reused = [rated(desk, asked["path"], {"score": score}, **{"Idempotency-Key": "b"}) for score in (1, 2)]
    assert [answer.status_code for answer in reused] == [200, 422]
    [request] = desk.get("agent", f"/v1/tickets/{asked['ticket']}/ratings").json()["requests"]
    assert [a["score"] for a in request["answers"]] == [3, 1]


@pytest.mark.parametrize("score", [0, 6, "5", 4.5, None, True])
def test_a_bad_score_is_refused_whatever_the_link(desk: Desk, asked: dict[str, Any], score: Any) -> None:
    refused = [rated(desk, path, {"score": score}) for path in (asked["path"], "/v1/ratings/nonsense")]
    assert {answer.status_code for answer in refused} == {422}
    assert refused[0].text == refused[1].text
    assert refused[0].json()["errors"][0]["field"] == "body.score"


def test_no_other_token_opens_anything_and_all_are_refused_in_the_same_words(desk: Desk, asked: dict[str, Any]) -> None:
    token = asked["token"]
    links = RatingLinks(SECRET)
    there = datetime.now(UTC) + timedelta(days=1)
    forged = [
        "x", "A" * len(token), token[:-4], token + "AAAA", token.swapcase(), token + "=",
        RatingLinks(b"another secret, of the same length").sign(UUID(asked["request"]), UUID(asked["request"]), there),
        links.sign(uuid4(), UUID(asked["request"]), there), "%00", "é", "a%2Fb",
    ]  # fmt: skip
    answers = [desk.call(None, method, f"/v1/ratings/{one}", {"score": 1} if method == "PUT" else None)
               for one in forged for method in ("GET", "PUT")]  # fmt: skip
    assert {answer.status_code for answer in answers} == {404}
    words = {answer.text for answer in answers if answer.json()["code"] != "route.unknown"}
    assert len(words) == 1
    assert "rating.not_found" in words.pop()
    assert desk.call(None, "GET", asked["path"]).json()["rating"] is None


def test_a_ticket_that_is_there_and_was_never_asked_looks_the_same(desk: Desk, asked: dict[str, Any]) -> None:
    ticket = desk.done("agent", f"/v1/tickets/{desk.ticket()}/notes", {"body": "x"}).json()["ticket"]
    there = datetime.now(UTC) + timedelta(days=1)
    tokens = [RatingLinks(SECRET).sign(UUID(id), UUID(asked["request"]), there) for id in (ticket, str(uuid4()))]
    answers = [desk.call(None, "GET", f"/v1/ratings/{token}") for token in tokens]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "rating.not_found")}


def test_each_byte_of_a_token_counts() -> None:
    links, ticket, request = RatingLinks(SECRET), uuid4(), uuid4()
    token = links.sign(ticket, request, NOW)
    earlier = NOW - timedelta(microseconds=1)
    assert links.open(token, earlier) == Link(ticket, request)
    raw = base64.urlsafe_b64decode(token)
    flipped = [raw[:n] + bytes([raw[n] ^ 1 << bit]) + raw[n + 1 :] for n in range(len(raw)) for bit in range(8)]
    spoiled = [base64.urlsafe_b64encode(one).decode() for one in flipped]
    places = [(n, other) for n in range(len(token)) for other in "+/=A-_\n" if token[n] != other]
    spoiled += [token[:n] + other + token[n + 1 :] for n, other in places]
    for one in spoiled:
        with pytest.raises(NotFound):
            links.open(one, earlier)


def test_a_token_expires_and_says_so_to_those_who_had_it() -> None:
    links = RatingLinks(SECRET)
    with pytest.raises(Gone):
        links.open(links.sign(uuid4(), uuid4(), NOW), NOW)


def test_a_token_tells_no_place_in_the_log_and_is_kept_nowhere(desk: Desk, asked: dict[str, Any]) -> None:
    raw = base64.urlsafe_b64decode(asked["token"])
    ticket = desk.get("agent", f"/v1/tickets/{asked['ticket']}/events").json()["events"][0]["stream"]
    named = UUID(ticket).bytes + UUID(asked["request"]).bytes
    seconds = int(datetime.fromisoformat(asked["expires_at"]).timestamp()) + 1
    assert raw[:40] == named + seconds.to_bytes(8, "big")
    again = desk.get("service", f"/v1/tickets/{asked['ticket']}/rating-link")
    assert again.json()["token"] == asked["token"]
    with psycopg.connect(desk.database.superuser_url) as connection:
        kept = connection.execute("SELECT count(*) FROM store.events WHERE position(%s IN state) > 0",
                                  (asked["token"].encode(),)).fetchone()  # fmt: skip
    assert kept == (0,)


def test_answers_by_link_stay_in_no_cache(desk: Desk, asked: dict[str, Any]) -> None:
    answers = [
        desk.call(None, "GET", asked["path"]),
        rated(desk, asked["path"], {"score": 1}),
        desk.call(None, "GET", "/v1/ratings/nonsense"),
        desk.get("service", f"/v1/tickets/{asked['ticket']}/rating-link"),
    ]
    for answer in answers:
        assert {name: answer.headers[name] for name in PRIVATE} == PRIVATE


def test_once_the_next_question_is_asked_the_last_link_is_gone(desk: Desk, asked: dict[str, Any]) -> None:
    path = f"/v1/tickets/{asked['ticket']}"
    desk.done("agent", f"{path}/reopen", {})
    desk.done("agent", f"{path}/resolve", {})
    with psycopg.connect(desk.database.app_url, autocommit=True) as connection:
        while find(connection) or ask(connection):
            pass
    refused = [desk.call(None, "GET", asked["path"]), rated(desk, asked["path"], {"score": 5})]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(410, "rating.superseded")}
    newer = desk.get("service", f"{path}/rating-link").json()
    assert rated(desk, newer["path"], {"score": 5}).status_code == 200
    assert [len(r["answers"]) for r in desk.get("lead", f"{path}/ratings").json()["requests"]] == [0, 1]


def test_customers_rate_with_their_own_key_in_their_own_language(desk: Desk, asked: dict[str, Any]) -> None:
    mine = f"/v1/my/tickets/{asked['ticket']}/rating"
    customer = f"/v1/customers/{desk.ids['customer']}"
    assert desk.call("agent", "PATCH", customer, {"language": "sv-FI"}).is_success
    try:
        assert desk.get("customer", mine).json()["question"] == SWEDISH["question"]
    finally:
        assert desk.call("agent", "PATCH", customer, {"language": None}).is_success
    answer = desk.call("customer", "PUT", mine, {"score": 4, "comment": "Tack!"})
    assert answer.json()["rating"] == desk.call(None, "GET", asked["path"]).json()["rating"]
    others = [desk.call("customer2", "PUT", mine, {"score": 1}), desk.get("customer2", mine)]
    assert {(o.status_code, o.json()["code"]) for o in others} == {(404, "ticket.not_found")}


def test_who_was_not_asked_cannot_rate(desk: Desk) -> None:
    ticket = desk.ticket()
    for answer in (
        desk.get("customer", f"/v1/my/tickets/{ticket}/rating"),
        desk.call("customer", "PUT", f"/v1/my/tickets/{ticket}/rating", {"score": 5}),
        desk.get("service", f"/v1/tickets/{ticket}/rating-link"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "rating.not_found")
    assert desk.get("agent", f"/v1/tickets/{ticket}/ratings").json() == {"requests": []}
    assert desk.get("agent", f"/v1/tickets/{desk.ids['customer']}/ratings").status_code == 404


def test_what_is_internal_and_where_it_stands_in_the_log_is_on_no_page_of_a_rating(
    desk: Desk, asked: dict[str, Any]
) -> None:
    mine = f"/v1/my/tickets/{asked['ticket']}/rating"
    answers = [
        desk.call(None, "GET", asked["path"]), rated(desk, asked["path"], {"score": 5}), desk.get("customer", mine),
        desk.call("customer", "PUT", mine, {"score": 1}),
    ]  # fmt: skip
    agent = str(desk.ids["agent"])
    for answer in answers:
        said = answer.text + str(answer.headers)
        assert CANARY not in said
        assert agent not in said
        assert "etag" not in answer.headers
        assert not answer.headers.get("chronodesk-position", "x").isdigit()


def test_a_question_and_its_answer_leave_the_customers_page_as_it_was(desk: Desk, asked: dict[str, Any]) -> None:
    before = desk.get("customer", f"/v1/my/tickets/{asked['ticket']}")
    answer = rated(desk, asked["path"], {"score": 5})
    after = desk.get("customer", f"/v1/my/tickets/{asked['ticket']}", answer)
    assert (after.text, after.headers["etag"]) == (before.text, before.headers["etag"])
