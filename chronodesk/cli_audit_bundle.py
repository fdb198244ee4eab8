"""cli_audit_bundle: write what proves a ticket's history to somebody who has neither us nor our database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chronodesk.database import connected, connected_async, told_plainly
from chronodesk.errors import FrontDoorError, Unavailable, UsageError
from chronodesk.settings import Settings
from chronodesk.start import loaded
from chronodesk.terminal import console, errors, plain

if TYPE_CHECKING:
    from aggregates.errors import Refusal
    from replay.proof.evidence import Evidence, Row

SIGN_SECONDS = 30.0


def register(audit: typer.Typer) -> None:
    audit.command("bundle")(bundle)


def bundle(
    ticket: Annotated[str, typer.Argument(help="T-1042, or the ticket's id", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="a new file; none: stdout", show_default=False)] = None,
    since: Annotated[
        int | None,
        typer.Option(min=1, help="prove as well that the log goes on from the head of so many events"),
    ] = None,
    sign_now: Annotated[bool, typer.Option("--sign-now", help="have a head signed first that covers all")] = False,
) -> None:
    """Write one ticket's events with the proof that they stand in the log, unchanged: `verify_bundle.py` checks it.

    The newest signed head decides how far it reaches. Exit code 3 if none covers the ticket yet.
    """
    from aggregates.errors import Refusal

    settings = loaded()
    if out is not None and out.exists():
        raise UsageError(f"{out} is there already")
    if sign_now:
        _sign(settings)
    try:
        with told_plainly():
            found, rows = asyncio.run(_found(settings, ticket, since))
    except Refusal as refused:
        raise _plainly(refused) from None
    _write(found, out)
    _tell(found, rows, out)


def _plainly(refused: Refusal) -> FrontDoorError:
    from aggregates.errors import Unacceptable
    from aggregates.errors import Unavailable as Away

    match refused:
        case Away():
            return Unavailable(refused.detail)
        case Unacceptable():
            return UsageError(refused.detail)
        case _ if refused.code.startswith("head."):
            return Unavailable(f"{refused.detail} Add --sign-now, or wait for the witness.")
        case _:
            return FrontDoorError(refused.detail)


async def _found(settings: Settings, ticket: str, since: int | None) -> tuple[Evidence, list[Row]]:
    from replay.audit.addressed import stream_of
    from replay.proof.evidence import evidence, history

    async with connected_async(settings, "audit") as connection:
        id = await stream_of(connection, ticket)
        rows = await history(connection, id)
        return await evidence(connection, id, rows, since), rows


def _sign(settings: Settings) -> None:
    """By the witness that is at work; where none is, by ourselves."""
    from chronodesk.witnessing import witness_of
    from consumers.faults import Refused
    from replay.proof.asking import signed_now

    try:
        with told_plainly(), connected(settings, "audit") as connection:
            signed = signed_now(connection, lambda: witness_of(settings), SIGN_SECONDS)
    except Refused as refused:
        raise Unavailable(f"nothing was signed: {refused}") from None
    if not signed:
        raise Unavailable(f"the witness signed nothing within {SIGN_SECONDS:.0f} s: its log says why")


def _write(found: Evidence, out: Path | None) -> None:
    if out is None:
        console.file.write(found.text)
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(found.text)
    except OSError as refused:
        raise UsageError(f"{out}: {refused.strerror}") from None


def _tell(found: Evidence, rows: list[Row], out: Path | None) -> None:
    """On stderr: stdout may be the file."""
    _say(f"{found.number}: {len(found.events)} events, in a log of {found.head.tree_size:,} signed by")
    _say(f"  {found.head.public_key}")
    if len(found.events) < len(rows):
        late = len(rows) - len(found.events)
        _say(f"{late} newer events lie beyond the newest head: --sign-now, or wait for the next one.")
    if out is not None:
        _say(f"Check it anywhere: python verify_bundle.py {out} --key {found.head.public_key}")


def _say(line: str) -> None:
    errors.print(plain(line), markup=False, highlight=False, soft_wrap=True)
