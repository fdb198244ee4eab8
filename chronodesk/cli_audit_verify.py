"""cli_audit_verify: was anything in the log changed, and is it still what was witnessed?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chronodesk.database import connected, told_plainly
from chronodesk.errors import FrontDoorError, Unavailable, UsageError
from chronodesk.progress import progress
from chronodesk.settings import Settings
from chronodesk.start import loaded
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from replay.proof.audit import Audit
    from replay.proof.published import Published

Heads = Annotated[
    list[Path] | None, typer.Option(help="files of signed heads, or folders of such files", show_default=False)
]
Keys = Annotated[
    list[str] | None, typer.Option("--key", help="a public key to trust, as hex digits or a file", show_default=False)
]


def register(audit: typer.Typer) -> None:
    audit.command("verify")(verify)


def verify(
    from_position: Annotated[int, typer.Option(min=1, help="take what lies before it as it stands")] = 1,
    heads: Heads = None,
    kafka: Annotated[bool, typer.Option("--kafka", help="the heads in Kafka as well")] = False,
    key: Keys = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Walk the whole chain and compare it with signed heads: those of this desk's witness, or those that you name.

    Exit code 0: intact. 1: something was changed; the first position is named. 3: it could not be checked.
    """
    from replay.proof.audit import audit

    settings = loaded()
    sources, names = _sources(settings, heads or [], kafka)
    keys, started = _trusted(settings, key or []), time.monotonic()
    with can_check(), told_plainly(), connected(settings, "audit") as connection, progress("events") as told:
        found = audit(connection, sources, keys, from_position - 1, told)
    seconds = time.monotonic() - started
    if as_json:
        console.print_json(json.dumps(_json(found, seconds, pinned=bool(keys))))
    else:
        _print(found, seconds, names, pinned=bool(keys))
    if not found.intact:
        raise FrontDoorError(f"the log is not intact: {_first(found)}")


@contextmanager
def can_check() -> Iterator[None]:
    """What keeps us from looking is not what we look for."""
    from kafka.errors import KafkaError

    try:
        yield
    except KafkaError as away:
        raise Unavailable(f"the heads in Kafka cannot be read: {type(away).__name__}") from None
    except OSError as unread:
        raise Unavailable(f"the heads cannot be read: {unread}") from None
    except LookupError as missing:
        raise Unavailable(str(missing)) from None


def _sources(settings: Settings, given: list[Path], kafka: bool) -> tuple[list[Iterable[Published]], list[str]]:
    from chronodesk.witnessing import heads_topic
    from replay.proof.published import FILE_NAME, HeadsFile

    own = settings.heads_dir / FILE_NAME
    files = [file for path in given for file in _files(path)] if given else [own] if own.exists() and not kafka else []
    sources, names = [HeadsFile(file).lines() for file in files], [str(file) for file in files]
    if kafka:
        topic = heads_topic(settings)
        if topic is None:
            raise Unavailable("this desk has no Kafka")
        sources.append(topic.lines())
        names.append(topic.topic)
    return list(sources), names


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise Unavailable(f"there is no {path}")
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise Unavailable(f"no *.jsonl in {path}")
    return files


def _trusted(settings: Settings, given: list[str]) -> frozenset[bytes]:
    """None given: this desk's own key, if it is here."""
    from chronodesk.witnessing import own_public_key
    from replay.proof.keys import BadKey, trusted

    try:
        return trusted(given) if given else own_public_key(settings)
    except BadKey as bad:
        raise UsageError(str(bad)) from None


def _print(found: Audit, seconds: float, names: list[str], *, pinned: bool) -> None:
    checked = found.checked
    say(f"{checked.events:,} events walked in {seconds:.1f} s ({checked.events / max(seconds, 0.001):,.0f}/s).")
    if not names:
        say("No heads to compare with: a rewriting of the whole chain would not show.", "yellow")
    else:
        covered = f"; the newest that fits covers {found.newest.tree_size:,} events" if found.newest else ""
        say(f"{found.heads:,} signed heads compared, from {', '.join(names)}{covered}.")
    if found.heads and not pinned:
        say(f"No key was named; the heads were signed by {', '.join(sorted(found.keys))}.", "yellow")
    for fault in found.checked.faults:
        say(f"{fault.kind:>9}  {fault.says}", "red")
    if found.intact:
        say("Intact.")


def _first(found: Audit) -> str:
    first = found.checked.first
    return f"position {first.position}, {first.says}" if first else ""


def _json(found: Audit, seconds: float, *, pinned: bool) -> dict[str, Any]:
    checked, newest = found.checked, found.newest
    return {
        "intact": found.intact,
        "after": checked.after,
        "upto": checked.upto,
        "events": checked.events,
        "first_bad": asdict(checked.first) if checked.first else None,
        "faults": [asdict(fault) for fault in checked.faults],
        "heads": found.heads,
        "newest_head": newest.model_dump(mode="json") if newest else None,
        "keys": sorted(found.keys),
        "key_pinned": pinned,
        "seconds": round(seconds, 3),
    }
