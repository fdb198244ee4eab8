"""conftest: a desk for each test, with events straight from the store or through a real Kafka."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest

from chronodesk.local.kafka import LocalKafka
from consumers.loop import Source
from consumers.topics import ensure_topic
from tests.consumers.rig import Rig
from tests.databases import Database

numbers = itertools.count(1)


@pytest.fixture
def topic(kafka: LocalKafka) -> str:
    """A topic of this test's own. It goes with the broker."""
    name = f"test{next(numbers)}.events.v1"
    ensure_topic(kafka.bootstrap_servers, name)
    return name


@pytest.fixture(params=["store", pytest.param("kafka", marks=pytest.mark.kafka)])
def rig(request: pytest.FixtureRequest, database: Database) -> Iterator[Rig]:
    """The contract: whatever a test says of this desk holds for both ways that events can come."""
    bootstrap, topic = None, "unused"
    if request.param == "kafka":
        bootstrap, topic = request.getfixturevalue("kafka").bootstrap_servers, request.getfixturevalue("topic")
    yield from _rig(database, Source(database.app_url, bootstrap, topic))


@pytest.fixture
def kafka_rig(database: Database, kafka: LocalKafka, topic: str) -> Iterator[Rig]:
    """The same, only through Kafka."""
    yield from _rig(database, Source(database.app_url, kafka.bootstrap_servers, topic))


def _rig(database: Database, source: Source) -> Iterator[Rig]:
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        rig = Rig(connection, source)
        if source.bootstrap is not None:
            rig.read_kafka_from_the_beginning()
        yield rig
        if rig.publisher is not None:
            rig.publisher.close()
