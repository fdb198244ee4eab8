"""cli_config: how is this desk configured, and where did each value come from?"""

from __future__ import annotations

import json
import os
import re
from typing import Annotated, Any

import typer
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from rich.table import Table

from chronodesk.environment import SHARED
from chronodesk.local.files import read_json
from chronodesk.settings import PREFIX, RUN_FILE, Settings
from chronodesk.start import loaded
from chronodesk.terminal import console

HIDDEN = "********"
URL = re.compile(r"(?P<before>postgres(?:ql)?://[^:@/?#]+:)[^@?#]+(?P<after>@[^@?#]+)")


def register(app: typer.Typer) -> None:
    app.command("config")(config)


def config(as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False) -> None:
    """Print every setting with its value (secrets hidden) and where it came from."""
    rows = described(loaded())
    if as_json:
        console.print_json(json.dumps(rows))
        return
    table = Table("setting", "value", "from", "what it is", box=None)
    for name, row in rows.items():
        table.add_row(name, str(row["value"]), row["from"], row["what"])
    console.print(table)


def described(settings: Settings) -> dict[str, dict[str, Any]]:
    """Pure but for looking where values came from; no secret is in it."""
    kept = read_json(settings.data_dir / RUN_FILE) or {}
    return {
        name: {
            "value": redacted(getattr(settings, name)),
            "from": origin(settings, name, field, kept),
            "what": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    }


def redacted(value: Any) -> Any:
    if isinstance(value, SecretStr):
        # Host and database of a URL are worth seeing; where its form is another one, nothing is.
        url = URL.fullmatch(value.get_secret_value())
        return f"{url['before']}{HIDDEN}{url['after']}" if url else HIDDEN
    if isinstance(value, tuple):
        return [{"key": HIDDEN, "role": key.role, "id": str(key.id)} for key in value]
    return value if isinstance(value, str | int | bool | None) else str(value)


def origin(settings: Settings, name: str, field: FieldInfo, kept: dict[str, Any]) -> str:
    variable = next((known for known in variables(name, field) if known in os.environ), None)
    if variable is not None:
        return variable
    if name in SHARED and name in kept:
        return str(settings.data_dir / RUN_FILE)
    return "default"


def variables(name: str, field: FieldInfo) -> tuple[str, ...]:
    """The environment variables that may set it, the strongest first."""
    if isinstance(field.validation_alias, AliasChoices):
        return tuple(str(choice) for choice in field.validation_alias.choices)
    return (PREFIX + name.upper(),)
