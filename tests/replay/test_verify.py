"""The oracle of a running desk finds what is wrong, wherever it is, and says nothing where all is well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from kafka import KafkaProducer, TopicPartition
from psycopg import sql

from commands.database import connect
from commands.log import read_after
from consumers.loop import Source
from consumers.messages import event_headers, source_of
from consumers.partition import partition_of
from consumers.topics import admin_client
from projections.registry import PROJECTIONS
from replay.rebuild.crew import Crew, crew
from replay.rebuild.fill import wanted
from replay.verify.check import Check
from replay.verify.commands import check_commands
from replay.verify.kafka import check_kafka
from replay.verify.verify import Heads, check_view, verify
from tests.consumers.facts import append, append_raw, note, open_tickets
from tests.consumers.rig import Rig
from tests.databases import Database
from tests.replay.rebuilding import all_go_on, go_on, grow, live, quiet, schemas

UNLOCKED: LiteralString = "SET session_replication_role = replica"


@pytest.fixture(scope="module")
def many() -> Iterator[Crew]:
    with crew(1) as workers:
        yield workers


@pytest.fixture
def desk(database: Database) -> Iterator[Rig]:
    with closing(connect(database.app_url, name="test")) as connection:
        yield Rig(connection, Source(database.app_url, None, "unused"))


def checks(desk: Rig, many: Crew, *views: str) -> dict[str, Check]:
    wishes = [wanted(desk.source.url, PROJECTIONS[view]) for view in views]
    return {check.name: check for check in verify(desk.source, Heads(), wishes, many, lambda _: quiet)}


def tamper(database: Database, statement: LiteralString) -> None:
    """As whoever owns the machine: past every trigger and grant."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute(UNLOCKED)
        connection.execute(statement)


def test_where_all_is_well_each_check_says_how_much_it_saw(desk: Rig, many: Crew) -> None:
    grow(desk.connection, 30, seed=2)
    all_go_on(desk.source.url, desk.connection)
    before = schemas(desk.connection)
    found = checks(desk, many, *PROJECTIONS)
    assert {name: check.fault for name, check in found.items()} == dict.fromkeys(["chain", "commands", *PROJECTIONS])
    assert (found["chain"].count, found["commands"].count) == (len(desk.log()), 30)
    assert all(check.count for check in found.values())
    assert schemas(desk.connection) == before, "what it built is gone"


@pytest.mark.parametrize(
    ("done", "says"),
    [
        ("DELETE FROM store.commands WHERE first_position = 4", "position 4 was written by no command"),
        ("DELETE FROM store.commands WHERE last_position = 9", "position 7 was written by no command"),
        ("UPDATE store.commands SET command_id = gen_random_uuid()", "position 1 does not name"),
        ("UPDATE store.commands SET last_position = 4 WHERE first_position = 1", "position 4 does not name"),
        ("UPDATE store.commands SET first_position = 3 WHERE first_position = 4", "but 3 is another command's"),
        ("DELETE FROM store.events WHERE notification_id = 8", "wrote position 8, which is not in the log"),
        ("UPDATE store.events SET state = 'nonsense' WHERE notification_id = 2", "position 2 does not name"),
    ],
)
def test_a_command_that_is_not_in_the_log_once_is_found(
    desk: Rig, database: Database, done: LiteralString, says: str
) -> None:
    open_tickets(desk.connection, 3)
    assert check_commands(desk.connection, quiet).fault is None
    tamper(database, done)
    assert says in (check_commands(desk.connection, quiet).fault or "")


def test_a_view_that_differs_from_a_fresh_build_is_named(desk: Rig, many: Crew) -> None:
    open_tickets(desk.connection, 5)
    build = go_on(desk.source.url, desk.connection, PROJECTIONS["tickets"])
    messages = sql.Identifier(build.schema, "messages")
    desk.connection.execute(sql.SQL("UPDATE {} SET audience = 'public' WHERE version = 2").format(messages))
    fault = checks(desk, many, "tickets")["tickets"].fault or ""
    assert fault.startswith("5 rows differ from a fresh build, the first: messages ")
    assert fault.endswith(" both audience")


def test_a_view_with_parked_tickets_or_of_another_version_or_not_yet_built_is_no_success(desk: Rig, many: Crew) -> None:
    stream, _ = open_tickets(desk.connection, 2)
    wish = wanted(desk.source.url, PROJECTIONS["tickets"])
    assert "not built yet" in (check_view(wish, many, quiet).fault or "")
    append_raw(desk.connection, stream, 3, "ticket.from_the_future.v9", b"{}")
    go_on(desk.source.url, desk.connection, PROJECTIONS["tickets"])
    assert check_view(wish, many, quiet).fault == "1 tickets are parked"
    desk.connection.execute("UPDATE consumers.builds SET version = 99")
    assert "live in version 99" in (check_view(wish, many, quiet).fault or "")


