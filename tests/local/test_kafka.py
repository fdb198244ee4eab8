"""test_kafka: is the local Kafka a real one that survives what happens to brokers?"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from chronodesk.errors import PortTaken
from chronodesk.local import jars
from chronodesk.local.kafka import LocalKafka, answers

pytestmark = pytest.mark.kafka


@pytest.fixture
def broker(kafka: LocalKafka, tmp_path: Path) -> Iterator[LocalKafka]:
    """One of our own, to be killed; asking for the shared one too says whether Kafka can run here."""
    with LocalKafka(tmp_path) as own:
        yield own


def topics(broker: LocalKafka) -> set[str]:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    try:
        return set(admin.list_topics())
    finally:
        admin.close()


def create(broker: LocalKafka, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    try:
        admin.create_topics([NewTopic(name=topic, num_partitions=1, replication_factor=1)])
    finally:
        admin.close()
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, enable_idempotence=True, acks="all")
    try:
        producer.send(topic, b"a fact").get(timeout=20)
    finally:
        producer.close()


def test_what_it_holds_survives_stop_and_kill_at_the_same_address(broker: LocalKafka) -> None:
    address = broker.bootstrap_servers
    create(broker, "kept")
    broker.restart()
    assert topics(broker) == {"kept"}
    broker.kill()
    assert not answers(address)
    broker.start()
    assert topics(broker) == {"kept"}
    assert broker.bootstrap_servers == address


def test_a_broker_left_over_from_a_killed_run_is_ended(broker: LocalKafka, tmp_path: Path) -> None:
    create(broker, "kept")
    orphan = broker.pid
    broker._lock.release()  # as the kernel does when the runner is killed
    with LocalKafka(tmp_path) as next_run:
        assert next_run.pid != orphan
        assert topics(next_run) == {"kept"}
        assert not broker.running


def test_a_reset_is_another_cluster(broker: LocalKafka) -> None:
    create(broker, "gone")
    broker.reset()
    broker.start()
    assert topics(broker) == set()


def test_a_taken_port_gets_a_clear_message(broker: LocalKafka, tmp_path: Path) -> None:
    port = int(broker.bootstrap_servers.rpartition(":")[2])
    broker.stop()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match=f"127.0.0.1:{port}"):
        broker.start()


def test_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "java_version", lambda: 11)
    assert jars.missing() == "Java is 11, Kafka needs 17"
    monkeypatch.setattr(jars, "java_version", lambda: None)
    assert jars.missing() == "there is no `java`"
