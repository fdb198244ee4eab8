"""conftest: one running desk a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from tests.api.running import Desk, running_desk
from tests.databases import Database


@pytest.fixture(scope="module", autouse=True)
def _log_like_the_product() -> Iterator[None]:
    """Through the standard library: structlog's own print() crashes Python 3.11 when pytest swaps sys.stdout."""
    rendered = structlog.processors.KeyValueRenderer(key_order=["event"])
    structlog.configure(
        processors=[structlog.processors.format_exc_info, rendered],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def desk(module_database: Database) -> Iterator[Desk]:
    with running_desk(module_database) as running:
        yield running
