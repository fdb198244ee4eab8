"""charts: how does an answered report look as a picture? The same answer gives the same bytes."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from projections.metrics.answer import Answer
from replay.report.panels import Drawing, Panel, Series, drawing
from replay.report.svg import accessible
from replay.report.words import as_of, drawable, said, scale, scope

# All in inches. Places are reckoned here: the library's own layouts differ in their last bits from run to run.
WIDTH, EDGE, HEAD, FOOT = 10.0, 0.15, 0.6, 0.35
ABOVE, BELOW, NUMBERS, KEY = 0.35, 0.3, 0.85, 0.45
"""Of a panel: its title, what is written below it, left of it where it has an axis, and the sign of a legend's line."""
TALL, BAR, EMPTY, LETTER, WIDE_LETTER = 2.4, 0.24, 0.3, 0.08, 0.13
BARS = 40
"""At most so many columns in time: more of them are lines."""
INK, GREY, PALE = "#222222", "#8a8a8a", "#dddddd"
COLOURS = ("#1f5fa8", "#c2410c", "#15803d", "#7c3aed", "#a16207", "#0e7490", "#be185d")
# Who cannot tell the colours apart can still tell these.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "chronodesk",
    # A team may be called $x^2$.
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "grid.color": PALE,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}
UNDATED: dict[str, Any] = {"Date": None, "Creator": None, "Format": None, "Type": None}
# matplotlib has its settings and its fonts for all threads together.
_ONE_AT_A_TIME = Lock()


def draw(answer: Answer) -> bytes:
    """SVG that needs nothing from outside: no script, no style sheet, no font, no date."""
    drawn = drawing(answer)
    with _ONE_AT_A_TIME, rc_context(STYLE), warnings.catch_warnings():
        # Only widths are measured here; the letters come from the reader's fonts.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        picture = _picture(answer, drawn)
    return accessible(picture, answer.title, description(answer, drawn))


def description(answer: Answer, drawn: Drawing) -> str:
    """The picture in words, for those who do not see it."""
    lines = [f"{scope(answer)}."]
    for panel in drawn.panels:
        told = (f"{series.name}: {_reach(series, panel, answer.time == 'business')}" for series in panel.series)
        lines.append(f"{panel.title}. {'; '.join(told)}.")
    return "\n".join((*lines, *_notes(answer, drawn)))


def _reach(series: Series, panel: Panel, business: bool) -> str:
    known = sorted(value for value in series.values if value is not None)
    if not known:
        return "nothing"
    least, most = (said(value, panel.unit, business) for value in (known[0], known[-1]))
    return least if least == most else f"{least} to {most}"


def _notes(answer: Answer, drawn: Drawing) -> Iterator[str]:
    if drawn.left_out:
        yield f"{drawn.left_out} smaller groups are in the table only."
    yield f"{as_of(answer)}."


def _picture(answer: Answer, drawn: Drawing) -> bytes:
    height = HEAD + sum(map(_height, drawn.panels)) + FOOT
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    heading = f"{drawable(answer.title)}\n{scope(answer)}"
    figure.text(EDGE / WIDTH, 1 - EDGE / height, heading, va="top", fontsize=11)
    figure.text(EDGE / WIDTH, EDGE / height, " ".join(_notes(answer, drawn)), fontsize=8)
    top = height - HEAD
    for panel in drawn.panels:
        x, y, width, tall = _place(panel, top)
        _draw(figure.add_axes((x / WIDTH, y / height, width / WIDTH, tall / height)), panel, answer.time == "business")
        top -= _height(panel)
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata=UNDATED)
    return out.getvalue()


def _height(panel: Panel) -> float:
    bars = BAR * len(panel.xs) * len(panel.series)
    return ABOVE + (EMPTY if not panel.values else TALL if panel.over_time else bars) + BELOW


def _place(panel: Panel, top: float) -> tuple[float, float, float, float]:
    """Where its axes begin, from the left and from below, and how wide and how tall they are."""
    left, tall = NUMBERS if panel.over_time else _widest(panel.xs) + 2 * EDGE, _height(panel)
    return left, top - tall + BELOW, WIDTH - left - _legend(panel) - EDGE, tall - ABOVE - BELOW


