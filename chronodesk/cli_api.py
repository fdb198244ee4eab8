"""cli_api: serve the API, in one process."""

from __future__ import annotations

import typer

from api.config import ApiConfig, Key
from chronodesk.errors import PortTaken, UsageError
from chronodesk.local.files import is_free
from chronodesk.settings import PREFIX, Settings
from chronodesk.start import app_url, loaded


def register(app: typer.Typer) -> None:
    app.command("api")(api)


def api() -> None:
    """Serve HTTP: commands, reads, the event feed, /healthz, /readyz, /metrics and the documentation at /docs."""
    from api.app import create_app
    from api.server import serve

    settings = loaded()
    if settings.api_port and not is_free(settings.api_port, settings.api_host):
        mend = f"Stop it, or set {PREFIX}API_PORT to another one."
        raise PortTaken("The API", settings.api_host, settings.api_port, mend)
    serve(create_app(api_config(settings)), settings.api_host, settings.api_port, settings.log_level)


def api_config(settings: Settings) -> ApiConfig:
    """What the API needs of the settings. UsageError where something has no default and was not given."""
    from chronodesk.migrate import newest_revision

    if settings.secret is None:
        raise UsageError(f"no secret: set {PREFIX}SECRET to 32 characters or more, the same for every API process")
    return ApiConfig(
        database_url=app_url(settings),
        secret=settings.secret.get_secret_value().encode(),
        keys=tuple(Key(key.key.get_secret_value(), key.role, key.id) for key in settings.api_keys),
        schema_revision=newest_revision(),
        max_body_bytes=settings.max_body_bytes,
        pool_size=settings.pool_size,
    )
