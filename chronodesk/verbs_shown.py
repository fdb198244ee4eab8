"""verbs_shown: how do events, and what a ticket holds, look at a terminal? Tables for people, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from rich.table import Table

from aggregates.envelope import Recorded
from aggregates.text import Erased
from aggregates.ticket.events import SatisfactionRated, SatisfactionRequested, SlaApplied
from chronodesk.terminal import console, plain, say
from replay.audit.course import Part
from replay.audit.said import Told
from replay.phrases import ERASED, Names, named, phrase, said_by, short, versioned


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Empty columns are left out. Elsewhere than at a terminal, one line a row, its cells two spaces apart."""
    found = [tuple(map(plain, row)) for row in rows]
    kept = [place for place in range(len(headings)) if any(row[place] for row in found)]
    if not console.is_terminal:
        widths = [max(len(row[place]) for row in found) for place in kept]
        for row in found:
            say("  ".join(row[place].ljust(width) for place, width in zip(kept, widths, strict=True)).rstrip())
        return
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place in kept:
        shown.add_column(headings[place], overflow="fold")
    for row in found:
        shown.add_row(*(row[place] for place in kept))
    console.print(shown, markup=False)


def instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def event(one: Recorded, names: Names) -> tuple[str, str, str, str]:
    """Its version, when it happened, who did it, and what."""
    return f"@{one.version}", instant(one.at), said_by(one.actor, names), phrase(one.fact, names)


def held(part: Part, value: object, names: Names) -> str:
    """What a part of a ticket holds, in words."""
    match value:
        case None:
            return "nothing"
        case Erased():
            return ERASED
        case bool():
            return "yes" if value else "no"
        case UUID():
            return named(value, names)
        case SlaApplied(policy=None):
            return "no policy"
        case SlaApplied():
            calendar = "" if value.calendar is None else f" on {named(value.calendar, names)}@{value.calendar_version}"
            return versioned(f"{value.policy}@{value.policy_version}", names) + calendar
        case SatisfactionRequested() | SatisfactionRated():
            return phrase(value, names)
        case (str() as relation, UUID() as other):
            return f"{relation.replace('_', ' ')} {named(other, names)}"
        case _ if part.field == "number":
            return f"T-{value}"
        case _:
            return str(value)


def place(part: Part) -> str:
    """The name of a part; an element of a set says itself what it is."""
    return f"{part.field}.{part.element}" if part.field == "fields" else part.field.replace("_", " ")


def place_of(told: Told) -> tuple[str, str, str, str, str, str]:
    """Where an event of the whole log stands, and what it says."""
    trace = told.trace
    kind = trace.type.partition(".")[0]
    stream = f"T-{trace.number}" if trace.number else f"{kind.replace('_', ' ')} {short(str(trace.stream))}"
    happened = "" if trace.occurred_at == trace.recorded_at else instant(trace.occurred_at)
    at = f"{stream}@{trace.version}"
    return f"#{trace.position}", instant(trace.recorded_at), happened, at, told.who, told.what
