"""cli_run: how does one command start a whole desk on one machine?"""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import ExitStack
from typing import Annotated

import typer

from chronodesk.banner import say_line, show_banner
from chronodesk.environment import as_environment, publish
from chronodesk.errors import PortTaken, Unavailable
from chronodesk.keys import with_keys
from chronodesk.local.files import Lock, is_free
from chronodesk.prepare import prepare
from chronodesk.processes import services
from chronodesk.ready import wait_until_ready
from chronodesk.servers import Servers, keep_alive, start_servers
from chronodesk.settings import RUN_FILE, Settings, Transport
from chronodesk.start import loaded
from chronodesk.supervisor import Supervisor


def register(app: typer.Typer) -> None:
    app.command("run")(run)


def run(
    transport: Annotated[
        Transport | None, typer.Option(help="kafka, store (no Kafka), or auto: Kafka where Java and Maven are")
    ] = None,
    port: Annotated[int | None, typer.Option(help="where the API listens (8080)", min=1, max=65535)] = None,
) -> None:
    """Run everything on this machine: Postgres, Kafka where Java is, API, relay, consumers. Ctrl-C ends it all."""
    options: dict[str, object] = {"transport": transport, "api_port": port}
    given = {name: value for name, value in options.items() if value is not None}
    with ExitStack() as stack:
        _end_on_signals()
        settings = _own_data_dir(given, stack)
        _require_port(settings)
        try:
            _serve(settings, stack)
        except KeyboardInterrupt:
            say_line("run", "stopping")


def _own_data_dir(given: dict[str, object], stack: ExitStack) -> Settings:
    """One desk a data directory. Settings are read after the last run's leftovers are gone from it."""
    data_dir = loaded(**given).data_dir
    lock = stack.enter_context(Lock(data_dir / "run.lock"))
    lock.acquire(f"A desk already runs here: {data_dir}")
    (data_dir / RUN_FILE).unlink(missing_ok=True)
    return with_keys(loaded(**given))


def _require_port(settings: Settings) -> None:
    if not is_free(settings.api_port, settings.api_host):
        mend = f"Stop it, or choose another port:  chronodesk run --port {settings.api_port + 1}"
        raise PortTaken("The API", settings.api_host, settings.api_port, mend)


def _serve(settings: Settings, stack: ExitStack) -> None:
    say_line("run", "starting Postgres and Kafka" if settings.transport != "store" else "starting Postgres")
    servers = start_servers(settings, stack)
    prepare(servers.settings, lambda line: say_line("migrate", line))
    run_file = publish(servers.settings)
    stack.callback(run_file.unlink, missing_ok=True)
    asyncio.run(_supervise(servers))


async def _supervise(servers: Servers) -> None:
    settings = servers.settings
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    supervisor = Supervisor(services(kafka=settings.uses_kafka), as_environment(settings), say_line)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(supervisor.run(stopping))
        tasks.create_task(keep_alive(servers, stopping))
        tasks.create_task(_announce(servers, stopping))
    say_line("run", "everything has stopped")


async def _announce(servers: Servers, stopping: asyncio.Event) -> None:
    try:
        await wait_until_ready(servers.settings, stopping)
    except Unavailable as problem:
        say_line("run", f"{problem} It keeps trying; the lines above may say why.")
        return
    if not stopping.is_set():
        show_banner(servers)


def _end_on_signals() -> None:
    """While servers start there is no event loop yet: every signal then unwinds the stack just as Ctrl-C does.

    SIGINT too: a script that starts us in the background has it ignored.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
