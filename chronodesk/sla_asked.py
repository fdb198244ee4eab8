"""sla_asked: what do people at a terminal see of a ticket's clocks, and of what is due next?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from rich.table import Table

from aggregates.errors import NotFound, Unacceptable
from aggregates.sla.catalogue import Catalogue
from aggregates.sla.clocks import clocks
from aggregates.sla.explain import Account, Explanation, Standing, Step, explain
from aggregates.ticket.events import Metric
from api.sla_reads import board_row
from api.sla_shown import BoardPage, BoardRowShown
from chronodesk.database import connected_async
from chronodesk.errors import FrontDoorError, UsageError
from chronodesk.settings import Settings
from chronodesk.sla_shown import moment, span, spans
from chronodesk.terminal import console, plain, say
from projections.sla_catalogue import refresh_async
from projections.sla_queries import BoardFilter, board
from replay.audit.addressed import history_of, stream_of


async def explained(settings: Settings, ticket: str, metric: Metric | None) -> Explanation:
    """A ticket's clocks right now, from the log itself. Raises FrontDoorError for one that is not there."""
    async with connected_async(settings, "sla") as connection:
        try:
            history = await history_of(connection, await stream_of(connection, ticket))
        except NotFound:
            raise FrontDoorError(f"there is no ticket {ticket}") from None
        except Unacceptable:
            raise UsageError(f"{ticket}: name a ticket by its id, or by its number, like T-1042") from None
        book = Catalogue()
        await refresh_async(book, connection)
    return explain(clocks(history, book), datetime.now(UTC), book.calendar_name, metric=metric)


async def due(settings: Settings, wanted: BoardFilter, limit: int) -> BoardPage:
    async with connected_async(settings, "sla") as connection:
        now = datetime.now(UTC)
        page = await board(connection, wanted, now, limit)
        book = Catalogue()
        await refresh_async(book, connection)
    return BoardPage(at=now, items=[board_row(row, now, book) for row in page.items], next=page.next)


def show(told: Explanation) -> None:
    """Tables for people, plain lines that hold every digit for everybody else."""
    for line in _heading(told):
        say(line)
    for clock in told.clocks:
        say("")
        say(_clock(clock))
        if console.is_terminal:
            console.print(spans(clock), markup=False)
        else:
            for step in clock.steps:
                say(_step(step))
        say(f"  = {span(clock.elapsed)}")
    if not told.clocks:
        say("Nothing is promised on it.")


def show_board(page: BoardPage) -> None:
    rows = [_row(row) for row in page.items]
    if not console.is_terminal:
        for row in rows:
            say("  ".join(filter(None, row)))
    elif rows:
        table = Table("ticket", "metric", "state", "due", "left", "of", "priority", "status", "assignee", box=None)
        for row in rows:
            table.add_row(*map(plain, row))
        console.print(table, markup=False)
    if not rows:
        say("Nothing is due.")
    if page.next is not None:
        say(f"More than these {len(rows)} are; --limit shows more of them.")


def _heading(told: Explanation) -> Iterator[str]:
    yield f"T-{told.number} is {told.status}; {_standing(told.standing)}"
    first, last = told.first_resolved_at, told.last_resolved_at
    resolved = f"; first resolved {exact(first)}" if first else ""
    again = f"; last resolved {exact(last)}" if last != first else ""
    closes = f"; closes by itself {exact(told.closes_at)}" if told.closes_at else ""
    yield f"opened {exact(told.opened_at)}{resolved}{again}{closes}"


def _clock(clock: Account) -> str:
    target = "nothing promised" if clock.target is None else f"target {span(timedelta(seconds=clock.target))}"
    instants = {"due": clock.due, "warned": clock.warned_at, "breached": clock.breached_at, "met": clock.met_at}
    fates = "".join(f"; {name} {exact(at)}" for name, at in instants.items() if at is not None)
    return f"{clock.metric} {clock.cycle}: {clock.state}; {target}{fates}"


def _step(step: Step) -> str:
    goes = f"{'runs' if step.running else 'stands'}: {step.why}"
    places = f"{exact(step.since):26}  {exact(step.until):26}  {goes:17}  {span(step.seconds):>15}"
    return f"  {places}  {step.time} time  {_standing(step.standing)}"


def _standing(on: Standing) -> str:
    if on.policy is None:
        return "no policy"
    calendar = f", {on.calendar_name or on.calendar}@{on.calendar_version}" if on.calendar else ""
    return f"{on.policy_name}@{on.policy_version}{calendar}"


def _row(row: BoardRowShown) -> tuple[str, ...]:
    left = "" if row.remaining is None else span(timedelta(seconds=row.remaining))
    target = "" if row.target is None else span(timedelta(seconds=row.target))
    due = "" if row.due is None else moment(row.due)
    return (row.number, row.metric, row.state, due, left, target, row.priority, row.status, str(row.assignee or ""))


def exact(at: datetime | None) -> str:
    """UTC, with no more digits than it has."""
    return "now" if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
