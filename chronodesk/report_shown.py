"""report_shown: what does an answered report look like at a terminal?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table as Columns

from chronodesk.terminal import bar, console, plain, say
from projections.metrics.answer import Answer
from replay.report.panels import Panel, Series, drawing
from replay.report.table import Cell, Line, Table, table
from replay.report.words import as_of, drawable, instant, moment, said, scope

if TYPE_CHECKING:
    from chronodesk.report_asked import Explained
    from projections.metrics.reports import Report

EIGHTHS = "▁▂▃▄▅▆▇█"
WIDEST = 60


def show(answer: Answer) -> None:
    """Tables and small charts for people, the same figures in plain lines for everybody else."""
    say(answer.title, "bold")
    say(f"{scope(answer)}.")
    told = table(answer)
    if not console.is_terminal:
        for words in _plain(told):
            say(words)
    elif told.lines:
        _charts(answer)
        console.print(_rows(told), markup=False)
    else:
        console.print(_metrics(told), markup=False)
    say(f"{as_of(answer)}.")


def show_list(reports: Sequence[Report]) -> None:
    if not console.is_terminal:
        for report in reports:
            say(f"{report.name}: {report.title}. {report.words}")
        return
    columns = _columns("report", "", "")
    for report in reports:
        columns.add_row(report.name, report.title, report.words)
    console.print(columns, markup=False)


def show_evidence(found: Explained) -> None:
    """A line each event, or each ticket as it stood; `chronodesk show T-1042@5` tells the rest."""
    say(found.metric.title, "bold")
    say(found.metric.definition)
    columns = _columns("ticket", "when", ">adds", "")
    for one in found.evidence:
        adds = said(one.value, found.metric.unit if found.metric.unit == "seconds" else "number")
        line = (f"T-{one.number}@{one.version}", instant(one.at, found.tz), adds, "" if one.value else "is divided by")
        columns.add_row(*line)
        if not console.is_terminal:
            say("  ".join(filter(None, line)))
    if console.is_terminal:
        console.print(columns, markup=False)
    if found.more:
        say(f"There is more than these {len(found.evidence)}; --limit shows more of it.")
    say(f"{moment(found.as_of)}.")


def _plain(told: Table) -> Iterator[str]:
    """A line a row, a figure by its name: nothing depends on the width."""
    for line in (*told.lines, told.total):
        name = " ".join(filter(None, line.names))
        figures = (f"{title} {_with_change(cell)}" for title, cell in zip(told.figures, line.cells, strict=True))
        yield f"{name}: {'; '.join(figures)}"


def _with_change(cell: Cell) -> str:
    return f"{cell.value} ({cell.change})" if cell.change else cell.value


def _rows(told: Table) -> Columns:
    columns = _columns(*told.names, *(f">{title}" for title in told.figures))
    for line in told.lines:
        columns.add_row(*_row(line))
    columns.add_row(*_row(told.total), style="bold")
    return columns


def _row(line: Line) -> list[str]:
    return [*map(plain, line.names), *map(_with_change, line.cells)]


def _metrics(told: Table) -> Columns:
    """Nothing divides it: a line a metric."""
    columns = _columns("metric", ">this period", "against the one before")
    for title, cell in zip(told.figures, told.total.cells, strict=True):
        columns.add_row(title, cell.value, cell.change)
    return columns


def _charts(answer: Answer) -> None:
    drawn, business = drawing(answer), answer.time == "business"
    for panel in drawn.panels:
        if any(panel.values):
            say("")
            say(panel.title, "bold")
            console.print((_sparks if panel.over_time else _bars)(panel, business), markup=False)
    if drawn.left_out:
        say(f"{drawn.left_out} smaller groups are in the table only.")
    say("")


def _sparks(panel: Panel, business: bool) -> Columns:
    """A line a series, from the first bucket to the last; all of a panel to one scale."""
    columns = _columns("", ">least", f"{panel.xs[0]} to {panel.xs[-1]}", ">most")
    top = max(panel.values)
    for series in panel.series:
        known = [value for value in series.values if value is not None]
        least, most = (said(edge(known, default=None), panel.unit, business) for edge in (min, max))
        columns.add_row(drawable(series.name), least, spark(series, top), most)
    return columns


def _bars(panel: Panel, business: bool) -> Columns:
    """A line each bar, those of one place together."""
    columns = _columns("", *(f">{series.name}" for series in panel.series), "")
    top = max(panel.values)
    for place, x in enumerate(panel.xs):
        values = [series.values[place] for series in panel.series]
        columns.add_row(plain(x), *(said(value, panel.unit, business) for value in values), bar(values[0] or 0, top))
    return columns


def spark(series: Series, top: float) -> str:
    """A character a bucket, a gap where there is nothing to tell; of long series, the most of each stretch."""
    step = -(-len(series.values) // WIDEST)
    parts = (series.values[start : start + step] for start in range(0, len(series.values), step))
    return "".join(_eighth(max((value for value in part if value is not None), default=None), top) for part in parts)


def _eighth(value: float | None, top: float) -> str:
    if value is None:
        return " "
    return EIGHTHS[min(7, int(value / top * 8))] if value > 0 < top else EIGHTHS[0]


def _columns(*names: str) -> Columns:
    """Those that begin with `>` are numbers."""
    columns = Columns(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in names:
        columns.add_column(plain(name.removeprefix(">")), justify="right" if name.startswith(">") else "left")
    return columns
