"""words: how is a figure said to people? Durations in days and hours, shares in per cent, changes with an arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from projections.metrics.answer import Answer, AsOf, Unit, Value

MINUTE, HOUR, DAY = 60, 3_600, 86_400
NOTHING = "-"
LONGEST = 40
MANY = 10
EVERYTHING = "all"


def said(value: Value, unit: Unit, business: bool = False) -> str:
    """`business`: a duration within opening hours, whose days are not 24 hours long; it is said in hours."""
    if value is None:
        return NOTHING
    match unit:
        case "seconds":
            return duration(value, business)
        case "share":
            return f"{value:.1%}"
        case "score":
            return f"{value:,.2f}"
        case "money":
            return f"{value:,.0f} minor units"
        case _:
            return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def duration(seconds: float, business: bool = False) -> str:
    """Its two greatest parts, rounded to the smaller one."""
    sign, length = ("-", -seconds) if seconds < 0 else ("", seconds)
    if length < MINUTE:
        return f"{sign}{length:.1f}".removesuffix(".0") + " s"
    step = HOUR if length >= DAY and not business else MINUTE if length >= HOUR else 1
    return sign + " ".join(_parts(round(length / step) * step, business))


def _parts(whole: int, business: bool) -> Iterator[str]:
    days, rest = (0, whole) if business else divmod(whole, DAY)
    parts = ((days, "d"), (rest // HOUR, "h"), (rest % HOUR // MINUTE, "min"), (rest % MINUTE, "s"))
    return (f"{n:,} {unit}" for n, unit in parts if n)


def changed(now: Value, before: Value, unit: Unit, business: bool = False) -> str:
    """What became of it since the period before: of shares in points, after nothing as it is, else in proportion."""
    if now is None or before is None:
        return ""
    grown = now - before
    arrow = "▲" if grown > 0 else "▼" if grown < 0 else "="
    if grown == 0:
        return arrow
    if unit == "share":
        return f"{arrow} {abs(grown) * 100:.1f} points"
    if not before:
        return f"{arrow} {said(abs(grown), unit, business)}"
    times = now / before
    return f"{arrow} {times:,.0f} times" if times >= MANY else f"{arrow} {abs(grown / before):.1%}"


def scale(unit: Unit, most: float, business: bool = False) -> tuple[float, str]:
    """For an axis that ends at `most`: what one on it is worth, and the sign behind each number."""
    if unit == "share":
        return 0.01, "%"
    if unit != "seconds":
        return 1, ""
    if most >= 3 * DAY and not business:
        return DAY, " d"
    if most >= 2 * HOUR:
        return HOUR, " h"
    return (MINUTE, " min") if most >= 2 * MINUTE else (1, " s")


def called(labels: Mapping[str, str]) -> str:
    """A group, by all that it was grouped by."""
    return ", ".join(map(drawable, labels.values())) or EVERYTHING


def drawable(label: str) -> str:
    """A name that somebody chose, in one line: not too long, and no control character, for which XML has no place."""
    line = "".join(one if one.isprintable() else " " if one.isspace() else "\ufffd" for one in label)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def scope(answer: Answer) -> str:
    """What was asked: the period, the buckets, the groups, the kind of time."""
    every = f", by {answer.bucket}" if answer.bucket else ""
    by = f", by {' and '.join(answer.group_by).replace('_', ' ')}" if answer.group_by else ""
    return f"{period(answer)}{every}{by}, {answer.time} time"


def period(answer: Answer) -> str:
    """By the clocks of its own zone."""
    return f"{instant(answer.since, answer.tz)} to {instant(answer.until, answer.tz)}, {answer.tz}"


def as_of(answer: Answer) -> str:
    return moment(answer.as_of)


def moment(known: AsOf) -> str:
    return f"As of position {known.position:,}, {known.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def instant(at: datetime, tz: str) -> str:
    """By the clocks of the zone; a midnight is its date."""
    there = at.astimezone(ZoneInfo(tz))
    return f"{there:%Y-%m-%d}" if there.time() == time() else f"{there:%Y-%m-%d %H:%M:%S}"
