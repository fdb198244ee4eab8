"""pack: how do all reports of a period become a folder to keep: a page, a table each, and what exactly they are?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from projections.metrics.answer import Answer, Version
from projections.metrics.files import as_csv
from replay.report.page import page
from replay.report.words import period

INDEX, MANIFEST = "index.html", "manifest.json"


def has_data(answer: Answer) -> bool:
    """Whether anything in it is neither unknown nor nought."""
    told = [answer.total.values, *(row.values for row in answer.rows)]
    return any(value for values in told for value in values.values())


def packed(answers: Sequence[Answer], without_data: Sequence[str]) -> dict[str, bytes]:
    """Files by name; `answers`: of one period and position, at least one. The same answers give the same bytes."""
    title = f"Report pack {period(answers[0])}"
    files = {INDEX: page(title, answers)} | {f"{answer.report}.csv": as_csv(answer) for answer in answers}
    told = json.dumps(_manifest(title, answers, without_data, files), indent=2, ensure_ascii=False)
    return files | {MANIFEST: f"{told}\n".encode()}


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """The manifest last: where it is, all that it names is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _manifest(
    title: str, answers: Sequence[Answer], without_data: Sequence[str], files: Mapping[str, bytes]
) -> dict[str, Any]:
    first = answers[0]
    return {
        "title": title,
        "from": first.since.isoformat(),
        "to": first.until.isoformat(),
        "tz": first.tz,
        "time": first.time,
        "as_of": {"position": first.as_of.position, "at": first.as_of.at.isoformat()},
        "reports": [_report(answer) for answer in answers],
        "without_data": list(without_data),
        "files": {name: _digest(content) for name, content in files.items()},
    }


def _report(answer: Answer) -> dict[str, Any]:
    return {
        "name": answer.report,
        "title": answer.title,
        "file": f"{answer.report}.csv",
        "rows": len(answer.rows),
        "bucket": answer.bucket,
        "group_by": list(answer.group_by),
        "definitions": {metric.name: metric.version for metric in answer.metrics},
        "policies": list(map(_version, answer.grounds.policies)),
        "calendars": list(map(_version, answer.grounds.calendars)),
    }


def _version(version: Version) -> dict[str, Any]:
    return {"id": str(version.id), "version": version.version}


def _digest(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
