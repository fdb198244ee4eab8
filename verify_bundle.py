#!/usr/bin/env python3
"""Is an evidence file true? Checks one ticket's events offline: this file, Python 3.11 and `cryptography` are enough.

    python verify_bundle.py FILE [--key PUBLIC_KEY]... [--heads HEADS_FILE]... [--print]

Proven, if it says so:
  - whoever holds the private key said, at the head's instant, that the log was these events and no others;
  - each event in the file stands in that log, at its position, exactly as it is printed here;
  - the ticket's versions run from 1 without a gap, so none is left out between the first and the last.
Not proven:
  - that the last event in the file was the ticket's last: later ones may stand in the log, before the head or after
    it. Only the whole log shows that (`chronodesk audit verify`, or the desk's export);
  - that what an event says is what happened. The log shows who said it and when, and that it was not changed since.
  - without --key: who signed. Take the key from where the desk published it, never from the file itself.
  - without --heads: that you were shown the same log as everybody else. --heads takes heads that you have kept.

Exit codes: 0 it holds, 1 it does not, 2 it cannot be read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

BUNDLE = {"format", "how_to_check", "ticket", "number", "head", "earlier", "events"}
HEAD = {"log_id", "tree_size", "root", "chain", "timestamp", "key_id", "public_key", "signature"}
EVENT = {"position", "version", "type", "recorded_at", "state", "prev", "hash", "inclusion"}
EARLIER = {"head", "consistency"}
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
STATEMENT = """\
chronodesk tree head v1
log {log_id}
size {tree_size}
root {root}
chain {chain}
time {timestamp}
key {key_id}
"""


class Untrue(Exception):
    """The first thing that does not hold."""


class Unreadable(Exception):
    """Nothing can be said: the file, or a key, cannot be read."""


# ---- the form: nothing may be said in two ways, or a change could hide in the other one


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    require(len(found) == len(pairs), "a field comes twice")
    return found


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Untrue(otherwise)


def fields(value: Any, names: set[str], where: str) -> dict[str, Any]:
    require(isinstance(value, dict) and set(value) == names, f"{where} does not have exactly the fields that it should")
    found: dict[str, Any] = value
    return found


def number(value: Any, where: str) -> int:
    require(type(value) is int and 0 < value < 2**63, f"{where} is not a positive whole number")
    return int(value)


def text(value: Any, where: str) -> str:
    require(isinstance(value, str), f"{where} is not a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Untrue(f"{where} holds half a character") from None
    return str(value)


def digits(value: Any, size: int, where: str) -> bytes:
    """Hexadecimal, in small letters."""
    try:
        found = bytes.fromhex(text(value, where))
    except ValueError:
        raise Untrue(f"{where} is not hexadecimal") from None
    require(len(found) == size and found.hex() == value, f"{where} is not {2 * size} hexadecimal digits")
    return found


def path(value: Any, where: str) -> list[bytes]:
    require(isinstance(value, list), f"{where} is not a list")
    return [digits(one, 32, where) for one in value]


def uuid(value: Any, where: str) -> bytes:
    try:
        found = UUID(text(value, where))
    except ValueError:
        raise Untrue(f"{where} is not a UUID") from None
    require(str(found) == value, f"{where} is not written as a UUID should be")
    return found.bytes


def microseconds(value: Any, where: str) -> int:
    """Since 2000-01-01, as Postgres counts."""
    try:
        at = datetime.strptime(text(value, where), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise Untrue(f"{where} is not an instant") from None
    require(at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") == value, f"{where} is not written as an instant should be")
    return (at - EPOCH) // timedelta(microseconds=1)


# ---- the tree: RFC 9162, section 2.1


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right)


def included(root: bytes, size: int, leaf: int, hash: bytes, proof: list[bytes]) -> bool:
    """2.1.3.2"""
    if leaf >= size:
        return False
    fn, sn, r = leaf, size - 1, hash
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def consistent(first: int, first_root: bytes, second: int, second_root: bytes, proof: list[bytes]) -> bool:
    """2.1.4.2"""
    if first > second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first & (first - 1) == 0:
        proof = [first_root, *proof]
    if not proof:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


# ---- what is checked


def check_head(value: Any, trusted: set[bytes], where: str) -> dict[str, Any]:
    """Its form, its signature, and that the key is one of those trusted, if any are."""
    head = fields(value, HEAD, where)
    uuid(head["log_id"], f"{where}: log_id")
    number(head["tree_size"], f"{where}: tree_size")
    for name in ("root", "chain", "key_id"):
        digits(head[name], 32, f"{where}: {name}")
    microseconds(head["timestamp"], f"{where}: timestamp")
    public = digits(head["public_key"], 32, f"{where}: public_key")
    signature = digits(head["signature"], 64, f"{where}: signature")
    require(sha256(public).hex() == head["key_id"], f"{where}: key_id is not the public key's")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, STATEMENT.format(**head).encode())
    except (InvalidSignature, ValueError):
        raise Untrue(f"{where}: the signature is false") from None
    require(not trusted or public in trusted, f"{where}: signed by {head['public_key']}, which is not a key you named")
    return head


def check_event(value: Any, version: int, ticket: bytes, head: dict[str, Any]) -> dict[str, Any]:
    """That it is the `version`-th of its ticket, that its hash is its own, and that the head's log holds it."""
    where = f"event {version}"
    event = fields(value, EVENT, where)
    require(number(event["version"], f"{where}: version") == version, f"{where}: its version is {event['version']}")
    position = number(event["position"], f"{where}: position")
    kind = text(event["type"], f"{where}: type").encode()
    at = microseconds(event["recorded_at"], f"{where}: recorded_at")
    state = text(event["state"], f"{where}: state").encode()
    prev, hash = digits(event["prev"], 32, f"{where}: prev"), digits(event["hash"], 32, f"{where}: hash")
    link = prev + struct.pack(">q16sqi", position, ticket, version, len(kind)) + kind + struct.pack(">q", at) + state
    require(sha256(link) == hash, f"{where}: its hash is not that of its content")
    proof = path(event["inclusion"], f"{where}: inclusion")
    in_log = included(bytes.fromhex(head["root"]), head["tree_size"], position - 1, sha256(b"\0" + hash), proof)
    require(in_log, f"{where}: it is not proven to be in the log at position {position}")
    last = position == head["tree_size"]
    require(
        not last or event["hash"] == head["chain"], f"{where}: it is the log's last, and the head says another hash"
    )
    return event


