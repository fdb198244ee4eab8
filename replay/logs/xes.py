"""How is an IEEE XES log read? As a stream, case by case, trusting nothing in it."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from replay.logs.eventlog import BrokenLog, Case, Counted, Row, Value, opened

TEXT = frozenset({"string", "date", "id"})
MAX_INT = 2**53
PLACE = re.compile(r", line \d+, column \d+.*$")
LOG, TRACE, EVENT = "{*}log", "{*}trace", "{*}event"


class XesLog:
    """Only one trace is in memory at a time. Document types, and so all entities of a file's own, are refused."""

    format = "XES"
    attributes: frozenset[str] | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: Counted | None = None
        self.outside = 0
        """Events that stand in no trace, and so belong to no case."""

    def progress(self) -> float:
        return self._read.fraction if self._read else 0.0

    def cases(self, case_id: str) -> Iterator[Case]:
        with opened(self._path) as (file, self._read):
            counting = Lines(file)
            try:
                yield from self._traces(counting, case_id)
            except etree.XMLSyntaxError as error:
                raise BrokenLog(max(error.lineno or 0, 1), _reason(error)) from None
            except (EOFError, OSError, zlib.error) as error:
                raise BrokenLog(counting.line, f"the file cannot be unpacked beyond here: {error}") from None

    def _traces(self, file: Lines, case_id: str) -> Iterator[Case]:
        parser = etree.iterparse(
            file, events=("start", "end"), tag=(LOG, TRACE), resolve_entities=False, load_dtd=False,
            no_network=True, huge_tree=False, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        for moment, element in parser:
            if moment == "start":
                _refuse_document_type(element)
            elif _local(element.tag) == "trace":
                yield _case(element, case_id, file.line)
                self._forget(element)
        if parser.root is not None and _local(parser.root.tag) != "log":
            raise BrokenLog(1, f"this is XML, but not XES: its root is <{_local(parser.root.tag)}>, not <log>")

    def _forget(self, trace: Any) -> None:
        """Free the trace and whatever stands before it."""
        trace.clear()
        parent = trace.getparent()
        while parent is not None and trace.getprevious() is not None:
            self.outside += _local(parent[0].tag) == "event"
            del parent[0]


class Lines:
    """A file that knows about which line it has been read to: libxml2 itself stops counting at 65,535."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.line = 1

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.line += data.count(b"\n")
        return data


def _refuse_document_type(element: Any) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise BrokenLog(1, "the file declares a document type, which XES does not have: refused")


def _reason(error: etree.XMLSyntaxError) -> str:
    return PLACE.sub("", error.msg or "not well-formed XML")


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def _case(trace: Any, case_id: str, line: int) -> Case:
    dropped: Counter[str] = Counter()
    own: dict[str, Value] = {}
    rows: list[Row] = []
    for child in trace:
        if _local(child.tag) == "event":
            rows.append(_attributes(child, dict(own), "", dropped))
        else:
            _take(child, own, "case:", dropped)
    return Case(str(own.get(case_id, rows[0].get(case_id, "") if rows else "")), tuple(rows), line, dropped)


def _attributes(element: Any, row: dict[str, Value], prefix: str, dropped: Counter[str]) -> dict[str, Value]:
    for attribute in element:
        get = attribute.get
        if attribute.tag.endswith("string") and not len(attribute):
            row[prefix + get("key", "")] = get("value", "")
        else:
            _take(attribute, row, prefix, dropped)
    return row


def _take(attribute: Any, row: dict[str, Value], prefix: str, dropped: Counter[str]) -> None:
    key, kind = prefix + attribute.get("key", ""), _local(attribute.tag)
    if len(attribute):
        dropped[key] += 1
    if kind in ("list", "container", "values"):
        return
    row[key] = typed(kind, attribute.get("value", ""))


def typed(kind: str, text: str) -> Value:
    """A number or truth value where it says so and is one; else the text as it stands."""
    if kind in TEXT:
        return text
    try:
        if kind == "boolean":
            return {"true": True, "1": True, "false": False, "0": False}.get(text.strip().lower(), text)
        number = int(text) if kind == "int" else float(text) if kind == "float" else text
    except ValueError:
        return text
    return number if isinstance(number, str) or abs(number) <= MAX_INT else text
