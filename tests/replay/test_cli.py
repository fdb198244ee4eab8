"""test_cli: what does the person at the terminal see, and does a killed import lose or double anything?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from consumers.loop import Source, consume
from projections.registry import PROJECTIONS
from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from tests.databases import Database
from tests.replay.logs import Desk, desk_on

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(database: Database, folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CHRONODESK_", "DATABASE_"))}
    return kept | {
        "DATABASE_URL": database.app_url,
        "CHRONODESK_DATA_DIR": str(folder / "data"),
        "PYTHONPATH": str(ROOT),
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "chronodesk", *arguments]


@pytest.fixture
def run(database: Database, tmp_path: Path) -> Run:
    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        env = environment(database, tmp_path) | more
        return subprocess.run(
            command(*arguments), env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "desk.xes.gz"
    write_log(path, simulate(1_200, 11))
    return path


def test_an_import_ends_with_an_account_for_people_or_for_scripts(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "desk.csv"
    assert run("simulate", "--tickets", "40", "--seed", "3", "--out", str(log)).returncode == 0
    first = run("import", str(log), "--mapping", "bpi2013")
    assert (first.returncode, first.stderr) == (0, "")
    assert "Tickets: 40 new, 0 extended, 0 unchanged" in first.stdout
    again = json.loads(run("import", str(log), "--mapping", "bpi2013", "--json").stdout)
    assert (again["cases"], again["tickets"]["unchanged"], again["facts"]["total"]) == (40, 40, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("nowhere.xes", "--mapping", "bpi2013"), 2, "nowhere.xes: No such file"),
        (("{log}", "--mapping", "bpi2031"), 2, "shipped mappings: bpi2013"),
        (("{broken}", "--mapping", "bpi2013"), 1, "The log is broken at line "),
        (("{empty}", "--mapping", "bpi2013"), 1, "line 1: there is no header"),
    ],
)
def test_what_went_wrong_is_said_and_is_the_exit_code(
    run: Run, log: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    (tmp_path / "broken.gz").write_bytes(log.read_bytes()[:20_000])
    (tmp_path / "empty.csv").write_bytes(b"")
    places = {"{log}": str(log), "{broken}": str(tmp_path / "broken.gz"), "{empty}": str(tmp_path / "empty.csv")}
    done = run("import", *(places.get(argument, argument) for argument in arguments))
    assert done.returncode == code
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_database_it_says_so(run: Run, log: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    done = run("import", str(log), "--mapping", "bpi2013", DATABASE_URL=url)
    assert done.returncode == 3
    assert "Postgres went away" in done.stderr


def test_killed_at_any_moment_and_run_again_is_the_same_as_one_run(
    database: Database, module_database: Database, log: Path, tmp_path: Path
) -> None:
    with desk_on(database) as killed, desk_on(module_database) as whole:
        for sent in (signal.SIGKILL, signal.SIGINT):
            interrupt(killed, environment(database, tmp_path), log, sent)
        killed.take(log)
        whole.take(log)
        assert killed.versions() == whole.versions()
        assert killed.contents() == whole.contents()


def interrupt(desk: Desk, env: dict[str, str], log: Path, sent: signal.Signals) -> None:
    """In the middle: something more is in the store, and not all of it."""
    before = desk.head()
    process = subprocess.Popen(
        command("import", str(log), "--mapping", "bpi2013", "--batch", "20"),
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while desk.head() < before + 2_000 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(sent)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == (-9 if sent is signal.SIGKILL else 1)
    assert sent is signal.SIGKILL or "Stopped before the end" in out


def test_the_demo_shows_the_desk_from_its_read_models(database: Database, run: Run) -> None:
    """Run where there is no real log: it makes a desk up."""
    with views_of(database):
        shown = run("demo", "--tickets", "300", "--seed", "2")
    assert shown.returncode == 0, shown.stderr
    for title in ("Tickets by status", "The teams with most open work", "The ticket with most handoffs: T-"):
        assert title in shown.stdout
    history = shown.stdout.partition("The ticket with most handoffs")[2]
    assert "opened as T-" in history
    assert "assigned to" in history
    assert "2024-01 " in history


def test_the_demos_figures_are_the_logs(database: Database, run: Run, tmp_path: Path) -> None:
    cases = list(simulate(200, 4))
    write_log(tmp_path / "a.xes", cases)
    with views_of(database):
        shown: dict[str, Any] = json.loads(run("demo", str(tmp_path / "a.xes"), "--json").stdout)
    ends = [str(rows[-1]["lifecycle:transition"]) for rows in cases]
    assert shown["statuses"]["closed"] == ends.count("Closed")
    assert shown["statuses"]["resolved"] == ends.count("Resolved") + ends.count("In Call")
    assert sum(month["arrived"] for month in shown["months"]) == 200
    assert sum(team["tickets"] for team in shown["teams"]) <= 200 - shown["statuses"]["closed"]
    assert shown["history"][0]["type"] == "ticket.opened.v1"


@contextmanager
def views_of(database: Database) -> Iterator[None]:
    """The consumers of all four views, straight from the store."""
    stopping = threading.Event()
    source = Source(database.app_url, None, "test.events.v1")
    threads = [threading.Thread(target=consume, args=(view, source, stopping)) for view in PROJECTIONS.values()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(20)
