"""test_tampering: whatever somebody with all power over the database does to the log, is it found, and where?

S1 and S2 (grants, triggers) are in tests/commands/test_append_only.py; here the triggers are out of the way (S3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commands.append import Write, append_blocking
from commands.database import connect
from commands.log import read_head
from replay.proof.audit import Audit, audit
from replay.proof.chain import Checked
from replay.proof.heads import SignedHead
from replay.proof.keys import public_bytes
from replay.proof.published import HeadsFile, Published
from replay.proof.witness import LogChanged, Witness
from tests.commands.samples import an_append, notes
from tests.databases import Database

Db = psycopg.Connection[Any]

# Everything from a position on is hashed anew, and the head with it: a log that is whole, and another one.
REHASH: LiteralString = """
DO $$
DECLARE link bytea; e store.events;
BEGIN
    SELECT hash INTO link FROM store.events WHERE notification_id = %(place)s - 1;
    link := coalesce(link, decode(repeat('00', 32), 'hex'));
    FOR e IN SELECT * FROM store.events WHERE notification_id >= %(place)s ORDER BY notification_id LOOP
        link := store.chain(link, e.notification_id, e.originator_id, e.originator_version, e.topic, e.recorded_at,
                            e.state);
        UPDATE store.events SET hash = link WHERE notification_id = e.notification_id;
    END LOOP;
    UPDATE store.head SET (position, recorded_at, hash) = (
        SELECT notification_id, recorded_at, hash FROM store.events ORDER BY notification_id DESC LIMIT 1);
    UPDATE store.streams s SET version = (SELECT max(originator_version) FROM store.events WHERE originator_id = s.id);
    DELETE FROM store.streams WHERE version IS NULL;
