"""kill -9 of a rebuild at any moment, while the view is written and read: nobody notices, and the next one is clean."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psutil
import pytest
from psycopg import Connection

from commands.database import connect
from consumers.loop import Source, consume
from consumers.positions import wait_for_views
from projections.registry import PROJECTIONS
from replay.rebuild.crew import crew
from replay.rebuild.fill import wanted
from replay.verify.verify import check_view
from tests.consumers.facts import open_tickets
from tests.consumers.rig import await_true, running
from tests.databases import Database
from tests.replay.rebuilding import contents, live, quiet, schemas

ROUNDS = 24
VIEW = "queues"


@pytest.fixture
def connection(database: Database) -> Iterator[Connection[object]]:
    """A desk with tickets, whose view is fed all the time."""
    source = Source(database.app_url, None, "unused")
    with closing(connect(database.app_url, name="test")) as connection:
        open_tickets(connection, 100)
        with running(queues=lambda stopping: consume(PROJECTIONS[VIEW], source, stopping)):
            wait_for_views(connection, [VIEW], 20)
            yield connection


@contextmanager
def rebuilder(url: str) -> Iterator[Callable[[float], int]]:
    """What begins a rebuild, kills it after so many seconds, and tells its exit code."""
    command = [sys.executable, "-m", "tests.faults.rebuilder", url, VIEW]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def run(seconds: float) -> int:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield run


def test_a_rebuild_may_be_killed_at_any_moment(database: Database, connection: Connection[object]) -> None:
    with rebuilder(database.app_url) as run:
        assert run(60.0) == 0
        began = time.monotonic()
        assert run(60.0) == 0
        takes = time.monotonic() - began
        codes = [one_round(connection, run, random.Random(seed).uniform(0, takes), seed) for seed in range(ROUNDS)]
        assert run(60.0) == 0
    assert codes.count(-signal.SIGKILL) > ROUNDS / 2, "most of them were still at work"
    with crew(1) as many:
        wait_for_views(connection, [VIEW], 20)
        assert check_view(wanted(database.app_url, PROJECTIONS[VIEW]), many, quiet).fault is None
    assert schemas(connection) == [live(connection, VIEW).schema], "nothing is left of those that died"


def one_round(connection: Connection[object], run: Callable[[float], int], delay: float, seed: int) -> int:
    """Its exit code. What is live is what was live, or a whole new build."""
    print(f"seed {seed}: kill -9 after {delay:.3f} s")  # noqa: T201 - shown when the test fails
    open_tickets(connection, 2)
    wait_for_views(connection, [VIEW], 20)
    was = contents(connection, live(connection, VIEW).schema)
    code = run(delay)
    assert code in (0, -signal.SIGKILL)
    assert contents(connection, live(connection, VIEW).schema) == was
    return code


def test_workers_end_with_a_run_that_is_killed(database: Database, connection: Connection[object]) -> None:
    command = [sys.executable, "-m", "chronodesk", "replay", "rebuild", VIEW, "--workers", "2", "--batch", "9"]
    environment = os.environ | {"CHRONODESK_DATABASE_URL": database.app_url, "CHRONODESK_TRANSPORT": "store"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        family = psutil.Process(process.pid)
        await_true(lambda: len(family.children()) >= 3, "the workers do not start")
        workers = family.children()
        process.kill()
    await_true(lambda: not any(worker.is_running() for worker in workers), "workers outlive their run")
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 0
    assert len(schemas(connection)) == 1
