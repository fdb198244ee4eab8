"""conftest: one running desk a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.running import Desk, running_desk
from tests.databases import Database


@pytest.fixture(scope="module")
def desk(module_database: Database) -> Iterator[Desk]:
    with running_desk(module_database) as running:
        yield running
