"""sla_shown: what do kept and broken promises look like at a terminal?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rich.table import Table

from aggregates.sla.explain import Account
from chronodesk.terminal import console, plain, say
from replay.sla_report import Kept, Report, Worst

SECOND = timedelta(seconds=1)


def show_report(report: Report) -> None:
    say("Promises kept and broken, by the month in which they were (UTC)")
    console.print(_compliance(report))
    if report.worst:
        say(f"The {len(report.worst)} worst breaches, furthest over their target")
    for worst in report.worst:
        _show_worst(worst)
    rate = max(report.fold_seconds, 1e-9)
    say(
        f"Folded {report.tickets:,} tickets with {report.events:,} events in {report.fold_seconds:.1f} s of one core:"
        f" {report.tickets / rate:,.0f} tickets/s, {report.events / rate:,.0f} events/s;"
        f" with reading them, {report.seconds:.1f} s."
    )


def _compliance(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("metric", "month", "met", "breached", "kept"):
        table.add_column(name, justify="left" if name in ("metric", "month") else "right", no_wrap=True)
    for metric in report.metrics:
        for (found, month), kept in report.months.items():
            if found == metric:
                table.add_row(metric, month, *_counts(kept))
        table.add_row(metric, "all", *_counts(report.total(metric)))
    return table


def _counts(kept: Kept) -> tuple[str, str, str]:
    return f"{kept.met:,}", f"{kept.breached:,}", f"{kept.ratio:.1%}"


def _show_worst(worst: Worst) -> None:
    account = worst.account
    over, target = span(worst.over), span(timedelta(seconds=worst.target))
    say("")
    say(f"T-{worst.number} {account.metric}: {span(account.elapsed)} of {target}, {over} over")
    console.print(spans(account), markup=False)


def spans(account: Account) -> Table:
    """A clock's spans, one a line."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("from", "to", "", "policy", "calendar", "counted", "sum"):
        table.add_column(name, justify="right" if name in ("counted", "sum") else "left", no_wrap=True)
    for step in account.steps:
        standing = step.standing
        goes = f"{'runs' if step.running else 'stands'}: {step.why.replace('_', ' ')}"
        policy = "" if standing.policy_name is None else f"{standing.policy_name} v{standing.policy_version}"
        calendar = f"{standing.calendar_name} v{standing.calendar_version}" if step.time == "business" else "all hours"
        row = (moment(step.since), moment(step.until), goes, policy, calendar, span(step.seconds), span(step.sum))
        table.add_row(*map(plain, row))
    return table


def moment(at: datetime | None) -> str:
    return "goes on" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def span(length: timedelta) -> str:
    """Hours, minutes and seconds; parts of a second only where there are any."""
    whole, rest = divmod(abs(length), SECOND)
    text = f"{whole // 3600:,}:{whole // 60 % 60:02}:{whole % 60:02}" + (f".{rest.microseconds:06}" if rest else "")
    return f"-{text}" if length < timedelta(0) else text
