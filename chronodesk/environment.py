"""environment: how do settings travel to a child process, and to a command in a second terminal?"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from chronodesk.local.files import write_private_json
from chronodesk.settings import PREFIX, RUN_FILE, Settings

SHARED = (
    "desk",
    "database_url",
    "owner_database_url",
    "kafka_bootstrap_servers",
    "transport",
    "api_host",
    "api_port",
    "secret",
    "api_keys",
)


def revealed(settings: Settings) -> dict[str, Any]:
    """Every value in plain JSON types, secrets included: for 0600 files and environments, never for print."""
    return {name: _plain(getattr(settings, name)) for name in type(settings).model_fields}


def as_environment(settings: Settings) -> dict[str, str]:
    """Our own environment without what configured us, and with the settings as they are now."""
    inherited = {name: value for name, value in os.environ.items() if not _configures(name)}
    values = {name: value for name, value in revealed(settings).items() if value is not None}
    ours = {PREFIX + name.upper(): _text(value) for name, value in values.items()}
    # Children write to a pipe, where Python would hold lines back until a few kilobytes are there.
    return inherited | ours | {"PYTHONUNBUFFERED": "1"}


def publish(settings: Settings) -> Path:
    """Write down what other commands on this machine need to reach the running desk."""
    values = revealed(settings)
    file = settings.data_dir / RUN_FILE
    write_private_json(file, {name: values[name] for name in SHARED if values[name] is not None})
    return file


def _configures(name: str) -> bool:
    return name.startswith(PREFIX) or name in {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"}


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return [{"key": _plain(one.key), "role": one.role, "id": str(one.id)} for one in value]
    return str(value) if isinstance(value, Path) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
