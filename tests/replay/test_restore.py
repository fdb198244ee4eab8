"""test_restore: does a desk come back as it was, byte for byte, or not at all? And what do those who knew it see?"""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.customer import EnteredContact, RegisterCustomer
from aggregates.envelope import Actor
from aggregates.errors import ReusedKey, Taken
from aggregates.ticket.commands import OpenTicket
from chronodesk.local.postgres import EmbeddedPostgres
from commands.append import Write, append_blocking
from commands.database import connect
from consumers.builds import ensure_live
from consumers.runner import apply
from consumers.store_feed import StoreFeed
from projections.registry import PROJECTIONS
from replay.exports.lines import BrokenExport, link
from replay.exports.ndjson import CommandKey, EventLine, Header, Trailer
from replay.exports.restoring import NotEmpty
from replay.exports.scope import Asked
from replay.proof.chain import check_chain
from tests.commands.samples import a_context, an_append, notes
from tests.databases import Database, fresh_database
from tests.projections.histories import LENIENT, logs
from tests.replay.exported import (
    CASES,
    NOW,
    PRIVATE,
    PUBLIC,
    contents,
    exported,
    import_cases,
    live,
    process,
    put,
    restored,
)
from tests.replay.logs import event
from tests.replay.test_cli import command, environment

WITH_SECRET = {"CHRONODESK_SECRET": "s" * 32}
STILL_THERE: LiteralString = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chronodesk restore'
"""


@pytest.fixture(scope="module")
def lived(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> tuple[Database, list[UUID], Path]:
    """A desk, its two tickets and its customer, and the whole of it as a file."""
    folder = tmp_path_factory.mktemp("lived")
    things = asyncio.run(live(module_database))
    import_cases(module_database, folder)
    exported(module_database, folder / "desk.ndjson")
    return module_database, things, folder / "desk.ndjson"


def test_every_table_of_the_store_comes_back_as_it_was(
    lived: tuple[Database, list[UUID], Path], database: Database
) -> None:
    account = restored(database, lived[2])
    before, after = contents(lived[0]), contents(database)
    assert after == before
    assert (account.events, account.commands) == (len(before["events"]), len(before["commands"]))
    assert {namespace for namespace, _, _ in after["reservations"]} == {
        "ticket.number", "customer.email", "import.bpi2013",
    }  # fmt: skip


def test_the_restored_log_is_intact_and_says_that_it_was_restored(
    lived: tuple[Database, list[UUID], Path], database: Database
) -> None:
    restored(database, lived[2])
    with connect(database.app_url, name="test") as connection:
        assert check_chain(connection).faults == ()
        row = connection.execute("SELECT position, hash, release FROM store.restored").fetchone()
        head = connection.execute("SELECT position, hash FROM store.head").fetchone()
    assert head is not None
    assert row == (*head, "0.0.1")


def test_what_is_new_goes_on_behind_it(lived: tuple[Database, list[UUID], Path], database: Database) -> None:
    restored(database, lived[2])
    before = contents(database)

    async def work() -> None:
        async with process(database) as desk:
            done = await desk.tickets.open(OpenTicket(requester=lived[1][2], subject="new"), a_context())
            assert done.position > len(before["events"])
            opened: Any = done.facts[0]
            assert opened.number == before["numbers"][0][0] + 1

    asyncio.run(work())
    with connect(database.app_url, name="test") as connection:
        assert check_chain(connection).faults == ()


def test_a_retry_is_known_again_and_so_is_an_address(
    lived: tuple[Database, list[UUID], Path], database: Database
) -> None:
    restored(database, lived[2])
    before = contents(database)
    me = Actor(kind="agent", id=str(uuid4()))
    asks = OpenTicket(requester=lived[1][2], subject=PUBLIC)
    address = EnteredContact(kind="email", value=f"{PRIVATE}@example.ORG")

    async def work() -> None:
        async with process(database) as desk:
            again = await desk.tickets.open(asks, a_context(me, key="open"))
            assert (again.stream, len(again.facts)) == (lived[1][0], 3)
            with pytest.raises(ReusedKey):
                await desk.tickets.open(asks, a_context(me, key="open", request=b"another"))
            with pytest.raises(Taken):
                await desk.desk.customer(None, RegisterCustomer(name="Else", contacts=(address,)), a_context())

    asyncio.run(work())
    assert contents(database)["events"] == before["events"]


def test_an_import_goes_on_where_it_was(
    lived: tuple[Database, list[UUID], Path], database: Database, tmp_path: Path
) -> None:
    restored(database, lived[2])
    again = import_cases(database, tmp_path)
    assert (again.written, again.tickets["unchanged"]) == (0, 2)
    longer = import_cases(database, tmp_path, {**CASES, "c2": [*CASES["c2"], event("resolve", 9, who="Eve")]})
    assert (longer.tickets["unchanged"], longer.tickets["extended"]) == (1, 1)


def test_views_are_built_from_it_as_from_the_first(
    lived: tuple[Database, list[UUID], Path], database: Database
) -> None:
    restored(database, lived[2])
    seen: list[dict[str, list[str]]] = []
    for one in (lived[0], database):
        with psycopg.connect(one.owner_url, autocommit=True) as owner:
            owner.execute(psycopg.sql.SQL("GRANT CREATE ON DATABASE {} TO chronodesk_app").format(
                psycopg.sql.Identifier(one.name)))  # fmt: skip
        with connect(one.app_url, name="test") as connection:
            build = ensure_live(connection, PROJECTIONS["tickets"])
            feed = StoreFeed(one.app_url, build.schema)
            apply(connection, build, PROJECTIONS["tickets"], feed.poll(1.0))
            feed.close()
            seen.append(rows_of(connection, build.schema))
    assert seen[0] == seen[1]
    assert any(seen[0].values())


def rows_of(connection: psycopg.Connection[Any], schema: str) -> dict[str, list[str]]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
    names = [name for (name,) in connection.execute(query, [schema])]
    rows = psycopg.sql.SQL("SELECT t::text FROM {} t ORDER BY 1")
    return {
        name: [text for (text,) in connection.execute(rows.format(psycopg.sql.Identifier(schema, name)))]
        for name in names
    }


@settings(LENIENT, max_examples=8)
@given(log=logs(), data=st.data())
def test_any_log_comes_back_and_any_beginning_of_it(
    migrated: EmbeddedPostgres, tmp_path: Path, log: Any, data: Any
) -> None:
    upto = data.draw(st.integers(0, len(log)))
    with fresh_database(migrated) as first, fresh_database(migrated) as whole, fresh_database(migrated) as part:
        put(first, log)
        exported(first, tmp_path / "a.ndjson.gz", packed=True, force=True)
        restored(whole, tmp_path / "a.ndjson.gz")
        assert contents(whole)["events"] == contents(first)["events"]
        exported(first, tmp_path / "b.ndjson", Asked(upto=upto), force=True)
        restored(part, tmp_path / "b.ndjson")
        assert contents(part)["events"] == contents(first)["events"][:upto]


def changed(line: bytes, **values: Any) -> bytes:
    return json.dumps(json.loads(line) | values).encode() + b"\n"


def forged(lines: list[bytes]) -> list[bytes]:
    """Version 2 of a stream is left out, and everything behind it hashed anew."""
    told = [json.loads(line) for line in lines]
    longer = {event["stream"] for event in told[1:-1] if event["version"] == 3}
    gone = next(n for n, event in enumerate(told[1:-1], 1) if event["version"] == 2 and event["stream"] in longer)
    kept = lines[:gone] + lines[gone + 1 : -1]
    before = bytes(32)
    for place in range(1, len(kept)):
        event = EventLine.model_validate_json(kept[place]).model_copy(update={"position": place})
        before = link(before, event)
        kept[place] = event.model_copy(update={"hash": before}).as_line()
    end = {"to_position": len(kept) - 1, "end_hash": before.hex()}
    return [changed(kept[0], **end), *kept[1:], changed(lines[-1], events=len(kept) - 1, hash=before.hex())]


Spoil = Callable[[list[bytes]], list[bytes]]
SPOILT: dict[str, tuple[Spoil, str]] = {
    "cut": (lambda a: a[:-1], r"line (\d+), position \d+: the file was cut off here"),
    "half a line": (lambda a: [*a[:9], a[9][:50]], r"line 10, position 9: the file was cut off here"),
    "a line gone": (lambda a: a[:9] + a[10:], r"line 10, position 9: the next event in the file is at position 10"),
    "two swapped": (lambda a: [*a[:9], a[10], a[9], *a[11:]], r"line 10, position 9: the next event"),
    "a word changed": (
        lambda a: [line.replace(PUBLIC.encode(), b"canary-publik") for line in a],
        r"line \d+, position \d+: the hash does not fit",
    ),
    "an instant changed": (
        lambda a: [*a[:5], changed(a[5], recorded_at="2020-01-01T00:00:00Z"), *a[6:]],
        "line 6, position 5: the hash does not fit",
    ),
    "no JSON": (lambda a: [*a[:5], b"nonsense\n", *a[6:]], "line 6, position 5: this is no line of such an export"),
    "another field": (lambda a: [*a[:5], changed(a[5], more=1), *a[6:]], r"no line of such an export \(more\)"),
    "another format": (lambda a: [changed(a[0], format=2), *a[1:]], "line 1: it is written in format 2"),
    "another file": (lambda a: [b"{}\n", *a[1:]], "line 1: this is no lossless export"),
    "a part": (lambda a: [changed(a[0], whole=False), *a[1:]], "line 1: only a part of a log"),
    "not the beginning": (lambda a: [changed(a[0], from_position=2), *a[1:]], "does not begin where a log begins"),
    "more behind it": (lambda a: [*a, b"{}\n"], "the file goes on after its end"),
    "another end": (lambda a: [changed(a[0], to_position=3), *a[1:]], "its first line speaks of 3 events"),
    "a gap in a stream": (forged, r"line \d+, position \d+: it is version 3 of stream .*, where 2 should follow"),
}


@pytest.fixture(scope="module")
def empty(migrated: EmbeddedPostgres) -> Iterator[Database]:
    with fresh_database(migrated) as fresh:
        yield fresh


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_file_that_is_not_as_it_was_written_is_refused_where_it_differs(
    lived: tuple[Database, list[UUID], Path], empty: Database, tmp_path: Path, spoilt: str
) -> None:
    spoil, says = SPOILT[spoilt]
    before = contents(empty)
    (tmp_path / "bad").write_bytes(b"".join(spoil(lived[2].read_bytes().splitlines(keepends=True))))
    with pytest.raises(BrokenExport, match=says):
        restored(empty, tmp_path / "bad")
    assert contents(empty) == before


def test_a_packed_file_that_was_cut_is_refused(
    lived: tuple[Database, list[UUID], Path], empty: Database, tmp_path: Path
) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(lived[2].read_bytes())[:-4_000])
    with pytest.raises(BrokenExport, match=r"line \d+, position \d+: the file cannot be unpacked beyond here"):
        restored(empty, tmp_path / "cut.gz")


def test_a_desk_that_holds_anything_is_left_alone(lived: tuple[Database, list[UUID], Path], database: Database) -> None:
    with connect(database.app_url, name="test") as connection:
        append_blocking(connection, [an_append(Write(uuid4(), 0, notes(1)))])
    before = contents(database)
    with pytest.raises(NotEmpty):
        restored(database, lived[2])
    assert contents(database) == before


def test_the_application_cannot_restore(
    lived: tuple[Database, list[UUID], Path], empty: Database, tmp_path: Path
) -> None:
    env = environment(empty, tmp_path) | WITH_SECRET
    done = subprocess.run(command("restore", str(lived[2])), env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "only the database's owner restores a desk: set CHRONODESK_OWNER_DATABASE_URL" in done.stderr
    with connect(empty.app_url, name="test") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("INSERT INTO store.restored VALUES (true, 1, '', '', now())")


def long_export(path: Path, events: int) -> None:
    """As from a desk that had so many notes."""
    last, lines = bytes(32), []
    for position in range(1, events + 1):
        ((kind, state),) = notes(1)
        key = CommandKey(caller="ada", request=b"r")
        event = EventLine(position=position, stream=uuid4(), version=1, type=kind, recorded_at=NOW,
                          state=state.decode(), hash=b"", command=key)  # fmt: skip
        last = link(last, event)
        lines.append(event.model_copy(update={"hash": last}).as_line())
    header = Header(release="0", exported_at=NOW, log_id=uuid4(), from_position=1, to_position=events,
                    start_hash=bytes(32), end_hash=last, whole=True)  # fmt: skip
    path.write_bytes(b"".join([header.as_line(), *lines, Trailer(events=events, hash=last).as_line()]))


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_stopped_in_the_midst_it_leaves_the_desk_empty_and_the_next_run_is_whole(
    database: Database, tmp_path: Path, sent: signal.Signals
) -> None:
    long_export(tmp_path / "long.ndjson", 8_000)
    before = contents(database)
    env = environment(database, tmp_path) | {"CHRONODESK_OWNER_DATABASE_URL": database.owner_url, **WITH_SECRET}
    arguments = command("restore", str(tmp_path / "long.ndjson"))
    process = subprocess.Popen(arguments, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with psycopg.connect(database.owner_url, autocommit=True) as watching:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if watching.execute("SELECT pg_relation_size('store.events') > 300000").fetchone() == (True,):
                break
            time.sleep(0.005)
        process.send_signal(sent)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == (-9 if sent is signal.SIGKILL else 1)
        assert sent is signal.SIGKILL or "Stopped: nothing was restored." in out
        # Where the client is gone, the server may still be reading what it had sent.
        while watching.execute(STILL_THERE).fetchone() != (0,):
            time.sleep(0.01)
    assert contents(database) == before
    done = subprocess.run([*arguments, "--json"], env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["events"] == 8_000
    assert len(contents(database)["commands"]) == 8_000