END $$
"""


@dataclass
class Log:
    """Two streams in turn, ten events and then five more, with a head signed after each of both."""

    database: Database
    db: Db
    key: Ed25519PrivateKey
    file: HeadsFile
    witness: Witness

    def append(self, *sizes: int) -> None:
        known = dict(self.db.execute("SELECT id, version FROM store.streams ORDER BY id").fetchall())
        for stream, size in zip(STREAMS, sizes, strict=True):
            append_blocking(self.db, [an_append(Write(stream, known.get(stream, 0), notes(size)))])

    def sign(self) -> SignedHead | None:
        return self.witness.signing(self.db).sign()

    def tamper(self, *statements: LiteralString, **values: Any) -> None:
        with psycopg.connect(self.database.superuser_url) as connection, psycopg.ClientCursor(connection) as cursor:
            cursor.execute("SET session_replication_role = replica")
            for statement in statements:
                cursor.execute(statement, values)

    def found(self, **more: Any) -> Audit:
        given: dict[str, Any] = {"sources": [self.file.lines()], "keys": {public_bytes(self.key)}, "after": 0} | more
        return audit(self.db, given["sources"], given["keys"], given["after"])


STREAMS = (UUID(int=1), UUID(int=2))


def first(checked: Checked) -> tuple[int, str]:
    assert checked.first is not None
    return checked.first.position, checked.first.kind


@pytest.fixture
def log(database: Database, tmp_path: Path) -> Iterator[Log]:
    key, file = Ed25519PrivateKey.generate(), HeadsFile(tmp_path / "heads.jsonl")
    with connect(database.app_url, name="test") as db:
        log = Log(database, db, key, file, Witness(database.app_url, key, file, 60, None))
        log.append(6, 4)
        log.sign()
        log.append(3, 2)
        log.sign()
        yield log


def test_what_nobody_touched_is_intact_and_as_it_was_signed(log: Log) -> None:
    found = log.found()
    assert (found.intact, found.heads, found.checked.events) == (True, 2, 15)
    assert found.newest is not None
    assert found.newest.tree_size == 15


# S4, seen by the chain alone. Each: what is done, and the first position and kind that is found.
CHANGES: dict[str, tuple[tuple[LiteralString, ...], int, str]] = {
    "a byte is edited": (
        ("UPDATE store.events SET state = set_byte(state, 5, get_byte(state, 5) # 1) WHERE notification_id = 7",),
        7,
        "content",
    ),
    "the instant is moved by a microsecond": (
        ("UPDATE store.events SET recorded_at = recorded_at + interval '1 microsecond' WHERE notification_id = 7",),
        7,
        "content",
    ),
    "the type is changed": (("UPDATE store.events SET topic = topic || '2' WHERE notification_id = 1",), 1, "content"),
    "an event goes to another stream": (
        ("UPDATE store.events SET originator_id = gen_random_uuid() WHERE notification_id = 7",),
        7,
        "content",
    ),
    "a row is edited and its own hash made to fit": (
        (
            "UPDATE store.events SET state = 'x' WHERE notification_id = 7",
            "UPDATE store.events e SET hash = store.chain(p.hash, e.notification_id, e.originator_id,"
            " e.originator_version, e.topic, e.recorded_at, e.state) FROM store.events p"
            " WHERE e.notification_id = 7 AND p.notification_id = 6",
        ),
        8,
        "content",
    ),
    "a row is dropped": (("DELETE FROM store.events WHERE notification_id = 7",), 7, "missing"),
    "the first rows are dropped": (("DELETE FROM store.events WHERE notification_id < 4",), 1, "missing"),
    "two rows are swapped": (
        (
            "UPDATE store.events SET notification_id = -7 WHERE notification_id = 7",
            "UPDATE store.events SET notification_id = 7 WHERE notification_id = 12",
            "UPDATE store.events SET notification_id = 12 WHERE notification_id = -7",
        ),
        7,
        "content",
    ),
    "a row is inserted and what follows moves up": (
        (
            "UPDATE store.events SET notification_id = -notification_id WHERE notification_id >= 7",
            "UPDATE store.events SET notification_id = 1 - notification_id WHERE notification_id < 0",
            "INSERT INTO store.events SELECT gen_random_uuid(), 1, topic, state, 7, recorded_at, hash"
            "  FROM store.events WHERE notification_id = 8",
        ),
        7,
        "content",
    ),
    "a row is inserted behind the head": (
        (
            "INSERT INTO store.events SELECT gen_random_uuid(), 1, topic, state, 16, recorded_at,"
            " store.chain(hash, 16, gen_random_uuid(), 1, topic, recorded_at, state)"
            "  FROM store.events WHERE notification_id = 15",
        ),
        16,
        "content",
    ),
    "a row is inserted before the first": (
        (
            "INSERT INTO store.events SELECT gen_random_uuid(), 1, topic, state, 0, recorded_at, hash"
            "  FROM store.events WHERE notification_id = 1",
        ),
        0,
        "order",
    ),
    "a position comes twice": (
        (
            "ALTER TABLE store.events DROP CONSTRAINT events_pkey",
            "DROP INDEX store.events_stream",
            "INSERT INTO store.events SELECT * FROM store.events WHERE notification_id = 7",
        ),
        7,
        "order",
    ),
    "the tail is cut, the head left": (("DELETE FROM store.events WHERE notification_id > 12",), 13, "cut"),
    "the head's hash is changed": (("UPDATE store.head SET hash = sha256(hash)",), 15, "head"),
    "the head is gone": (("DELETE FROM store.head WHERE false", "UPDATE store.head SET position = 3"), 4, "head"),
    "the table of streams is set back": (
        ("UPDATE store.streams SET version = version - 1 WHERE id = '00000000-0000-0000-0000-000000000002'",),
        15,
        "stream",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_found_at_its_place(log: Log, what: str) -> None:
    statements, position, kind = CHANGES[what]
    log.tamper(*statements)
    assert first(log.found(sources=[]).checked) == (position, kind)


# S4, whole chains: what was done to the rows, and then everything is hashed anew.
REWRITINGS: dict[str, tuple[LiteralString, int]] = {
    "an event is edited": ("UPDATE store.events SET state = 'x' WHERE notification_id = %(place)s", 3),
    "an event is edited behind the first head": (
        "UPDATE store.events SET state = 'x' WHERE notification_id = %(place)s",
        12,
    ),
    "the tail is cut": ("DELETE FROM store.events WHERE notification_id >= %(place)s", 13),
    "the tail is cut before the first head": ("DELETE FROM store.events WHERE notification_id >= %(place)s", 9),
}


@pytest.mark.parametrize("what", REWRITINGS)
def test_a_chain_that_was_made_to_fit_shows_only_by_its_witness(log: Log, what: str) -> None:
    statement, place = REWRITINGS[what]
    log.tamper(statement, REHASH, place=place)
    assert log.found(sources=[]).intact
    last_good = 0 if place <= 10 else 10
    expected = (place, "cut") if "cut" in what else (last_good + 1, "rewritten")
    assert first(log.found().checked) == expected


@pytest.mark.parametrize("what", REWRITINGS)
def test_no_head_is_signed_of_a_log_that_does_not_go_on_from_the_last_one(log: Log, what: str) -> None:
    statement, place = REWRITINGS[what]
    log.tamper(statement, REHASH, place=place)
    said = log.file.path.read_bytes()
    with pytest.raises(LogChanged):
        log.sign()
    log.append(9, 9)
    with pytest.raises(LogChanged):
        log.sign()
    assert log.file.path.read_bytes() == said


def test_a_rewritten_log_that_grew_as_long_again_is_still_another_one(log: Log) -> None:
    log.tamper("DELETE FROM store.events WHERE notification_id > 12", REHASH, place=12)
    log.append(3, 3)
    assert log.found(sources=[]).intact
    assert first(log.found().checked) == (11, "rewritten")


def test_versions_in_disorder_are_found_though_every_hash_fits(log: Log) -> None:
    log.tamper("UPDATE store.events SET originator_version = 99 WHERE notification_id = 9", REHASH, place=9)
    assert first(log.found(sources=[]).checked) == (9, "version")


def test_instants_that_run_backwards_are_found_though_every_hash_fits(log: Log) -> None:
    log.tamper("UPDATE store.events SET recorded_at = 'epoch' WHERE notification_id = 9", REHASH, place=9)
    assert first(log.found(sources=[]).checked) == (9, "time")


def test_a_walk_from_a_position_compares_heads_by_their_chain(log: Log) -> None:
    assert log.found(after=10).heads == 2
    assert log.found(after=11).heads == 1
    log.tamper("UPDATE store.events SET state = 'x' WHERE notification_id = 3", REHASH, place=3)
    assert first(log.found(after=10).checked) == (1, "rewritten")
    assert first(log.found(after=12).checked) == (1, "rewritten")


def other(head: SignedHead, **changes: Any) -> SignedHead:
    return head.model_copy(update=changes)


LIES: dict[str, Callable[[SignedHead, Ed25519PrivateKey], SignedHead]] = {
    "another root": lambda head, key: other(head, root="0" * 64),
    "another size": lambda head, key: other(head, tree_size=14),
    "another instant": lambda head, key: other(head, timestamp=head.timestamp.replace(year=2001)),
    "no signature": lambda head, key: other(head, signature="0" * 128),
    "another key": lambda head, key: resigned(head, Ed25519PrivateKey.generate()),
    "another key under the name of ours": lambda head, key: other(
        resigned(head, Ed25519PrivateKey.generate()), key_id=head.key_id
    ),
    "another log": lambda head, key: resigned(other(head, log_id=uuid4()), key),
}


def resigned(head: SignedHead, key: Ed25519PrivateKey) -> SignedHead:
    root, chain = bytes.fromhex(head.root), bytes.fromhex(head.chain)
    return SignedHead.signed(key, head.log_id, head.tree_size, root, chain, head.timestamp)


@pytest.mark.parametrize("lie", LIES)
def test_a_false_head_is_refused(log: Log, lie: str) -> None:
    """S5: and the log is not blamed for it."""
    true = list(log.file.lines())
    false = LIES[lie](SignedHead.read(true[1].line), log.key)
    found = log.found(sources=[[true[0], Published("a lie", false.line.encode())]])
    assert [fault.kind for fault in found.checked.faults] == ["witness"]
    assert "a lie: " in found.checked.faults[0].says


def test_a_true_signature_under_a_root_that_is_not_the_logs_is_a_rewriting(log: Log) -> None:
    head = SignedHead.read(next(log.file.lines()).line)
    lie = resigned(other(head, root="0" * 64), log.key)
    assert first(log.found(sources=[[Published("x", lie.line.encode())]]).checked) == (1, "rewritten")


@pytest.mark.parametrize("line", [b"", b"{}", b"not json\n", b"\xff\n"])
def test_what_is_no_head_at_all_is_refused(log: Log, line: bytes) -> None:
    found = log.found(sources=[[*log.file.lines(), Published("x", line)]])
    assert [fault.kind for fault in found.checked.faults] == ["witness"]


def test_heads_of_several_places_are_compared_once(log: Log) -> None:
    assert log.found(sources=[log.file.lines(), log.file.lines()]).heads == 2


def test_heads_signed_before_a_key_was_changed_hold_if_both_keys_are_trusted(log: Log) -> None:
    new = Ed25519PrivateKey.generate()
    log.append(1, 1)
    assert Witness(log.database.app_url, new, log.file, 60, None).signing(log.db).sign() is not None
    assert log.found(keys={public_bytes(log.key), public_bytes(new)}).heads == 3
    assert [fault.kind for fault in log.found().checked.faults] == ["witness"]


def test_the_witness_has_no_more_rights_than_the_application(log: Log) -> None:
    assert read_head(log.db).position == 15
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        log.db.execute("DELETE FROM witness.heads")
