"""cli_simulate: make up a desk's tickets, as a log file or straight into this desk."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chronodesk.cli_import import mapping_named, print_account, run_import
from chronodesk.errors import FAILED, UsageError
from chronodesk.settings import Settings
from chronodesk.start import loaded
from chronodesk.terminal import console

if TYPE_CHECKING:
    from replay.logs.account import Account
    from replay.logs.mapping import LogMapping

MAPPING = "bpi2013"
SUFFIXES = (".xes", ".xes.gz", ".csv", ".csv.gz")


def register(app: typer.Typer) -> None:
    app.command("simulate")(simulate_desk)


def simulate_desk(
    tickets: Annotated[int, typer.Option(min=1, max=5_000_000, help="how many tickets")] = 2_000,
    seed: Annotated[int, typer.Option(help="the same seed gives the same desk")] = 1,
    out: Annotated[Path | None, typer.Option(help="write .xes, .xes.gz, .csv or .csv.gz instead of importing")] = None,
) -> None:
    """Make up a desk: arrivals by hour and weekday, shifts, three lines, handovers, waits, reopenings."""
    if out is not None:
        _write(out, tickets, seed)
        return
    account = import_simulated(loaded(), tickets, seed)
    print_account(account)
    if not account.whole:
        raise typer.Exit(FAILED)


def import_simulated(settings: Settings, tickets: int, seed: int) -> Account:
    """Through a file and the importer, like any other desk's log."""
    from replay.logs.simulate import simulate
    from replay.logs.writing import write_log

    with tempfile.TemporaryDirectory(prefix="chronodesk-") as folder:
        log = Path(folder) / "simulated.xes"
        write_log(log, simulate(tickets, seed))
        return run_import(settings, log, simulated_mapping())


def simulated_mapping() -> LogMapping:
    """The shipped mapping under a name that nobody takes for a real desk's."""
    from replay.logs.mapping import LogMapping

    shipped = mapping_named(MAPPING).model_dump()
    requester = {"attribute": None, "placeholder": "Simulated users"}
    return LogMapping.model_validate(shipped | {"source": "simulated", "requester": requester})


def _write(out: Path, tickets: int, seed: int) -> None:
    from replay.logs.simulate import simulate
    from replay.logs.writing import write_log

    if not out.name.lower().endswith(SUFFIXES):
        raise UsageError(f"--out {out}: the name must end in {', '.join(SUFFIXES)}")
    try:
        cases, events = write_log(out, simulate(tickets, seed))
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None
    line = f"{out}: {cases:,} tickets, {events:,} events. Import it with --mapping {MAPPING}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)
