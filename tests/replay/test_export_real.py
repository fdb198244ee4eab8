"""test_export_real: two years of a real help desk, some of it, there and back in every format."""

from __future__ import annotations

import json
import os
from itertools import islice
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from chronodesk.local.postgres import EmbeddedPostgres
from replay.exports.scope import Asked
from replay.logs.writing import write_log
from replay.logs.xes import XesLog
from tests.databases import Database, fresh_database
from tests.replay.exported import contents, exported, restored, stored
from tests.replay.logs import BPI, REAL_LOG, desk_on
from tests.replay.test_export_formats import at, of_tickets, traces, xes

pytestmark = pytest.mark.skipif(
    not REAL_LOG.exists() and os.environ.get("CI") != "true", reason="the real log is not on this machine"
)
CASES = 120


@pytest.fixture(scope="module")
def real(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    path = tmp_path_factory.mktemp("real") / "some.xes"
    cases = islice(XesLog(REAL_LOG).cases(BPI.case.id), CASES)
    write_log(path, ([dict(row) for row in case.rows] for case in cases))
    with desk_on(module_database) as desk:
        assert desk.take(path).tickets == {"new": CASES}
    return module_database


def test_it_comes_back_as_it_was(real: Database, migrated: EmbeddedPostgres, tmp_path: Path) -> None:
    exported(real, tmp_path / "a.ndjson.gz", packed=True)
    with fresh_database(migrated) as other:
        restored(other, tmp_path / "a.ndjson.gz")
        assert contents(other) == contents(real)


def test_every_format_tells_as_much(real: Database, tmp_path: Path) -> None:
    accounts = {name: exported(real, tmp_path / f"a.{name}") for name in ("xes", "ocel", "parquet")}
    rows = stored(real)
    assert {name: account.events for name, account in accounts.items()} == {
        "xes": len(of_tickets(rows)), "ocel": len(rows), "parquet": len(rows),
    }  # fmt: skip
    assert accounts["xes"].streams == CASES == len(traces(xes(tmp_path / "a.xes")))
    told = json.loads((tmp_path / "a.ocel").read_text())
    assert len(told["objects"]) == accounts["ocel"].streams == len({row["stream"] for row in rows})
    table = pq.read_table(tmp_path / "a.parquet")
    assert pc.min(table["occurred_at"]).as_py() == min(map(at, rows))


def test_a_year_that_was_imported_is_asked_for_by_when_it_happened(real: Database, tmp_path: Path) -> None:
    since = sorted(map(at, stored(real)))[len(stored(real)) // 2]
    expected = [row["position"] for row in stored(real) if at(row) >= since]
    exported(real, tmp_path / "a.parquet", Asked(since=since, basis="occurred"))
    assert pq.read_table(tmp_path / "a.parquet")["position"].to_pylist() == expected
    assert exported(real, tmp_path / "b.parquet", Asked(since=since)).events == len(stored(real))
