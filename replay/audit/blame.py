"""Which event set each thing that a ticket holds?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aggregates.envelope import Recorded
from replay.audit.course import Part, Parts, changed, course, parts


@dataclass(frozen=True, slots=True)
class Blamed:
    """A part as it is, and the last event that changed it. A field that was emptied is None by that event."""

    part: Part
    value: Any
    event: Recorded


def blame(events: Iterable[Recorded]) -> list[Blamed]:
    """Every part that ever got a value and every field that was emptied; elements that are gone are not there."""
    setters: dict[Part, Recorded] = {}
    now: Parts = {}
    for stage in course(events):
        before, now = now, parts(stage.ticket)
        setters |= dict.fromkeys(changed(before, now), stage.event)
    return [Blamed(part, value, setters[part]) for part, value in now.items() if part in setters]
