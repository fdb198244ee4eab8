"""Whatever happens to the topic, the views are what the store says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from commands.log import read_head
from consumers.faults import OtherLog, StoreBehind
from consumers.kafka_feed import STARVED_SECONDS, KafkaFeed
from consumers.relay import Relay
from tests.consumers.facts import append, note, open_tickets
from tests.consumers.rig import Rig, await_true, running, stopping_soon
from tests.consumers.topic import Forger, forget_before_now, lose

pytestmark = pytest.mark.kafka


@pytest.fixture
def forger(kafka_rig: Rig) -> Iterator[Forger]:
    with closing(Forger(kafka_rig.source, read_head(kafka_rig.connection).log_id)) as forger:
        yield forger


def test_the_same_events_in_the_topic_many_times_and_out_of_order(kafka_rig: Rig, forger: Forger) -> None:
    open_tickets(kafka_rig.connection, 10, notes=3)
    kafka_rig.publish()
    for event in [*kafka_rig.log(), *reversed(kafka_rig.log())]:
        forger.event(event)
    applied = kafka_rig.drain()
    assert kafka_rig.rows() == kafka_rig.expected()
    assert sum(batch.applied for batch in applied) == 40


def test_nothing_is_read_from_the_store_while_kafka_has_it_all(kafka_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    open_tickets(kafka_rig.connection, 5)
    kafka_rig.drain()
    append(kafka_rig.connection, (next(iter(kafka_rig.rows())), 3, [note("n3")]))
    monkeypatch.setattr(KafkaFeed, "_catch_up", _forbidden)
    kafka_rig.drain()
    assert kafka_rig.rows() == kafka_rig.expected()


def _forbidden(*_: object) -> None:
    raise AssertionError("read from the store")


def test_retention_passed_while_nobody_consumed(kafka_rig: Rig) -> None:
    streams = open_tickets(kafka_rig.connection, 20)
    kafka_rig.drain()
    append(kafka_rig.connection, *((s, 3, [note("n3")]) for s in streams))
    kafka_rig.publish()
    forget_before_now(kafka_rig.source)
    append(kafka_rig.connection, *((s, 4, [note("n4")]) for s in streams[:5]))
    kafka_rig.drain()
    assert kafka_rig.rows() == kafka_rig.expected()


@pytest.mark.parametrize("offset", [10_000, None])
def test_an_offset_that_kafka_does_not_have(kafka_rig: Rig, offset: int | None) -> None:
    open_tickets(kafka_rig.connection, 20)
    kafka_rig.drain()
    open_tickets(kafka_rig.connection, 20)
    kafka_rig.connection.execute("UPDATE consumers.checkpoints SET kafka_offset = %s", (offset,))
    kafka_rig.drain()
    assert kafka_rig.rows() == kafka_rig.expected()


def test_a_lost_topic_while_nobody_consumed(kafka_rig: Rig) -> None:
    """The old offset is a valid one in the new topic, too: only the topic's id tells."""
    streams = open_tickets(kafka_rig.connection, 30)
    kafka_rig.drain()
    append(kafka_rig.connection, *((s, 3, [note("n3")]) for s in streams))
    lose(kafka_rig.source)
    cursor = read_head(kafka_rig.connection).position
    assert kafka_rig.publisher
    kafka_rig.publisher.close()
    kafka_rig.new_publisher(cursor)
    for round_ in range(8):
        append(kafka_rig.connection, *((s, 4 + round_, [note(f"m{round_}")]) for s in streams[:15]))
        kafka_rig.publish()
    kafka_rig.drain()
    assert kafka_rig.rows() == kafka_rig.expected()


def test_a_lost_topic_under_way_needs_nobody(kafka_rig: Rig) -> None:
    source = kafka_rig.source
    assert source.bootstrap
    relay = Relay(source.url, source.bootstrap, source.topic)
    with running(relay=relay.run, view=kafka_rig.consuming()):
        streams = open_tickets(kafka_rig.connection, 20)
        kafka_rig.await_level()
        lose(source)
        append(kafka_rig.connection, *((s, 3, [note("n3")]) for s in streams))
        kafka_rig.await_level()
    assert kafka_rig.rows() == kafka_rig.expected()


