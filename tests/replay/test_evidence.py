"""test_evidence: does an evidence file hold for what happened, and for nothing else?"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

import verify_bundle
from aggregates.errors import NotFound, Unavailable
from replay.proof.heads import SignedHead
from tests.databases import Database
from tests.replay.proofs import Signed, signed_log
from verify_bundle import Unreadable, Untrue, check_bundle, check_kept

VERIFIER = Path(verify_bundle.__file__)
Bundle = dict[str, Any]


@pytest.fixture(scope="module")
def log(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    with signed_log(module_database, tmp_path_factory.mktemp("witness")) as log:
        yield log


@pytest.fixture(scope="module")
def ticket(log: Signed) -> UUID:
    """Seven events over three tiles of the tree, the first two under an earlier head."""
    log.noise(200)
    ticket = log.open(1042)
    log.note(ticket, "It burns.")
    log.sign()
    log.noise(300)
    log.note(ticket, "Still 🔥", "Out.")
    log.noise(123)
    log.note(ticket, 'a "quote"\n\x7f', "snow ❄ 雪", "the end")
    log.sign()
    return ticket


@pytest.fixture(scope="module")
def text(log: Signed, ticket: UUID) -> str:
    return log.text(ticket, since=202)


def parsed(text: str) -> Any:
    return json.loads(text, object_pairs_hook=verify_bundle.unique)


def verify(bundle: Any, *keys: str) -> Bundle:
    return check_bundle(copy.deepcopy(bundle), {bytes.fromhex(key) for key in keys})


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """As an auditor would: nothing of ours can be imported."""
    command = [sys.executable, "-I", str(VERIFIER), *map(str, arguments)]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)


def test_it_holds(log: Signed, text: str) -> None:
    bundle = verify(parsed(text), log.public)
    assert [event["version"] for event in bundle["events"]] == list(range(1, 8))
    assert bundle["number"] == "T-1042"


def test_an_auditor_checks_it_with_one_file_and_sees_what_happened(log: Signed, text: str, tmp_path: Path) -> None:
    file = tmp_path / "T-1042.json"
    file.write_text(text, encoding="utf-8")
    told = run(file, "--key", log.public, "--heads", log.file.path, "--print")
    assert told.returncode == 0, told.stderr
    for line in ("It holds.", "7 events, versions 1 to 7", "Snow ❄ on the line", "you kept a head of 630 events"):
        assert line in told.stdout
    assert "NOT PINNED" not in told.stdout
    assert "NOT PINNED" in run(file).stdout


def test_exit_codes(log: Signed, text: str, tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    file.write_text(text.replace("It burns.", "It rains."), encoding="utf-8")
    refuted = run(file)
    assert (refuted.returncode, refuted.stdout) == (1, "")
    assert "event 2: its hash is not that of its content" in refuted.stderr
    assert run(tmp_path / "nothing").returncode == 2
    assert run(file, "--key", "nonsense").returncode == 2
    file.write_text("{", encoding="utf-8")
    assert run(file).returncode == 2


@given(st.data())
@settings(max_examples=400)
def test_no_byte_that_matters_can_be_changed(text: str, data: st.DataObject) -> None:
    """What matters: all but blanks between the values, ways to write the same letter, and the words of advice."""
    raw = bytearray(text.encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
    try:
        changed = parsed(raw.decode())
    except (ValueError, Untrue):
        return
    if {**changed, "how_to_check": ""} == {**parsed(text), "how_to_check": ""}:
        return
    with pytest.raises(Untrue):
        verify(changed)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        yield from leaves(inside, (*path, key))
    if not isinstance(value, dict | list):
        yield path


def test_every_value_is_covered(text: str) -> None:
    """Each single value in turn, changed into another one of its kind."""
    bundle = parsed(text)
    for path in leaves(bundle):
        changed = copy.deepcopy(bundle)
        at = changed
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = at[path[-1]] + 1 if isinstance(at[path[-1]], int) else _other(at[path[-1]])
        if path != ("how_to_check",):
            with pytest.raises(Untrue):
                verify(changed)


def _other(text: str) -> str:
    return text[:-1] + ("1" if text[-1:] != "1" else "2")


LIES: dict[str, Callable[[Bundle], Any]] = {
    "the first event is left out": lambda bundle: bundle["events"].pop(0),
    "an event is left out": lambda bundle: bundle["events"].pop(3),
    "an event comes twice": lambda bundle: bundle["events"].insert(3, bundle["events"][3]),
    "two events change places": lambda bundle: bundle["events"].reverse(),
    "no events": lambda bundle: bundle["events"].clear(),
    "another ticket": lambda bundle: bundle.update(ticket=str(uuid4())),
    "another number": lambda bundle: bundle.update(number="T-1043"),
    "a field more": lambda bundle: bundle.update(note="trust me"),
    "a field less": lambda bundle: bundle.pop("number"),
    "a field more in an event": lambda bundle: bundle["events"][2].update(note="trust me"),
    "a shorter proof": lambda bundle: bundle["events"][2]["inclusion"].pop(),
    "a longer proof": lambda bundle: bundle["events"][2]["inclusion"].append("0" * 64),
    "true as a number": lambda bundle: bundle["events"][0].update(version=True),
    "a number with a point": lambda bundle: bundle["events"][1].update(version=2.0),
    "capitals": lambda bundle: bundle["head"].update(root=bundle["head"]["root"].upper()),
    "capitals in a proof": lambda bundle: bundle["events"][2]["inclusion"].append(
        bundle["events"][2]["inclusion"].pop().upper()
    ),
    "a capital in a hash": lambda bundle: bundle["events"][2].update(hash=bundle["events"][2]["hash"].upper()),
    "half a character": lambda bundle: bundle["events"][1].update(state="\ud800"),
    "an earlier head as the head": lambda bundle: bundle.update(head=bundle["earlier"]["head"]),
    "the head as an earlier one": lambda bundle: bundle["earlier"].update(head=bundle["head"]),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused(text: str, lie: str) -> None:
    bundle = parsed(text)
    LIES[lie](bundle)
    with pytest.raises(Untrue):
        verify(bundle)


@pytest.mark.parametrize("value", [None, [], 1, "x", {}])
def test_what_is_no_evidence_is_refused(value: Any) -> None:
    with pytest.raises(Untrue):
        verify(value)


def test_a_field_that_comes_twice_is_refused(text: str) -> None:
    with pytest.raises(Untrue, match="twice"):
        parsed(text.replace('"number":', '"number": "T-1", "number":'))


def test_later_events_can_be_left_out_and_the_verifier_says_so(text: str) -> None:
    bundle = parsed(text)
    bundle["events"].pop()
    verify(bundle)
    assert "later ones may stand in the log" in " ".join((verify_bundle.__doc__ or "").split())


def forged(bundle: Bundle, key: Ed25519PrivateKey) -> Bundle:
    """A log of one event, well made and well signed: only the key tells."""
    from replay.proof.merkle import leaf_hash

    event = bundle["events"][0] | {"position": 1, "prev": "0" * 64, "inclusion": []}
    event["state"] = event["state"].replace("Snow", "Rain")
    event["hash"] = _link(event, UUID(bundle["ticket"])).hex()
    root, chain = leaf_hash(bytes.fromhex(event["hash"])), bytes.fromhex(event["hash"])
    head = SignedHead.read(json.dumps(bundle["head"]))
    head = SignedHead.signed(key, head.log_id, 1, root, chain, head.timestamp)
    return bundle | {"events": [event], "earlier": None, "head": json.loads(head.line)}


def _link(event: Bundle, ticket: UUID) -> bytes:
    import struct

    kind, at = event["type"].encode(), verify_bundle.microseconds(event["recorded_at"], "at")
    place = struct.pack(">q16sqi", event["position"], ticket.bytes, event["version"], len(kind))
    prev = bytes.fromhex(event["prev"])
    return verify_bundle.sha256(prev + place + kind + struct.pack(">q", at) + event["state"].encode())


def test_a_forgery_by_another_key_is_told_by_the_pinned_one(log: Signed, text: str) -> None:
    lie = forged(parsed(text), Ed25519PrivateKey.generate())
    verify(lie)
    with pytest.raises(Untrue, match="not a key you named"):
        verify(lie, log.public)


def test_a_split_log_is_told_by_heads_that_were_kept(log: Signed, text: str) -> None:
    """The holder of the key shows one past to one auditor, and another to the next."""
    bundle = verify(parsed(text))
    kept = [parsed(found.line.decode()) for found in log.file.lines()]
    assert check_kept(bundle, kept) == 630
    assert check_kept(bundle, kept[:1]) == 202
    head = SignedHead.read(json.dumps(bundle["head"]))
    chain = bytes.fromhex(head.chain)
    lie = SignedHead.signed(log.key, head.log_id, head.tree_size, bytes(32), chain, head.timestamp)
    with pytest.raises(Untrue, match="the log was split"):
        check_kept(bundle, [parsed(lie.line)])
    with pytest.raises(Untrue, match="none of the heads"):
        check_kept(verify({**parsed(text), "earlier": None}), kept[:1])


def test_a_public_key_may_come_in_a_file(log: Signed, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem, digits = tmp_path / "key.pem", tmp_path / "key.hex"
    pem.write_bytes(log.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    digits.write_text(log.public + "\n")
    assert {verify_bundle.read_key(str(given)) for given in (pem, digits, log.public)} == {bytes.fromhex(log.public)}
    with pytest.raises(Unreadable):
        verify_bundle.read_key(log.public[:-1])


def test_it_reaches_as_far_as_the_newest_head(log: Signed, ticket: UUID) -> None:
    log.note(ticket, "later")
    assert len(log.bundle(ticket)["events"]) == 7
    log.sign()
    assert len(log.bundle(ticket)["events"]) == 8


def test_no_evidence_without_a_head(database: Database, tmp_path: Path) -> None:
    with signed_log(database, tmp_path) as log:
        ticket = log.open(1)
        with pytest.raises(NotFound, match=r"head\.not_found"):
            log.bundle(ticket)
        log.sign()
        later = log.open(2)
        with pytest.raises(NotFound, match=r"head\.not_yet"):
            log.bundle(later)
        with pytest.raises(NotFound, match=r"head\.not_found"):
            log.bundle(ticket, since=99)
        with pytest.raises(NotFound, match=r"ticket\.not_found"):
            log.bundle(uuid4())


def test_nothing_is_handed_out_that_would_not_hold(database: Database, tmp_path: Path) -> None:
    with signed_log(database, tmp_path) as log:
        ticket = log.open(1)
        log.noise(600)
        log.sign()
        log.tamper("UPDATE witness.nodes SET hash = sha256(hash) WHERE place = 1")
        with pytest.raises(Unavailable):
            log.bundle(ticket)
        log.sign()
        verify(log.bundle(ticket))
        log.tamper("DELETE FROM witness.nodes")
        with pytest.raises(Unavailable):
            log.bundle(ticket)
        log.sign()
        verify(log.bundle(ticket))
        log.tamper("UPDATE store.events SET hash = sha256(hash) WHERE notification_id = 2")
        with pytest.raises(Unavailable):
            log.bundle(ticket)
