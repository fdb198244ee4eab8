"""servers: which Postgres and which Kafka does `chronodesk run` use, and who revives them?"""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import SecretStr

from chronodesk.errors import Unavailable
from chronodesk.local.kafka import LocalKafka, missing
from chronodesk.local.postgres import EmbeddedPostgres
from chronodesk.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


class Server(Protocol):
    @property
    def running(self) -> bool: ...
    def start(self) -> None: ...
    def kill(self) -> None: ...


@dataclass
class Servers:
    """The settings that lead to them, those that we started ourselves, and what the banner says of them."""

    settings: Settings
    postgres: EmbeddedPostgres | None = None
    kafka: LocalKafka | None = None
    without_kafka: str | None = None
    own: list[tuple[str, Server]] = field(default_factory=list)


def start_servers(settings: Settings, stack: ExitStack) -> Servers:
    """Returns when both answer. The stack stops what was started, in reverse order."""
    servers = Servers(settings)
    _start_postgres(servers, stack)
    _start_kafka(servers, stack)
    return servers


def _start_postgres(servers: Servers, stack: ExitStack) -> None:
    settings = servers.settings
    if settings.database_url is not None:
        return
    postgres = stack.enter_context(EmbeddedPostgres(settings.data_dir, settings.desk))
    urls = {"database_url": SecretStr(postgres.app_url), "owner_database_url": SecretStr(postgres.owner_url)}
    servers.settings = settings.model_copy(update=urls)
    servers.postgres = postgres
    servers.own.append(("Postgres", postgres))


def _start_kafka(servers: Servers, stack: ExitStack) -> None:
    settings = servers.settings
    if settings.transport == "store":
        servers.without_kafka = "as you asked"
    elif settings.kafka_bootstrap_servers is None:
        try:
            servers.kafka = _local_kafka(settings, stack)
        except Unavailable as problem:
            if settings.transport == "kafka":
                raise
            servers.without_kafka = str(problem)
    if servers.kafka is not None:
        servers.own.append(("Kafka", servers.kafka))
        settings = settings.model_copy(update={"kafka_bootstrap_servers": servers.kafka.bootstrap_servers})
    transport = "store" if servers.without_kafka else "kafka"
    servers.settings = settings.model_copy(update={"transport": transport})


def _local_kafka(settings: Settings, stack: ExitStack) -> LocalKafka:
    lacking = missing()
    if lacking is not None:
        raise Unavailable(lacking)
    return stack.enter_context(LocalKafka(settings.data_dir, cache_dir=settings.cache_dir))


async def keep_alive(servers: Servers, stopping: asyncio.Event) -> None:
    """Start a server of ours again that died, on the same port with the same data."""
    while not stopping.is_set():
        for name, server in servers.own:
            if not server.running:
                log.warning("%s died: starting it again", name)
                await asyncio.to_thread(_revive, name, server)
        await asyncio.sleep(LOOK_SECONDS)


def _revive(name: str, server: Server) -> None:
    server.kill()
    try:
        server.start()
    except Unavailable as problem:
        log.error("%s does not come back: %s", name, problem)
