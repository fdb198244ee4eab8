"""test_witness: is a head signed of all that was logged, of nothing else, and never lost?"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from kafka.errors import KafkaConnectionError
from typer.testing import CliRunner

from chronodesk import cli_audit
from chronodesk.errors import FrontDoorError
from chronodesk.local.kafka import LocalKafka
from commands.database import connect
from consumers.faults import OtherLog
from replay.proof.asking import signed_now
from replay.proof.audit import audit
from replay.proof.chain import link_at
from replay.proof.heads import SignedHead
from replay.proof.keys import BadKey, key_id, load_key, make_key, public_bytes, trusted
from replay.proof.published import HeadsFile, HeadsTopic
from replay.proof.witness import LogChanged, Witness
from tests.databases import Database
from tests.replay.proofs import Signed, signed_log

ROOT = Path(__file__).parents[2]


@pytest.fixture
def log(database: Database, tmp_path: Path) -> Iterator[Signed]:
    with signed_log(database, tmp_path) as log:
        yield log


def sizes(log: Signed) -> list[int]:
    return [SignedHead.read(found.line).tree_size for found in log.file.lines()] if log.file.path.exists() else []


def kept(log: Signed) -> list[int]:
    return [row[0] for row in log.db.execute("SELECT tree_size FROM witness.heads ORDER BY 1").fetchall()]


def nodes(log: Signed) -> list[Any]:
    return log.db.execute("SELECT * FROM witness.nodes ORDER BY 1, 2").fetchall()


def intact(log: Signed) -> bool:
    return audit(log.db, [log.file.lines()], {public_bytes(log.key)}, 0).intact


def await_true(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.05)


def test_nothing_is_signed_of_an_empty_log_and_nothing_twice(log: Signed) -> None:
    assert log.sign() is None
    log.noise(3)
    head = log.sign()
    assert head is not None
    assert (head.tree_size, head.chain) == (3, link_at(log.db, 3).hex())
    assert log.sign() is None
    assert sizes(log) == kept(log) == [3]


def test_a_head_says_who_signed_what_in_seven_lines(log: Signed) -> None:
    log.noise(1)
    head = log.sign()
    assert head is not None
    told = head.statement.decode().splitlines()
    assert [line.split()[0] for line in told] == ["chronodesk", "log", "size", "root", "chain", "time", "key"]
    assert SignedHead.read(head.line) == head
    assert head.key_id == key_id(public_bytes(log.key))


def test_a_tree_that_grew_head_by_head_is_that_of_the_whole_log(log: Signed) -> None:
    """Each head goes on from kept hashes; the audit builds each root anew."""
    signing = log.witness.signing(log.db)
    for size in (1, 254, 1, 1, 255, 256, 511, 3, 1_024):
        log.noise(size)
        signing.sign()
    assert sizes(log)[-1] == 2_306
    assert intact(log)
    grown = nodes(log)
    log.tamper("DELETE FROM witness.nodes")
    log.sign()
    assert nodes(log) == grown
    assert len(grown) == 2_306 // 256


DAMAGE = ["DELETE FROM witness.nodes WHERE place = 1", "UPDATE witness.nodes SET hash = sha256(hash) WHERE place = 2"]


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_kept_of_the_tree_is_mended_from_the_log(log: Signed, damage: Any) -> None:
    log.noise(1_000)
    log.sign()
    good = nodes(log)
    log.tamper(damage)
    log.noise(300)
    log.sign()
    assert nodes(log)[: len(good)] == good
    assert intact(log)


def test_heads_that_the_database_lost_come_back_from_the_file(log: Signed) -> None:
    for _ in range(3):
        log.noise(2)
        log.sign()
    log.tamper("DELETE FROM witness.heads")
    log.witness.signing(log.db)
    assert kept(log) == sizes(log) == [2, 4, 6]


def test_a_line_that_a_crash_left_half_written_is_taken_away(log: Signed) -> None:
    log.noise(2)
    log.sign()
    whole = log.file.path.read_bytes()
    log.file.path.write_bytes(whole + whole[:100])
    assert intact(log)
    log.noise(2)
    log.sign()
    assert sizes(log) == [2, 4]
    assert log.file.path.read_bytes().startswith(whole)


def test_a_database_that_answers_before_it_kept_the_tree_is_caught_up(log: Signed) -> None:
    """Killed between the file and the database."""
    log.noise(600)
    log.sign()
    log.tamper("DELETE FROM witness.nodes; DELETE FROM witness.heads")
    log.noise(600)
    log.sign()
    assert kept(log) == [600, 1_200]
    assert intact(log)


def test_heads_of_another_log_are_not_gone_on_from(log: Signed) -> None:
    log.noise(2)
    log.sign()
    log.tamper("UPDATE store.head SET log_id = gen_random_uuid()")
    with pytest.raises(OtherLog, match="another log"):
        log.sign()


def test_a_file_whose_last_line_is_no_head_is_not_gone_on_from(log: Signed) -> None:
    log.noise(2)
    log.sign()
    with log.file.path.open("a") as file:
        file.write("{}\n")
    with pytest.raises(OtherLog):
        log.sign()


def test_one_works_and_another_takes_over(log: Signed) -> None:
    """Each signs when it is told to stop; who stands by signs nothing."""
    log.noise(2)
    stops = [threading.Event(), threading.Event()]
    threads = [threading.Thread(target=log.witness.run, args=(stop,)) for stop in stops]
    threads[0].start()
    await_true(lambda: sizes(log) == [2])
    threads[1].start()
    log.noise(2)
    time.sleep(0.7)
    assert sizes(log) == [2]
    stops[0].set()
    await_true(lambda: sizes(log) == [2, 4])
    log.noise(1)
    with connect(log.database.app_url, name="test") as asking:
        await_true(lambda: signed_now(asking, lambda: log.witness, 10))
    stops[1].set()
    for thread in threads:
        thread.join(20)
    assert sizes(log) == [2, 4, 5]


def test_a_head_is_signed_as_often_as_asked(log: Signed) -> None:
    log.noise(1)
    stopping = threading.Event()
    witness = Witness(log.database.app_url, log.key, log.file, 1.0, None)
    thread = threading.Thread(target=witness.run, args=(stopping,))
    thread.start()
    await_true(lambda: sizes(log) == [1])
    log.noise(1)
    await_true(lambda: sizes(log) == [1, 2])
    stopping.set()
    thread.join(20)


def test_a_key_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "witness.pem"
    made = make_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert public_bytes(load_key(file)) == public_bytes(made)
    with pytest.raises(FileExistsError):
        make_key(file)
    (tmp_path / "none").write_text("nothing")
    with pytest.raises(BadKey):
        load_key(tmp_path / "none")
    with pytest.raises(BadKey):
        trusted(["abc"])


@pytest.fixture
def both(database: Database, tmp_path: Path, kafka: LocalKafka) -> Iterator[Signed]:
    topic = HeadsTopic(kafka.bootstrap_servers, f"{database.name}.heads.v1")
    with signed_log(database, tmp_path, topic) as log:
        yield log


def in_topic(log: Signed) -> list[int]:
    assert log.topic is not None
    return [SignedHead.read(found.line).tree_size for found in log.topic.lines()]


@pytest.mark.kafka
def test_heads_go_to_kafka_too_and_what_it_missed_follows(both: Signed) -> None:
    both.noise(2)
    both.sign()
    assert in_topic(both) == [2]
    both.noise(2)
    both.topic, topic = None, both.topic
    both.sign()
    both.noise(2)
    both.topic = topic
    both.sign()
    assert sizes(both) == in_topic(both) == [2, 4, 6]
    assert topic is not None
    assert audit(both.db, [both.file.lines(), topic.lines()], {public_bytes(both.key)}, 0).heads == 3


@pytest.mark.kafka
def test_while_kafka_is_away_the_file_goes_on_but_nobody_begins_anew(
    both: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.noise(2)
    both.sign()
    with monkeypatch.context() as away:
        away.setattr(HeadsTopic, "newest", _unreachable)
        both.noise(2)
        both.sign()
        assert sizes(both) == [2, 4]
        assert in_topic(both) == [2]
        both.file = HeadsFile(tmp_path / "lost" / "heads.jsonl")
        with pytest.raises(KafkaConnectionError):
            both.sign()
    both.noise(2)
    both.sign()
    assert sizes(both) == [2, 6]


@pytest.mark.kafka
def test_whoever_rewrites_log_and_file_is_betrayed_by_kafka(both: Signed) -> None:
    both.noise(2)
    both.sign()
    both.file.path.unlink()
    both.tamper("UPDATE store.events SET hash = sha256(hash); UPDATE store.head SET hash = sha256(hash)")
    both.noise(1)
    with pytest.raises(LogChanged):
        both.sign()
    assert not both.file.path.exists()


def _unreachable(topic: HeadsTopic) -> None:
    raise KafkaConnectionError


def chronodesk(log: Signed, *arguments: str, **more: str) -> tuple[int, str, str]:
    """Exit code, stdout, and what is said on stderr, of a command in this process."""
    app = typer.Typer()
    cli_audit.register(app)
    ran = CliRunner(env=environment(log, **more)).invoke(app, arguments)
    failed = ran.exception if isinstance(ran.exception, FrontDoorError) else None
    return failed.exit_code if failed else ran.exit_code, ran.stdout, f"{ran.stderr}{failed or ''}"


def environment(log: Signed, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHRONODESK_")}
    return inherited | {
        "CHRONODESK_DATABASE_URL": log.database.app_url,
        "CHRONODESK_DATA_DIR": str(log.file.path.parent / "data"),
        "CHRONODESK_TRANSPORT": "store",
    } | more  # fmt: skip


def test_the_commands(log: Signed, tmp_path: Path) -> None:
    """As somebody would use them, from a key to a checked file."""
    ticket = log.open(1042)
    code, _, said = chronodesk(log, "audit", "bundle", "T-1042")
    assert (code, "--sign-now" in said) == (3, True)

    key = tmp_path / "key.pem"
    made = json.loads(chronodesk(log, "audit", "key", "new", "--out", str(key), "--json")[1])
    assert chronodesk(log, "audit", "key", "new", "--out", str(key))[0] == 2
    ours = {"CHRONODESK_WITNESS_KEY_FILE": str(key), "CHRONODESK_WITNESS_DIR": str(tmp_path / "witness")}
    assert json.loads(chronodesk(log, "audit", "key", "show", "--json", **ours)[1]) == made
    out = tmp_path / "T-1042.json"
    code, _, said = chronodesk(log, "audit", "bundle", "T-1042", "--out", str(out), "--sign-now", **ours)
    assert (code, made["public_key"] in said) == (0, True)
    checker = [sys.executable, "verify_bundle.py", str(out), "--key", made["public_key"]]
    assert subprocess.run(checker, cwd=ROOT, capture_output=True, check=False).returncode == 0
    assert json.loads(chronodesk(log, "audit", "heads", "--json")[1])["key_id"] == made["key_id"]

    code, told, _ = chronodesk(log, "audit", "verify", "--json", **ours)
    report = json.loads(told)
    assert (code, report["intact"], report["events"]) == (0, True, 1)
    assert (report["heads"], report["key_pinned"]) == (1, True)
    log.note(ticket, "more")
    log.tamper("UPDATE store.events SET state = 'x' WHERE notification_id = 2")
    code, _, said = chronodesk(log, "audit", "verify", **ours)
    assert (code, "position 2" in said) == (1, True)


def test_what_cannot_be_checked_is_not_called_changed(log: Signed, tmp_path: Path) -> None:
    assert chronodesk(log, "audit", "verify", "--heads", str(tmp_path / "nowhere"))[0] == 3
    assert chronodesk(log, "audit", "verify", "--heads", str(tmp_path))[0] == 3
    assert chronodesk(log, "audit", "verify", "--from-position", "99")[0] == 3
    assert chronodesk(log, "audit", "verify", "--kafka")[0] == 3
    assert chronodesk(log, "audit", "verify", "--key", "nonsense")[0] == 2
    away = {"CHRONODESK_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}
    assert chronodesk(log, "audit", "verify", **away)[0] == 3


def test_the_process_makes_its_own_key_signs_and_refuses_what_was_rewritten(log: Signed) -> None:
    log.noise(2)
    data = log.file.path.parent / "data"
    log.file = HeadsFile(data / "witness" / "heads.jsonl")
    command = [sys.executable, "-m", "chronodesk", "witness"]
    with subprocess.Popen(command, cwd=ROOT, env=environment_of(log, data), stderr=subprocess.PIPE) as process:
        await_true(lambda: sizes(log) == [2])
        log.noise(3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert sizes(log) == [2, 5]
    log.key = load_key(data / "witness-key.pem")
    assert intact(log)
    log.tamper("UPDATE store.events SET hash = sha256(hash) WHERE notification_id = 5")
    refused = subprocess.run(command, cwd=ROOT, env=environment_of(log, data), capture_output=True, check=False)
    assert refused.returncode == 3
    assert b"position 5 is another event" in refused.stderr


def environment_of(log: Signed, data: Path) -> dict[str, str]:
    return environment(log, CHRONODESK_DATA_DIR=str(data))