def _legend(panel: Panel) -> float:
    return _widest([series.name for series in panel.series]) + KEY if len(panel.series) > 1 else 0


def _widest(names: Sequence[str]) -> float:
    return max((sum(WIDE_LETTER if one > "\u2e7f" else LETTER for one in drawable(name)) for name in names), default=0)


def _draw(axes: Axes, panel: Panel, business: bool) -> None:
    # An axis has no room for it; bars say it themselves.
    minor = ", in minor units" if panel.unit == "money" and panel.over_time else ""
    axes.set_title(drawable(panel.title) + minor)
    if not panel.values:
        axes.set_axis_off()
        axes.text(0, 0.5, "Nothing to show.", transform=axes.transAxes)
        return
    handles = (_over_time if panel.over_time else _side_by_side)(axes, panel, business)
    if len(handles) > 1:
        names = [drawable(series.name) for series in panel.series]
        # What is piled up is read from the top, too.
        way = -1 if panel.over_time and panel.parts else 1
        axes.legend(handles[::way], names[::way], loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _over_time(axes: Axes, panel: Panel, business: bool) -> list[Any]:
    worth, sign = scale(panel.unit, max(panel.values), business)
    columns = [[math.nan if value is None else value / worth for value in series.values] for series in panel.series]
    places = range(len(panel.xs))
    handles = (_stack if panel.parts and len(places) <= BARS else _lines)(axes, panel, columns)
    room = WIDTH - NUMBERS - _legend(panel) - EDGE
    step = math.ceil(len(places) * (_widest(panel.xs) + EDGE) / room)
    axes.set_xticks(places[::step], panel.xs[::step])
    axes.set_xlim(-0.6, len(places) - 0.4)
    axes.set_ylim(min(0.0, *panel.values) / worth, None if max(panel.values) > 0 else 1.0)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=not sign))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(value, 6):,}".removesuffix(".0") + sign))
    axes.grid(axis="y")
    return handles


def _stack(axes: Axes, panel: Panel, columns: Sequence[Sequence[float]]) -> list[Any]:
    """One above the other: together they are the whole."""
    handles, floor = [], [0.0] * len(panel.xs)
    for place, (series, column) in enumerate(zip(panel.series, columns, strict=True)):
        heights = [0.0 if math.isnan(value) else value for value in column]
        handles.append(axes.bar(range(len(heights)), heights, 0.8, floor, color=_colour(series, place)))
        floor = [below + height for below, height in zip(floor, heights, strict=True)]
    return handles


def _lines(axes: Axes, panel: Panel, columns: Sequence[Sequence[float]]) -> list[Any]:
    size = 4.0 if len(panel.xs) <= BARS else 0.0
    handles = []
    for place, (series, column) in enumerate(zip(panel.series, columns, strict=True)):
        look: dict[str, Any] = {"color": _colour(series, place), "linestyle": "--" if series.aside else "-"}
        marker = "." if series.aside else MARKERS[place]
        handles += axes.plot(range(len(column)), column, marker=marker, markersize=size, linewidth=1.4, **look)
    return handles


def _side_by_side(axes: Axes, panel: Panel, business: bool) -> list[Any]:
    """Bars to the right, the first on top, each with its value."""
    thick, handles = 0.8 / len(panel.series), []
    for place, series in enumerate(panel.series):
        middles = [x - 0.4 + (place + 0.5) * thick for x in range(len(panel.xs))]
        lengths = [value or 0 for value in series.values]
        handles.append(axes.barh(middles, lengths, thick * 0.9, color=_colour(series, place)))
        for middle, length, value in zip(middles, lengths, series.values, strict=True):
            axes.text(max(length, 0), middle, f"  {said(value, panel.unit, business)}", va="center", fontsize=8)
    axes.set_yticks(range(len(panel.xs)), [drawable(x) for x in panel.xs])
    axes.set_ylim(len(panel.xs) - 0.4, -0.6)
    axes.set_xlim(min(0, *panel.values), max(*panel.values, 0) * 1.15 or 1)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    return handles


def _colour(series: Series, place: int) -> str:
    return GREY if series.aside else COLOURS[place]
