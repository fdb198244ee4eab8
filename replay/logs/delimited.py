"""How is a CSV log read? Case by case where the rows of a case stand together, else grouped in memory."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections import deque
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from replay.logs.eventlog import BrokenLog, Case, Counted, Row, opened

if TYPE_CHECKING:
    import _csv

MAX_FIELD = 1 << 20
BYTE = re.compile("[\ud800-\udfff]")
Numbered = tuple[str, int, Row]


class CsvLog:
    """The header names the attributes. The file is read twice: first only to see whether cases are interleaved.

    Where they are, all of it is held in memory, and nothing before a break counts as whole.
    """

    format = "CSV"

    def __init__(self, path: Path, delimiter: str = ",") -> None:
        self._path = path
        self._delimiter = delimiter
        self._read: Counted | None = None
        self.interleaved = False
        self.attributes: frozenset[str] | None = frozenset(self._header())

    def progress(self) -> float:
        return self._read.fraction if self._read else 0.0

    def cases(self, case_id: str) -> Iterator[Case]:
        self.interleaved = self._is_interleaved(case_id)
        return self._grouped(case_id) if self.interleaved else self._streamed(case_id)

    def _streamed(self, case_id: str) -> Iterator[Case]:
        broken: list[BrokenLog] = []
        held: Case | None = None
        for case, together in groupby(self._until_broken(case_id, broken), key=itemgetter(0)):
            if held:
                yield held
            held = _case(case, list(together))
        if broken:
            # The last case may go on behind the break: only those before it are whole.
            raise broken[0]
        if held:
            yield held

    def _until_broken(self, case_id: str, broken: list[BrokenLog]) -> Iterator[Numbered]:
        try:
            yield from self._rows(case_id)
        except BrokenLog as error:
            broken.append(error)

    def _grouped(self, case_id: str) -> Iterator[Case]:
        cases: dict[str, deque[Numbered]] = {}
        for row in self._rows(case_id):
            cases.setdefault(row[0], deque()).append(row)
        while cases:
            case = next(iter(cases))
            yield _case(case, list(cases.pop(case)))

    def _is_interleaved(self, case_id: str) -> bool:
        seen: set[str] = set()
        try:
            for case, _ in groupby(self._rows(case_id), key=itemgetter(0)):
                if case in seen:
                    return True
                seen.add(case)
        except BrokenLog:
            # Told when it is met again, after the cases before it.
            return False
        return False

    def _header(self) -> list[str]:
        with opened(self._path) as (file, _):
            try:
                names = next(self._reader(file), [])
            except (csv.Error, EOFError, OSError, zlib.error) as error:
                raise BrokenLog(1, f"the header cannot be read: {error}") from None
        doubled = sorted({name for name in names if names.count(name) > 1})
        if not names or doubled:
            raise BrokenLog(1, f"two columns are named {doubled[0]!r}" if doubled else "there is no header")
        return names

    def _reader(self, file: BinaryIO) -> _csv.Reader:
        csv.field_size_limit(MAX_FIELD)
        return csv.reader(_lines(file), delimiter=self._delimiter, strict=True)

    def _rows(self, case_id: str) -> Iterator[Numbered]:
        with opened(self._path) as (file, self._read):
            reader = self._reader(file)
            try:
                names = next(reader, [])
                for cells in reader:
                    if cells:
                        yield _row(names, cells, case_id, reader.line_num)
            except csv.Error as error:
                raise BrokenLog(reader.line_num, str(error)) from None
            except (EOFError, OSError, zlib.error) as error:
                raise BrokenLog(reader.line_num + 1, f"the file cannot be unpacked beyond here: {error}") from None


def _lines(file: BinaryIO) -> Iterator[str]:
    """Line by line, so that a byte that is no text is laid to its own line and not to those read along with it."""
    for number, line in enumerate(io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline=""), 1):
        if not line.isascii() and BYTE.search(line):
            raise BrokenLog(number, "not UTF-8")
        yield line


def _row(names: list[str], cells: list[str], case_id: str, line: int) -> Numbered:
    if len(cells) != len(names):
        raise BrokenLog(line, f"{len(cells)} columns, where the header names {len(names)}")
    row = {name: cell for name, cell in zip(names, cells, strict=True) if cell != ""}
    return row.get(case_id, ""), line, row


def _case(case: str, rows: list[Numbered]) -> Case:
    return Case(case, tuple(row for _, _, row in rows), rows[-1][1], {})
