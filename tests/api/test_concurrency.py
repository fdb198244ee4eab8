"""Many writers on one ticket: with If-Match one wins a version, without it nobody loses."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.api.running import Desk, served

WRITERS = 50


def at_once(desk: Desk, urls: list[str], path: str, body: Any, **headers: str) -> list[httpx.Response]:
    """From fifty threads, spread over the API processes given."""
    with ThreadPoolExecutor(WRITERS) as threads:
        places = [url + path for url in (urls * WRITERS)[:WRITERS]]
        return list(threads.map(lambda place: desk.post("agent", place, body, **headers), places))


def test_with_if_match_exactly_one_wins_each_version(desk: Desk) -> None:
    path = f"/v1/tickets/{desk.ticket()}/notes"
    for version in (2, 3, 4):
        answers = at_once(desk, [desk.url], path, {"body": "me"}, If_Match=f'"{version}"')
        assert Counter(answer.status_code for answer in answers) == {200: 1, 412: WRITERS - 1}
        assert next(answer for answer in answers if answer.is_success).headers["etag"] == f'"{version + 1}"'


def test_without_if_match_everybody_gets_through(desk: Desk) -> None:
    ticket = desk.ticket()
    answers = at_once(desk, [desk.url], f"/v1/tickets/{ticket}/notes", {"body": "me"})
    assert Counter(answer.status_code for answer in answers) == {200: WRITERS}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(3, 3 + WRITERS))


def test_two_processes_on_one_ticket_both_get_through_or_are_told_to_try_again(desk: Desk) -> None:
    """Two applications with a memory of their own, as two processes have."""
    ticket = desk.ticket()
    with served(desk.config) as other:
        answers = at_once(desk, [desk.url, other], f"/v1/tickets/{ticket}/notes", {"body": "me"})
    told = Counter(answer.status_code for answer in answers)
    assert set(told) <= {200, 503}
    assert told[200] >= WRITERS // 2
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)
    events = desk.get("agent", f"/v1/tickets/{ticket}/events").json()["events"]
    assert [event["version"] for event in events] == list(range(1, 3 + told[200]))


def test_of_many_agents_who_claim_one_wins(desk: Desk) -> None:
    ticket = desk.ticket()
    with ThreadPoolExecutor(2) as threads:
        who = ["agent", "agent2"]
        answers = list(threads.map(lambda name: desk.post(name, f"/v1/tickets/{ticket}/claim"), who))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_one_key_sent_by_fifty_at_once_opens_one_ticket(desk: Desk) -> None:
    body = {"requester": str(desk.ids["customer"]), "subject": "once"}
    answers = at_once(desk, [desk.url], "/v1/tickets", body, Idempotency_Key="once")
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
