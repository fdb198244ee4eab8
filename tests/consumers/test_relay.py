"""The relay loses nothing and keeps each ticket's order, whatever happens to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg
import pytest
from kafka.errors import KafkaTimeoutError

from chronodesk.local.kafka import LocalKafka
from chronodesk.local.postgres import EmbeddedPostgres
from commands.log import read_head
from consumers import relay as relay_module
from consumers.faults import OtherLog, StoreBehind
from consumers.loop import Source
from consumers.messages import Mark
from consumers.relay import CursorMoved, Relay
from consumers.relay_reset import BeyondLog, reset
from tests.consumers.facts import append, note, open_tickets
from tests.consumers.rig import Rig, await_true, running, stopping_soon
from tests.consumers.topic import Forger, all_of, first_copies

pytestmark = pytest.mark.kafka
END_SESSIONS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = %s"


@pytest.fixture
def relay(kafka_rig: Rig) -> Relay:
    source = kafka_rig.source
    assert source.bootstrap
    return Relay(source.url, source.bootstrap, source.topic)


def relayed(rig: Rig) -> bool:
    cursor = rig.connection.execute("SELECT position FROM consumers.relay").fetchone()
    return cursor is not None and cursor[0] == read_head(rig.connection).position


def await_relayed(rig: Rig) -> None:
    await_true(lambda: relayed(rig), "the relay does not get level with the log")


def test_every_event_is_in_the_topic_in_order_and_verbatim(kafka_rig: Rig, relay: Relay) -> None:
    with running(relay=relay.run):
        streams = open_tickets(kafka_rig.connection, 300, notes=4)
        append(kafka_rig.connection, *((s, 5, [note("n5")]) for s in streams))
        await_relayed(kafka_rig)
    found = all_of(kafka_rig.source)
    events = [event for partition in found for event in partition if not isinstance(event, Mark)]
    assert sorted(events, key=lambda e: e.position) == kafka_rig.log()
    assert all(versions == [1, 2, 3, 4, 5, 6] for versions in first_copies(found).values())


def test_every_partition_ends_with_the_same_watermark_and_none_lies(kafka_rig: Rig, relay: Relay) -> None:
    with running(relay=relay.run):
        for _ in range(5):
            open_tickets(kafka_rig.connection, 20)
            await_relayed(kafka_rig)
    for partition in all_of(kafka_rig.source):
        assert isinstance(partition[-1], Mark)
        assert partition[-1].upto == 300
        for place, mark in enumerate(partition):
            if isinstance(mark, Mark):
                assert not any(e.position <= mark.upto for e in partition[place:] if not isinstance(e, Mark))


class Unreliable:
    """A producer some of whose records fail although they may have arrived, as after a broken connection."""

    def __init__(self, producer: Any, fail_at: int) -> None:
        self._producer, self._left = producer, fail_at

    def send(self, *arguments: Any, **named: Any) -> Any:
        self._left -= 1
        sent = self._producer.send(*arguments, **named)
        return Failed() if self._left == 0 else sent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)


class Failed:
    def get(self, timeout: float) -> None:
        raise KafkaTimeoutError("expired in flight")


def test_after_a_failed_record_the_producer_is_replaced_and_nothing_lost(
    kafka_rig: Rig, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = relay_module.new_producer
    made: list[Unreliable] = []

    def unreliable(bootstrap: str) -> Any:
        made.append(Unreliable(honest(bootstrap), fail_at=700 if len(made) < 2 else 0))
        return made[-1]

    monkeypatch.setattr(relay_module, "new_producer", unreliable)
    open_tickets(kafka_rig.connection, 500, notes=2)
    with running(relay=relay.run):
        await_relayed(kafka_rig)
    assert len(made) == 3
    assert all(versions == [1, 2, 3] for versions in first_copies(all_of(kafka_rig.source)).values())
    assert sum(batch.duplicates for batch in kafka_rig.drain()) > 0
    assert kafka_rig.rows() == kafka_rig.expected()


def test_killed_between_the_brokers_answer_and_the_cursor(kafka_rig: Rig) -> None:
    open_tickets(kafka_rig.connection, 50)
    assert kafka_rig.new_publisher().publish() == 150
    kafka_rig.new_publisher()
    done = kafka_rig.drain()
    assert sum(batch.duplicates for batch in done) == 150
    assert kafka_rig.rows() == kafka_rig.expected()


def test_a_relay_whose_cursor_was_moved_by_another_stops(kafka_rig: Rig) -> None:
    open_tickets(kafka_rig.connection, 5)
    publisher = kafka_rig.new_publisher()
    publisher.publish()
    kafka_rig.connection.execute("UPDATE consumers.relay SET position = 7")
    with pytest.raises(CursorMoved):
        publisher.mark()


def test_of_two_relays_one_publishes(kafka_rig: Rig, relay: Relay) -> None:
    open_tickets(kafka_rig.connection, 100)
    with running(first=relay.run, second=relay.run):
        await_relayed(kafka_rig)
        open_tickets(kafka_rig.connection, 100)
        await_relayed(kafka_rig)
    events = [e for partition in all_of(kafka_rig.source) for e in partition if not isinstance(e, Mark)]
    assert len(events) == 600


@contextmanager
def relay_process(source: Source, tmp: Any) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {
        "CHRONODESK_DESK": source.topic.partition(".")[0],
        "CHRONODESK_DATABASE_URL": source.url,
        "CHRONODESK_KAFKA_BOOTSTRAP_SERVERS": str(source.bootstrap),
        "CHRONODESK_DATA_DIR": str(tmp),
    }
    command = [sys.executable, "-m", "chronodesk", "relay"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_when_the_active_relay_is_killed_another_takes_over(kafka_rig: Rig, relay: Relay, tmp_path: Any) -> None:
    with relay_process(kafka_rig.source, tmp_path) as active:
        open_tickets(kafka_rig.connection, 100)
        await_relayed(kafka_rig)
        with running(standby=relay.run):
            open_tickets(kafka_rig.connection, 500)
            active.send_signal(signal.SIGKILL)
            open_tickets(kafka_rig.connection, 100)
            await_relayed(kafka_rig)
    assert all(versions == [1, 2, 3] for versions in first_copies(all_of(kafka_rig.source)).values())
    kafka_rig.drain()
    assert kafka_rig.rows() == kafka_rig.expected()


def test_the_relay_process_refuses_a_store_behind_kafka_with_exit_code_3(kafka_rig: Rig, tmp_path: Any) -> None:
    open_tickets(kafka_rig.connection, 1)
    with closing(Forger(kafka_rig.source, read_head(kafka_rig.connection).log_id)) as forger:
        forger.marks(0, 1_000)
    with relay_process(kafka_rig.source, tmp_path) as process:
        assert process.wait(20) == 3
        assert process.stderr
        told = process.stderr.read().decode()
    assert "reaches to position 1000, this store only to 3" in told
    assert "Traceback" not in told


def test_a_topic_of_another_store_is_refused(kafka_rig: Rig, relay: Relay, database: Any) -> None:
    open_tickets(kafka_rig.connection, 1)
    with closing(Forger(kafka_rig.source, kafka_rig.log()[0].stream)) as stranger:
        stranger.marks(0, 1)
    with pytest.raises(OtherLog, match="relay reset --to 0 --discard-topic"):
        relay.run(stopping_soon())


def test_a_restored_store_that_went_on_before_the_relay_saw_it_is_refused(kafka_rig: Rig, relay: Relay) -> None:
    """Its positions reach beyond Kafka's again, but they are other events."""
    open_tickets(kafka_rig.connection, 3)
    lost, log = kafka_rig.log()[-1], read_head(kafka_rig.connection).log_id
    with closing(Forger(kafka_rig.source, log)) as forger:
        forger.event(type(lost)(4, lost.stream, 9, lost.type, lost.recorded_at, lost.state))
    with pytest.raises(StoreBehind, match="position 4 is another event"):
        relay.run(stopping_soon())


