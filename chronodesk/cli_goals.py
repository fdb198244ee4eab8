"""cli_goals: how does each goal stand?"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from chronodesk.cli_sla import instant
from chronodesk.database import connected_async, told_plainly
from chronodesk.errors import Unavailable, UsageError
from chronodesk.settings import Settings
from chronodesk.sla_shown import span
from chronodesk.start import loaded
from chronodesk.terminal import console, plain, say

if TYPE_CHECKING:
    from api.goals_shown import GoalStandingShown, ProgressesShown, ProgressShown
    from replay.phrases import Names

VIEW = "figures"
COLUMNS = ("goal", "owner", "period", "now", "wanted", "measured", "standing")


def register(app: typer.Typer) -> None:
    app.command("goals")(goals)


def goals(
    as_of: Annotated[str | None, typer.Option(help="as they stood then: 2012-05-01, or an instant; UTC")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Show how each goal stands in the period that runs."""
    at = None if as_of is None else instant("as-of", as_of)
    with told_plainly():
        told, names = asyncio.run(_asked(loaded(), at))
    if as_json:
        console.print_json(told.model_dump_json(by_alias=True))
    elif not told.goals:
        say("There are no goals: PUT /v1/goals/{id} publishes one.")
    else:
        _show(told, names)


async def _asked(settings: Settings, at: datetime | None) -> tuple[ProgressesShown, Names]:
    from aggregates.errors import Refusal
    from aggregates.moment import Moment
    from api.goals_shown import AsOfShown, ProgressesShown, progress_shown
    from consumers.positions import view_positions
    from projections.metrics.goal_list import goals_known
    from replay.audit.names import names_of
    from replay.goals import progress
    from replay.past.moments import moment_of_instant

    async with connected_async(settings, "goals") as connection:
        reached = (await view_positions(connection, [VIEW])).get(VIEW)
        if reached is None:
            raise Unavailable("the figures are still being built: see `chronodesk lag`")
        try:
            then = await moment_of_instant(connection, at, "recorded") if at else None
        except Refusal as refused:
            raise UsageError(f"--as-of: {refused.detail}") from None
        moment = then or Moment("recorded", reached, datetime.now(UTC))
        if moment.position > reached:
            raise Unavailable(f"the figures have come to position {reached:,}, and not yet to {moment.position:,}")
        listed = await goals_known(connection, moment)
        stood = await progress(connection, listed, listed.kept, moment)
        as_of = AsOfShown(position=moment.position, at=moment.at)
        goals = [progress_shown(one, as_of) for one in stood]
        names = await names_of(connection, [str(id) for goal in goals for id in (goal.team, goal.agent) if id])
    return ProgressesShown(as_of=as_of, goals=goals), names


def _show(told: ProgressesShown, names: Names) -> None:
    """A table for people, plain lines for everybody else."""
    rows = [_row(goal, names) for goal in told.goals]
    if console.is_terminal:
        table = Table(*COLUMNS, box=None, pad_edge=False, header_style="dim")
        for row in rows:
            table.add_row(*map(plain, row))
        console.print(table, markup=False)
    else:
        for row in rows:
            say("  ".join(row))
    say(f"As of position {told.as_of.position:,}, {told.as_of.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC.")


def _row(goal: ProgressShown, names: Names) -> tuple[str, ...]:
    owner = goal.team or goal.agent
    whose = "the desk" if owner is None else names.get(str(owner), str(owner))
    now = goal.standing
    if now is None:
        return goal.name, whose, "-", "-", "-", "-", "not in force"
    return (goal.name, whose, now.period.label, _value(now, now.value), _wanted(now), _counts(now), _standing(now))


def _wanted(now: GoalStandingShown) -> str:
    bound = "<=" if now.target.kind == "figure" and now.target.bound == "at_most" else ">="
    return f"{bound} {_value(now, now.wanted)}"


def _value(now: GoalStandingShown, value: float | None) -> str:
    if value is None:
        return "-"
    if now.target.kind == "share":
        return f"{100 * value:.5g} %"
    if now.metric.unit == "seconds":
        return span(timedelta(seconds=round(value)))
    return f"{value:,.2f}".removesuffix(".00")


def _counts(now: GoalStandingShown) -> str:
    return f"{now.denominator:,}" if now.numerator is None else f"{now.numerator:,} of {now.denominator:,}"


def _standing(now: GoalStandingShown) -> str:
    more = f", {now.needed:,} more in a row would do" if now.needed else ""
    return now.standing.replace("_", " ") + more
