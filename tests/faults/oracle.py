"""oracle: is everything there, once, in order, and in every view? Asked after every fault; only it passes verdicts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from kafka import KafkaConsumer, TopicPartition
from psycopg import Connection, sql

from aggregates.envelope import Stored, recorded
from aggregates.sla.agenda import agenda
from aggregates.sla.catalogue import Catalogue
from aggregates.sla.clocks import clocks
from aggregates.ticket.events import SlaBreached, SlaMet, SlaWarned
from chronodesk.processes import VIEWS
from commands.database import connect
from commands.log import read_after, read_head
from consumers.builds import build_position, create_build, live_build, packaged_ddl
from consumers.messages import read_record
from consumers.partition import PARTITIONS
from consumers.runner import apply
from consumers.store_feed import StoreFeed
from projections.registry import PROJECTIONS
from tests.faults.desk import Desk

BROKEN_LINKS: LiteralString = """
SELECT count(*) FROM (
    SELECT hash, store.chain(lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER log, notification_id,
           originator_id, originator_version, topic, recorded_at, state) AS expected
      FROM store.events WINDOW log AS (ORDER BY notification_id)) AS e
 WHERE hash <> expected
"""
TABLES: LiteralString = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
CHECKSUM: LiteralString = "SELECT count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} AS t"


def verify(desk: Desk, acknowledged: Iterable[UUID] = ()) -> None:
    """Raises AssertionError naming what is wrong. The desk is level when it is asked."""
    with connect(desk.database.app_url, name="oracle", statement_timeout="60s") as connection:
        log = read_after(connection, 0, 10_000_000)
        every_command_is_in_the_log_once(log, acknowledged)
        versions_have_no_gaps(log)
        what_fell_due_is_noted_once(log)
        assert connection.execute(BROKEN_LINKS).fetchone() == (0,)
        kafka_holds_every_event_in_order(desk, log)
        for view in VIEWS:
            a_fresh_rebuild_equals_the_live_view(desk, connection, view)


def every_command_is_in_the_log_once(log: list[Stored], acknowledged: Iterable[UUID]) -> None:
    """A command's events stand together: a second run of positions would be a second success."""
    runs: Counter[UUID] = Counter()
    before = None
    for event in log:
        command = recorded(event).envelope.command_id
        runs[command] += command != before
        before = command
    assert [command for command, times in runs.items() if times > 1] == []
    assert [command for command in acknowledged if runs[command] != 1] == []


def versions_have_no_gaps(log: list[Stored]) -> None:
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    seen: defaultdict[UUID, int] = defaultdict(int)
    for event in log:
        seen[event.stream] += 1
        assert event.version == seen[event.stream]


def what_fell_due_is_noted_once(log: list[Stored]) -> None:
    """Whatever was killed meanwhile: the stream says of each promise what the fold of its own facts says."""
    book, histories = Catalogue(), defaultdict(list)
    for stored in log:
        if stored.type.startswith("ticket."):
            histories[stored.stream].append(recorded(stored))
        elif stored.stream in dict(book.streams):
            book.learn(recorded(stored))
    asked_at = log[-1].recorded_at
    for history in histories.values():
        assert [item for item in agenda(clocks(history, book)) if item.at < asked_at] == []
        noted = Counter(event.fact for event in history if isinstance(event.fact, SlaBreached | SlaMet | SlaWarned))
        assert [fact for fact, times in noted.items() if times > 1] == []


def kafka_holds_every_event_in_order(desk: Desk, log: list[Stored]) -> None:
    first: dict[UUID, list[int]] = defaultdict(list)
    states: dict[tuple[UUID, int], bytes] = {}
    for event in _topic(desk):
        if (event.stream, event.version) not in states:
            states[event.stream, event.version] = event.state
            first[event.stream].append(event.version)
    assert {(event.stream, event.version): event.state for event in log} == states
    assert [stream for stream, versions in first.items() if versions != sorted(versions)] == []


def _topic(desk: Desk) -> Iterable[Stored]:
    partitions = [TopicPartition(desk.topic, partition) for partition in range(PARTITIONS)]
    with closing(KafkaConsumer(bootstrap_servers=desk.kafka.bootstrap_servers, enable_auto_commit=False)) as consumer:
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                yield from (found for record in records if isinstance(found := read_record(record)[0], Stored))


def a_fresh_rebuild_equals_the_live_view(desk: Desk, connection: Connection[Any], view: str) -> None:
    projection = PROJECTIONS[view]
    with connection.transaction():
        fresh = create_build(connection, projection, packaged_ddl(projection))
    with closing(StoreFeed(desk.database.app_url, fresh.schema)) as feed:
        while build_position(connection, fresh.schema) < read_head(connection).position:
            apply(connection, fresh, projection, feed.poll(0.1))
    live = live_build(connection, view)
    assert live is not None
    assert checksums(connection, live.schema) == checksums(connection, fresh.schema)
    assert connection.execute("SELECT count(*) FROM consumers.parked").fetchone() == (0,)
    forget(desk, fresh.schema)


def forget(desk: Desk, schema: str) -> None:
    """A build that only the oracle needed."""
    with psycopg.connect(desk.database.superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
        connection.execute("DELETE FROM consumers.builds WHERE schema = %s", (schema,))


def checksums(connection: Connection[Any], schema: str) -> dict[str, Any]:
    """Rows and a digest of each table."""
    tables = [row[0] for row in connection.execute(TABLES, (schema,)).fetchall()]
    return {
        table: connection.execute(sql.SQL(CHECKSUM).format(sql.Identifier(schema, table))).fetchone()
        for table in tables
    }
