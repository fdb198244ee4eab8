"""The append function: gapless positions, one outcome a command, all or nothing."""

from __future__ import annotations

import hashlib
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from aggregates.envelope import Stored
from commands.append import Append, Write, append_blocking
from commands.database import connect
from commands.log import read_after, read_head, read_streams
from tests.commands.samples import an_append, notes
from tests.databases import Database

Db = psycopg.Connection[Any]


@pytest.fixture
def db(database: Database) -> Iterator[Db]:
    with connect(database.app_url, name="test") as connection:
        yield connection


def kinds(db: Db, *commands: Append) -> list[str]:
    return [outcome.kind for outcome in append_blocking(db, commands)]


def test_events_get_the_next_positions_and_versions(db: Db) -> None:
    stream = uuid4()
    first, second = append_blocking(
        db, [an_append(Write(stream, 0, notes(2))), an_append(Write(stream, 2, notes(1)), Write(uuid4(), 0, notes(3)))]
    )
    assert (first.first_position, first.last_position) == (1, 2)
    assert (second.first_position, second.last_position) == (3, 6)
    assert [event.version for event in read_streams(db, [(stream, 0)])] == [1, 2, 3]
    assert [event.position for event in read_after(db, 0, 10)] == [1, 2, 3, 4, 5, 6]


def test_a_stale_command_fails_alone(db: Db) -> None:
    ours, theirs = uuid4(), uuid4()
    good = an_append(Write(ours, 0, notes()))
    stale = an_append(Write(theirs, 7, notes()), Write(uuid4(), 0, notes()))
    after = an_append(Write(ours, 1, notes()))
    assert kinds(db, good, stale, after) == ["accepted", "conflict", "accepted"]
    assert {event.stream for event in read_after(db, 0, 10)} == {ours}
    assert read_head(db).position == 2


def test_a_command_behind_a_failed_one_on_the_same_stream_is_judged_by_what_is_there(db: Db) -> None:
    stream = uuid4()
    assert kinds(db, an_append(Write(stream, 5, notes())), an_append(Write(stream, 6, notes()))) == ["conflict"] * 2
    assert kinds(db, an_append(Write(stream, 5, notes())), an_append(Write(stream, 0, notes()))) == [
        "conflict",
        "accepted",
    ]


def test_a_retry_finds_its_own_success(db: Db) -> None:
    command = an_append(Write(uuid4(), 0, notes(2)))
    (first,) = append_blocking(db, [command])
    (again,) = append_blocking(db, [command])
    assert (again.kind, again.first_position, again.last_position) == ("duplicate", 1, 2)
    assert (first.first_position, first.last_position) == (1, 2)
    assert read_head(db).position == 2


def test_the_same_command_twice_in_one_call_is_written_once(db: Db) -> None:
    command = an_append(Write(uuid4(), 0, notes()))
    assert kinds(db, command, command) == ["accepted", "duplicate"]


@pytest.mark.parametrize("other", [{"request": b"another"}, {"caller": "bob"}])
def test_the_same_id_with_another_request_is_refused(db: Db, other: dict[str, Any]) -> None:
    id = uuid4()
    append_blocking(db, [an_append(Write(uuid4(), 0, notes()), command=id)])
    assert kinds(db, an_append(Write(uuid4(), 0, notes()), command=id, **other)) == ["reused"]


def test_a_decision_on_configuration_that_moved_is_refused(db: Db) -> None:
    team = uuid4()
    append_blocking(db, [an_append(Write(team, 0, notes(2)))])
    stale = Append(uuid4(), "ada", b"", (Write(uuid4(), 0, notes()),), reads=((team, 1),))
    fresh = Append(uuid4(), "ada", b"", (Write(uuid4(), 0, notes()),), reads=((team, 2),))
    assert kinds(db, stale, fresh) == ["stale_read", "accepted"]


def test_configuration_written_in_the_same_call_makes_later_readers_stale(db: Db) -> None:
    team = uuid4()
    append_blocking(db, [an_append(Write(team, 0, notes()))])
    reader = Append(uuid4(), "ada", b"", (Write(uuid4(), 0, notes()),), reads=((team, 1),))
    assert kinds(db, an_append(Write(team, 1, notes())), reader) == ["accepted", "stale_read"]


def test_a_name_belongs_to_one_stream(db: Db) -> None:
    ours, theirs = uuid4(), uuid4()

    def named(stream: UUID, expected: int = 0) -> Append:
        return Append(
            uuid4(), "ada", b"", (Write(stream, expected, notes()),), reserve=(("ticket.number", b"7", stream),)
        )

    assert kinds(db, named(ours), named(theirs)) == ["accepted", "reserved"]
    assert kinds(db, named(theirs)) == ["reserved"]
    assert kinds(db, named(ours, 1)) == ["accepted"]
    assert read_streams(db, [(theirs, 0)]) == []


