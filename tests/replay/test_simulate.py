"""test_simulate: is the made-up desk the same for the same seed, and like a real one?"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from replay.logs.eventlog import Row
from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from tests.databases import Database
from tests.replay.logs import desk_on


@pytest.fixture(scope="module")
def cases() -> list[list[Row]]:
    return list(simulate(1_500, 7))


@pytest.mark.parametrize("name", ["a.xes.gz", "a.csv"])
def test_the_same_seed_gives_the_same_file_to_the_byte(tmp_path: Path, name: str) -> None:
    for folder, seed in (("one", 7), ("two", 7), ("other", 8)):
        (tmp_path / folder).mkdir()
        write_log(tmp_path / folder / name, simulate(100, seed))
    one, two, other = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two", "other"))
    assert one == two
    assert one != other


def test_every_case_is_in_order_of_time_and_begins_with_somebody(cases: list[list[Row]]) -> None:
    assert len(cases) == 1_500
    assert all(str(a["time:timestamp"]) <= str(b["time:timestamp"]) for rows in cases for a, b in pairwise(rows))
    assert {rows[0]["lifecycle:transition"] for rows in cases} == {"In Progress", "Awaiting Assignment"}


def test_people_write_in_office_hours_and_a_few_teams_have_most_of_the_work(cases: list[list[Row]]) -> None:
    hours = Counter(int(str(rows[0]["time:timestamp"])[11:13]) for rows in cases)
    assert sum(hours[hour] for hour in range(8, 18)) > 0.75 * len(cases)
    teams = Counter(row["org:group"] for rows in cases for row in rows)
    assert sum(n for _, n in teams.most_common(len(teams) // 4)) > 0.5 * teams.total()


def test_whatever_happens_on_a_real_desk_happens_here(
    cases: list[list[Row]], database: Database, tmp_path: Path
) -> None:
    write_log(tmp_path / "a.xes", cases)
    with desk_on(database) as desk:
        account = desk.take(tmp_path / "a.xes")
    kinds = {kind.split(".")[1] for kind in account.facts if kind.startswith("ticket.")}
    assert kinds >= {
        "opened", "imported", "assigned", "unassigned", "routed", "escalated", "de_escalated", "put_pending",
        "put_on_hold", "reopened", "resolved", "closed", "field_changed",
    }  # fmt: skip
    assert account.tickets == {"new": 1_500}
    assert not account.remarks
