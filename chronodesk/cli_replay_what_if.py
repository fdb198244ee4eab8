"""cli_replay_what_if: what would have come of the past under other SLA rules?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from aggregates.ticket.events import Metric
from chronodesk.cli_sla import AsJson, From, To, period
from chronodesk.database import told_plainly
from chronodesk.errors import FrontDoorError, UsageError
from chronodesk.progress import progress
from chronodesk.start import app_url, loaded
from chronodesk.terminal import console

if TYPE_CHECKING:
    from replay.what_if.files import Files
    from replay.what_if.folding import Asked
    from replay.what_if.report import Report

HELP = """What would have come of the past under other policies, calendars or priorities? Nothing is written.

A rules file holds policies as the API takes them, in their order:

\b
    extends = "current"            # the published ones, but for those given here
    [[policies]]
    calendar = "Long days"         # by name or id
    [policies.terms]
    name = "Standard"              # in place of the published policy of that name
    targets.first_reply.seconds = { normal = 14400, high = 1800 }
    targets.resolution.seconds = { normal = 43200, high = 7200 }
    [calendars."Long days"]        # a published name or id: in its place
    zone = "Europe/Stockholm"
    monday = [{ opens = "07:00", closes = "20:00" }]
    holidays = [2012-06-06]
    [[priority]]                   # what tickets are opened as: the first that holds
    priority = "high"
    all = [{ attribute = "channel", values = ["phone"] }]

Without effective_from a policy holds all along. What people did stands, and so do the escalations and priorities that
a broken promise led to at the time. Figures count at the instant of the outcome, with the team that held the ticket.
"""


def register(app: typer.Typer) -> None:
    app.command("what-if", help=HELP)(what_if)


def what_if(
    policy: Annotated[Path | None, typer.Option(help="a TOML file of rules; else the published ones")] = None,
    calendar: Annotated[
        list[str] | None, typer.Option(help="NAME=FILE: other hours for a calendar, by its name or id", metavar="TEXT")
    ] = None,
    start: From = None,
    end: To = None,
    team: Annotated[UUID | None, typer.Option(help="only outcomes of this team", show_default=False)] = None,
    metric: Annotated[Metric | None, typer.Option(help="only this one", show_default=False)] = None,
    keep: Annotated[int, typer.Option(min=0, max=10_000, help="how many tickets that change sides to show")] = 20,
    explain: Annotated[int, typer.Option(min=0, max=1_000, help="how many of these to explain span by span")] = 2,
    changes: Annotated[
        Path | None, typer.Option(help="write all that changes sides here: NDJSON, or CSV for a .csv")
    ] = None,
    cores: Annotated[int, typer.Option(min=1, max=64, help="how many processes fold")] = 2,
    as_json: AsJson = False,
) -> None:
    from chronodesk.what_if_shown import show
    from replay.what_if.folding import Asked

    chosen = period(start, end)
    asked = Asked(min(datetime.now(UTC), chosen.end), chosen, metric, team, max(keep, explain))
    report = _report(_files(policy, calendar or []), asked, cores, changes)
    if as_json:
        console.print_json(json.dumps(report.as_json()))
    else:
        show(report, explain)


@contextmanager
def _stopped_plainly() -> Iterator[None]:
    from replay.interrupts import STOPS, interrupted

    try:
        yield
    except STOPS as stop:
        if not interrupted(stop):
            raise
        raise FrontDoorError("stopped before the end: nothing is shown, and nothing was written") from None


def _files(policy: Path | None, calendars: list[str]) -> Files:
    from replay.what_if.files import Files

    if policy is None and not calendars:
        raise UsageError("give other rules (--policy FILE), or other hours (--calendar NAME=FILE)")
    named = [one.partition("=") for one in calendars]
    if any(not (name and file) for name, _, file in named):
        raise UsageError("--calendar: write it like NAME=FILE")
    return Files(policy, {name: Path(file) for name, _, file in named})


def _report(files: Files, asked: Asked, cores: int, changes: Path | None) -> Report:
    from aggregates.errors import Refusal
    from replay.what_if.cores import WorkerDied
    from replay.what_if.files import BadRules
    from replay.what_if.run import what_if as run

    try:
        given = files.given()
        with told_plainly(), _stopped_plainly(), progress("tickets") as told:
            return run(app_url(loaded()), given, asked, told, cores=cores, changes=changes)
    except BadRules as bad:
        raise UsageError(str(bad)) from None
    except Refusal as refused:
        raise UsageError(str(files.bad(refused))) from None
    except WorkerDied as died:
        raise FrontDoorError(f"{died}; run the same again") from None
    except OSError as unwritten:
        raise UsageError(f"{changes}: {unwritten.strerror or unwritten}") from None
