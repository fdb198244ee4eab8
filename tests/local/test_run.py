"""test_run: does `chronodesk run` start a desk, and leave nothing behind however it ends?"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from chronodesk.errors import UNAVAILABLE
from chronodesk.local.files import free_port, read_json

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


class Runner:
    """`chronodesk run --transport store` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / ".chronodesk"
        self.port = free_port()
        self.output = folder / "output.txt"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "chronodesk", "run", "--transport", "store", "--port", str(self.port)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CHRONODESK_")}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=clean | {"PYTHONPATH": str(ROOT)}, stdout=output, stderr=output
            )

    def serve(self) -> None:
        self.start()
        wait_for(lambda: (self.data / "run.json").exists() and len(self.family()) >= 6, self.said)

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def family(self) -> list[psutil.Process]:
        assert self.process is not None
        children: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return children

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


def wait_for(true: Callable[[], bool], said: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, said()
        time.sleep(0.1)


def alive(family: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def runner() -> Iterator[Runner]:
    folder = Path(tempfile.mkdtemp(prefix="chronodesk-run-"))
    folder.chmod(0o755)
    runner = Runner(folder)
    yield runner
    if runner.process is not None and runner.process.poll() is None:
        runner.end(signal.SIGINT)
    shutil.rmtree(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_that_it_started(runner: Runner, number: signal.Signals) -> None:
    runner.serve()
    family = runner.family()
    assert any(one.name() == "postgres" for one in family)
    assert runner.end(number) == 0
    assert alive(family) == []
    assert not (runner.data / "run.json").exists()


@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.4, 0.8, 1.2])
def test_a_signal_while_it_still_starts_leaves_nothing_either(runner: Runner, seconds: float) -> None:
    """From the middle of initdb on, which runs a Postgres too, to the middle of the migration."""
    runner.start()
    wait_for(lambda: any(one.name() == "postgres" for one in runner.family()), runner.said)
    time.sleep(seconds)
    family = runner.family()
    runner.end(signal.SIGTERM)
    assert alive(family) == []
    assert "Traceback" not in runner.said()


def test_after_a_kill_the_children_end_and_the_next_start_finds_the_data(runner: Runner) -> None:
    runner.serve()
    family = runner.family()
    url = str((read_json(runner.data / "run.json") or {})["owner_database_url"])
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE public.note AS SELECT 'kept' AS line")
    runner.end(signal.SIGKILL)
    children = [one for one in family if "python" in one.name()]
    wait_for(lambda: alive(children) == [], runner.said)
    runner.serve()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT line FROM public.note").fetchone() == ("kept",)


def test_a_killed_postgres_is_started_again(runner: Runner) -> None:
    runner.serve()
    url = str((read_json(runner.data / "run.json") or {})["database_url"])
    postmaster = next(one for one in runner.family() if one.name() == "postgres" and "-D" in one.cmdline())
    postmaster.kill()
    wait_for(lambda: not postmaster.is_running() or postmaster.status() == psutil.STATUS_ZOMBIE, runner.said)

    def answers() -> bool:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    wait_for(answers, runner.said)


def test_two_desks_do_not_share_a_data_directory(runner: Runner) -> None:
    runner.serve()
    second = Runner(runner.folder)
    second.output = runner.folder / "second.txt"
    second.start()
    assert second.process is not None
    assert second.process.wait(PATIENCE_SECONDS) == UNAVAILABLE
    assert "already runs here" in second.said()
    assert (runner.data / "run.json").exists()


def test_a_taken_port_gets_a_clear_message(runner: Runner) -> None:
    with socket.create_server(("127.0.0.1", runner.port)):
        runner.start()
        assert runner.process is not None
        assert runner.process.wait(PATIENCE_SECONDS) == UNAVAILABLE
    assert f"127.0.0.1:{runner.port}" in runner.said()
    assert "--port" in runner.said()
    assert "Traceback" not in runner.said()
