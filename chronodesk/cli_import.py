"""cli_import: take over another desk's tickets from its event log, and say what came of every part of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from chronodesk.database import connected, told_plainly
from chronodesk.errors import FAILED, FrontDoorError, UsageError
from chronodesk.progress import progress
from chronodesk.settings import Settings
from chronodesk.start import loaded
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from replay.logs.account import Account
    from replay.logs.mapping import LogMapping

BATCH = 500
SHOWN = 20


def register(app: typer.Typer) -> None:
    app.command("import")(import_log)


def import_log(
    log: Annotated[Path, typer.Argument(help="event log: XES or CSV with a header, plain or .gz", show_default=False)],
    mapping: Annotated[str, typer.Option(help="a TOML file, or a shipped mapping: bpi2013", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="the account as JSON")] = False,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="log events a call to the store")] = BATCH,
) -> None:
    """Import an event log. Safe to stop, to run again and to run with a longer export: only what is new is added."""
    account = run_import(loaded(), log, mapping_named(mapping), batch)
    if as_json:
        console.print_json(json.dumps(account.as_json()))
    else:
        print_account(account)
    if not account.whole:
        raise typer.Exit(FAILED)


def mapping_named(name: str) -> LogMapping:
    from replay.logs.mapping import BadMapping, load

    try:
        return load(name)
    except BadMapping as bad:
        raise UsageError(f"mapping: {bad}") from None


def run_import(settings: Settings, log: Path, mapping: LogMapping, batch: int = BATCH) -> Account:
    """The import with its progress on stderr. Failures come as what the person at the terminal can do about them."""
    from replay.logs.eventlog import BrokenLog
    from replay.logs.importing import CannotImport, Import, open_log
    from replay.logs.mapping import BadMapping

    try:
        with told_plainly(), connected(settings) as reading, connected(settings) as writing, progress("events") as told:

            def tell(account: Account, fraction: float) -> None:
                told(account.events, fraction)

            return Import(reading, writing, mapping, datetime.now(UTC), batch, tell).run(open_log(log, mapping))
    except BadMapping as bad:
        raise UsageError(f"mapping: {bad}") from None
    except (BrokenLog, CannotImport) as failed:
        raise FrontDoorError(f"{log}: {failed}") from None
    except OSError as unread:
        raise UsageError(f"{log}: {unread.strerror or unread}") from None


def print_account(account: Account) -> None:
    rate = account.events / account.seconds if account.seconds else 0.0
    fates = ", ".join(f"{account.tickets[fate]:,} {fate}" for fate in ("new", "extended", "unchanged"))
    say(f"Read {account.cases:,} cases with {account.events:,} events in {account.seconds:.1f} s ({rate:,.0f}/s).")
    say(f"Tickets: {fates}; {account.tickets['changed']:,} whose history was changed and that were left alone.")
    say(f"Facts written: {account.written:,}")
    if account.facts:
        _print_facts(account)
    _print_remarks(account)
    _print_failures(account)


def _print_facts(account: Account) -> None:
    table = Table("fact", "times", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.columns[1].justify = "right"
    for kind, times in account.facts.most_common():
        table.add_row(kind, f"{times:,}")
    console.print(table)


def _print_remarks(account: Account) -> None:
    if account.taken:
        taken = ", ".join(f"{attribute} -> {name}" for attribute, name in sorted(account.taken.items()))
        say(f"Custom fields taken by their own name: {taken}")
    if account.interleaved:
        say("The cases' rows were interleaved: all of the log was held in memory.")
    from replay.logs.account import ordered

    if not account.remarks:
        return
    say("Not in the facts as it stands in the log:")
    for remark, times in ordered(account.remarks)[:SHOWN]:
        value = f" {remark.value!r}" if remark.value else ""
        say(f"{times:>9,} x {remark.attribute}{value}: {remark.why}")
    _rest(len(account.remarks))


def _print_failures(account: Account) -> None:
    for changed in account.changed[:SHOWN]:
        place = f"case {changed.case}, fact {changed.place}: here {changed.stored}, in the log {changed.told}"
        say(f"History changed, nothing appended: {place}", "yellow")
    _rest(len(account.changed))
    for skipped in account.skipped[:SHOWN]:
        say(f"Left out: {skipped}", "yellow")
    _rest(len(account.skipped))
    if account.interrupted:
        say("Stopped before the end. What is counted above is whole and stays; run the same again to go on.", "yellow")
    if account.broken:
        say(f"The log is broken at {account.broken}", "red")
        say("The cases counted above are whole and stay imported; nothing behind them was read.", "red")


def _rest(n: int) -> None:
    if n > SHOWN:
        say(f"... and {n - SHOWN:,} more: --json names them all")