def test_positions_stay_gapless_and_in_commit_order_under_concurrent_writers(db: Db, database: Database) -> None:
    seen: list[int] = []
    done = threading.Event()

    def write(_: int) -> None:
        with connect(database.app_url, name="writer") as connection:
            for _ in range(40):
                append_blocking(connection, [an_append(Write(uuid4(), 0, notes(2)))])

    def tail() -> None:
        with connect(database.app_url, name="tail") as connection:
            while not done.is_set() or len(seen) < read_head(connection).position:
                seen.extend(event.position for event in read_after(connection, len(seen), 500))

    tailing = threading.Thread(target=tail)
    tailing.start()
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(write, range(8)))
    done.set()
    tailing.join()
    assert seen == list(range(1, 8 * 40 * 2 + 1))
    times = db.execute("SELECT recorded_at FROM store.events ORDER BY notification_id").fetchall()
    assert times == sorted(times)


def test_one_of_many_writers_wins_each_version(db: Db, database: Database) -> None:
    stream = uuid4()

    def write(_: int) -> str:
        with connect(database.app_url, name="writer") as connection:
            return append_blocking(connection, [an_append(Write(stream, 0, notes()))])[0].kind

    with ThreadPoolExecutor(10) as writers:
        outcomes = list(writers.map(write, range(50)))
    assert sorted(outcomes) == ["accepted"] + ["conflict"] * 49


def test_a_writer_that_cannot_have_the_lock_gives_up_in_time(db: Db, database: Database) -> None:
    with psycopg.connect(database.superuser_url) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(4242, 1)")
        db.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            append_blocking(db, [an_append(Write(uuid4(), 0, notes()))])
    assert kinds(db, an_append(Write(uuid4(), 0, notes()))) == ["accepted"]


def link(prev: bytes, event: Stored) -> bytes:
    """The chain's formula again, from the written-down format and not from the SQL."""
    epoch = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
    microseconds = (event.recorded_at - epoch) // timedelta(microseconds=1)
    kind = event.type.encode()
    return hashlib.sha256(
        prev
        + struct.pack(">q", event.position)
        + event.stream.bytes
        + struct.pack(">qi", event.version, len(kind))
        + kind
        + struct.pack(">q", microseconds)
        + event.state
    ).digest()


def test_the_hash_chain_covers_every_event(db: Db) -> None:
    append_blocking(db, [an_append(Write(uuid4(), 0, notes(3))), an_append(Write(uuid4(), 0, notes(2)))])
    append_blocking(db, [an_append(Write(uuid4(), 9, notes())), an_append(Write(uuid4(), 0, notes(2)))])
    hashes = [row[0] for row in db.execute("SELECT hash FROM store.events ORDER BY notification_id")]
    expected, prev = [], bytes(32)
    for event in read_after(db, 0, 100):
        prev = link(prev, event)
        expected.append(prev)
    assert len(hashes) == 7
    assert hashes == expected
    assert db.execute("SELECT hash FROM store.head").fetchone() == (prev,)


GOLDEN = (
    # prev, position, stream, version, type, recorded_at, state, hash
    (
        "00" * 32,
        1,
        "6f1d7a52-5a53-4a0b-8a44-5f5a37f6a7ce",
        1,
        "ticket.opened.v1",
        "2026-11-22T15:00:00.000001+00:00",
        b'{"fact":{}}',
        "abd2b3b1b35e6a16d3c0366225f3b398e19ac8fdb28d62e6d0acc189f15c4b79",
    ),
    (
        "ab" * 32,
        2**40,
        "00000000-0000-0000-0000-000000000000",
        123_456,
        "тикет.открыт.v1",
        "1999-12-31T23:59:59.999999+05:45",
        "снег ❄ 雪".encode(),
        "94a9aaa10a74840ce6182d2938ba5b163243925e631beeda0e93b67333351e91",
    ),
)


@pytest.mark.parametrize("vector", GOLDEN)
@pytest.mark.parametrize("session", ["UTC", "Asia/Kathmandu"])
def test_golden_vectors_of_the_chain(db: Db, vector: tuple[Any, ...], session: str) -> None:
    prev, position, stream, version, type, at, state, expected = vector
    db.execute("SELECT set_config('timezone', %s, false)", (session,))
    db.execute("SET bytea_output = escape")
    recorded_at = datetime.fromisoformat(at)
    row = db.execute(
        "SELECT store.chain(%b, %b::bigint, %b, %b::bigint, %s::text, %s::timestamptz, %b)",
        (bytes.fromhex(prev), position, UUID(stream), version, type, recorded_at, state),
        binary=True,
    ).fetchone()
    assert row is not None
    assert row[0].hex() == expected
    assert row[0] == link(bytes.fromhex(prev), Stored(position, UUID(stream), version, type, recorded_at, state))
