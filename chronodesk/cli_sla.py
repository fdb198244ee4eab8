"""cli_sla: policies, an imported past judged by them, and the figures that come of it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from aggregates.ticket.events import Metric
from chronodesk.database import connected, told_plainly
from chronodesk.errors import FAILED, FrontDoorError, Unavailable, UsageError
from chronodesk.progress import progress
from chronodesk.settings import Settings
from chronodesk.start import app_url, loaded
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from aggregates.business_time import Hours
    from chronodesk.sla_defaults import Held
    from replay.judge import Verdict
    from replay.tickets import Period

HOURS = "09:00-18:00"
AsJson = Annotated[bool, typer.Option("--json", help="for machines")]
From = Annotated[str | None, typer.Option("--from", help="2010-01-01, or an instant; UTC", show_default=False)]
To = Annotated[str | None, typer.Option("--to", help="up to here, without it", show_default=False)]

sla = typer.Typer(no_args_is_help=True, help="Policies, judging an imported past by them, and reports.")


def register(app: typer.Typer) -> None:
    app.add_typer(sla, name="sla")


@sla.command("defaults")
def publish_defaults(
    calendar: Annotated[UUID | None, typer.Option(help="a calendar that is there", show_default=False)] = None,
    zone: Annotated[str | None, typer.Option(help="else one is made: Europe/Stockholm", show_default=False)] = None,
    hours: Annotated[str, typer.Option(help="Monday to Friday, in that zone")] = HOURS,
    effective_from: Annotated[str | None, typer.Option(help="now, if left out", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Publish the five shipped policies, and a calendar for them. Safe to run again: what is there stays."""
    from aggregates.errors import Refusal
    from aggregates.errors import Unavailable as Away
    from chronodesk.sla_defaults import NoCalendar, hold

    week = _week(calendar, zone, hours)
    since = None if effective_from is None else instant("effective-from", effective_from)
    try:
        with told_plainly():
            held = asyncio.run(hold(app_url(loaded()), calendar, week, since))
    except NoCalendar:
        raise UsageError("name a calendar (--calendar), or the time zone of a new one (--zone)") from None
    except Away as away:
        raise Unavailable(f"{away.detail} Run the same again.") from None
    except Refusal as refused:
        raise UsageError(f"{refused.code}: {refused.detail}") from None
    if as_json:
        console.print_json(json.dumps(held.as_json()))
    else:
        _print_held(held)


