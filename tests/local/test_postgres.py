"""test_postgres: is the embedded Postgres a real one that survives what happens to servers?"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from chronodesk.errors import PortTaken, Unavailable
from chronodesk.local.files import write_private_json
from chronodesk.local.postgres import APP, OWNER, EmbeddedPostgres


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the account which Postgres runs as can reach, as root too."""
    folder = Path(tempfile.mkdtemp(prefix="chronodesk-pg-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(home) as running:
        yield running


def note(url: str, text: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (line text)")
        connection.execute("INSERT INTO notes VALUES (%s)", (text,))


def notes(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [line for (line,) in connection.execute("SELECT line FROM notes")]


def test_a_second_start_finds_the_data_at_the_same_address(home: Path) -> None:
    with EmbeddedPostgres(home) as first:
        note(first.owner_url, "kept")
    with EmbeddedPostgres(home) as second:
        assert second.owner_url == first.owner_url
        assert notes(second.owner_url) == ["kept"]


def test_committed_work_survives_a_kill_and_a_crash(server: EmbeddedPostgres) -> None:
    note(server.owner_url, "before the kill")
    server.kill()
    server.start()
    note(server.owner_url, "before the crash")
    server.restart("immediate")
    assert notes(server.owner_url) == ["before the kill", "before the crash"]


def test_a_server_left_over_from_a_killed_run_is_ended(server: EmbeddedPostgres, home: Path) -> None:
    note(server.owner_url, "kept")
    orphan = server.pid
    assert orphan is not None
    server._lock.release()  # as the kernel does when the runner is killed
    with EmbeddedPostgres(home) as next_run:
        assert notes(next_run.owner_url) == ["kept"]
        assert next_run.pid != orphan
        assert server._process is not None
        assert server._process.poll() is not None


def test_a_stale_pid_file_with_a_strangers_number_is_no_obstacle(server: EmbeddedPostgres) -> None:
    server.kill()
    pid_file = server.home / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server.start()
    assert server.running


def test_a_data_directory_belongs_to_one_process(server: EmbeddedPostgres, home: Path) -> None:
    with pytest.raises(Unavailable, match=str(os.getpid())):
        EmbeddedPostgres(home).start()
    assert server.running


def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres) -> None:
    for login in (APP, f"{APP}:wrong", "postgres"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://{login}@127.0.0.1:{server.port}/chronodesk")


def test_passwords_are_in_a_file_that_only_we_can_read(server: EmbeddedPostgres) -> None:
    assert stat.S_IMODE(server.access_file.stat().st_mode) == 0o600


def test_the_application_is_not_the_owner_and_neither_is_a_superuser(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.superuser_url) as connection:
        rows = connection.execute("SELECT rolname, rolsuper FROM pg_roles WHERE rolname IN (%s, %s)", (APP, OWNER))
        assert dict(rows.fetchall()) == {APP: False, OWNER: False}
        row = connection.execute("SELECT datdba::regrole::text FROM pg_database WHERE datname = 'chronodesk'")
        assert row.fetchone() == (OWNER,)


def test_a_taken_port_gets_a_clear_message(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        port = server.port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match=f"127.0.0.1:{port}"):
        EmbeddedPostgres(home).start()


def test_lost_passwords_are_an_error_and_not_a_new_database(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        access_file = server.access_file
    access_file.unlink()
    with pytest.raises(Unavailable, match="passwords"):
        EmbeddedPostgres(home).start()
    assert (server.home / "data" / "PG_VERSION").exists()


def test_a_failed_start_leaves_the_directory_free(home: Path) -> None:
    broken = EmbeddedPostgres(home, settings={"shared_buffers": "none"})
    with pytest.raises(Unavailable, match="shared_buffers"):
        broken.start()
    with EmbeddedPostgres(home) as server:
        assert server.running


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run it as somebody else")
def test_as_root_it_runs_as_somebody_else_even_below_a_closed_folder(home: Path) -> None:
    home.chmod(0o700)
    with EmbeddedPostgres(home) as server:
        assert server.pid is not None
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        assert not server.home.is_relative_to(home)
        note(server.owner_url, "reached")
    shutil.rmtree(server.home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_ctrl_c_at_the_terminal_does_not_reach_it(server: EmbeddedPostgres) -> None:
    assert server.pid is not None
    assert os.getsid(server.pid) != os.getsid(0)


def test_private_files_replace_each_other_in_one_step(home: Path) -> None:
    file = home / "secret.json"
    write_private_json(file, {"a": 1})
    write_private_json(file, {"a": 2})
    assert [path.name for path in home.iterdir()] == ["secret.json"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