def test_a_hole_between_two_watermarks_is_filled_from_the_store(kafka_rig: Rig, forger: Forger) -> None:
    """Nothing else would ever tell that a ticket's last event is missing."""
    streams = open_tickets(kafka_rig.connection, 10)
    kafka_rig.drain()
    lost = append(kafka_rig.connection, *((s, 3, [note("n3")]) for s in streams))
    assert kafka_rig.publisher
    kafka_rig.publisher.close()
    kafka_rig.new_publisher(lost)
    append(kafka_rig.connection, (streams[0], 4, [note("n4")]))
    kafka_rig.drain()
    assert kafka_rig.rows() == kafka_rig.expected()


def test_a_record_that_is_not_ours_is_passed_over(kafka_rig: Rig, forger: Forger) -> None:
    open_tickets(kafka_rig.connection, 5)
    kafka_rig.drain()
    forger.garbage(3)
    open_tickets(kafka_rig.connection, 20)
    kafka_rig.drain()
    assert kafka_rig.rows() == kafka_rig.expected()


def test_a_store_behind_kafka_is_refused(kafka_rig: Rig, forger: Forger) -> None:
    open_tickets(kafka_rig.connection, 1)
    kafka_rig.drain()
    forger.marks(3, 1_000)
    with pytest.raises(StoreBehind, match="reaches to position 1000, this store only to 3"):
        kafka_rig.consuming()(stopping_soon())
    assert kafka_rig.positions() == {3}


def test_another_stores_topic_is_refused(kafka_rig: Rig) -> None:
    open_tickets(kafka_rig.connection, 1)
    kafka_rig.drain()
    with closing(Forger(kafka_rig.source, uuid4())) as stranger:
        stranger.marks(3, 3)
    with pytest.raises(OtherLog):
        kafka_rig.consuming()(stopping_soon())


def test_two_workers_share_the_partitions_and_survive_each_other(kafka_rig: Rig) -> None:
    streams = open_tickets(kafka_rig.connection, 50)
    kafka_rig.publish()
    with running(first=kafka_rig.consuming()):
        kafka_rig.await_level()
        with running(second=kafka_rig.consuming()):
            for n in range(5):
                append(kafka_rig.connection, *((s, 3 + n, [note(f"m{n}")]) for s in streams))
                kafka_rig.publish()
            kafka_rig.await_level()
        append(kafka_rig.connection, *((s, 8, [note("last")]) for s in streams))
        kafka_rig.publish()
        kafka_rig.await_level()
    assert kafka_rig.rows() == kafka_rig.expected()


def test_a_poll_that_gives_up_early_does_not_lose_the_partitions(kafka_rig: Rig) -> None:
    """kafka-python forgets them if its time is up while it joins the group."""
    open_tickets(kafka_rig.connection, 5)
    kafka_rig.publish()
    for _ in range(5):
        with closing(kafka_rig.source.feed(kafka_rig.build().schema)) as feed:
            deadline = time.monotonic() + STARVED_SECONDS / 2
            while not feed.poll(0.001):
                # Long enough for the group to answer while nobody polls.
                time.sleep(0.1)
                assert time.monotonic() < deadline, "no partitions"


def test_from_the_store_to_kafka_and_back(kafka_rig: Rig) -> None:
    kafka, store = kafka_rig.source, type(kafka_rig.source)(kafka_rig.source.url, None, "unused")
    for source in (store, kafka, store, kafka):
        kafka_rig.source = source
        open_tickets(kafka_rig.connection, 10)
        kafka_rig.drain()
        await_true(kafka_rig.level, "not level")
    assert kafka_rig.rows() == kafka_rig.expected()
