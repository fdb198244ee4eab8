"""What ops see of views at a terminal: how far they are, and what they could not apply."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from consumers.builds import ensure_live
from consumers.runner import apply
from consumers.store_feed import StoreFeed
from projections.registry import PROJECTIONS
from tests.consumers.facts import append_raw, open_tickets
from tests.databases import Database


@pytest.fixture(scope="module")
def desk(module_database: Database) -> Database:
    """Two tickets, one of which the view of tickets cannot apply."""
    url = module_database.app_url
    with psycopg.connect(url, autocommit=True) as connection:
        bad, _ = open_tickets(connection, 2)
        append_raw(connection, bad, 3, "ticket.from_the_future.v9", b"{}")
        view = PROJECTIONS["tickets"]
        build = ensure_live(connection, view)
        with closing(StoreFeed(url, build.schema)) as feed:
            apply(connection, build, view, feed.poll(1.0))
    return module_database


def chronodesk(desk: Database, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "chronodesk", *arguments],
        env=os.environ | {"CHRONODESK_DATABASE_URL": desk.app_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize("json_lines", [True, False])
def test_lag_is_watched_until_ctrl_c(desk: Database, json_lines: bool) -> None:
    process = chronodesk(desk, "lag", "--watch", "--every", "0.1", *(["--json"] if json_lines else []))
    assert process.stdout
    first, second = process.stdout.readline(), process.stdout.readline()
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert (code, err) == (0, "")
    for line in (first, second):
        if json_lines:
            parked = {view["view"]: view["parked"] for view in json.loads(line)["views"]}
            assert parked["tickets"] == 1
        else:
            assert line.startswith("head 7; behind: desk by 7,")
            assert line.endswith("; parked 1\n")


def test_what_is_parked_is_listed_shown_and_dropped(desk: Database) -> None:
    def told(*arguments: str) -> Any:
        code, out, err = ended(chronodesk(desk, "parked", *arguments, "--json"))
        assert code == 0, err
        return json.loads(out)

    (parked,) = told("list")
    (event,) = told("show", "tickets", parked["stream"])
    assert (event["version"], event["type"]) == (4, "ticket.from_the_future.v9")
    assert "unknown event type" in event["error"]
    assert told("drop", "tickets", parked["stream"], "--yes")["events"] == 1
    assert told("list") == []
    code, _, err = ended(chronodesk(desk, "parked", "drop", "tickets", parked["stream"], "--yes"))
    assert code == 1
    assert "is not parked in tickets" in err


@pytest.mark.parametrize(("view", "code"), [("nobody", 2), ("queues", 1)])
def test_a_view_or_ticket_that_is_not_there_is_named(desk: Database, view: str, code: int) -> None:
    stream = str(uuid4())
    ended_with, _, err = ended(chronodesk(desk, "parked", "show", view, stream))
    assert ended_with == code
    assert (view if code == 2 else stream) in err
