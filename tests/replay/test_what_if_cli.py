"""test_what_if_cli: what does `replay what-if` say at a terminal, and what is left behind when it is stopped?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from subprocess import PIPE

import psycopg
import pytest

from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from tests.databases import Database
from tests.replay.judging import defaults, judge
from tests.replay.logs import desk_on
from tests.replay.test_cli import Run, command, environment, run

__all__ = ["run"]
RULES = """
extends = "current"
[[policies]]
[policies.terms]
name = "Phone"
all = [{ attribute = "channel", values = ["phone"] }]
targets.resolution.seconds = { low = 60, normal = 60, high = 60, urgent = 60 }
targets.resolution.time = "calendar"
"""
OFFICE = "Office hours=hours.toml"
HOURS = 'zone = "Europe/Stockholm"\nsaturday = [{ opens = "10:00", closes = "12:00" }]\nholidays = [2024-12-24]\n'


@pytest.fixture
def judged(database: Database, tmp_path: Path) -> None:
    write_log(tmp_path / "a.xes", simulate(60, 4))
    with desk_on(database) as desk:
        assert desk.take(tmp_path / "a.xes").whole
        defaults(database)
        judge(desk)
    (tmp_path / "rules.toml").write_text(RULES)
    (tmp_path / "hours.toml").write_text(HOURS)


@pytest.mark.usefixtures("judged")
def test_what_would_have_come_of_it_is_shown_and_handed_to_scripts(run: Run, tmp_path: Path) -> None:
    shown = run("replay", "what-if", "--policy", "rules.toml", "--calendar", OFFICE, "--explain", "1")
    assert shown.returncode == 0, shown.stderr
    assert "tickets change sides:" in shown.stdout
    assert "Folded 60 tickets" in shown.stderr
    asked = ("replay", "what-if", "--policy", "rules.toml", "--to", "2025-01-01", "--keep", "3", "--json")
    told = run(*asked, "--changes", "all.ndjson").stdout
    found = json.loads(told)
    assert run(*asked).stdout == told
    assert len(found["changes"]) == 3
    assert len((tmp_path / "all.ndjson").read_text().splitlines()) == sum(move["clocks"] for move in found["moves"])
    for change in found["changes"]:
        for side in (change["before"], change["after"]):
            assert sum(span["seconds"] for span in side["spans"]) == side["elapsed"]


@pytest.mark.parametrize(
    ("rules", "more", "says"),
    [
        ("[[policies]", (), "rules.toml: not TOML"),
        (
            RULES.replace("normal = 60", "normal = 0"),
            (),
            "rules.toml: policies.0.terms.targets.resolution.seconds.normal: ",
        ),
        (RULES.replace("calendar", "business"), (), "rules.toml: policies.0.terms.calendar: Targets in business time"),
        (RULES, ("--calendar", "Office=hours.toml"), "hours.toml: zone: There is no such time zone."),
    ],
)
def test_what_is_wrong_is_said_by_file_and_key(
    run: Run, tmp_path: Path, rules: str, more: tuple[str, ...], says: str
) -> None:
    (tmp_path / "rules.toml").write_text(rules)
    (tmp_path / "hours.toml").write_text('zone = "Mars/Base"\n')
    done = run("replay", "what-if", "--policy", "rules.toml", *more)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_stopped_with_ctrl_c_it_shows_nothing_and_leaves_nothing(database: Database, tmp_path: Path) -> None:
    """While it waits for a table that somebody else holds."""
    write_log(tmp_path / "a.xes", simulate(30, 4))
    (tmp_path / "rules.toml").write_text(RULES)
    with desk_on(database) as desk:
        assert desk.take(tmp_path / "a.xes").whole
    asked = command("replay", "what-if", "--policy", "rules.toml", "--changes", "all.csv")
    with psycopg.connect(database.owner_url) as holder:
        holder.execute("LOCK TABLE store.streams")
        with subprocess.Popen(
            asked, env=environment(database, tmp_path), cwd=tmp_path, stdout=PIPE, stderr=PIPE, text=True
        ) as asking:
            wait_until_it_waits(database)
            asking.send_signal(signal.SIGINT)
            shown, said = asking.communicate(timeout=20)
    assert (asking.returncode, shown) == (1, "")
    assert "stopped before the end" in said
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.xes", "rules.toml"]


@pytest.mark.usefixtures("judged")
def test_the_process_for_jobs_answers_what_is_asked_and_ends_when_told(database: Database, tmp_path: Path) -> None:
    with (
        psycopg.connect(database.app_url, autocommit=True) as connection,
        subprocess.Popen(command("jobs"), env=environment(database, tmp_path), cwd=tmp_path, stderr=PIPE) as jobs,
    ):
        connection.execute(
            "INSERT INTO consumers.jobs (id, kind, asked_by, request)"
            """ VALUES (gen_random_uuid(), 'what_if', 'test', '{"extends": "current", "keep": 1}')"""
        )
        deadline, row = time.monotonic() + 30, None
        while row is None and time.monotonic() < deadline:
            time.sleep(0.1)
            row = connection.execute("SELECT result FROM consumers.jobs WHERE state = 'done'").fetchone()
        patient = os.getpriority(os.PRIO_PROCESS, jobs.pid) > os.getpriority(os.PRIO_PROCESS, 0)
        jobs.terminate()
    assert row is not None
    assert (row[0]["tickets"], patient, jobs.returncode) == (60, True, 0)


def wait_until_it_waits(database: Database) -> None:
    deadline = time.monotonic() + 20
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        while not connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'chronodesk what-if' AND wait_event_type = 'Lock'"
        ).fetchone():
            assert time.monotonic() < deadline
            time.sleep(0.05)
