"""messages: how does an event look as a Kafka record, and what is a watermark? (CloudEvents 1.0, binary mode)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from aggregates.envelope import Stored

Headers = list[tuple[str, bytes]]
MARK = b"chronodesk.watermark"
SPEC = ("ce_specversion", b"1.0")


class Record(Protocol):
    """What we need of kafka-python's ConsumerRecord."""

    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class UnreadableRecord(ValueError):
    """Not a record of ours, or a damaged one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A watermark: all of this partition's events with after < position <= upto lie between the last mark and this."""

    after: int
    upto: int


def source_of(log_id: UUID) -> bytes:
    return f"urn:chronodesk:{log_id}".encode()


def event_headers(event: Stored, source: bytes) -> Headers:
    """`isoformat` leaves microseconds out where they are 0, so its precision is given."""
    at = event.recorded_at.astimezone(UTC).isoformat(timespec="microseconds").encode()
    position = b"%d" % event.position
    return [
        SPEC,
        ("ce_id", position),
        ("ce_type", event.type.encode()),
        ("ce_source", source),
        ("ce_time", at),
        ("ce_subject", str(event.stream).encode()),
        ("position", position),
        ("version", b"%d" % event.version),
        ("recorded_at", at),
    ]


def mark_headers(mark: Mark, source: bytes) -> Headers:
    upto = b"%d" % mark.upto
    return [
        SPEC,
        ("ce_id", b"watermark-" + upto),
        ("ce_type", MARK),
        ("ce_source", source),
        ("position", upto),
        ("after", b"%d" % mark.after),
        ("log_id", source.rpartition(b":")[2]),
    ]


def read_record(record: Record) -> tuple[Stored | Mark, bytes]:
    """The event or watermark, and which log it is of. Raises UnreadableRecord."""
    headers: Mapping[str, bytes] = dict(record.headers)
    try:
        if headers["ce_type"] == MARK:
            return Mark(int(headers["after"]), int(headers["position"])), headers["ce_source"]
        return _event(record, headers), headers["ce_source"]
    except (KeyError, ValueError, AttributeError, TypeError):
        raise UnreadableRecord(f"offset {record.offset}") from None


def _event(record: Record, headers: Mapping[str, bytes]) -> Stored:
    if record.value is None:
        raise ValueError("a tombstone")
    return Stored(
        position=int(headers["position"]),
        stream=UUID(headers["ce_subject"].decode()),
        version=int(headers["version"]),
        type=headers["ce_type"].decode(),
        recorded_at=datetime.fromisoformat(headers["recorded_at"].decode()),
        state=record.value,
    )
