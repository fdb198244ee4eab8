"""cli_restore: make an empty desk the one that a lossless export tells of."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chronodesk.cli_export import stoppable
from chronodesk.database import told_plainly
from chronodesk.errors import FrontDoorError, UsageError
from chronodesk.progress import progress
from chronodesk.settings import PREFIX, Settings
from chronodesk.start import loaded, owner_url
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from replay.exports.restoring import Restored

# The owner's own session: the application may do nothing of this.
AS_OWNER = {"role": "none", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}


def register(app: typer.Typer) -> None:
    app.command("restore")(restore_desk)


def restore_desk(
    file: Annotated[Path, typer.Argument(help="an ndjson export of a whole log, plain or .gz", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="the account as JSON")] = False,
) -> None:
    """Fill an empty, migrated database. Positions, instants and hashes stay; all of it comes, or nothing does."""
    account = _restore(loaded(), file)
    if as_json:
        console.print_json(json.dumps(asdict(account), default=str))
        return
    say(f"Log {account.log_id} is whole up to position {account.events:,}, each hash as it was.")
    say(
        f"{account.events:,} events of {account.streams:,} streams, {account.commands:,} commands, "
        f"{account.names:,} names, in {account.seconds:.1f} s"
    )


def _restore(settings: Settings, file: Path) -> Restored:
    from contextlib import closing

    from psycopg.errors import InsufficientPrivilege

    from commands.database import connect
    from replay.exports.lines import BrokenExport
    from replay.exports.restoring import NotEmpty, restore

    secret = _secret(settings)
    try:
        with (
            told_plainly("nothing was restored, run the same again"),
            stoppable("Stopped: nothing was restored."),
            closing(connect(owner_url(settings), name="restore", **AS_OWNER)) as owner,
            progress("events") as told,
        ):
            return restore(owner, file, secret, told)
    except (BrokenExport, NotEmpty) as refused:
        raise FrontDoorError(f"{file}: {refused}. Nothing was restored.") from None
    except InsufficientPrivilege:
        raise UsageError(f"only the database's owner restores a desk: set {PREFIX}OWNER_DATABASE_URL") from None
    except OSError as unread:
        raise UsageError(f"{file}: {unread.strerror or unread}") from None


def _secret(settings: Settings) -> bytes:
    """Another one than the desk had, and nobody's retry or address would be known again."""
    if settings.secret is None:
        raise UsageError(f"set {PREFIX}SECRET to the one that the exported desk used: addresses are kept under it")
    return settings.secret.get_secret_value().encode()
