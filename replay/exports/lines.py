"""Is a lossless export whole, and is each of its events what its hash says? Read line by line, trusting nothing."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError

from replay.exports.ndjson import FORMAT, EventLine, Header, Line, Trailer
from replay.proof.chain import GENESIS

L = TypeVar("L", bound=Line)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
PLACE = struct.Struct(">q16sqi")
INSTANT = struct.Struct(">q")
END = b'{"end"'


class BrokenExport(Exception):
    """The file cannot be believed from this line on."""

    def __init__(self, line: int, reason: str, position: int | None = None) -> None:
        place = f"line {line}" if position is None else f"line {line}, position {position}"
        super().__init__(f"{place}: {reason}")
        self.line = line
        self.position = position


class Lines:
    """One reading of a file: its header at once, then its events, each checked against the chain so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = EPOCH
        self.line = 0
        self.position = 0
        self.hash = GENESIS
        self.header = self._head()

    def events(self) -> Iterator[EventLine]:
        """All of them, up to the trailer. Raises BrokenExport at the first that is not as it was written."""
        while not (text := self._next()).startswith(END):
            event = self._read(EventLine, text)
            self._check(event)
            yield event
        self._finish(self._read(Trailer, text))

    def refuse(self, reason: str) -> BrokenExport:
        return BrokenExport(self.line, reason, self.position + 1)

    def _head(self) -> Header:
        text = self._next()
        try:
            found = Version.model_validate_json(text)
        except ValidationError:
            raise BrokenExport(1, "this is no lossless export of Chronodesk's") from None
        if found.format != FORMAT:
            raise BrokenExport(1, f"it is written in format {found.format}, and this release reads format {FORMAT}")
        header = self._read(Header, text)
        if not header.whole:
            raise BrokenExport(1, "only a part of a log was exported into it, and a desk needs all that came before")
        if (header.from_position, header.start_hash) != (1, GENESIS):
            raise BrokenExport(1, "it says that it is whole, but it does not begin where a log begins")
        return header

    def _next(self) -> bytes:
        self.line += 1
        try:
            text = self._file.readline()
        except (EOFError, OSError, zlib.error) as error:
            raise self.refuse(f"the file cannot be unpacked beyond here: {error}") from None
        if not text.endswith(b"\n"):
            raise self.refuse("the file was cut off here")
        return text

    def _read(self, model: type[L], text: bytes) -> L:
        try:
            return model.model_validate_json(text)
        except ValidationError as error:
            where = sorted({".".join(map(str, fault["loc"])) for fault in error.errors(include_input=False)})
            raise self.refuse(
                f"this is no line of such an export ({', '.join(filter(None, where)) or 'not JSON'})"
            ) from None

    def _check(self, event: EventLine) -> None:
        if event.position != self.position + 1:
            raise self.refuse(f"the next event in the file is at position {event.position}")
        found = link(self.hash, event)
        if found != event.hash:
            raise self.refuse("the hash does not fit: this event, its place or the hash before it was changed")
        if event.recorded_at < self._at:
            raise self.refuse("it was recorded before the event before it")
        self.position, self.hash, self._at = event.position, event.hash, event.recorded_at

    def _finish(self, trailer: Trailer) -> None:
        header = self.header
        if (trailer.events, trailer.hash) != (self.position, self.hash):
            raise self.refuse(f"the file ends here, but says that it has {trailer.events} events")
        if (header.to_position, header.end_hash) != (self.position, self.hash):
            raise self.refuse(f"the file ends here, but its first line speaks of {header.to_position} events")
        if self._file.read(1):
            raise self.refuse("the file goes on after its end")


class Version(BaseModel):
    """What every format of ours begins with."""

    chronodesk: str
    format: int


def link(before: bytes, event: EventLine) -> bytes:
    """The hash of an event that follows one with hash `before`, as store.chain works it out."""
    kind = event.type.encode()
    place = PLACE.pack(event.position, event.stream.bytes, event.version, len(kind))
    at = INSTANT.pack((event.recorded_at - EPOCH) // MICROSECOND)
    return hashlib.sha256(before + place + kind + at + event.verbatim).digest()
