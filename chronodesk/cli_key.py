"""cli_key: which API key does a script use?"""

from __future__ import annotations

from typing import Annotated

import typer

from chronodesk.errors import Unavailable, UsageError
from chronodesk.keys import ROLES
from chronodesk.settings import Role
from chronodesk.start import loaded
from chronodesk.terminal import console


def register(app: typer.Typer) -> None:
    app.command("key")(key)


def key(role: Annotated[str, typer.Argument(help=f"one of: {', '.join(ROLES)}", show_default=False)]) -> None:
    """Print the API key of a role of the desk that runs here: KEY=$(chronodesk key lead)."""
    console.print(key_of(role), markup=False, highlight=False, soft_wrap=True)


def key_of(role: str) -> str:
    settings = loaded()
    keys: dict[Role, str] = {found.role: found.key.get_secret_value() for found in reversed(settings.api_keys)}
    if role not in ROLES:
        raise UsageError(f"no such role: {role}; there are {', '.join(ROLES)}")
    if role not in keys:
        raise Unavailable("no desk runs here: start one with `chronodesk run`")
    return keys[role]
