"""keys: which secret and which API keys does a desk on this machine use? Made on the first start, then remembered."""

from __future__ import annotations

import secrets
from pathlib import Path
from uuid import uuid4

from pydantic import SecretStr

from chronodesk.local.files import read_json, write_private_json
from chronodesk.settings import ApiKey, Role, Settings

ROLES: tuple[Role, ...] = ("agent", "lead", "auditor", "analyst", "ops", "customer")
KEYS_FILE = "api-keys.json"
SECRET_FILE = "secret.json"  # noqa: S105  a file's name


def keys_file(settings: Settings) -> Path:
    return settings.data_dir / KEYS_FILE


def with_keys(settings: Settings) -> Settings:
    """The same settings; where secret or API keys were not given, those kept in the data directory."""
    found = {
        "secret": settings.secret or local_secret(settings.data_dir),
        "api_keys": settings.api_keys or local_api_keys(settings.data_dir),
    }
    return settings.model_copy(update=found)


def local_secret(data_dir: Path) -> SecretStr:
    """Losing it makes stored HMACs and sealed tokens worthless: it is never made anew while the file is there."""
    file = data_dir / SECRET_FILE
    content = read_json(file)
    if content is None:
        content = {"secret": secrets.token_urlsafe(48)}
        write_private_json(file, content)
    return SecretStr(content["secret"])


def local_api_keys(data_dir: Path) -> tuple[ApiKey, ...]:
    """One for each role. The ids are remembered, so that an agent is the same agent after a restart."""
    file = data_dir / KEYS_FILE
    content = read_json(file)
    if content is None:
        content = {"api_keys": [_new_key(role) for role in ROLES]}
        write_private_json(file, content)
    return tuple(ApiKey.model_validate(entry) for entry in content["api_keys"])


def _new_key(role: Role) -> dict[str, str]:
    return {"key": f"{role}-{secrets.token_urlsafe(24)}", "role": role, "id": str(uuid4())}
