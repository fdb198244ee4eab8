"""How is a desk's history written for analysts? A row an event, typed columns, packed column by column."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from aggregates.envelope import Recorded
from aggregates.ticket.events import Opened
from replay.exports.source import Source
from replay.exports.texts import Texts, told

# A group is in memory while it is filled, so it is bounded both ways.
GROUP_ROWS = 20_000
GROUP_BYTES = 32 * 1024 * 1024
REMEMBERED = 50_000
INSTANT = pa.timestamp("us", tz="UTC")
COLUMNS = pa.schema([
    pa.field("position", pa.int64(), nullable=False),
    pa.field("stream", pa.string(), nullable=False),
    pa.field("number", pa.int64()),
    pa.field("version", pa.int64(), nullable=False),
    pa.field("kind", pa.string(), nullable=False),
    pa.field("type", pa.string(), nullable=False),
    pa.field("recorded_at", INSTANT, nullable=False),
    pa.field("occurred_at", INSTANT, nullable=False),
    pa.field("actor_kind", pa.string(), nullable=False),
    pa.field("actor", pa.string(), nullable=False),
    pa.field("command", pa.string(), nullable=False),
    pa.field("correlation", pa.string(), nullable=False),
    pa.field("causation", pa.string()),
    pa.field("subject", pa.string()),
    pa.field("fact", pa.string(), nullable=False),
])  # fmt: skip
REPEATED = ["stream", "kind", "type", "actor_kind", "actor", "command", "correlation", "subject"]


def write(file: BinaryIO, source: Source, texts: Texts, release: str, now: datetime) -> None:
    """`number` is the ticket's, `occurred_at` the instant of recording where no other is known, `fact` JSON."""
    scope = source.scope
    said = {
        "log_id": scope.log_id,
        "from_position": scope.after + 1,
        "to_position": scope.upto,
        "whole": scope.whole,
        "exported_at": now.astimezone(UTC).isoformat(),
        "release": release,
        "texts": texts,
    }
    schema = COLUMNS.with_metadata({f"chronodesk.{name}": str(value) for name, value in said.items()})
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=REPEATED) as writer:
        for rows in _groups(_rows(source, texts)):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema), row_group_size=GROUP_ROWS)


def _groups(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row["fact"])
        if len(group) >= GROUP_ROWS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _rows(source: Source, texts: Texts) -> Iterator[dict[str, Any]]:
    numbers = Numbers(source)
    for page in source.events():
        numbers.learn(page)
        for event in page:
            yield _row(event, numbers[event.stream], texts)


class Numbers:
    """Of tickets, as they were opened. Only so many are remembered: the log may hold any number of them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._numbers: dict[UUID, int | None] = {}

    def __getitem__(self, stream: UUID) -> int | None:
        return self._numbers[stream]

    def learn(self, page: Sequence[Recorded]) -> None:
        if len(self._numbers) > REMEMBERED:
            self._numbers.clear()
        self._take(page)
        unknown = {event.stream for event in page} - self._numbers.keys()
        self._numbers.update(dict.fromkeys(unknown))
        self._take(self._source.first(sorted(unknown)))

    def _take(self, events: Iterable[Recorded]) -> None:
        for event in events:
            if isinstance(event.fact, Opened):
                self._numbers[event.stream] = event.fact.number


def _row(event: Recorded, number: int | None, texts: Texts) -> dict[str, Any]:
    envelope = event.envelope
    return {
        "position": event.position,
        "stream": str(event.stream),
        "number": number,
        "version": event.version,
        "kind": event.fact.type_name.partition(".")[0],
        "type": event.fact.type_name,
        "recorded_at": event.recorded_at,
        "occurred_at": event.at,
        "actor_kind": event.actor.kind,
        "actor": event.actor.id,
        "command": str(envelope.command_id),
        "correlation": str(envelope.correlation_id),
        "causation": _text(envelope.causation_id),
        "subject": _text(envelope.subject),
        "fact": json.dumps(told(event.fact, texts), ensure_ascii=False),
    }


def _text(id: UUID | None) -> str | None:
    return None if id is None else str(id)
