"""The whole log by position: a page at a time, and as it grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import httpx
import pytest

import api.events
from tests.api.running import Desk, key_of

STREAM = {"Authorization": f"Bearer {key_of('auditor')}", "Accept": "text/event-stream"}


def followed(answer: httpx.Response) -> Iterator[tuple[int, str, dict[str, Any]]]:
    frame: dict[str, str] = {}
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        frame[name] = value
        if not line and "data" in frame:
            yield int(frame["id"]), frame["event"], json.loads(frame["data"])
            frame = {}


def test_pages_join_without_gap_or_overlap(desk: Desk) -> None:
    desk.ticket()
    desk.ticket()
    pages, after = [], 0
    while True:
        page = desk.get("auditor", f"/v1/events?after={after}&limit=3").json()
        if not page["events"]:
            break
        pages += page["events"]
        after = page["next"]
    assert [event["position"] for event in pages] == list(range(1, page["head"] + 1))
    assert page["next"] == page["head"]
    opened = next(event for event in pages if event["type"] == "ticket.opened.v1")
    assert opened["fact"]["subject"] == "Printer on fire"


def test_a_stream_tells_what_was_and_goes_on_with_what_comes(desk: Desk) -> None:
    head = desk.get("auditor", "/v1/events?limit=1").json()["head"]
    with desk.http.stream("GET", "/v1/events", headers=STREAM) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = followed(answer)
        assert [position for position, _, _ in islice(events, head)] == list(range(1, head + 1))
        ticket = desk.ticket()
        position, kind, event = next(events)
    assert (position, kind) == (head + 1, "ticket.opened.v1")
    assert f"T-{event['fact']['number']}" == ticket


def test_a_broken_stream_goes_on_where_it_broke(desk: Desk) -> None:
    desk.ticket()
    head = desk.get("auditor", "/v1/events?limit=1").json()["head"]
    headers = STREAM | {"Last-Event-ID": str(head - 1)}
    with desk.http.stream("GET", "/v1/events?after=0", headers=headers) as answer:
        assert next(followed(answer))[0] == head


def test_a_silent_stream_has_a_heartbeat(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.events, "HEARTBEAT_SECONDS", 0.2)
    head = desk.get("auditor", "/v1/events?limit=1").json()["head"]
    with desk.http.stream("GET", f"/v1/events?after={head}", headers=STREAM) as answer:
        lines = (line for line in answer.iter_lines() if line.startswith(":"))
        assert len(list(islice(lines, 2))) == 2


def test_many_listeners_hear_the_same(desk: Desk) -> None:
    head = desk.get("auditor", "/v1/events?limit=1").json()["head"]
    address = f"/v1/events?after={head}"
    streams = [desk.http.stream("GET", address, headers=STREAM) for _ in range(20)]
    answers = [stream.__enter__() for stream in streams]
    try:
        desk.ticket()
        heard = [[position for position, _, _ in islice(followed(answer), 2)] for answer in answers]
    finally:
        for stream in streams:
            stream.__exit__(None, None, None)
    assert heard == [[head + 1, head + 2]] * 20
