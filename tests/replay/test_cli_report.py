"""test_cli_report: what do `chronodesk report` and `report pack` say and write, on a desk with a past?"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chronodesk.cli import main
from consumers.positions import wait_for_views
from projections.metrics.reports import REPORTS
from projections.registry import PROJECTIONS
from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from tests.databases import Database
from tests.replay.logs import desk_on
from tests.replay.test_cli import environment, views_of

PERIOD = ("--from", "2024-01-01", "--to", "2025-01-01", "--tz", "Europe/Stockholm")


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


class Cli:
    """The front door of a desk with 150 tickets, in this process: another one takes seconds to start."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._capsys, self._patch = folder, capsys, monkeypatch

    def __call__(self, *arguments: str) -> Done:
        self._capsys.readouterr()
        self._patch.setattr(sys, "argv", ["chronodesk", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        said = self._capsys.readouterr()
        return Done(int(left.value.code or 0), said.out, said.err)

    def json(self, *arguments: str) -> Any:
        done = self(*arguments, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)


@pytest.fixture(scope="module")
def desk(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("reports")
    write_log(folder / "a.xes", simulate(150, 4))
    with desk_on(module_database) as imported, views_of(module_database):
        imported.take(folder / "a.xes")
        assert wait_for_views(imported.reading, list(PROJECTIONS), 60).caught_up
        yield environment(module_database, folder)


@pytest.fixture
def cli(
    desk: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Cli:
    monkeypatch.chdir(tmp_path)
    for name, value in desk.items():
        monkeypatch.setenv(name, value)
    return Cli(tmp_path, capsys, monkeypatch)


def test_a_report_is_said_in_lines_and_written_to_files(cli: Cli) -> None:
    done = cli(
        "report", "arrivals", *PERIOD, "--bucket", "month", "--csv", "a.csv", "--svg", "a.svg", "--html", "a.html"
    )
    assert done.code == 0, done.err
    rows = list(csv.DictReader(io.StringIO((cli.folder / "a.csv").read_text())))
    assert len(rows) == 12
    assert sum(int(row["arrivals"]) for row in rows) == 150
    assert (cli.folder / "a.svg").read_text().startswith("<svg ")
    assert "Tickets opened" in (cli.folder / "a.html").read_text()
    assert cli("report", "arrivals", "--svg", "a.svg").code == 2, "a file that is there stays"
    lines = cli("report", "arrivals", *PERIOD, "--bucket", "month").out.splitlines()
    assert lines[1] == "2024-01-01 to 2025-01-01, Europe/Stockholm, by month, calendar time."
    assert lines[2].startswith("2024-01: Tickets opened ")
    assert lines[-2].startswith("all: Tickets opened 150")
    assert lines[-1].startswith("As of position ")


def test_a_team_can_be_asked_for_by_its_name(cli: Cli) -> None:
    by_team = cli.json("report", "arrivals", *PERIOD, "--bucket", "none", "--group-by", "team")
    biggest = max(by_team["rows"], key=lambda row: row["values"]["arrivals"])
    name = biggest["labels"]["team"]
    only = cli.json("report", "arrivals", *PERIOD, "--bucket", "none", "--filter", f"team={name}")
    assert only["total"]["values"] == biggest["values"]
    missing = cli("report", "arrivals", "--filter", "team=Nobody")
    assert (missing.code, "There is no team Nobody." in missing.err) == (2, True)


def test_what_is_behind_a_number_adds_up_to_it(cli: Cli) -> None:
    total = cli.json("report", "reopens", *PERIOD)["total"]["values"]["reopens"]
    behind = cli.json("report", "reopens", *PERIOD, "--explain", "reopens", "--limit", "1000")
    assert (len(behind["evidence"]), behind["more"]) == (total, False)
    said = cli("report", "reopens", *PERIOD, "--explain", "reopens", "--limit", "2").out.splitlines()
    first = behind["evidence"][0]
    assert said[2].startswith(f"T-{first['number']}@{first['version']}  2024-")
    assert said[-2] == "There is more than these 2; --limit shows more of it."


def test_a_pack_is_the_same_bytes_at_its_position(cli: Cli) -> None:
    manifest = cli.json("report", "pack", *PERIOD, "--out", "one")
    files = {path.name: path.read_bytes() for path in (cli.folder / "one").iterdir()}
    assert files.keys() == {"manifest.json", *manifest["files"]}
    for name, told in manifest["files"].items():
        assert told == {"sha256": hashlib.sha256(files[name]).hexdigest(), "bytes": len(files[name])}
    names = [report["name"] for report in manifest["reports"]]
    assert sorted([*names, *manifest["without_data"]]) == sorted(REPORTS)
    assert {"overview", "arrivals", "backlog"} <= set(names)
    assert {"satisfaction", "goals"} <= set(manifest["without_data"])
    index = files["index.html"].decode()
    assert all(f'<section id="{name}">' in index for name in names)
    position = str(manifest["as_of"]["position"])
    assert cli("simulate", "--tickets", "20", "--seed", "5").code == 0
    assert cli("lag", "--wait", "60").code == 0
    again = cli("report", "pack", *PERIOD, "--out", "two", "--at-position", position)
    assert again.code == 0, again.err
    assert {path.name: path.read_bytes() for path in (cli.folder / "two").iterdir()} == files


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("luck",), 2, "there is no report luck; there are overview, "),
        (("arrivals", "--tz", "Mars"), 2, "There is no such time zone."),
        (("arrivals", "--filter", "team"), 2, "write it like team=Network"),
        (("arrivals", "--explain", "luck"), 2, "--explain luck: arrivals has arrivals, "),
        (("arrivals", "--at-position", "99999999"), 2, "The log does not reach so far yet."),
        (("pack",), 2, "name a folder for the pack"),
        (("pack", "--out", ".."), 2, "is there already and not empty"),
        (("pack", "--out", "new", "--from", "1999-01-01", "--to", "1999-02-01"), 1, "no report has any data"),
    ],
)
def test_what_was_asked_wrongly_is_said(cli: Cli, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = cli("report", *arguments)
    assert (done.code, says in done.err) == (code, True), done.err
    assert "Traceback" not in done.err
