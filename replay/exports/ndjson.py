"""What is in a lossless export? A header, one line an event in order of position, and a trailer: every byte counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Literal, LiteralString
from uuid import UUID

from psycopg import Connection
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from aggregates.moment import Basis
from replay.exports.scope import Scope
from replay.exports.source import Row, Source
from replay.proof.chain import link_at

FORMAT = 1
COMMANDS: LiteralString = """
SELECT command_id, first_position, caller, request FROM store.commands WHERE command_id = ANY (%(ids)s)
"""


class Line(BaseModel):
    """Bytes are written in hex, instants in UTC to the microsecond."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="hex", val_json_bytes="hex")

    def as_line(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode() + b"\n"


class Part(Line):
    """What was asked for, where it was not everything: from `since` on and before `until`."""

    basis: Basis
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    tickets: tuple[int, ...] = ()


class Header(Line):
    """The events stand at from_position <= position <= to_position of log `log_id`.

    release                the schema revision of the release that wrote it
    start_hash, end_hash   the chain's before the first position and at the last
    whole                  these are the log's first events, all of them: a desk can be restored from the file
    """

    chronodesk: Literal["export"] = "export"
    format: int = FORMAT
    release: str
    exported_at: AwareDatetime
    log_id: UUID
    from_position: int
    to_position: int
    start_hash: bytes
    end_hash: bytes
    whole: bool
    part: Part | None = None


class CommandKey(Line):
    """By which a retry of the command that begins here is known again; `request` is a keyed digest."""

    caller: str
    request: bytes


class EventLine(Line):
    """One event. `state` is its bytes as text; should they ever not be UTF-8, `state_bytes` has them in hex."""

    position: int
    stream: UUID
    version: int
    type: str
    recorded_at: AwareDatetime
    state: str | None = None
    state_bytes: bytes | None = None
    hash: bytes
    command: CommandKey | None = None

    @property
    def verbatim(self) -> bytes:
        return self.state.encode() if self.state is not None else self.state_bytes or b""


class Trailer(Line):
    """Without it the file was cut off. `hash`: the last event's, or start_hash where there is none."""

    end: Literal[True] = True
    events: int
    hash: bytes


class CommandOf(BaseModel):
    """An envelope, of which only this is asked."""

    command_id: UUID


def write(file: BinaryIO, source: Source, release: str, now: datetime) -> None:
    header = header_of(source.connection, source.scope, release, now)
    file.write(header.as_line())
    last = header.start_hash
    for page in source.rows():
        file.writelines(line.as_line() for line in lines_of(source.connection, page))
        last = page[-1].hash if page else last
    file.write(Trailer(events=source.counts.events, hash=last).as_line())


def header_of(connection: Connection[Any], scope: Scope, release: str, now: datetime) -> Header:
    asked = scope.asked
    part = Part(basis=asked.basis, since=_utc(asked.since), until=_utc(asked.until), tickets=asked.tickets)
    return Header(
        release=release,
        exported_at=now.astimezone(UTC),
        log_id=scope.log_id,
        from_position=scope.after + 1,
        to_position=scope.upto,
        start_hash=link_at(connection, scope.after),
        end_hash=link_at(connection, scope.upto),
        whole=scope.whole,
        part=None if scope.whole else part,
    )


def lines_of(connection: Connection[Any], page: Sequence[Row]) -> Iterator[EventLine]:
    ids = list({id for row in page if (id := command_of(row.state)) is not None})
    found = connection.execute(COMMANDS, {"ids": ids}, binary=True, prepare=True).fetchall()
    begun = {first: CommandKey(caller=caller, request=request) for _, first, caller, request in found}
    return (_line(row, begun.get(row.position)) for row in page)


def command_of(state: bytes) -> UUID | None:
    """Which command wrote it; None where it is no envelope."""
    try:
        return CommandOf.model_validate_json(state).command_id
    except ValidationError:
        return None


def _line(row: Row, command: CommandKey | None) -> EventLine:
    try:
        text, data = row.state.decode(), None
    except UnicodeDecodeError:
        text, data = None, row.state
    return EventLine(
        position=row.position,
        stream=row.stream,
        version=row.version,
        type=row.type,
        recorded_at=row.recorded_at.astimezone(UTC),
        state=text,
        state_bytes=data,
        hash=row.hash,
        command=command,
    )


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)
