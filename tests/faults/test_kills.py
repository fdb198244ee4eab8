"""kill -9 of any part at a random moment, while a log is imported and agents work: nothing lost, nothing doubled."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest

from chronodesk.local.kafka import LocalKafka
from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from tests.databases import Database
from tests.faults.desk import Desk, running_desk
from tests.faults.load import Load
from tests.faults.oracle import verify

ROUNDS = 20
PARTS = (
    "api",
    "relay",
    "consume-desk",
    "consume-tickets",
    "consume-queues",
    "consume-reports",
    "consume-sla",
    "consume-trail",
    "consume-search",
    "consume-figures",
    "sla-clock",
    "import",
)
pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def desk(module_database: Database, kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running_desk(module_database, kafka, tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture(scope="module")
def load(desk: Desk) -> Load:
    return Load(desk)


def simulated(folder: Path, seed: int) -> tuple[str, str]:
    """A log of 60 tickets and a mapping under whose source nobody else's cases are."""
    log, mapping = folder / f"seed{seed}.csv", folder / f"seed{seed}.toml"
    write_log(log, simulate(60, seed))
    shipped = files("replay.logs.mappings").joinpath("bpi2013.toml").read_text()
    mapping.write_text(shipped.replace('source = "bpi2013"', f'source = "seed{seed}"'))
    return str(log), str(mapping)


def test_any_part_may_be_killed_at_any_moment(desk: Desk, load: Load, tmp_path: Path) -> None:
    acknowledged: list[UUID] = []
    for seed in range(ROUNDS):
        log, mapping = simulated(tmp_path, seed)
        with working(load, acknowledged):
            one_round(desk, random.Random(seed), PARTS[seed % len(PARTS)], log, mapping)
            desk.wait_until_ready()
    desk.wait_until_level()
    desk.wait_until_noted()
    verify(desk, acknowledged)
    assert len(acknowledged) > ROUNDS


def one_round(desk: Desk, randomness: random.Random, victim: str, log: str, mapping: str) -> None:
    delay = randomness.uniform(1.0, 2.5)
    print(f"kill -9 {victim} after {delay:.2f} s, log {log}")  # noqa: T201 - shown when the test fails
    importing = desk.command("import", log, "--mapping", mapping, "--batch", "50")
    time.sleep(delay)
    if victim == "import":
        importing.kill()
        importing.wait()
        importing = desk.command("import", log, "--mapping", mapping, "--batch", "50")
    else:
        desk.kill(victim)
        desk.start(victim)
    assert importing.wait(timeout=90) == 0, desk.last_words()


@contextmanager
def working(load: Load, acknowledged: list[UUID]) -> Iterator[None]:
    """Agents at work for as long as the block runs."""
    stopping = threading.Event()
    with ThreadPoolExecutor(1) as agents:
        work = agents.submit(load.run, stopping)
        try:
            yield
        finally:
            stopping.set()
        acknowledged.extend(work.result())
