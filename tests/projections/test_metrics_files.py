"""test_metrics_files: does a table of every format hold the values of the answer, and nothing that runs?"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from projections.metrics.answer import Answer, AsOf, Grounds, MetricShown, Period, Row, Total, as_json
from projections.metrics.files import FILES, accepted, as_arrow, as_csv, as_parquet
from projections.metrics.page import page

MARCH = Period(datetime(2012, 3, 1, tzinfo=UTC), datetime(2012, 4, 1, tzinfo=UTC), "2012-03")
BEFORE = Period(datetime(2012, 2, 1, tzinfo=UTC), datetime(2012, 3, 1, tzinfo=UTC), "2012-02")
TEAM = str(UUID(int=7))


def row(team: str | None, label: str, arrivals: int, share: float | None) -> Row:
    values, previous = {"arrivals": arrivals, "one_touch": share}, {"arrivals": 1, "one_touch": None}
    change = {"arrivals": arrivals - 1, "one_touch": None}
    return Row(MARCH, {"team": team}, {"team": label}, values, previous, change)


ANSWER = Answer(
    "own", "Own", MARCH.since, MARCH.until, "UTC", "month", "calendar", ("team",), AsOf(9, MARCH.until),
    (MetricShown("arrivals", "Tickets", "tickets", "All.", 1), MetricShown("one_touch", "One", "share", "Some.", 2)),
    Grounds(), BEFORE, (row(TEAM, '=HYPERLINK("x")', 12, 1 / 3), row(None, 'a "b", c', 0, None)), Total({}),
)  # fmt: skip


def of_csv(body: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(body.decode(), newline=""), strict=True))
    for one in rows:
        one |= {"arrivals": int(one["arrivals"]), "one_touch": float(one["one_touch"]) if one["one_touch"] else None}
    return rows


def of_parquet(body: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(pa.BufferReader(body)).to_pylist()
    return rows


def of_arrow(body: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pa.ipc.open_stream(body).read_all().to_pylist()
    return rows


@pytest.mark.parametrize("told", [of_csv(as_csv(ANSWER)), of_parquet(as_parquet(ANSWER)), of_arrow(as_arrow(ANSWER))])
def test_each_format_reads_back_as_the_same_values(told: list[dict[str, Any]]) -> None:
    said = json.loads(as_json(ANSWER))["rows"]
    assert [{"arrivals": one["arrivals"], "one_touch": one["one_touch"]} for one in told] == [r["values"] for r in said]
    assert [int(one["arrivals_previous"]) for one in told] == [r["previous"]["arrivals"] for r in said]
    assert [one["team"] or None for one in told] == [TEAM, None]
    assert [one["bucket"] for one in told] == ["2012-03", "2012-03"]


def test_json_says_from_and_to() -> None:
    said = json.loads(as_json(ANSWER))
    assert (said["from"], said["to"]) == ("2012-03-01T00:00:00Z", "2012-04-01T00:00:00Z")
    assert said["rows"][0]["bucket"] == {"from": said["from"], "to": said["to"], "label": "2012-03"}
    assert said["compared_with"]["label"] == "2012-02"


def test_csv_has_lines_as_rfc_4180_and_no_formula() -> None:
    lines = as_csv(ANSWER).split(b"\r\n")
    assert lines[0].startswith(b"bucket_from,bucket_to,bucket,team,team_label,arrivals,one_touch,arrivals_previous")
    assert b"""\"'=HYPERLINK(""x"")\"""" in lines[1]
    assert b'"a ""b"", c"' in lines[2]
    assert lines[3:] == [b""]


def test_a_file_says_what_it_answers() -> None:
    said = pq.read_schema(pa.BufferReader(as_parquet(ANSWER))).metadata
    assert said[b"chronodesk.position"] == b"9"
    assert said[b"chronodesk.definitions"] == b"arrivals@1 one_touch@2"


@pytest.mark.parametrize(
    ("accept", "format"),
    [("", "json"), ("*/*", "json"), ("text/html, text/csv;q=0.9", "csv"), (FILES["arrow"][0], "arrow"),
     ("application/json, text/csv", "json"), (FILES["parquet"][0].upper(), "parquet")],
)  # fmt: skip
def test_the_first_format_that_is_known_is_given(accept: str, format: str) -> None:
    assert accepted(accept) == format


def test_the_page_of_definitions_is_what_they_say() -> None:
    written = Path(__file__).parents[2] / "docs" / "metrics.md"
    assert written.read_text() == page(), "python -m projections.metrics > docs/metrics.md"