@sla.command("apply")
def apply_policies(
    start: Annotated[str, typer.Option("--from", help="tickets opened from here on: 2010-01-01", show_default=False)],
    end: To = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be written, and write nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge a past that no policy was applied to. Safe to stop and to run again: nothing is written twice."""
    verdict = _judge(loaded(), period(start, end), dry_run)
    if as_json:
        console.print_json(json.dumps(verdict.as_json()))
    else:
        _print_verdict(verdict)
    if verdict.interrupted:
        raise typer.Exit(FAILED)


@sla.command("report")
def report_compliance(
    start: From = None,
    end: To = None,
    metric: Annotated[Metric | None, typer.Option(help="only this one", show_default=False)] = None,
    worst: Annotated[int, typer.Option(min=0, max=1_000, help="how many of the worst breaches to explain")] = 10,
    as_json: AsJson = False,
) -> None:
    """Promises kept and broken by metric and month, and the worst breaches span by span, as things stood at --to."""
    from chronodesk.sla_shown import show_report
    from replay.sla_report import Reporting

    chosen = period(start, end)
    with told_plainly(), connected(loaded(), "sla report") as connection, progress("tickets") as told:
        report = Reporting(connection, datetime.now(UTC), chosen, worst, metric).run(told)
    if as_json:
        console.print_json(json.dumps(report.as_json()))
    else:
        show_report(report)


@sla.command("explain")
def explain_ticket(
    ticket: Annotated[str, typer.Argument(help="an id, or a number like T-1042", show_default=False)],
    metric: Annotated[Metric | None, typer.Option(help="only this one", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Why a ticket's clocks say what they say: each span, one a line, and their sum."""
    from api.sla_shown import TicketSlaShown
    from chronodesk.sla_asked import explained, show

    with told_plainly():
        told = asyncio.run(explained(loaded(), ticket, metric))
    if as_json:
        console.print_json(TicketSlaShown.model_validate(told).model_dump_json(by_alias=True))
    else:
        show(told)


@sla.command("board")
def show_due(
    team: Annotated[UUID | None, typer.Option(help="only of this team", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="how many at most")] = 30,
    as_json: AsJson = False,
) -> None:
    """What is due next, after what is overdue already."""
    from chronodesk.sla_asked import due, show_board
    from projections.sla_queries import BoardFilter

    with told_plainly():
        page = asyncio.run(due(loaded(), BoardFilter(team=team), limit))
    if as_json:
        console.print_json(page.model_dump_json())
    else:
        show_board(page)


def instant(name: str, value: str) -> datetime:
    """A date is its first instant in UTC, and so is a time without an offset. Raises UsageError."""
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise UsageError(f"--{name} {value}: write it like 2010-01-01 or 2010-01-01T09:00:00+01:00") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def period(start: str | None, end: str | None) -> Period:
    from replay.tickets import BEGINNING, END, Period

    first = BEGINNING if start is None else instant("from", start)
    last = END if end is None else instant("to", end)
    if first >= last:
        raise UsageError("--to must be later than --from")
    return Period(first, last)


def _judge(settings: Settings, opened: Period, dry: bool) -> Verdict:
    from replay.judge import Judgement, KeptMoving, NoPolicies, NothingInForce

    name = "sla apply"
    try:
        with (
            told_plainly(),
            connected(settings, name) as reading,
            connected(settings, name) as writing,
            progress("tickets") as told,
        ):
            return Judgement(reading, writing, datetime.now(UTC), dry=dry, told=told).run(opened)
    except NoPolicies:
        raise Unavailable(
            "this desk has no SLA policies: publish some, or run `chronodesk sla defaults`"
            f" --zone ZONE --effective-from {opened.start:%Y-%m-%d}"
        ) from None
    except NothingInForce as nothing:
        raise UsageError(
            f"no policy holds on {opened.start:%Y-%m-%d}: the first one does from {nothing.earliest:%Y-%m-%d %H:%M} on."
            " Publish a version with an earlier effective_from, or give a later --from"
        ) from None
    except KeptMoving as moving:
        raise FrontDoorError(f"{moving} are written to all the time; run the same again later") from None


def _week(calendar: UUID | None, zone: str | None, hours: str) -> Hours | None:
    from pydantic import ValidationError

    from chronodesk.sla_defaults import weekdays

    if calendar is not None and zone is not None:
        raise UsageError("either --calendar or --zone, not both")
    try:
        return None if zone is None else weekdays(zone, hours)
    except ValidationError:
        raise UsageError(f"--hours {hours}: write it like {HOURS}") from None


def _print_held(held: Held) -> None:
    from aggregates.sla.matching import in_force

    version = held.hours.in_force(held.now)
    say("Published." if held.news else "All of it is there already.")
    week = version.hours.monday[0] if version and version.hours.monday else None
    zone = f"{version.hours.zone}, Mondays {week}, version {version.number}" if version else "no hours yet"
    say(f"Calendar {held.calendar}: {held.hours.name} ({zone})")
    for policy, found in in_force(held.policies, held.now, None):
        say(f"Policy   {policy}: {found.terms.name}, version {found.number}, from {found.effective_from:%Y-%m-%d}")


def _print_verdict(verdict: Verdict) -> None:
    counts = verdict.as_json()
    rates = f"{counts['tickets_a_second']:,.0f} tickets/s, {counts['events_a_second']:,.0f} events/s"
    say(f"Looked at {verdict.tickets:,} tickets in {verdict.seconds:.1f} s ({rates}).")
    would = "would be judged; nothing was written" if verdict.dry else "judged"
    say(f"{verdict.judged:,} {would}.")
    for kind, times in sorted(verdict.facts.items(), key=lambda item: -item[1]):
        say(f"{kind.split('.')[1]:24} {times:>9,}")
    if verdict.interrupted:
        say("Stopped before the end. What is counted above stays; run the same again to go on.", "yellow")
