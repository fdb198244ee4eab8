"""test_report_words: are figures said in the words of people, and is what is drawn what the answer says?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from projections.metrics.answer import MetricShown, Unit, Value
from replay.report.panels import BIGGEST, OTHERS, drawing
from replay.report.table import Cell, table
from replay.report.words import changed, drawable, said
from tests.replay.answers import KEPT, OPENED, P90, answer, by_team, by_team_and_week, row, weeks

DAY = 86_400


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0, "seconds", "0 s"),
        (1.25, "seconds", "1.2 s"),
        (59.97, "seconds", "60 s"),
        (61, "seconds", "1 min 1 s"),
        (3_600, "seconds", "1 h"),
        (2 * 3_600 + 29.6, "seconds", "2 h"),
        (DAY - 1, "seconds", "24 h"),
        (2 * DAY + 3_600, "seconds", "2 d 1 h"),
        (-90, "seconds", "-1 min 30 s"),
        (0.9346, "share", "93.5%"),
        (4.5, "score", "4.50"),
        (12_345.6, "money", "12,346 minor units"),
        (1_234_567, "tickets", "1,234,567"),
        (2.25, "number", "2.2"),
        (None, "tickets", "-"),
    ],
)
def test_a_figure_is_said_in_its_unit(value: Value, unit: Unit, words: str) -> None:
    assert said(value, unit) == words.replace("24 h", "1 d")


def test_business_time_has_no_days() -> None:
    assert (said(100 * 3_600, "seconds", business=True), said(100 * 3_600, "seconds")) == ("100 h", "4 d 4 h")


@pytest.mark.parametrize(
    ("now", "before", "unit", "words"),
    [
        (12, 10, "tickets", "▲ 20.0%"),
        (9, 12, "tickets", "▼ 25.0%"),
        (5, 5, "tickets", "="),
        (5_200, 10, "tickets", "▲ 520 times"),
        (5, 0, "tickets", "▲ 5"),
        (0.95, 0.9, "share", "▲ 5.0 points"),
        (None, 5, "tickets", ""),
        (7_200, 0, "seconds", "▲ 2 h"),
    ],
)
def test_a_change_has_an_arrow(now: Value, before: Value, unit: Unit, words: str) -> None:
    assert changed(now, before, unit) == words


def test_a_name_is_one_harmless_line() -> None:
    assert drawable("a\x00b\u202ec\nd\u3000e") == "a\ufffdb\ufffdc d e"
    assert len(drawable("x" * 200)) == 40


def test_counts_of_the_smaller_groups_are_added_up() -> None:
    teams = [f"Team {n}" for n in range(10)]
    (panel,) = drawing(by_team_and_week(teams)).panels
    assert [series.name for series in panel.series] == [*(f"Team {n}" for n in range(9, 2, -1)), OTHERS]
    assert panel.series[0].values == (100, 101, 102, 103)
    assert panel.series[-1].values == (10 + 20 + 30, 21 + 31, 12 + 22 + 32, 13 + 23 + 33)
    assert panel.parts


def test_durations_of_the_smaller_groups_are_not() -> None:
    drawn = drawing(by_team_and_week([f"Team {n}" for n in range(10)], metrics=(OPENED, P90)))
    counted, took = drawn.panels
    assert (len(counted.series), len(took.series), took.parts) == (BIGGEST + 1, BIGGEST, False)
    assert drawn.left_out == 3


def test_tags_are_not_added_up_for_a_ticket_may_have_many() -> None:
    told = by_team({f"tag {n}": n for n in range(10)})
    tagged = [replace(line, group={"tag": line.labels["team"]}) for line in told.rows]
    drawn = drawing(replace(told, rows=tuple(tagged), group_by=("tag",)))
    assert (len(drawn.panels[0].xs), drawn.left_out) == (BIGGEST, 3)


def test_money_of_two_currencies_is_neither_piled_up_nor_added_up() -> None:
    cost = MetricShown("cost", "Cost", "money", "", 1)
    told = by_team_and_week([f"C{n}" for n in range(9)], metrics=(cost,))
    (panel,) = drawing(replace(told, group_by=("currency",))).panels
    assert (panel.parts, len(panel.series)) == (False, BIGGEST)


def test_the_slowest_team_is_not_taken_for_the_biggest() -> None:
    metrics = (P90, OPENED)
    rows = [row([1_000_000 - n, n], metrics, team=f"Team {n}") for n in range(9)]
    took, counted = drawing(answer(rows, metrics)).panels
    assert took.xs[0] == counted.xs[0] == "Team 8"
    assert (took.xs[-1], counted.xs[-1]) == ("Team 2", OTHERS)


def test_what_is_not_known_stays_a_gap() -> None:
    (panel,) = drawing(by_team_and_week(["A", "B"], 3)).panels
    assert panel.series[1].values == (10, None, 12)


def test_metrics_of_one_unit_share_a_picture() -> None:
    metrics = (OPENED, P90, KEPT)
    rows = [row([n, n * 60, 0.5], metrics, week) for n, week in enumerate(weeks(3))]
    assert [panel.unit for panel in drawing(answer(rows, metrics, "week")).panels] == ["tickets", "seconds", "share"]


def test_a_table_has_every_row_and_the_total() -> None:
    told = table(by_team({"A": 1_000, "B": None}))
    assert (told.names, told.figures) == (("team",), ("Tickets opened",))
    assert [(line.names, line.cells[0].value) for line in told.lines] == [(("A",), "1,000"), (("B",), "-")]
    assert (told.total.names, told.total.cells) == (("all",), (Cell("12", "▲ 20.0%"),))


def test_a_time_and_its_percentiles_have_a_panel_of_their_own() -> None:
    def timed(how: str) -> MetricShown:
        return MetricShown(f"reply_{how}", f"Reply time, {how}", "seconds", "", 1)

    metrics = (timed("average"), OPENED, timed("p90"), MetricShown("logged", "Time logged", "seconds", "", 1))
    panels = drawing(answer([row([1, 2, 3, 4], metrics, week) for week in weeks(2)], metrics, "week")).panels
    assert [(panel.title, [series.name for series in panel.series]) for panel in panels] == [
        ("Reply time", ["average", "p90"]),
        ("Tickets opened", ["Tickets opened"]),
        ("Time logged", ["Time logged"]),
    ]
