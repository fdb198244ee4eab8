"""test_export_ndjson: every byte is in the file, it is the right part of the log, and a file is whole or not there."""

from __future__ import annotations

import asyncio
import json
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.errors import NotFound, Unacceptable
from chronodesk.cli_export import export_history
from chronodesk.errors import FrontDoorError
from commands.append import Write, append_blocking
from commands.database import connect
from replay.exports import source
from replay.exports.ndjson import EventLine
from replay.exports.scope import Asked
from tests.commands.samples import an_append, notes
from tests.databases import Database
from tests.projections.histories import LENIENT
from tests.replay.exported import contents, exported, import_cases, live, restored, stored
from tests.replay.test_cli import Run, run

__all__ = ["run"]


@pytest.fixture(scope="module")
def lived(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    asyncio.run(live(module_database))
    import_cases(module_database, tmp_path_factory.mktemp("cases"))
    return module_database


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def test_every_column_of_every_event_is_in_it(lived: Database, tmp_path: Path) -> None:
    account = exported(lived, tmp_path / "a.ndjson")
    header, *events, trailer = lines(tmp_path / "a.ndjson")
    rows = stored(lived)
    for line, row in zip(events, rows, strict=True):
        assert line["state"].encode() == row["state"]
        assert datetime.fromisoformat(line["recorded_at"]) == row["recorded_at"]
        assert (line["position"], line["stream"], line["version"], line["type"], line["hash"]) == (
            row["position"], str(row["stream"]), row["version"], row["type"], row["hash"].hex(),
        )  # fmt: skip
    assert (header["from_position"], header["to_position"], header["whole"]) == (1, len(rows), True)
    assert header["end_hash"] == trailer["hash"] == rows[-1]["hash"].hex()
    assert (account.events, account.streams) == (len(rows), len({row["stream"] for row in rows}))
    assert account.bytes == (tmp_path / "a.ndjson").stat().st_size


def test_a_state_that_is_no_text_is_kept_too(database: Database, tmp_path: Path) -> None:
    states = [b"\xff\x00not utf-8", b'{"half": "\\u0000', "\u2028\u0085\x1f\ufffe\r\n".encode(), b""]
    with connect(database.app_url, name="test") as connection:
        for state in states:
            append_blocking(connection, [an_append(Write(uuid4(), 0, (("ticket.unheard_of.v9", state),)))])
    exported(database, tmp_path / "a.ndjson")
    told = (tmp_path / "a.ndjson").read_bytes().split(b"\n")[1:-2]
    assert [EventLine.model_validate_json(line).verbatim for line in told] == states
    assert exported(database, tmp_path / "a.xes").unreadable == 4


def test_an_empty_log_is_a_file_too(database: Database, tmp_path: Path) -> None:
    assert exported(database, tmp_path / "a.ndjson").events == 0
    log_id = contents(database)["head"]
    restored(database, tmp_path / "a.ndjson")
    assert contents(database)["head"] == log_id


def test_what_is_appended_meanwhile_is_not_in_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE", 2)
    with connect(database.app_url, name="test") as connection:

        def append_more(done: int = 0, part: float = 0.0) -> None:
            append_blocking(connection, [an_append(Write(uuid4(), 0, notes(1)))])

        for _ in range(5):
            append_more()
        account = exported(database, tmp_path / "a.ndjson", told=append_more)
    assert (account.events, account.position) == (5, 5)
    assert len(contents(database)["events"]) == 8


INSTANT = st.integers(0, 200)


@settings(LENIENT, max_examples=30)
@given(since=st.none() | INSTANT, until=st.none() | INSTANT, nudge=st.sampled_from([-1, 0, 1]),
       occurred=st.booleans(), one=st.booleans(), upto=st.none() | INSTANT)  # fmt: skip
def test_a_part_is_just_what_was_asked_for(
    lived: Database, tmp_path: Path, since: int | None, until: int | None, nudge: int, occurred: bool, one: bool,
    upto: int | None,
) -> None:  # fmt: skip
    rows = stored(lived)

    def at(row: dict[str, Any]) -> datetime:
        told = row["envelope"]["occurred_at"] if occurred else None
        return datetime.fromisoformat(told) if told else row["recorded_at"]

    instants = sorted({at(row) + timedelta(microseconds=nudge) for row in rows})
    first = None if since is None else instants[since % len(instants)]
    last = None if until is None else instants[until % len(instants)]
    number, stream = next((row["envelope"]["fact"]["number"], row["stream"]) for row in rows if "opened" in row["type"])
    most = len(rows) if upto is None else upto % (len(rows) + 1)
    asked = Asked(first, last, "occurred" if occurred else "recorded", (number,) if one else (), most)
    exported(lived, tmp_path / "a.ndjson", asked, force=True)
    header, *events, trailer = lines(tmp_path / "a.ndjson")
    expected = [
        row["position"] for row in rows
        if row["position"] <= most and (first is None or first <= at(row)) and (last is None or at(row) < last)
        and (not one or row["stream"] == stream)
    ]  # fmt: skip
    assert [event["position"] for event in events] == expected
    assert trailer["events"] == len(expected)
    if header["whole"]:
        assert expected == list(range(1, header["to_position"] + 1))


def test_what_is_not_there_is_refused(lived: Database, tmp_path: Path) -> None:
    with pytest.raises(Unacceptable, match="beyond_head"):
        exported(lived, tmp_path / "a.ndjson", Asked(upto=10_000))
    with pytest.raises(NotFound):
        exported(lived, tmp_path / "a.ndjson", Asked(tickets=(7,)))
    assert list(tmp_path.iterdir()) == []


def test_there_is_a_file_only_when_it_is_whole(lived: Database, tmp_path: Path) -> None:
    def stop(done: int, part: float) -> None:
        raise KeyboardInterrupt

    for name in ("a.ndjson", "a.xes", "a.ocel", "a.parquet"):
        with pytest.raises(KeyboardInterrupt):
            exported(lived, tmp_path / name, told=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_never_replaced_unasked_and_is_its_owners_alone(lived: Database, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        exported(lived, path)

    def somebody_else(done: int, part: float) -> None:
        (tmp_path / "b.ndjson").write_text("theirs")

    with pytest.raises(FileExistsError):
        exported(lived, tmp_path / "b.ndjson", told=somebody_else)
    assert (path.read_text(), (tmp_path / "b.ndjson").read_text()) == ("mine", "theirs")
    exported(lived, path, force=True)
    assert len(lines(path)) > 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {"a.ndjson", "b.ndjson"}


def test_the_terminal_tells_what_came_of_it(run: Run, database: Database, tmp_path: Path) -> None:
    import_cases(database, tmp_path)
    done = run("export", "--out", "desk.ndjson.gz")
    assert (done.returncode, done.stderr) == (0, "")
    assert "desk.ndjson.gz: all of log" in done.stdout
    assert run("export", "--out", "desk.ndjson.gz").returncode == 2
    told = json.loads(run("export", "--out", "part.xes", "--ticket", "T-1001", "--json").stdout)
    assert (told["format"], told["streams"], told["whole"], told["texts"]) == ("xes", 1, False, "none")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"out": "desk.txt"}, "say the --format"),
        ({"out": "a.ndjson", "texts": "none"}, "it always holds all of them"),
        ({"out": "a.parquet", "packed": True}, "packed already"),
        ({"out": "a.xes", "ticket": ["1042"]}, "write it like T-1042"),
        ({"out": "a.xes", "ticket": ["T-7"]}, "There is no ticket T-7"),
        ({"out": "a.xes", "upto_position": 999}, "The log ends at position"),
        ({"out": "nowhere/a.xes"}, "No such file or directory"),
        ({"out": "a.xes", "start": "2012-02-01", "end": "2012-01-01"}, "--to must be later"),
    ],
)
def test_what_cannot_be_is_said(
    lived: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], says: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", lived.app_url)
    with pytest.raises(FrontDoorError, match=says):
        export_history(**asked | {"out": tmp_path / asked["out"]})
    assert list(tmp_path.iterdir()) == []
