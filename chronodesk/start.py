"""start: what does every command do first? Read the settings, set up logging, say plainly what is missing."""

from __future__ import annotations

import logging
from typing import Any

import structlog
from prometheus_client import start_http_server
from pydantic import ValidationError

from chronodesk.errors import Unavailable, UsageError
from chronodesk.settings import Settings


def loaded(**given: Any) -> Settings:
    """Settings with logging set up by them. UsageError names each setting that is wrong, never its value."""
    try:
        settings = Settings(**given)
    except ValidationError as invalid:
        wrong = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in invalid.errors())
        raise UsageError(f"wrong settings: {wrong}") from None
    configure_logging(settings)
    return settings


def app_url(settings: Settings) -> str:
    try:
        return settings.app_url
    except LookupError as missing:
        raise Unavailable(str(missing)) from None


def owner_url(settings: Settings) -> str:
    try:
        return settings.owner_url
    except LookupError as missing:
        raise Unavailable(str(missing)) from None


def configure_logging(settings: Settings) -> None:
    """Ours and the libraries' lines come out alike, on stderr: stdout is for answers."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_json
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    tail: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.log_json:
        tail.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*tail, render]))
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    logging.getLogger("alembic").setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))
    # The client repeats an absent broker several times a second; what a fault means to us, our own lines say.
    logging.getLogger("kafka").setLevel(logging.DEBUG if settings.log_level == "DEBUG" else logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def serve_metrics(settings: Settings) -> None:
    """For processes without HTTP of their own; it is their health check in compose.yaml too."""
    if settings.metrics_port is None:
        return
    try:
        # Inside a container, where only the container's own network reaches it.
        start_http_server(settings.metrics_port, addr="0.0.0.0")  # noqa: S104
    except OSError as problem:
        raise Unavailable(f"metrics cannot be served on port {settings.metrics_port}: {problem.strerror}") from None
