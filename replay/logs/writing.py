"""How is an event log written, so that our importer and everybody else's can read it? XES or CSV, plain or gzip."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from replay.exports.files import zipped
from replay.exports.xes import END, STANDARD, XML, attribute
from replay.logs.eventlog import Row

OF_CASE = "case:"
DATES = frozenset({"time:timestamp"})
HEAD = f'{XML}<log xes.version="1.0" xes.features="" xmlns="http://www.xes-standard.org/">\n{STANDARD}'


def write_log(path: Path, cases: Iterable[list[Row]]) -> tuple[int, int]:
    """By the name: `.csv` or XES, and packed if it ends in `.gz`. Returns how many cases and events it wrote."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    with _text(path, ".gz" in suffixes) as file:
        return _csv(file, cases) if ".csv" in suffixes else _xes(file, cases)


@contextmanager
def _text(path: Path, packed: bool) -> Iterator[TextIO]:
    with path.open("wb") as raw:
        if not packed:
            with io.TextIOWrapper(raw, "utf-8", newline="") as file:
                yield file
            return
        with zipped(raw) as archive, io.TextIOWrapper(archive, "utf-8", newline="") as file:
            yield file


def _xes(file: TextIO, cases: Iterable[list[Row]]) -> tuple[int, int]:
    file.write(HEAD)
    written = events = 0
    for rows in cases:
        own = [(name, value) for name, value in rows[0].items() if name.startswith(OF_CASE)]
        file.write("  <trace>\n")
        file.writelines(_attribute("    ", name.removeprefix(OF_CASE), value) for name, value in own)
        for row in rows:
            file.write("    <event>\n")
            file.writelines(_attribute("      ", *pair) for pair in row.items() if not pair[0].startswith(OF_CASE))
            file.write("    </event>\n")
        file.write("  </trace>\n")
        written, events = written + 1, events + len(rows)
    file.write(END)
    return written, events


def _attribute(indent: str, name: str, value: object) -> str:
    return attribute(indent, name, str(value), "date" if name in DATES else "string")


def _csv(file: TextIO, cases: Iterable[list[Row]]) -> tuple[int, int]:
    writer: csv.DictWriter[str] | None = None
    written = events = 0
    for rows in cases:
        if writer is None:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
        writer.writerows(rows)
        written, events = written + 1, events + len(rows)
    return written, events