def check_order(events: list[dict[str, Any]]) -> None:
    """Links of neighbours in the log must meet, and neither positions nor instants may run backwards."""
    for before, after in pairwise(events):
        where = f"event {after['version']}"
        require(after["position"] > before["position"], f"{where}: it stands before the event that it follows")
        require(after["recorded_at"] >= before["recorded_at"], f"{where}: it was recorded before the one it follows")
        if after["position"] == before["position"] + 1:
            require(after["prev"] == before["hash"], f"{where}: it does not follow from its neighbour")


def content(event: dict[str, Any]) -> dict[str, Any]:
    """What the event says, read."""
    try:
        found = json.loads(event["state"])
    except (ValueError, RecursionError):
        raise Untrue(f"event {event['version']}: its state is not JSON") from None
    require(isinstance(found, dict) and isinstance(found.get("fact"), dict), f"event {event['version']} states no fact")
    return dict(found)


def check_number(bundle: dict[str, Any]) -> None:
    """The ticket's number is what its first event says."""
    first = bundle["events"][0]
    said = content(first)["fact"].get("number")
    require(first["type"].startswith("ticket.opened."), "the first event does not open a ticket")
    require(bundle["number"] == f"T-{said}", f"the first event says T-{said}, the file {bundle['number']}")


def check_earlier(value: Any, head: dict[str, Any], trusted: set[bytes]) -> dict[str, Any] | None:
    if value is None:
        return None
    earlier = fields(value, EARLIER, "earlier")
    older = check_head(earlier["head"], trusted, "earlier head")
    require(older["log_id"] == head["log_id"], "the earlier head is of another log")
    roots = bytes.fromhex(older["root"]), bytes.fromhex(head["root"])
    proof = path(earlier["consistency"], "consistency")
    goes_on = consistent(older["tree_size"], roots[0], head["tree_size"], roots[1], proof)
    require(goes_on, "the log is not proven to go on from the earlier head")
    return older


def check_bundle(bundle: Any, trusted: set[bytes]) -> dict[str, Any]:
    bundle = fields(bundle, BUNDLE, "the file")
    require(bundle["format"] == "chronodesk evidence v1", "the file is of another format")
    text(bundle["how_to_check"], "how_to_check"), text(bundle["number"], "number")
    ticket = uuid(bundle["ticket"], "ticket")
    head = check_head(bundle["head"], trusted, "head")
    check_earlier(bundle["earlier"], head, trusted)
    require(isinstance(bundle["events"], list) and len(bundle["events"]) > 0, "there are no events")
    check_order([check_event(value, n, ticket, head) for n, value in enumerate(bundle["events"], 1)])
    check_number(bundle)
    return dict(bundle)


