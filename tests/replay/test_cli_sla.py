"""test_cli_sla: what do `sla defaults`, `sla apply` and `sla report` say at a terminal, and with which exit code?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from tests.replay.test_cli import Run, run

__all__ = ["run"]
MAKE = ("--zone", "Europe/Stockholm", "--effective-from", "2024-01-01")


def test_an_imported_past_is_judged_and_reported(run: Run, tmp_path: Path) -> None:
    write_log(tmp_path / "a.xes", simulate(60, 4))
    assert run("import", str(tmp_path / "a.xes"), "--mapping", "bpi2013").returncode == 0
    refused = run("sla", "apply", "--from", "2024-01-01")
    assert (refused.returncode, "run `chronodesk sla defaults`" in refused.stderr) == (3, True)
    assert run("sla", "defaults", *MAKE).stdout.startswith("Published.")
    assert run("sla", "defaults").stdout.startswith("All of it is there already.")
    told = json.loads(run("sla", "defaults", "--json").stdout)
    assert (told["news"], len(told["policies"]), told["calendar_version"]) == (0, 5, 1)
    early = run("sla", "apply", "--from", "2023-01-01")
    assert (early.returncode, "from 2024-01-01 00:00 on" in early.stderr) == (2, True)
    dry = json.loads(run("sla", "apply", "--from", "2024-01-01", "--dry-run", "--json").stdout)
    said = run("sla", "apply", "--from", "2024-01-01").stdout
    assert "Looked at 60 tickets" in said
    assert "60 judged." in said
    assert f"sla_breached {dry['sla_breached']:>21,}" in said
    assert "\n0 judged." in run("sla", "apply", "--from", "2024-01-01").stdout
    report = json.loads(run("sla", "report", "--worst", "2", "--json").stdout)
    assert sum(month["breached"] for month in report["compliance"]) == dry["sla_breached"]
    assert sum(month["met"] for month in report["compliance"]) == dry["sla_met"]
    for worst in report["worst"]:
        assert sum(span["seconds"] for span in worst["spans"]) == worst["elapsed"] == worst["target"] + worst["over"]
    shown = run("sla", "report", "--metric", "resolution", "--to", "2024-02-01", "--worst", "1").stdout
    assert "The 1 worst breaches" in shown
    assert "first_reply" not in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("defaults",), "name a calendar (--calendar), or the time zone of a new one (--zone)"),
        (("defaults", "--zone", "Europe/Nowhere"), "calendar.unknown_zone"),
        (("defaults", "--zone", "UTC", "--hours", "nine to five"), "write it like 09:00-18:00"),
        (("defaults", "--calendar", "00000000-0000-0000-0000-000000000001"), "calendar.unknown"),
        (("apply", "--from", "yesterday"), "write it like 2010-01-01"),
        (("apply", "--from", "2012-01-01", "--to", "2011-01-01"), "--to must be later than --from"),
    ],
)
def test_what_was_asked_wrongly_is_said(run: Run, arguments: tuple[str, ...], says: str) -> None:
    done = run("sla", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
