"""What is in an event log? Cases of another system, read one after the other, wherever the file breaks off."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

Value = str | int | float | bool
Row = Mapping[str, Value]

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class BrokenLog(Exception):
    """The log cannot be read beyond `line`. What came before it was whole."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Case:
    """What the log tells of one case: its events in the log's order, and the line on which they end.

    id        empty where the log names none
    dropped   attributes that a row cannot hold (nested ones), and how often they came
    """

    id: str
    rows: tuple[Row, ...]
    line: int
    dropped: Mapping[str, int]


class EventLog(Protocol):
    """A log in one of the formats. Attributes of a case are named `case:<name>`, those of an event as they are."""

    format: str
    attributes: frozenset[str] | None
    """Every attribute there is, where the format says so before the first event."""

    def cases(self, case_id: str) -> Iterator[Case]:
        """Case after case. Raises BrokenLog where the file breaks off."""
        ...

    def progress(self) -> float:
        """Which part of the file was read, from 0 to 1."""
        ...


class Counted(io.RawIOBase):
    """The compressed file's own bytes, counted: they tell how much is left."""

    def __init__(self, path: Path) -> None:
        self.size = max(path.stat().st_size, 1)
        self.done = 0
        self._file = path.open("rb")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        read = self._file.readinto(buffer)
        self.done += read
        return read

    def close(self) -> None:
        self._file.close()
        super().close()

    @property
    def fraction(self) -> float:
        return min(self.done / self.size, 1.0)


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, Counted]]:
    """The log's text as bytes, unpacked, and the counter of what was read of the file."""
    compressed = is_gzip(path)
    with Counted(path) as counted, io.BufferedReader(counted, 1 << 16) as plain:
        if not compressed:
            yield plain, counted
            return
        with gzip.GzipFile(fileobj=plain, mode="rb") as unpacked:
            yield unpacked, counted  # type: ignore[misc]


def is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def is_xml(path: Path) -> bool:
    """By content: names of exports lie. Raises OSError or EOFError where not even the start can be read."""
    with opened(path) as (file, _):
        start = file.read(64)
    return start.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"<") or b"\x00<" in start[:4]
