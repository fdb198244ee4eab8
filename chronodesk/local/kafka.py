"""kafka: how does one machine get a real Kafka broker (KRaft, one node) without Docker?"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import time
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

import platformdirs
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from chronodesk.errors import PortTaken, Unavailable
from chronodesk.local import jars
from chronodesk.local.files import Lock, command_line, free_port, is_free, read_json, write_private_json
from chronodesk.local.jars import available, missing

__all__ = ["LocalKafka", "available", "missing"]

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
# A broker for one desk on a machine that it shares: no threads of its own for collecting and for compiling further.
JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
START_SECONDS = 90.0
STOP_SECONDS = 30.0
ANSWER_MILLISECONDS = 3000


class LocalKafka:
    """A broker that lives as long as this process wants, with its log in `data_dir`/kafka."""

    def __init__(self, data_dir: Path, *, cache_dir: Path | None = None) -> None:
        self.home = data_dir.resolve() / "kafka"
        self._cache = cache_dir or platformdirs.user_cache_path("chronodesk")
        self._lock = Lock(data_dir / "kafka.lock")
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: dict[str, int] = {}

    @property
    def bootstrap_servers(self) -> str:
        if not self._ports:
            raise Unavailable("The local Kafka has not been started.")
        return f"{HOST}:{self._ports['broker']}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def log_file(self) -> Path:
        return self.home / "kafka.log"

    def start(self) -> None:
        """Returns when the broker answers. Unavailable when it cannot start; its log says why."""
        self._lock.acquire(f"The data directory {self.home}")
        try:
            libs = jars.resolved(self._cache)
            self._end_leftover()
            self._configure()
            self._format(libs)
            self._launch(libs)
            self._await_ready()
        except BaseException:
            self._end(signal.SIGKILL)
            raise

    def stop(self) -> None:
        """A controlled shutdown."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9, as the kernel's memory killer would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def reset(self) -> None:
        """Stops it and throws its log away: the next start is another cluster with another topic id."""
        self.stop()
        shutil.rmtree(self._log_dir, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def _log_dir(self) -> Path:
        return self.home / "log"

    @property
    def _properties(self) -> Path:
        return self.home / "server.properties"

    @property
    def _pid_file(self) -> Path:
        return self.home / "kafka.pid"

    def _configure(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self._ports = self._remembered_ports()
        broker, controller = (f"{HOST}:{self._ports[name]}" for name in ("broker", "controller"))
        own = [
            f"listeners=PLAINTEXT://{broker},CONTROLLER://{controller}",
            f"advertised.listeners=PLAINTEXT://{broker}",
            f"controller.quorum.voters=1@{controller}",
            f"log.dirs={self._log_dir}",
        ]
        self._properties.write_text(_packaged("server.properties") + "\n".join(own) + "\n", encoding="utf-8")
        (self.home / "log4j2.properties").write_text(_packaged("log4j2.properties"), encoding="utf-8")

    def _remembered_ports(self) -> dict[str, int]:
        file = self.home / "ports.json"
        ports = read_json(file) or {"broker": free_port(), "controller": free_port()}
        for name, port in ports.items():
            if not is_free(port):
                raise PortTaken(f"The local Kafka's {name}", HOST, port, f"Stop it, or change the port in {file}.")
        write_private_json(file, ports)
        return ports

    def _format(self, libs: Path) -> None:
        if (self._log_dir / "meta.properties").exists():
            return
        cluster = self._storage_tool(libs, "random-uuid").split()[-1]
        self._storage_tool(libs, "format", "-t", cluster, "-c", str(self._properties), "--ignore-formatted")

    def _storage_tool(self, libs: Path, *arguments: str) -> str:
        command = [*self._java(libs), "kafka.tools.StorageTool", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Unavailable(f"Kafka's storage cannot be formatted: {(done.stderr or done.stdout).strip()[-600:]}")
        return done.stdout

    def _java(self, libs: Path) -> list[str]:
        logging_file = f"-Dlog4j2.configurationFile=file:{self.home / 'log4j2.properties'}"
        return [shutil.which("java") or "java", *JVM, logging_file, "-cp", f"{libs}/*"]

    def _launch(self, libs: Path) -> None:
        command = [*self._java(libs), "kafka.Kafka", str(self._properties)]
        with self.log_file.open("ab") as output:
            # Its own session: Ctrl-C at the terminal is ours to handle, in our order.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self._pid_file.write_text(str(self._process.pid), encoding="utf-8")

    def _await_ready(self) -> None:
        """An open port is not enough: a broker that still loads accepts and does not answer."""
        deadline = time.monotonic() + START_SECONDS
        while not (_port_open(self._ports["broker"]) and answers(self.bootstrap_servers)):
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"Kafka does not start: {self._last_words()}")
            time.sleep(0.1)

    def _last_words(self) -> str:
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join(lines[-4:]) or "it said nothing"

    def _end_leftover(self) -> None:
        """We hold the lock, so a broker that still runs here lost its parent: end it, its log is safe."""
        try:
            pid = int(self._pid_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return
        # After a reboot the number may belong to anybody; never signal a stranger.
        if str(self.home) not in command_line(pid):
            return
        log.warning("a Kafka from an earlier run is still there (pid %d): ending it", pid)
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while str(self.home) in command_line(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    def _end(self, wish: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(wish)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._pid_file.unlink(missing_ok=True)
        self._lock.release()


def answers(bootstrap_servers: str) -> bool:
    """Whether a broker there says who it is."""
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap_servers,
            request_timeout_ms=ANSWER_MILLISECONDS,
            bootstrap_timeout_ms=ANSWER_MILLISECONDS,
        )
    except (KafkaError, OSError):
        return False
    try:
        return bool(admin.describe_cluster().get("brokers"))
    except (KafkaError, OSError):
        return False
    finally:
        admin.close()


def _port_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _packaged(name: str) -> str:
    return (files("chronodesk.local") / "broker" / name).read_text(encoding="utf-8")
