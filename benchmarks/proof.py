"""How fast is a log of a million events verified, and what does a proof cost? `replay.proof.chain`, `replay.proof`."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import AsyncConnection

from aggregates.ticket.events import Opened
from benchmarks.append import state
from benchmarks.measure import Measure
from chronodesk.local.postgres import OWNER, SUPERUSER, EmbeddedPostgres
from chronodesk.migrate import migrate
from replay.proof.audit import audit
from replay.proof.chain import BATCH, END, GENESIS, LINKS, SIGNATURE, check_chain, link_at
from replay.proof.evidence import evidence, history
from replay.proof.keys import public_bytes
from replay.proof.published import HeadsFile
from replay.proof.witness import Witness

MOST_SECONDS_A_MILLION = 30.0
EVENTS_A_STREAM = 8
HEAD_EACH = 1_000
PROOFS = 200
EPOCH = 946_684_800
EVENTS = """
COPY store.events (originator_id, originator_version, topic, state, notification_id, recorded_at, hash)
FROM STDIN (FORMAT BINARY)
"""
HEAD = """
UPDATE store.head SET position = %s, hash = %s,
       recorded_at = (SELECT recorded_at FROM store.events ORDER BY notification_id DESC LIMIT 1)
"""
STREAMS = "INSERT INTO store.streams SELECT originator_id, max(originator_version) FROM store.events GROUP BY 1"


def run(quick: bool) -> list[Measure]:
    size = 20_000 if quick else 1_000_000
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder), "proof") as server:
            migrate(server.url(OWNER, "proof"))
            with psycopg.connect(server.url(SUPERUSER, "proof"), autocommit=True) as connection:
                streams = made(connection, size)
                return [
                    *verified(connection, size),
                    *witnessed(server.url(SUPERUSER, "proof"), connection, Path(folder), size, streams),
                ]


def verified(connection: psycopg.Connection[Any], size: int) -> list[Measure]:
    """In turn, so that a slow minute of the machine hits both."""
    reading, walking = [], []
    for _ in range(3):
        reading.append(seconds(lambda: read(connection, size)))
        walking.append(seconds(lambda: whole(connection)))
    peer = size / median(reading)
    return [
        Measure("log verified", "events/s", size / median(walking), peer, "the same rows read, nothing done"),
        Measure("a million events verified", "s", median(walking) * 1e6 / size, most=MOST_SECONDS_A_MILLION),
    ]


def witnessed(
    url: str, connection: psycopg.Connection[Any], folder: Path, size: int, streams: list[UUID]
) -> list[Measure]:
    key, file = Ed25519PrivateKey.generate(), HeadsFile(folder / "heads.jsonl")
    signing = Witness(url, key, file, 60, None).signing(connection)
    first = seconds(signing.sign)
    more(connection, size, HEAD_EACH)
    next_head = seconds(signing.sign)
    compared = seconds(lambda: audit(connection, [file.lines()], {public_bytes(key)}, 0))
    proof = asyncio.run(proofs(url, streams))
    return [
        Measure("first head, the whole tree built", "events/s", size / first),
        Measure(f"a head after {HEAD_EACH} more events", "s", next_head),
        Measure("log verified with its heads", "events/s", size / compared),
        Measure(f"evidence of a ticket of {EVENTS_A_STREAM} events, p50", "ms", median(proof) * 1_000),
    ]


async def proofs(url: str, streams: list[UUID]) -> list[float]:
    took = []
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        for stream in random.Random(1).sample(streams, PROOFS):
            started = time.perf_counter()
            await evidence(connection, stream, await history(connection, stream))
            took.append(time.perf_counter() - started)
    return took


def whole(connection: psycopg.Connection[Any]) -> None:
    assert not check_chain(connection).faults


def read(connection: psycopg.Connection[Any], size: int) -> None:
    for after in range(0, size, BATCH):
        asked = {"after": after, "upto": size, "limit": BATCH}
        with connection.cursor() as cursor, cursor.copy(LINKS, asked) as copied:
            for _ in copied:
                pass


def seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def made(connection: psycopg.Connection[Any], size: int) -> list[UUID]:
    """A log as the store would have written it, by COPY; its streams."""
    drawn = random.Random(1)
    streams = [UUID(int=drawn.getrandbits(128)) for _ in range(size // EVENTS_A_STREAM)]
    order = [stream for stream in streams for _ in range(EVENTS_A_STREAM)]
    drawn.shuffle(order)
    last = copied(connection, order, 1, GENESIS)
    connection.execute(HEAD, (len(order), last))
    connection.execute(STREAMS)
    connection.execute("VACUUM ANALYZE store.events, store.streams")
    return streams


def more(connection: psycopg.Connection[Any], size: int, count: int) -> None:
    row = connection.execute("SELECT hash FROM store.head").fetchone()
    assert row is not None
    last = copied(connection, [UUID(int=1)] * count, size + 1, bytes(row[0]))
    connection.execute(HEAD, (size + count, last))
    connection.execute("INSERT INTO store.streams VALUES (%s, %s)", (UUID(int=1), count))


def copied(connection: psycopg.Connection[Any], order: list[UUID], first: int, prev: bytes) -> bytes:
    """The last hash."""
    with connection.cursor() as cursor, cursor.copy(EVENTS) as copy:
        copy.write(SIGNATURE + bytes(8))
        for row in rows(order, first, prev):
            copy.write(row)
        copy.write(END)
    return link_at(connection, first + len(order) - 1)


def rows(order: list[UUID], first: int, prev: bytes) -> Iterator[bytes]:
    """Each event's row in COPY's binary form."""
    type, content, versions = Opened.type_name.encode(), state(), dict[UUID, int]()
    started = int((time.time() - EPOCH) * 1e6)
    for position, stream in enumerate(order, first):
        version = versions[stream] = versions.get(stream, 0) + 1
        at = struct.pack(">q", started + position)
        place = struct.pack(">q16sqi", position, stream.bytes, version, len(type))
        prev = sha256(prev + place + type + at + content).digest()
        begin = struct.pack(">hi16siqi", 7, 16, stream.bytes, 8, version, len(type)) + type
        end = struct.pack(">iqi8si32s", 8, position, 8, at, 32, prev)
        yield begin + struct.pack(">i", len(content)) + content + end
