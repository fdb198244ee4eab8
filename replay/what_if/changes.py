"""How is all that would have changed written to a file, however much it is? One change a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any, Literal

from replay.what_if.folding import Change, Side

Form = Literal["ndjson", "csv"]
SIDE = ("came", "at", "team", "target", "elapsed")
COLUMNS = (
    "ticket",
    "number",
    "metric",
    "cycle",
    "over",
    *(f"{w}_{name}" for w in ("before", "after") for name in SIDE),
)


def form_of(file: Path) -> Form:
    return "csv" if file.suffix == ".csv" else "ndjson"


def told(change: Change) -> dict[str, Any]:
    """Lengths in seconds."""
    return {
        "ticket": str(change.ticket),
        "number": change.number,
        "metric": change.metric,
        "cycle": change.cycle,
        "over": change.over.total_seconds(),
        "before": _side(change.before),
        "after": _side(change.after),
    }


def lines(changes: Iterable[Change], form: Form) -> Iterator[str]:
    for change in changes:
        whole = told(change)
        if form == "ndjson":
            yield json.dumps(whole) + "\n"
        else:
            sides = (whole.pop("before"), whole.pop("after"))
            yield _row([*whole.values(), *(value for side in sides for value in side.values())])


@contextmanager
def joined(parts: list[Path], file: Path | None) -> Iterator[None]:
    """Parts that are written meanwhile become one file when all of them are whole; none of them is left behind."""
    try:
        yield
        if file is not None:
            _join(parts, file)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _join(parts: list[Path], file: Path) -> None:
    whole = file.with_name(f".{file.name}")
    with whole.open("w", encoding="utf-8") as out:
        if form_of(file) == "csv":
            out.write(_row(COLUMNS))
        for part in parts:
            with part.open(encoding="utf-8") as one:
                out.writelines(one)
    whole.replace(file)


def _side(side: Side) -> dict[str, Any]:
    return {
        "came": side.came,
        "at": None if side.at is None else side.at.astimezone(UTC).isoformat(),
        "team": None if side.team is None else str(side.team),
        "target": side.target,
        "elapsed": side.elapsed.total_seconds(),
    }


def _row(values: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()
