"""How does a whole history leave the desk? In one of four formats: all of it up to one position, or no file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal
from uuid import UUID

from psycopg import Connection

from replay.exports.files import whole_file
from replay.exports.scope import Asked, scope_of
from replay.exports.source import Source, Told
from replay.exports.texts import Texts

Format = Literal["ndjson", "xes", "ocel", "parquet"]
EVERYTHING = Asked()


@dataclass(frozen=True, slots=True)
class Exported:
    """The account. unreadable: events of types that this release does not know, left out but for ndjson."""

    format: Format
    file: str
    log_id: UUID
    position: int
    whole: bool
    texts: Texts
    events: int
    streams: int
    unreadable: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Wish:
    """What to write, and where."""

    format: Format
    path: Path
    asked: Asked = EVERYTHING
    texts: Texts = "none"
    packed: bool = False
    force: bool = False


def export(
    connection: Connection[Any], wish: Wish, release: str, now: datetime, told: Told = lambda done, part: None
) -> Exported:
    """Raises Refusal for what is not there, OSError for what cannot be written; then there is no file."""
    started = time.monotonic()
    source = Source(connection, scope_of(connection, wish.asked), told)
    with whole_file(wish.path, packed=wish.packed, force=wish.force) as file:
        _writer(wish, release, now)(file, source)
    counts, scope = source.counts, source.scope
    return Exported(
        format=wish.format,
        file=str(wish.path),
        log_id=scope.log_id,
        position=scope.upto,
        whole=scope.whole,
        texts="all" if wish.format == "ndjson" else wish.texts,
        events=counts.events,
        streams=counts.streams,
        unreadable=counts.unreadable,
        bytes=wish.path.stat().st_size,
        seconds=time.monotonic() - started,
    )


def _writer(wish: Wish, release: str, now: datetime) -> Callable[[BinaryIO, Source], None]:
    """Each format loads what it needs only when it is asked for."""
    match wish.format:
        case "ndjson":
            from replay.exports import ndjson

            return lambda file, source: ndjson.write(file, source, release, now)
        case "xes":
            from replay.exports import xes

            return lambda file, source: xes.write(file, source, wish.texts, release, now)
        case "ocel":
            from replay.exports import ocel

            return lambda file, source: ocel.write(file, source, wish.texts)
        case "parquet":
            from replay.exports import parquet

            return lambda file, source: parquet.write(file, source, wish.texts, release, now)
