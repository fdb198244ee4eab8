"""The small parts: partitions, records, what is told of an error, positions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection, Connection

from aggregates.envelope import Stored
from consumers.faults import described, is_content
from consumers.loop import Source, gathering
from consumers.messages import Mark, UnreadableRecord, event_headers, mark_headers, read_record, source_of
from consumers.partition import PARTITION_OF, PARTITIONS, partition_of
from consumers.positions import lag_report, view_positions, wait_for_views
from tests.consumers.facts import append, note, open_tickets
from tests.consumers.rig import Rig
from tests.databases import Database


@pytest.fixture
def connection(module_database: Database) -> Connection[object]:
    return psycopg.connect(module_database.app_url, autocommit=True)


def test_python_and_sql_agree_on_the_partition(connection: Connection[object]) -> None:
    edges = [UUID(int=0), UUID(int=2**128 - 1), UUID(int=2**127), UUID("7fffffff-0000-4000-8000-000000000000")]
    for stream in [*edges, *(uuid4() for _ in range(300))]:
        row: object = connection.execute(PARTITION_OF, {"stream": stream}).fetchone()
        assert row == (partition_of(stream),)
        assert partition_of(stream) == int.from_bytes(stream.bytes[:4]) % PARTITIONS
    connection.close()


def test_the_partition_of_a_stream_never_changes() -> None:
    assert partition_of(UUID("00000000-0000-4000-8000-000000000001")) == 0
    assert partition_of(UUID("f47ac10b-58cc-4372-a567-0e02b2c3d479")) == 0xF47AC10B % 12


@pytest.mark.parametrize(("took", "rest"), [(0.0, 0.04), (0.01, 0.04), (0.03, 0.09), (5.0, 0.2)])
def test_what_trickles_in_is_gathered_for_longer_where_batches_take_longer(took: float, rest: float) -> None:
    assert gathering(took) == pytest.approx(rest)


@dataclass
class Record:
    headers: list[tuple[str, bytes]]
    value: bytes | None = b"{}"
    key: bytes | None = None
    offset: int = 5


@dataclass
class Event:
    at: datetime
    source: bytes = field(default_factory=lambda: source_of(uuid4()))


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ],
)
def test_an_event_comes_back_from_kafka_as_it_was(at: datetime) -> None:
    event = Stored(2**40, uuid4(), 7, "ticket.opened.v1", at, b'{"fact": "\xc3\xa4"}')
    source = source_of(uuid4())
    headers = event_headers(event, source)
    assert read_record(Record(headers, event.state, str(event.stream).encode())) == (event, source)
    assert dict(headers)["ce_time"].endswith(b"+00:00")
    assert dict(headers)["ce_specversion"] == b"1.0"


def test_a_watermark_comes_back_as_it_was() -> None:
    source = source_of(uuid4())
    assert read_record(Record(mark_headers(Mark(3, 9), source), b"")) == (Mark(3, 9), source)


@pytest.mark.parametrize("lacking", ["ce_id", "ce_type", "ce_source", "ce_time", "ce_version"])
def test_a_damaged_record_is_told_as_such(lacking: str) -> None:
    event = Stored(1, uuid4(), 7, "ticket.opened.v1", datetime.now(UTC), b"{}")
    headers = [header for header in event_headers(event, b"urn:x") if header[0] != lacking]
    with pytest.raises(UnreadableRecord):
        read_record(Record(headers, b"{}", str(event.stream).encode()))
    with pytest.raises(UnreadableRecord):
        read_record(Record([(name, b"\xff") for name, _ in headers], None))


def test_a_record_without_a_key_is_nobodys_event() -> None:
    event = Stored(1, uuid4(), 7, "ticket.opened.v1", datetime.now(UTC), b"{}")
    headers = event_headers(event, b"urn:x")
    assert read_record(Record(headers, b"{}", str(event.stream).encode()))[0] == event
    with pytest.raises(UnreadableRecord):
        read_record(Record(headers, b"{}"))


def test_an_error_is_told_without_what_it_quotes(connection: Connection[object]) -> None:
    for broken, content in (("SELECT 'secret'::int", True), ("SELECT FROM nowhere_secret", False)):
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(broken)
        assert is_content(caught.value) is content
        assert "secret" not in described(caught.value)
    connection.close()


def test_lag_names_what_is_behind_and_what_is_not_there(database: Database) -> None:
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        rig = Rig(connection, Source(database.app_url, None, "unused"))
        (stream,) = open_tickets(connection, 1)
        rig.drain()
        append(connection, (stream, 3, [note("explode")]))
        tally, missing = lag_report(connection, ["tally", "nobody"]).views
        assert (tally.position, tally.head, tally.lag, tally.live, tally.parked) == (3, 4, 1, True, 0)
        assert (missing.build, missing.live, missing.lag) == (None, False, 4)
        assert not wait_for_views(connection, ["tally"], 0.2).caught_up
        rig.drain()
        report = wait_for_views(connection, ["tally"], 5)
        assert report.caught_up
        assert report.views[0].parked == 1
        assert not lag_report(connection, ["tally", "nobody"]).caught_up


def test_the_api_can_ask_for_positions(database: Database) -> None:
    async def ask() -> dict[str, int]:
        async with await AsyncConnection.connect(database.app_url) as connection:
            return await view_positions(connection, ["tally", "nobody"])

    with psycopg.connect(database.app_url, autocommit=True) as connection:
        open_tickets(connection, 2)
        Rig(connection, Source(database.app_url, None, "unused")).drain()
    assert asyncio.run(ask()) == {"tally": 6}