def test_relay_and_consumer_survive_restarts_of_postgres_and_kafka(
    kafka_rig: Rig, relay: Relay, postgres: EmbeddedPostgres, kafka: LocalKafka
) -> None:
    with running(relay=relay.run, view=kafka_rig.consuming()):
        open_tickets(kafka_rig.connection, 100)
        kafka_rig.await_level()
        kafka_rig.connection.execute(END_SESSIONS, ("chronodesk relay",))
        open_tickets(kafka_rig.connection, 1_000)
        postgres.restart("immediate")
        with psycopg.connect(kafka_rig.source.url, autocommit=True) as again:
            open_tickets(again, 1_000)
            kafka.restart()
            open_tickets(again, 500)
            kafka_rig.connection = again
            kafka_rig.await_level()
            assert kafka_rig.rows() == kafka_rig.expected()
            kafka_rig.publisher = None
    with suppress(psycopg.Error):
        kafka_rig.connection.close()


def test_a_relay_that_is_sent_back_publishes_again_what_lies_behind(kafka_rig: Rig, relay: Relay) -> None:
    """Idle or not: it notices by itself."""
    open_tickets(kafka_rig.connection, 20)
    with running(relay=relay.run, view=kafka_rig.consuming()):
        await_relayed(kafka_rig)
        kafka_rig.await_level()
        again = reset(kafka_rig.connection, kafka_rig.source.topic, 15)
        assert (again.before, again.again, again.skipped) == (60, 45, 0)
        await_relayed(kafka_rig)
    copies = [event.position for part in all_of(kafka_rig.source) for event in part if not isinstance(event, Mark)]
    assert sorted(copies) == sorted([*range(1, 61), *range(16, 61)])
    assert kafka_rig.rows() == kafka_rig.expected()


def test_a_topic_that_the_store_cannot_follow_is_given_up_on_demand(kafka_rig: Rig, relay: Relay) -> None:
    open_tickets(kafka_rig.connection, 10)
    with closing(Forger(kafka_rig.source, read_head(kafka_rig.connection).log_id)) as forger:
        forger.marks(0, 1_000)
    with pytest.raises(StoreBehind):
        relay.run(stopping_soon())
    reset(kafka_rig.connection, kafka_rig.source.topic, 0, kafka_rig.source.bootstrap)
    with running(relay=relay.run, view=kafka_rig.consuming()):
        await_relayed(kafka_rig)
        kafka_rig.await_level()
    assert len(first_copies(all_of(kafka_rig.source))) == 10
    assert kafka_rig.rows() == kafka_rig.expected()


def test_a_running_relay_follows_into_the_topic_that_is_made_anew(kafka_rig: Rig, relay: Relay) -> None:
    open_tickets(kafka_rig.connection, 10)
    with running(relay=relay.run):
        await_relayed(kafka_rig)
        reset(kafka_rig.connection, kafka_rig.source.topic, 0, kafka_rig.source.bootstrap)
        open_tickets(kafka_rig.connection, 5)
        await_relayed(kafka_rig)
    assert all(versions[0] == 1 for versions in first_copies(all_of(kafka_rig.source)).values())
    assert len(first_copies(all_of(kafka_rig.source))) == 15


def test_the_relay_is_not_sent_beyond_the_log(kafka_rig: Rig) -> None:
    with pytest.raises(BeyondLog, match="from 0 to 0"):
        reset(kafka_rig.connection, kafka_rig.source.topic, 1)
