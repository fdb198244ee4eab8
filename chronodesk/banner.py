"""banner: what runs where, and what should be tried next?"""

from __future__ import annotations

import shlex

from rich.text import Text

from chronodesk.keys import keys_file
from chronodesk.local.postgres import APP, HOST
from chronodesk.ready import reachable_host
from chronodesk.servers import Servers
from chronodesk.settings import Settings
from chronodesk.terminal import console

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_magenta")
NAME_WIDTH = 16


def say_line(name: str, line: str) -> None:
    """One line of one process, with its name in front; plain where no terminal is."""
    colour = COLOURS[sum(name.encode()) % len(COLOURS)]
    console.print(Text.assemble((f"{name:<{NAME_WIDTH}}", colour), "| ", line), soft_wrap=True, highlight=False)


def show_banner(servers: Servers) -> None:
    console.print(Text("\n".join(["", *banner_lines(servers), ""])), soft_wrap=True, highlight=False)


def banner_lines(servers: Servers) -> list[str]:
    """Pure text. Passwords are never in it: they are in files that only this user can read."""
    api = f"http://{reachable_host(servers.settings)}:{servers.settings.api_port}"
    return [
        "Chronodesk is running.",
        "",
        f"  API        {api}    documentation: {api}/docs",
        f"  Postgres   {_postgres(servers)}",
        f"  Kafka      {_kafka(servers)}",
        f"  Transport  {_transport(servers)}",
        f"  API keys   {keys_file(servers.settings)}  (one a role)",
        "",
        *_next_steps(servers, api),
        "",
        "Ctrl-C stops everything; the data stays.",
    ]


def _postgres(servers: Servers) -> str:
    postgres = servers.postgres
    if postgres is None:
        return "yours, from the settings"
    url = f"postgresql://{APP}@{HOST}:{postgres.port}/{postgres.database}"
    return f"{url}  (passwords: {postgres.access_file})"


def _kafka(servers: Servers) -> str:
    if servers.kafka is not None:
        return f"{servers.kafka.bootstrap_servers}  (a broker of our own)"
    return servers.settings.kafka_bootstrap_servers or f"none ({servers.without_kafka})"


def _transport(servers: Servers) -> str:
    if servers.settings.uses_kafka:
        return f"Kafka, topic {servers.settings.topic}: the relay publishes, consumers read"
    return "the store: consumers read straight from Postgres"


def _next_steps(servers: Servers, api: str) -> list[str]:
    data_dir = servers.settings.data_dir
    usual = data_dir == Settings.model_fields["data_dir"].default
    ours = ".venv/bin/chronodesk" if usual else f"CHRONODESK_DATA_DIR={shlex.quote(str(data_dir))} .venv/bin/chronodesk"
    return [
        "Try, in a second terminal:",
        "",
        f"  KEY=$({ours} key lead)",
        f'  curl -s -H "Authorization: Bearer $KEY" {api}/v1/queues',
        f"  {ours} lag",
        "  make demo",
    ]
