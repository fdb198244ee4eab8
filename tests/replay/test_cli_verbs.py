"""test_cli_verbs: what do git's verbs, a search and a tree of causes say at a terminal, and with which exit code?"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chronodesk import cli, start
from consumers.positions import wait_for_views
from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from tests.databases import Database
from tests.replay.logs import desk_on
from tests.replay.test_cli import views_of


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Say = Callable[..., Said]


@pytest.fixture(scope="module")
def url(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A desk with an imported past whose views are level with it."""
    log = tmp_path_factory.mktemp("desk") / "a.xes"
    write_log(log, simulate(12, 4))
    with desk_on(module_database) as desk:
        desk.take(log)
    with psycopg.connect(module_database.app_url, autocommit=True) as connection, views_of(module_database):
        assert wait_for_views(connection, ["trail", "desk", "tickets"], 30).caught_up
    return module_database.app_url


@pytest.fixture
def say(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Say:
    """The program itself, without the second that a process of its own takes to start."""
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("CHRONODESK_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(start, "configure_logging", lambda settings: None)

    def say(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["chronodesk", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Said(int(ended.value.code or 0), *capsys.readouterr())

    return say


def test_a_log_has_a_line_an_event_and_goes_to_scripts_as_http_answers(say: Say) -> None:
    lines = say("log", "T-1001").out.splitlines()
    whole = say("log", "t-1001", "--json").json
    assert len(lines) == len(whole["lines"])
    assert lines[0].startswith("@1 ")
    assert "opened as T-1001 in " in lines[0]
    newest = say("log", "T-1001@5", "--limit", "2", "--reverse").out.splitlines()
    assert [line.split()[0] for line in newest] == ["@5", "@4"]


def test_a_past_is_shown_compared_and_put_down_to_its_events(say: Say) -> None:
    then = say("show", "T-1001@2", "--json").json
    now = say("show", "T-1001", "--json").json
    assert (then["version"], then["state"]["number"], then["state"]["assignee"]) == (2, 1001, None)
    assert "T-1001 as of @2 (#" in say("show", "T-1001@2").out
    changes = {change["field"]: change for change in say("diff", "T-1001", "@2..", "--json").json["changes"]}
    assert changes["status"]["before"] == then["state"]["status"] == "new"
    assert changes["status"]["after"] == now["state"]["status"]
    blamed = {line["field"]: line for line in say("blame", "T-1001", "--json").json["lines"]}
    assert blamed["status"]["by"] == changes["status"]["by"][-1]
    status = next(line for line in say("blame", "T-1001").out.splitlines() if line.startswith("status "))
    assert f"@{blamed['status']['by']['version']} " in status


def test_what_was_not_known_then_is_said_with_the_option_that_helps(say: Say) -> None:
    unknown = say("show", "T-1001@2024-06-01")
    assert unknown.code == 1
    assert "It was recorded on 20" in unknown.err
    assert "and had happened on 2024-01-" in unknown.err
    assert "With --basis occurred" in unknown.err
    assert say("show", "T-1001@2024-06-01", "--basis", "occurred").code == 0
    assert "--basis" not in say("show", "T-1001@2001-06-01").err


def test_bisect_finds_the_first_version_or_says_that_there_is_none(say: Say) -> None:
    found = say("bisect", "T-1001", 'status != "new"')
    assert (found.code, found.out.split()[0]) == (0, "@3")
    never = say("bisect", "T-1001", "level > 8")
    assert (never.code, never.out) == (1, "It never was so.\n")
    wrong = say("bisect", "T-1001", 'status == "resovled"')
    assert (wrong.code, "At character 11: it is never that, only new, open" in wrong.err) == (2, True)


def test_a_search_and_a_tree_of_causes_over_the_whole_desk(say: Say) -> None:
    whole = say("log", "T-1001", "--json").json["lines"]
    found = say("audit", "search", "--ticket", "T-1001", "--text", "T-1001 nowhere", "--json").json
    assert (found["items"], found["next"]) == ([], None)
    assigned = say("audit", "search", "--ticket", "T-1001", "--type", "assigned", "--json").json["items"]
    assert [item["version"] for item in reversed(assigned)] == [
        line["version"] for line in whole if line["type"] == "ticket.assigned.v1"
    ]
    by_name = say("audit", "search", "--actor", assigned[0]["who"], "--limit", "1")
    assert (by_name.code, f"  {assigned[0]['who']}  " in by_name.out) == (0, True)
    tree = say("audit", "why", "T-1001@3").out.splitlines()
    assert tree[0].startswith("command ")
    assert tree[0].endswith(f" by import bpi2013, {len(whole)} events")
    assert [line for line in tree if line.endswith("<- this one")] == [tree[3]]
    assert say("audit", "why", f"#{whole[2]['position']}").out.splitlines() == tree


def test_a_desk_whose_views_were_never_built_says_so_and_tells_what_it_can(
    say: Say, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_log(tmp_path / "a.xes", simulate(2, 4))
    with desk_on(database) as desk:
        desk.take(tmp_path / "a.xes")
    monkeypatch.setenv("DATABASE_URL", database.app_url)
    assert say("log", "T-1001").out.startswith("@1 ")
    unbuilt = say("audit", "search")
    assert (unbuilt.code, "was never built" in unbuilt.err) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("log", "T-99999"), 1, "There is no such ticket."),
        (("log", "Anna"), 2, "like T-1042"),
        (("show", "T-1001@soon"), 2, "Write a version (12), a day or an instant"),
        (("diff", "T-1001", "@3"), 2, "Write two points"),
        (("diff", "T-1001", "@3..@1"), 2, "must not lie before the first"),
        (("audit", "search", "--actor", "Nobody"), 2, "Nobody is called so"),
        (("audit", "why", "T-1001"), 2, "name an event"),
    ],
)
def test_what_was_asked_wrongly_is_said(say: Say, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = say(*arguments)
    assert (done.code, says in done.err) == (code, True), done.err
