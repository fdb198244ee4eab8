"""test_settings: do values come from where we say, and do secrets stay secret?"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from typer.testing import CliRunner

from chronodesk.cli import COMMANDS, app, register
from chronodesk.cli_config import described
from chronodesk.environment import as_environment, publish
from chronodesk.keys import ROLES, keys_file, with_keys
from chronodesk.settings import Settings

SECRET = "a-secret-that-is-long-enough-to-be-one"
URL = "postgresql://app:hush@db.example/desk"
register(COMMANDS)


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("CHRONODESK_") or name in {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("CHRONODESK_DATA_DIR", str(tmp_path))


def test_plain_names_are_accepted_and_ours_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "k:1")
    assert Settings().app_url == URL
    monkeypatch.setenv("CHRONODESK_KAFKA_BOOTSTRAP_SERVERS", "k:2")
    assert Settings().kafka_bootstrap_servers == "k:2"
    assert Settings().uses_kafka


def test_the_owner_is_the_application_where_nothing_else_is_said() -> None:
    assert Settings(database_url=SecretStr(URL)).owner_url == URL


def test_without_a_database_it_says_what_to_do() -> None:
    with pytest.raises(LookupError, match="chronodesk run"):
        _ = Settings().app_url


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().api_port = 1  # type: ignore[misc]


def test_neither_representation_nor_error_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hush" not in repr(Settings(database_url=SecretStr(URL)))
    monkeypatch.setenv("CHRONODESK_SECRET", "too short")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert "too short" not in str(refused.value)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_config_hides_secrets_and_names_sources(monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("CHRONODESK_SECRET", SECRET)
    key = {"key": "very-hidden", "role": "agent", "id": "8d7ae2a4-7b79-4b42-9a7f-5a4b4f6f8f00"}
    monkeypatch.setenv("CHRONODESK_API_KEYS", json.dumps([key]))
    done = CliRunner().invoke(app, ["config", *options], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert not any(hidden in done.output for hidden in ("hush", SECRET, "very-hidden"))
    assert "DATABASE_URL" in done.output
    assert "CHRONODESK_SECRET" in done.output
    assert "default" in done.output


def test_a_second_terminal_finds_the_running_desk(tmp_path: Path) -> None:
    running = with_keys(Settings(database_url=SecretStr(URL), kafka_bootstrap_servers="k:9", transport="kafka"))
    file = publish(running)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = Settings()
    assert (found.app_url, found.kafka_bootstrap_servers, found.api_keys) == (URL, "k:9", running.api_keys)
    assert described(found)["database_url"]["from"] == str(tmp_path / "run.json")


def test_the_environment_wins_over_the_running_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    publish(Settings(database_url=SecretStr(URL), api_port=1234))
    monkeypatch.setenv("DATABASE_URL", "postgresql://other/desk")
    monkeypatch.setenv("CHRONODESK_API_PORT", "4321")
    assert Settings().app_url == "postgresql://other/desk"
    assert Settings().api_port == 4321


def test_children_read_the_same_settings_from_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://stale/desk")
    ours = with_keys(Settings(database_url=SecretStr(URL), transport="store", log_json=True))
    for name, value in as_environment(ours).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DATABASE_URL")
    assert "DATABASE_URL" not in as_environment(ours)
    assert Settings() == ours


def test_the_first_start_makes_a_secret_and_a_key_for_each_role_and_keeps_them(tmp_path: Path) -> None:
    first, second = with_keys(Settings()), with_keys(Settings())
    assert first == second
    assert [key.role for key in first.api_keys] == list(ROLES)
    assert len({key.key.get_secret_value() for key in first.api_keys}) == len(ROLES)
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    assert keys_file(first).exists()


def test_wrong_settings_are_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from chronodesk.errors import USAGE, UsageError
    from chronodesk.start import loaded

    monkeypatch.setenv("CHRONODESK_API_PORT", "many")
    with pytest.raises(UsageError, match="api_port") as wrong:
        loaded()
    assert wrong.value.exit_code == USAGE
