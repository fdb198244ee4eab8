"""published: where do heads go that whoever owns the database cannot reach? Into a file and a topic, for ever."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaTimeoutError

from consumers.topics import admin_client, ensure_topic, reader, topic_id
from replay.proof.heads import SignedHead

FILE_NAME = "heads.jsonl"
LONGEST_LINE = 4_096
PATIENCE_SECONDS = 30.0
FOR_EVER = -1


class Published(NamedTuple):
    """A line that was found somewhere, true or false."""

    where: str
    line: bytes


@dataclass(frozen=True, slots=True)
class HeadsFile:
    """One head a line. Lines are appended and never changed."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def newest(self) -> SignedHead | None:
        """Raises FalseHead where the last line is none."""
        lines = self._tail().splitlines()
        return SignedHead.read(lines[-1]) if lines else None

    def publish(self, heads: Sequence[SignedHead]) -> None:
        new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.writelines(head.line.encode() + b"\n" for head in heads)
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync_folder(self.path.parent)

    def lines(self) -> Iterator[Published]:
        """Every whole line: what a crash left half written was never said. OSError where the file cannot be read."""
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield Published(f"{self.path}, line {number}", line)

    def mend(self) -> None:
        """Take away what a crash left half written behind the last whole line."""
        with suppress(FileNotFoundError), self.path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - LONGEST_LINE, 0))
            half = file.read().rpartition(b"\n")[2]
            if half:
                file.truncate(size - len(half))
                os.fsync(file.fileno())

    def _tail(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(max(file.seek(0, os.SEEK_END) - LONGEST_LINE, 0))
                return file.read()
        except FileNotFoundError:
            return b""


@dataclass(frozen=True, slots=True)
class HeadsTopic:
    """One partition, kept for ever, nothing compacted."""

    bootstrap: str
    topic: str

    def __str__(self) -> str:
        return self.topic

    def newest(self) -> SignedHead | None:
        ensure_topic(self.bootstrap, self.topic, partitions=1, retention_ms=FOR_EVER)
        last = list(self._read(1))
        return SignedHead.read(last[-1].line) if last else None

    def publish(self, heads: Sequence[SignedHead]) -> None:
        producer = _producer(self.bootstrap)
        try:
            sent = [producer.send(self.topic, value=head.line.encode(), partition=0) for head in heads]
            producer.flush()
            for future in sent:
                future.get(timeout=0)
        finally:
            # After a failed future the producer cannot be closed properly, and raises when one tries.
            with suppress(Exception):
                producer.close(timeout=0)

    def lines(self) -> Iterator[Published]:
        """Every record. LookupError where there is no such topic."""
        with admin_client(self.bootstrap) as admin:
            if topic_id(admin, self.topic) is None:
                raise LookupError(f"there is no topic {self.topic}")
        yield from self._read(None)

    def _read(self, last: int | None) -> Iterator[Published]:
        """From the beginning, or only the last few, to the end as it is now."""
        tp = TopicPartition(self.topic, 0)
        with closing(reader(self.bootstrap)) as consumer:
            consumer.assign([tp])
            end, begin = consumer.end_offsets([tp])[tp], consumer.beginning_offsets([tp])[tp]
            consumer.seek(tp, begin if last is None else max(begin, end - last))
            deadline = time.monotonic() + PATIENCE_SECONDS
            while consumer.position(tp) < end:
                for records in consumer.poll(timeout_ms=1_000).values():
                    deadline = time.monotonic() + PATIENCE_SECONDS
                    yield from (Published(f"{self.topic}, offset {one.offset}", one.value or b"") for one in records)
                if time.monotonic() > deadline:
                    raise KafkaTimeoutError(f"the heads in {self.topic} cannot be read")


def _producer(bootstrap: str) -> Any:
    return KafkaProducer(
        bootstrap_servers=bootstrap,
        client_id="chronodesk-witness",
        enable_idempotence=True,
        acks="all",
        delivery_timeout_ms=30_000,
        request_timeout_ms=10_000,
        max_block_ms=10_000,
        bootstrap_timeout_ms=10_000,
        allow_auto_create_topics=False,
    )


def _sync_folder(folder: Path) -> None:
    """A new file is there for certain only once its folder is."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
