"""What became another between two moments of a ticket, and by which events?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aggregates.envelope import Recorded
from aggregates.errors import Unacceptable
from replay.audit.course import Part, changed, course, parts


@dataclass(frozen=True, slots=True)
class Change:
    """`by`: the events that changed it in between, in the order in which they were folded."""

    part: Part
    before: Any
    after: Any
    by: tuple[Recorded, ...]


def diff(first: Sequence[Recorded], last: Sequence[Recorded]) -> list[Change]:
    """Between two folds of one ticket, of which the second knows all that the first does. Raises Unacceptable.

    What changed and changed back is no difference.
    """
    known = {event.version for event in first}
    if not known <= {event.version for event in last}:
        raise Unacceptable("range.backwards", "The second moment must not lie before the first.")
    stages = list(course(last))
    before = parts([*course(first)][-1].ticket if first else None)
    after = parts(stages[-1].ticket if stages else None)
    by: defaultdict[Part, list[Recorded]] = defaultdict(list)
    for stage in stages:
        if stage.event.version not in known:
            for part in changed(parts(stage.before), parts(stage.ticket)):
                by[part].append(stage.event)
    return [Change(part, before.get(part), after.get(part), tuple(by[part])) for part in changed(before, after)]