@pytest.mark.kafka
class TestKafka:
    def check(self, desk: Rig) -> Check:
        assert desk.source.bootstrap is not None
        return check_kafka(desk.connection, desk.source.bootstrap, desk.source.topic, quiet)

    def send(self, desk: Rig, *events: Any, **changed: Any) -> None:
        """Past the relay."""
        source = source_of(uuid4())
        producer = KafkaProducer(bootstrap_servers=desk.source.bootstrap)
        for event in events:
            record = {"value": event.state, "key": str(event.stream).encode()} | changed
            partition, headers = partition_of(event.stream), event_headers(event, source)
            producer.send(desk.source.topic, partition=partition, headers=headers, **record)
        producer.flush()
        producer.close()

    def cursor(self, desk: Rig, position: int) -> None:
        desk.connection.execute("UPDATE consumers.relay SET position = %s", (position,))

    def test_all_that_was_relayed_is_there_repeats_and_all(self, kafka_rig: Rig) -> None:
        open_tickets(kafka_rig.connection, 50)
        kafka_rig.publish()
        kafka_rig.new_publisher(cursor=20)
        kafka_rig.publish()
        assert self.check(kafka_rig) == Check(
            "kafka", 150, f"events in {kafka_rig.source.topic}, first copies in order"
        )

    def test_what_the_topic_lost_to_retention_is_not_asked_for(self, kafka_rig: Rig) -> None:
        open_tickets(kafka_rig.connection, 20)
        kafka_rig.publish()
        (first, *_) = read_after(kafka_rig.connection, 0, 100)
        partition = TopicPartition(kafka_rig.source.topic, partition_of(first.stream))
        with admin_client(str(kafka_rig.source.bootstrap)) as admin:
            admin.delete_records({partition: 1})
        assert (self.check(kafka_rig).fault, self.check(kafka_rig).count) == (None, 59)

    def test_an_event_that_is_not_there_is_named(self, kafka_rig: Rig) -> None:
        open_tickets(kafka_rig.connection, 2)
        kafka_rig.publish()
        stream = kafka_rig.log()[0].stream
        append(kafka_rig.connection, (stream, 3, [note("lost"), note("there")]))
        self.send(kafka_rig, kafka_rig.log()[7])
        self.cursor(kafka_rig, 8)
        fault = self.check(kafka_rig).fault or ""
        assert "position 7 is missing" in fault
        assert fault.endswith("comes position 8")

    def test_an_event_that_is_another_one_there_is_named(self, kafka_rig: Rig) -> None:
        open_tickets(kafka_rig.connection, 1)
        kafka_rig.publish()
        append(kafka_rig.connection, (kafka_rig.log()[0].stream, 3, [note("here")]))
        self.send(kafka_rig, kafka_rig.log()[3], value=b"{}")
        self.cursor(kafka_rig, 4)
        assert "position 4 is another event" in (self.check(kafka_rig).fault or "")


def test_ops_get_a_line_a_check_and_an_exit_code(desk: Rig) -> None:
    open_tickets(desk.connection, 3)
    go_on(desk.source.url, desk.connection, PROJECTIONS["queues"])
    counts = sql.Identifier(live(desk.connection, "queues").schema, "queue_counts")
    desk.connection.execute(sql.SQL("DELETE FROM {}").format(counts))
    bad = chronodesk(desk, "verify", "queues")
    assert (bad.returncode, [line.split()[:2] for line in bad.stdout.splitlines()]) == (
        1,
        [["chain", "ok"], ["commands", "ok"], ["queues", "FAULT"]],
    )
    refused = chronodesk(desk, "rebuild", "queues")
    assert refused.returncode == 1
    assert "queue_counts" in refused.stdout
    assert "not swapped" in refused.stderr
    done = chronodesk(desk, "rebuild", "queues", "--accept-differences", "--json")
    assert (done.returncode, json.loads(done.stdout)["differences"]["count"] > 0) == (0, True)


def chronodesk(desk: Rig, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"CHRONODESK_DATABASE_URL": desk.source.url, "CHRONODESK_TRANSPORT": "store"}
    command = [sys.executable, "-m", "chronodesk", "replay", *arguments, "--workers", "1"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
