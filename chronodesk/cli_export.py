"""cli_export: take a desk's history along: all of it without loss, or as process mining and analysts read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aggregates.moment import Basis
from chronodesk.cli_sla import From, To, instant
from chronodesk.database import told_plainly
from chronodesk.errors import FAILED, FrontDoorError, UsageError
from chronodesk.progress import progress
from chronodesk.settings import Settings
from chronodesk.start import app_url, loaded
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from replay.exports.exporting import Exported, Format, Wish

Kind = Literal["ndjson", "xes", "ocel", "parquet"]
SUFFIXES: dict[str, Format] = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".xes": "xes",
    ".jsonocel": "ocel",
    ".parquet": "parquet",
}
UNLIMITED = "0"


def register(app: typer.Typer) -> None:
    app.command("export")(export_history)


def export_history(
    out: Annotated[Path, typer.Option(help="the file; .gz packs it", show_default=False)],
    format: Annotated[Kind | None, typer.Option(help="by the file's name, if left out", show_default=False)] = None,
    texts: Annotated[
        Literal["none", "public", "all"] | None,
        typer.Option(help="customers' words in xes, ocel, parquet: none; public: what the requester could read"),
    ] = None,
    start: From = None,
    end: To = None,
    basis: Annotated[Basis, typer.Option(help="--from and --to: by when it was recorded, or occurred")] = "recorded",
    ticket: Annotated[list[str] | None, typer.Option(help="T-1042; several times", show_default=False)] = None,
    upto_position: Annotated[int | None, typer.Option(help="the log's first so many events", min=0)] = None,
    packed: Annotated[bool, typer.Option("--gzip", help="pack it, whatever its name")] = False,
    force: Annotated[bool, typer.Option("--force", help="replace the file if it is there")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the account as JSON")] = False,
) -> None:
    """Write the history as it is now, in one file. ndjson loses nothing: `chronodesk restore` makes a desk of it."""
    from replay.exports.exporting import Wish
    from replay.exports.scope import Asked

    kind = _format(out, format)
    since, until = (None if text is None else instant(name, text) for name, text in (("from", start), ("to", end)))
    if since is not None and until is not None and since >= until:
        raise UsageError("--to must be later than --from")
    if kind == "ndjson" and texts is not None:
        raise UsageError("--texts: ndjson is without loss, it always holds all of them")
    packed = packed or out.suffix.lower() == ".gz"
    if kind == "parquet" and packed:
        raise UsageError("a Parquet file is packed already, part by part")
    asked = Asked(since, until, basis, tuple(map(_number, ticket or ())), upto_position)
    account = _export(loaded(), Wish(kind, out, asked, texts or "none", packed, force))
    if as_json:
        console.print_json(json.dumps(asdict(account), default=str))
    else:
        _show(account)


def _format(out: Path, given: Format | None) -> Format:
    suffixes = [suffix.lower() for suffix in out.suffixes if suffix.lower() != ".gz"]
    found = given or SUFFIXES.get(suffixes[-1] if suffixes else "")
    if found is None:
        raise UsageError(f"--out {out}: say the --format, or end the name in {', '.join(SUFFIXES)}")
    return found


def _number(ticket: str) -> int:
    from api.asking import NUMBER

    number = NUMBER.fullmatch(ticket)
    if number is None:
        raise UsageError(f"--ticket {ticket}: write it like T-1042")
    return int(number[1])


def _export(settings: Settings, wish: Wish) -> Exported:
    from aggregates.errors import Refusal
    from chronodesk.migrate import newest_revision
    from commands.database import connect
    from replay.exports.exporting import export

    try:
        with (
            told_plainly("there is no file, run the same again"),
            stoppable("Stopped: there is no file."),
            closing(connect(app_url(settings), name="export", statement_timeout=UNLIMITED)) as connection,
            progress("events") as told,
        ):
            return export(connection, wish, newest_revision(), datetime.now(UTC), told)
    except Refusal as refusal:
        raise UsageError(refusal.detail) from None
    except FileExistsError:
        raise UsageError(f"--out {wish.path} is there already; --force replaces it") from None
    except OSError as unwritten:
        raise FrontDoorError(f"--out {wish.path}: {unwritten.strerror or unwritten}; there is no file") from None


@contextmanager
def stoppable(says: str) -> Iterator[None]:
    """Ctrl-C leaves nothing behind, and says so."""
    from replay.interrupts import STOPS, interrupted

    try:
        yield
    except STOPS as stop:
        if not interrupted(stop):
            raise
        say(says, "yellow")
        raise typer.Exit(FAILED) from None


def _show(account: Exported) -> None:
    which = "all" if account.whole else "a part"
    rate = account.events / max(account.seconds, 0.001)
    say(f"{account.file}: {which} of log {account.log_id} up to position {account.position:,}")
    say(
        f"{account.events:,} events of {account.streams:,} streams, {account.bytes:,} bytes, "
        f"in {account.seconds:.1f} s ({rate:,.0f}/s); texts: {account.texts}"
    )
    if account.unreadable:
        say(f"Left out, because this release does not know their types: {account.unreadable:,} events", "yellow")
    if account.format == "ndjson" and not account.whole:
        say("No desk can be restored from a part.", "yellow")