def check_kept(bundle: dict[str, Any], kept: list[dict[str, Any]]) -> int:
    """The size of the largest head that you have kept and that this file's log provably holds or goes on from."""
    ours = [bundle["head"], *([bundle["earlier"]["head"]] if bundle["earlier"] else [])]
    met: list[int] = [head["tree_size"] for head in ours for one in kept if same_log(head, one)]
    require(bool(met), "none of the heads that you kept is this file's head, or the earlier one that it goes on from")
    return max(met)


def same_log(head: dict[str, Any], kept: dict[str, Any]) -> bool:
    if (head["log_id"], head["tree_size"]) != (kept["log_id"], kept["tree_size"]):
        return False
    same = (head["root"], head["chain"]) == (kept["root"], kept["chain"])
    require(same, f"the head of {head['tree_size']} events is another one than that which you kept: the log was split")
    return True


# ---- reading, and telling


def read_bundle(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes().decode(), object_pairs_hook=unique)
    except OSError as unread:
        raise Unreadable(f"{file}: {unread.strerror}") from None
    except (ValueError, RecursionError):
        raise Unreadable(f"{file}: not JSON in UTF-8") from None


def read_heads(files: list[Path], trusted: set[bytes]) -> list[dict[str, Any]]:
    try:
        lines = [(file, line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
        found = [(json.loads(line, object_pairs_hook=unique), file) for file, line in lines]
    except OSError as unread:
        raise Unreadable(f"heads: {unread.strerror}") from None
    except ValueError:
        raise Unreadable("heads: not JSON, one a line") from None
    return [check_head(head, trusted, str(file)) for head, file in found]


def read_key(given: str) -> bytes:
    """64 hexadecimal digits, or a file that holds them or PEM."""
    file = Path(given)
    try:
        told = file.read_text(encoding="utf-8").strip() if file.is_file() else given
        if not told.startswith("-----"):
            return digits(told, 32, "the key")
        key = load_pem_public_key(told.encode())
    except (OSError, ValueError, Untrue):
        raise Unreadable(f"{given}: not a public key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise Unreadable(f"{given}: not an Ed25519 key")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def say(line: str) -> None:
    """What the file says goes to a terminal: nothing in it may steer that."""
    print("".join(letter if letter.isprintable() else "\ufffd" for letter in line))


def show(event: dict[str, Any]) -> None:
    told = content(event)
    actor, fact = told.get("actor", {}), told["fact"]
    happened = f", happened {told['occurred_at']}" if told.get("occurred_at") else ""
    say(f"@{event['version']}  #{event['position']}  {event['recorded_at']}{happened}  {event['type']}")
    say(f"    by {actor.get('kind')} {actor.get('id')}, command {told.get('command_id')}")
    for name, value in fact.items():
        say(f"    {name}: {json.dumps(value, ensure_ascii=False)}")


def report(bundle: dict[str, Any], pinned: bool, kept: int | None) -> None:
    head, events = bundle["head"], bundle["events"]
    say(f"{bundle['number']} ({bundle['ticket']}): {len(events)} events, versions 1 to {len(events)} without a gap.")
    say(f"Each is in log {head['log_id']} of {head['tree_size']} events, signed at {head['timestamp']}.")
    if bundle["earlier"]:
        say(f"That log goes on from the one of {bundle['earlier']['head']['tree_size']} events signed earlier.")
    if kept is not None:
        say(f"It is the log of which you kept a head of {kept} events.")
    say(f"Signed by {head['public_key']}{'' if pinned else ': KEY NOT PINNED, name it with --key'}.")
    say("Not shown: that no later event of this ticket stands in the log; only the whole log tells.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", action="append", default=[], help="a public key that you trust: hex digits, or a file")
    parser.add_argument("--heads", action="append", default=[], type=Path, help="heads that you have kept, one a line")
    parser.add_argument("--print", action="store_true", help="show the events as well")
    given = parser.parse_args()
    try:
        trusted = {read_key(key) for key in given.key}
        bundle = check_bundle(read_bundle(given.file), trusted)
        kept = check_kept(bundle, read_heads(given.heads, trusted)) if given.heads else None
    except Unreadable as unreadable:
        print(f"cannot be checked: {unreadable}", file=sys.stderr)
        return 2
    except Untrue as untrue:
        print(f"DOES NOT HOLD: {untrue}", file=sys.stderr)
        return 1
    for event in bundle["events"] if given.print else []:
        show(event)
    report(bundle, bool(trusted), kept)
    say("It holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
