"""Postgres and the broker go away under load: commands get 503 or succeed, and everything recovers unaided."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from chronodesk.local.kafka import LocalKafka
from chronodesk.local.postgres import EmbeddedPostgres
from tests.databases import fresh_database, prepare_template
from tests.faults.desk import Desk, running_desk
from tests.faults.load import Load
from tests.faults.oracle import verify
from tests.faults.test_kills import working

pytestmark = pytest.mark.kafka


@pytest.fixture
def servers() -> Iterator[tuple[EmbeddedPostgres, LocalKafka]]:
    """Of this test's own: the others must not feel it. fsync is on, as it is in use."""
    folder = Path(tempfile.mkdtemp(prefix="chronodesk-restart-"))
    folder.chmod(0o755)
    with EmbeddedPostgres(folder) as postgres, LocalKafka(folder) as kafka:
        prepare_template(postgres)
        yield postgres, kafka
    shutil.rmtree(folder, ignore_errors=True)


def test_servers_may_be_restarted_under_load(servers: tuple[EmbeddedPostgres, LocalKafka], tmp_path: Path) -> None:
    postgres, kafka = servers
    acknowledged: list[UUID] = []
    with fresh_database(postgres) as database, running_desk(database, kafka, tmp_path) as desk:
        load = Load(desk)
        with working(load, acknowledged):
            for restart in (postgres_crashes, broker_crashes, postgres_restarts):
                restart(postgres, kafka)
                time.sleep(1.0)
        desk.wait_until_level()
        desk.wait_until_noted()
        verify(desk, acknowledged)
        assert len(acknowledged) > 20
        still_works(desk, load)


def postgres_crashes(postgres: EmbeddedPostgres, _: LocalKafka) -> None:
    postgres.restart("immediate")


def postgres_restarts(postgres: EmbeddedPostgres, _: LocalKafka) -> None:
    postgres.restart("fast")


def broker_crashes(_: EmbeddedPostgres, kafka: LocalKafka) -> None:
    kafka.kill()
    time.sleep(1.0)
    kafka.start()


def still_works(desk: Desk, load: Load) -> None:
    """After the last fault commands pass at the first try."""
    refused = load.refused
    with working(load, []):
        time.sleep(0.5)
    assert load.refused == refused
    desk.wait_until_level()
