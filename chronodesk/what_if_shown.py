"""what_if_shown: what does the outcome of a what-if look like at a terminal?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from rich.console import Console
from rich.table import Table

from chronodesk.sla_shown import moment, span, spans
from chronodesk.terminal import console, errors, plain, say
from replay.sla_report import Kept
from replay.what_if.folding import Came, Change, Explained, Place, Side, Unjudged
from replay.what_if.report import Report

TEAMS = 10
WIDE = 160
WHY: dict[Unjudged, str] = {
    "never_judged": "were imported and never judged (`chronodesk sla apply`): nothing was promised before",
    "no_policy_before": "matched no policy at the time: nothing was promised before",
    "no_policy_after": "match none of the given policies: nothing would have been promised",
    "unreadable": "cannot be read and count nowhere",
    "unknown_version": "name a version that was never published and count nowhere",
    "beyond_calendars": "lie beyond all calendars and count nowhere",
}
CAME: dict[Came, str] = {"met": "met", "breached": "breached", "open": "open", "nothing": "not promised"}


def show(report: Report, explain: int) -> None:
    """On stdout what was found, the same whenever it is asked; on stderr how fast."""
    say(f"Promises by the month in which they were kept or broken (UTC), as of {moment(report.asked.now)}")
    _print(_by_month(report))
    _show_teams(report)
    _show_moves(report)
    for why, tickets in sorted(report.findings.unjudged.items()):
        say(f"{tickets:,} tickets {WHY[why]}.")
    for explained in report.worst[:explain]:
        _show_explained(explained)
    tickets, events, seconds = report.findings.tickets, report.findings.events, max(report.seconds, 1e-9)
    rates = f"{tickets / seconds:,.0f} tickets/s, {events / seconds:,.0f} events/s"
    done = f"Folded {tickets:,} tickets with {events:,} facts twice in {report.seconds:.1f} s ({rates})."
    errors.print(done, markup=False, highlight=False, soft_wrap=True)


def _by_month(report: Report) -> Table:
    table = _table(("metric", "month"), ("met", "breached", "kept", "would: met", "breached", "kept", "points"))
    for metric in report.metrics:
        of_metric = [place for place in report.places if place.metric == metric]
        for month, places in groupby(sorted(of_metric, key=_month), key=_month):
            table.add_row(metric, month, *_figures(report, list(places)))
        table.add_row(metric, "all", *_figures(report, of_metric))
    return table


def _show_teams(report: Report) -> None:
    """Those whose figures move most."""
    by_team = [(key, list(places)) for key, places in groupby(report.places, key=lambda p: (p.metric, p.team))]
    moved = [(-_moved(report, places), key, places) for key, places in by_team if _moved(report, places)]
    if not moved:
        return
    table = _table(("metric", "team"), ("met", "breached", "kept", "would: met", "breached", "kept", "points"))
    shown = sorted(moved, key=lambda one: (one[0], one[1][0], report.team(one[1][1])))[:TEAMS]
    for _, (metric, team), places in shown:
        table.add_row(metric, plain(report.team(team) or "no team"), *_figures(report, places))
    say("")
    say(f"By team: {len(shown)} of the {len(moved)} whose figures move, most first")
    _print(table)


def _moved(report: Report, places: Sequence[Place]) -> int:
    row = report.row(places)
    return abs(row.after.met - row.before.met) + abs(row.after.breached - row.before.breached)


def _show_moves(report: Report) -> None:
    say("")
    if not report.findings.moves:
        say("No promise changes sides.")
        return
    say(f"{report.findings.changed:,} tickets change sides:")
    for (metric, before, after), clocks in sorted(report.findings.moves.items()):
        say(f"{clocks:>9,} x {metric}: {CAME[before]} -> {CAME[after]}")
    if report.worst:
        say(f"The {len(report.worst)} furthest over their target:")
        _print(_changes([explained.change for explained in report.worst]))


def _changes(changes: Sequence[Change]) -> Table:
    table = _table(("ticket", "metric"), ("cycle", "came", "in", "of", "would: came", "in", "of"))
    for change in changes:
        sides = (*_side(change.before), *_side(change.after))
        table.add_row(f"T-{change.number}", change.metric, str(change.cycle), *sides)
    return table


def _side(side: Side) -> tuple[str, str, str]:
    target = "" if side.target is None else span(timedelta(seconds=side.target))
    return CAME[side.came], span(side.elapsed) if side.target is not None else "", target


def _show_explained(explained: Explained) -> None:
    change = explained.change
    for when, side, account in (("was", change.before, explained.before), ("would be", change.after, explained.after)):
        say("")
        at = "" if side.at is None else f" at {moment(side.at)}"
        say(f"T-{change.number} {change.metric} {change.cycle}: {when} {CAME[side.came]}{at}")
        if account is not None:
            _print(spans(account))


def _figures(report: Report, places: Sequence[Place]) -> tuple[str, ...]:
    row = report.row(places)
    return (*_kept(row.before), *_kept(row.after), _points(row.before, row.after))


def _kept(kept: Kept) -> tuple[str, str, str]:
    return f"{kept.met:,}", f"{kept.breached:,}", f"{kept.ratio:.1%}" if kept.met + kept.breached else "-"


def _points(before: Kept, after: Kept) -> str:
    if not (before.met + before.breached and after.met + after.breached):
        return "-"
    return f"{100 * (after.ratio - before.ratio):+.1f}"


def _print(table: Table) -> None:
    """As wide as it needs to be where no terminal says how wide it is."""
    (console if console.is_terminal else Console(width=WIDE)).print(table, markup=False)


def _month(place: Place) -> str:
    return place.month


def _table(left: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in left:
        table.add_column(name, no_wrap=True)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table
