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
    """Each costs every consumer a microsecond or two, so nothing is told twice: the stream is the key, `ce_id` the
    position, `ce_time` when it was recorded (`isoformat` leaves microseconds out where they are 0, so they are asked
    for), and `ce_version` our one extension.
    """
    return [
        SPEC,
        ("ce_id", b"%d" % event.position),
        ("ce_type", event.type.encode()),
        ("ce_source", source),
        ("ce_time", event.recorded_at.astimezone(UTC).isoformat(timespec="microseconds").encode()),
        ("ce_version", b"%d" % event.version),
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
    if record.key is None or record.value is None:
        raise ValueError("no event has no key, or no value")
    return Stored(
        position=int(headers["ce_id"]),
        stream=UUID(record.key.decode()),
        version=int(headers["ce_version"]),
        type=headers["ce_type"].decode(),
        recorded_at=datetime.fromisoformat(headers["ce_time"].decode()),
        state=record.value,
    )
