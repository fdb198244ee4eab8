"""conftest: which real servers do the tests share?"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chronodesk.local.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from chronodesk.local.kafka import LocalKafka
    from tests.databases import Database

# Processes are killed in tests, machines are not: the kernel's own cache is safe enough here.
FAST = {"fsync": "off", "max_connections": "200"}


@pytest.fixture(scope="session")
def server_dir() -> Iterator[Path]:
    """Not pytest's own tmp_path: as root that is closed to the account that Postgres runs as."""
    folder = Path(tempfile.mkdtemp(prefix="chronodesk-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(server_dir: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(server_dir, settings=FAST) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: EmbeddedPostgres) -> EmbeddedPostgres:
    from tests.databases import prepare_template

    prepare_template(postgres)
    return postgres


@pytest.fixture
def database(migrated: EmbeddedPostgres) -> Iterator[Database]:
    """A migrated database of this test's own."""
    from tests.databases import fresh_database

    with fresh_database(migrated) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def module_database(migrated: EmbeddedPostgres) -> Iterator[Database]:
    """The same, shared by one file's tests."""
    from tests.databases import fresh_database

    with fresh_database(migrated) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def kafka(server_dir: Path) -> Iterator[LocalKafka]:
    from chronodesk.local.kafka import LocalKafka, missing

    lacking = missing()
    if lacking:
        # A skipped Kafka test in CI would be a promise nobody checks.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no local Kafka: {lacking}")
    with LocalKafka(server_dir) as broker:
        yield broker
