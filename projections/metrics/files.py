"""files: how does an answer read as a table, for spreadsheets and for analysts' tools? The same values as its JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from projections.metrics.answer import Answer, Row, Unit

Format = Literal["json", "csv", "parquet", "arrow"]
Cell = str | int | float | datetime | None
WHOLE: frozenset[Unit] = frozenset({"tickets", "events", "points"})
# What a spreadsheet would take for a formula, were it the first character of a cell.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def columns(answer: Answer) -> dict[str, type]:
    """What a row holds: its bucket, its group, its values, and those of the period before as `{metric}_previous`."""
    named: dict[str, type] = {"bucket_from": datetime, "bucket_to": datetime, "bucket": str}
    for name in answer.group_by:
        named |= {name: str, f"{name}_label": str}
    if any(row.rank is not None for row in answer.rows):
        named["rank"] = int
    for suffix in ("", "_previous") if answer.compared_with else ("",):
        named |= {f"{metric.name}{suffix}": int if metric.unit in WHOLE else float for metric in answer.metrics}
    return named


def cells(answer: Answer) -> Iterator[dict[str, Cell]]:
    for row in answer.rows:
        yield {"rank": row.rank, **_bucket(answer, row), **_group(answer, row), **_values(row)}


def as_csv(answer: Answer) -> bytes:
    """RFC 4180, in UTF-8. A text that a spreadsheet would compute gets an apostrophe before it."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(columns(answer)), extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _written(cell) for name, cell in row.items()} for row in cells(answer))
    return out.getvalue().encode()


def as_parquet(answer: Answer) -> bytes:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table(answer), out, compression="zstd")
    return out.getvalue()


def as_arrow(answer: Answer) -> bytes:
    """An IPC stream."""
    import pyarrow as pa

    out = io.BytesIO()
    found = table(answer)
    with pa.ipc.new_stream(out, found.schema) as stream:
        stream.write_table(found)
    return out.getvalue()


def table(answer: Answer) -> Any:
    """A pyarrow.Table that says in its metadata what it answers."""
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), datetime: pa.timestamp("us", tz="UTC")}
    named = columns(answer)
    schema = pa.schema([pa.field(name, types[type]) for name, type in named.items()], metadata=_said(answer))
    rows = [{name: row.get(name) for name in named} for row in cells(answer)]
    return pa.Table.from_pylist(rows, schema=schema)


FILES: Mapping[Format, tuple[str, Callable[[Answer], bytes]]] = {
    "csv": ("text/csv; charset=utf-8; header=present", as_csv),
    "parquet": ("application/vnd.apache.parquet", as_parquet),
    "arrow": ("application/vnd.apache.arrow.stream", as_arrow),
}


def _said(answer: Answer) -> dict[str, str]:
    said = {
        "report": answer.report,
        "from": answer.since.isoformat(),
        "to": answer.until.isoformat(),
        "tz": answer.tz,
        "time": answer.time,
        "position": str(answer.as_of.position),
        "definitions": " ".join(f"{metric.name}@{metric.version}" for metric in answer.metrics),
    }
    return {f"chronodesk.{name}": text for name, text in said.items()}


def _bucket(answer: Answer, row: Row) -> dict[str, Cell]:
    if row.bucket is None:
        return {"bucket_from": answer.since, "bucket_to": answer.until, "bucket": None}
    return {"bucket_from": row.bucket.since, "bucket_to": row.bucket.until, "bucket": row.bucket.label}


def _group(answer: Answer, row: Row) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for name in answer.group_by:
        found |= {name: row.group[name], f"{name}_label": row.labels[name]}
    return found


def _values(row: Row) -> dict[str, Cell]:
    before = {f"{name}_previous": value for name, value in (row.previous or {}).items()}
    return {**row.values, **before}


def _written(cell: Cell) -> str | int | float | None:
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(FORMULA) else cell
    return cell.isoformat() if isinstance(cell, datetime) else cell


def accepted(accept: str) -> Format:
    """The first format that an Accept header names; JSON if it names none of them."""
    for kind in (part.split(";")[0].strip().lower() for part in accept.split(",")):
        for format, (media, _) in FILES.items():
            if kind == media.split(";")[0]:
                return format
        if kind in ("application/json", "*/*"):
            return "json"
    return "json"
