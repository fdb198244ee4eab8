"""cli_witness: sign what the log has been so far, and publish it where the database's owner cannot reach it."""

from __future__ import annotations

import typer

from chronodesk.start import loaded


def register(app: typer.Typer) -> None:
    app.command("witness")(witness)


def witness() -> None:
    """Sign a head of the log each minute. Start as many as you like: one works, the others stand by.

    Exit code 3 if the log does not go on from what was signed before: somebody changed it, and nothing is signed.
    """
    from chronodesk.carriers import carry
    from chronodesk.witnessing import witness_of

    settings = loaded()
    carry({"witness": witness_of(settings).run}, settings)
