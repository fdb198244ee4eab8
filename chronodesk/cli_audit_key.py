"""cli_audit_key: make the key that a witness signs with, and tell its public half."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chronodesk.errors import UsageError
from chronodesk.start import loaded
from chronodesk.terminal import console, say

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

AsJson = Annotated[bool, typer.Option("--json", help="for machines")]
key = typer.Typer(no_args_is_help=True, help="The key that a witness signs with.")


def register(audit: typer.Typer) -> None:
    audit.add_typer(key, name="key")


@key.command("new")
def new(
    out: Annotated[Path, typer.Option(help="where the private key goes", show_default=False)], as_json: AsJson = False
) -> None:
    """Make a key in a new file (0600), and print its public half: publish that, auditors pin it."""
    from replay.proof.keys import make_key

    try:
        made = make_key(out)
    except FileExistsError:
        raise UsageError(f"{out} is there already: a key is never overwritten") from None
    except OSError as refused:
        raise UsageError(f"{out}: {refused.strerror}") from None
    _print(made, as_json)


@key.command("show")
def show(as_json: AsJson = False) -> None:
    """Print the public half of this desk's key."""
    from chronodesk.witnessing import signing_key

    _print(signing_key(loaded(), make=False), as_json)


def _print(made: Ed25519PrivateKey, as_json: bool) -> None:
    from replay.proof.keys import key_id, public_bytes

    public = public_bytes(made)
    if as_json:
        console.print_json(json.dumps({"public_key": public.hex(), "key_id": key_id(public)}))
        return
    say(f"public key  {public.hex()}")
    say(f"key id      {key_id(public)}")
