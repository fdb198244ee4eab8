"""cli_replay_rebuild: build views anew from the log, while they are read and written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from chronodesk.errors import FrontDoorError, Unavailable, UsageError
from chronodesk.phases import phases
from chronodesk.start import app_url, loaded
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from replay.rebuild.crew import Crew
    from replay.rebuild.fill import Tell, Wanted
    from replay.rebuild.rebuild import Rebuilt
    from replay.rebuild.swap import Findings


def register(replay: typer.Typer) -> None:
    replay.command("rebuild")(rebuild)


def rebuild(
    views: Annotated[list[str] | None, typer.Argument(help="which views, e.g. tickets queues")] = None,
    every: Annotated[bool, typer.Option("--all", help="every view, one after the other")] = False,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="processes; default: one a core")] = None,
    batch: Annotated[int, typer.Option(min=1, help="how many streams a worker takes at once")] = 2_000,
    accept: Annotated[
        bool, typer.Option("--accept-differences", help="swap even if rows differ or tickets are parked")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for machines: a line of JSON a view")] = False,
) -> None:
    """Build views anew beside the live ones, compare, and swap. Readers and writers go on; nobody need be stopped.

    Stopped or killed at any moment it leaves the live view as it was: run it again. Exit code 1: not swapped, because
    rows differ from the live view's or tickets could not be applied.
    """
    from projections.registry import PROJECTIONS
    from replay.rebuild.crew import crew, give_way
    from replay.rebuild.fill import wanted

    give_way()
    names = named_views(views, every)
    url = app_url(loaded())
    with run_told_plainly(), crew(workers or os.cpu_count() or 1) as many, phases(len(names)) as told:
        for name in names:
            rebuilt = _rebuilt(wanted(url, PROJECTIONS[name], batch), many, told.of(name), accept)
            if as_json:
                console.print(json.dumps(rebuilt.as_json(), default=str), markup=False, highlight=False, soft_wrap=True)
            else:
                _show(rebuilt)


def named_views(views: list[str] | None, every: bool) -> list[str]:
    """All of them, or those that were named. UsageError for others."""
    from projections.registry import PROJECTIONS

    unknown = sorted(set(views or ()) - set(PROJECTIONS))
    if unknown or bool(views) == every:
        asked = f"no such view: {', '.join(unknown)}" if unknown else "name the views, or say --all"
        raise UsageError(f"{asked}. There are: {', '.join(PROJECTIONS)}")
    return list(PROJECTIONS) if every else list(dict.fromkeys(views or ()))


def _rebuilt(wish: Wanted, crew: Crew, told: Tell, accept: bool) -> Rebuilt:
    from psycopg.errors import LockNotAvailable

    from replay.rebuild.rebuild import rebuild
    from replay.rebuild.swap import LiveChanged, NotSwapped

    try:
        return rebuild(wish, crew, told, accept)
    except NotSwapped as refused:
        _show_findings(wish.view, refused.findings)
        raise FrontDoorError(
            f"{wish.view}: not swapped, the live view is as it was. Mend it, or accept it with --accept-differences"
        ) from None
    except LiveChanged as changed:
        raise FrontDoorError(str(changed)) from None
    except LockNotAvailable:
        raise Unavailable(f"{wish.view}: somebody reads the live view without an end; nothing was changed") from None


@contextmanager
def run_told_plainly() -> Iterator[None]:
    """What keeps a run over views from beginning or ending, as what the person at the terminal can do about it."""
    from chronodesk.database import told_plainly
    from consumers.faults import Refused
    from replay.rebuild.crew import WorkerDied
    from replay.rebuild.fill import Busy

    try:
        with told_plainly():
            yield
    except WorkerDied as died:
        raise FrontDoorError(str(died)) from None
    except (Busy, Refused) as refused:
        raise Unavailable(str(refused)) from None
    except KeyboardInterrupt:
        raise FrontDoorError("stopped: what was not finished is as it was before") from None


def _show(rebuilt: Rebuilt) -> None:
    filled, view = rebuilt.filled, rebuilt.build.view
    rate = filled.events / filled.seconds if filled.seconds else 0.0
    took = f"{filled.events:,} events of {filled.streams:,} streams in {filled.seconds:.1f} s ({rate:,.0f}/s)"
    say(f"{view}: {rebuilt.build.schema} is live, built from {took}")
    _show_findings(view, rebuilt.findings)
    if rebuilt.before is None:
        say(f"{view}: there was no live build to compare it with")
    elif rebuilt.findings.exact:
        say(f"{view}: compared with {rebuilt.before.schema}, every row at one position")


def _show_findings(view: str, findings: Findings) -> None:
    differences = findings.differences
    if differences.count:
        say(f"{view}: {differences.count:,} differences from the live build", "yellow")
    for one in differences.first:
        columns = f": {', '.join(one.columns)}" if one.columns else ""
        which = "" if one.which == "both" else f" {one.which}"
        say(f"  {one.table} {one.stream or ''}{which}{columns}", "yellow")
    if findings.parked:
        say(f"{view}: {findings.parked:,} tickets could not be applied", "yellow")
    for stuck in findings.stuck:
        say(f"  {stuck.stream} at version {stuck.version}, {stuck.type}: {stuck.error}", "yellow")
    if not findings.exact:
        behind = f" (the live build was {findings.behind:,} events behind)" if findings.behind else ""
        say(f"{view}: tickets that changed meanwhile, and sums over tickets, were not compared{behind}")
