"""test_report_shown: what do people, and programs, read of a report at a terminal?"""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from chronodesk import report_shown, terminal
from chronodesk.report_shown import show, spark
from projections.metrics.answer import Answer
from replay.report.panels import Series
from tests.replay.answers import HOSTILE, KEPT, OPENED, P90, answer, by_team, by_team_and_week, row


def at_a_terminal(told: Answer, monkeypatch: pytest.MonkeyPatch, width: int = 120) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, color_system=None)
    monkeypatch.setattr(report_shown, "console", console)
    monkeypatch.setattr(terminal, "console", console)
    show(told)
    return out.getvalue()


def test_without_a_terminal_there_is_a_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    show(answer([row([12, 93_600], (OPENED, P90), team="Network", previous=[10, 90_000])], (OPENED, P90)))
    assert capsys.readouterr().out.splitlines() == [
        "Arrivals",
        "2012-04-01 to 2012-04-08, Europe/Stockholm, by team, calendar time.",
        "Network: Tickets opened 12 (▲ 20.0%); First reply, p90 1 d 2 h (▲ 4.0%)",
        "all: Tickets opened 12 (▲ 20.0%); First reply, p90 12 s (▲ 20.0%)",
        "As of position 129,882, 2012-06-01 07:30:00 UTC.",
    ]


def test_buckets_are_sparks_and_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = at_a_terminal(by_team_and_week([f"Team {n}" for n in range(9)], 5, (OPENED, KEPT)), monkeypatch)
    for part in ("2012-W14 to 2012-W18", "▇▇▇██", "others"):
        assert part in shown
    assert "2 smaller groups are in the table only." in shown
    assert shown.rstrip().splitlines()[-1] == "As of position 129,882, 2012-06-01 07:30:00 UTC."


def test_groups_are_bars_and_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = at_a_terminal(by_team({"Network": 40, "Mail": 20, "Print": 0}), monkeypatch).splitlines()
    (network,) = (line for line in lines if line.startswith("Network") and "█" in line)
    (mail,) = (line for line in lines if line.startswith("Mail") and "█" in line)
    assert (network.count("█"), mail.count("█")) == (24, 12)


def test_totals_alone_are_a_line_a_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = at_a_terminal(answer([row([12], (OPENED,))]), monkeypatch)
    assert "Tickets opened           12  ▲ 20.0%" in shown


@pytest.mark.parametrize("told", [by_team(dict.fromkeys(HOSTILE, 1)), by_team_and_week(["[red]x[/]", "\x1b[31m"])])
def test_no_name_speaks_to_the_terminal(told: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = at_a_terminal(told, monkeypatch, 300)
    assert "\x1b" not in shown
    for name in {label for line in told.rows for label in line.labels.values()} - {"\x1b[31m"}:
        assert name in shown


def test_a_spark_shows_gaps_and_the_most_of_each_stretch() -> None:
    assert spark(Series("", (0, None, 4, 8)), 8) == "▁ ▅█"
    assert spark(Series("", (0,) * 119 + (8,)), 8) == "▁" * 59 + "█"
