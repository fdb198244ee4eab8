"""rebuild: how does a view get new tables beside the live ones, filled from the log, and in their place?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from psycopg import Connection

from consumers.builds import Build, live_build
from consumers.faults import OutdatedCode
from consumers.leftovers import drop_retired
from replay.rebuild.compare import NONE, Differences, Pair
from replay.rebuild.crew import Crew
from replay.rebuild.fill import Filled, Tell, Wanted, building, catch_up, fill, session
from replay.rebuild.swap import Change, Findings, compare_apart, hand_over, put_live


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of it. before: the build that was live; None: there was none, so nothing was compared."""

    before: Build | None
    build: Build
    filled: Filled
    findings: Findings

    def as_json(self) -> dict[str, Any]:
        return {
            "view": self.build.view,
            "build": self.build.schema,
            "before": self.before.schema if self.before else None,
            "events": self.filled.events,
            "streams": self.filled.streams,
            "seconds": round(self.filled.seconds, 3),
            **asdict(self.findings),
        }


def rebuild(wish: Wanted, crew: Crew, tell: Tell, accept: bool = False) -> Rebuilt:
    """Whatever ends it, the live view is as it was or has been swapped as a whole; readers and writers go on.

    accept: swap even if rows differ or tickets are parked. Busy, OutdatedCode, NotSwapped, LiveChanged.
    """
    with session(wish) as connection:
        live = live_build(connection, wish.view)
        if live is not None and live.version > wish.projection.version:
            raise OutdatedCode(f"{live.schema} is live, but this code knows only version {wish.projection.version}")
        with building(connection, wish, "rebuild") as fresh:
            filled = fill(connection, wish, fresh, crew, tell)
            change = Change(live, fresh, wish.projection, wish.ddl, accept)
            build, findings = put_live(connection, change, _compare(connection, wish, change, tell))
        if live is not None:
            tell("handing over", filled.position, filled.position)
            hand_over(connection, live, build, wish.projection)
            drop_retired(connection, wish.view, seconds=0)
        return Rebuilt(live, build, filled, findings)


def _compare(connection: Connection[Any], wish: Wanted, change: Change, tell: Tell) -> tuple[Differences, int]:
    """What was left behind while that took is caught up again."""
    if change.live is None:
        return NONE, 0
    tell("comparing", 0, 0)
    apart = compare_apart(Pair(connection, change.live, change.fresh))
    catch_up(connection, change.fresh, wish.projection, tell)
    tell("swapping", 0, 0)
    return apart
