"""Logins and reportable fields at a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from chronodesk import cli, start
from tests.databases import Database

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Say:
    monkeypatch.setenv("DATABASE_URL", database.app_url)
    monkeypatch.setenv("CHRONODESK_OWNER_DATABASE_URL", database.owner_url)
    monkeypatch.setenv("CHRONODESK_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(start, "configure_logging", lambda settings: None)

    def say(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["chronodesk", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(str(ended.value.code or 0)), out, err

    return say


def test_a_login_is_made_used_listed_and_dropped(say: Say, database: Database) -> None:
    name = f"bea_{database.name}"
    code, out, _ = say("analyst", "create", name, "--json")
    made = json.loads(out)
    assert (code, made["name"], made["withheld"]) == (0, name, True)
    with psycopg.connect(made["url"]) as analyst:
        assert analyst.execute("SELECT current_user, current_schema").fetchone() == (name, "reporting")
        analyst.rollback()
        assert json.loads(say("analyst", "list", "--json")[1]) == [{"name": name, "sessions": 1}]
    assert say("analyst", "create", name)[0] == 2
    assert json.loads(say("analyst", "drop", name, "--json")[1]) == {"name": name, "dropped": True}
    assert say("analyst", "drop", name)[0] == 2
    assert say("analyst", "list")[1] == "No analyst may log in.\n"


@pytest.mark.parametrize("name", ["chronodesk_x", "pg_x", "postgres", "Ann", "ann;", "", "x" * 60])
def test_a_name_that_is_none_is_refused(say: Say, name: str) -> None:
    assert say("analyst", "create", name)[0] == 2


def test_only_the_owner_makes_logins(say: Say, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHRONODESK_OWNER_DATABASE_URL", database.app_url)
    code, _, err = say("analyst", "create", "cai")
    assert (code, "CHRONODESK_OWNER_DATABASE_URL" in err) == (2, True)


def test_a_database_without_the_schema_is_to_be_migrated_first(
    say: Say, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = psycopg.conninfo.make_conninfo(database.superuser_url, dbname="postgres")
    monkeypatch.setenv("CHRONODESK_OWNER_DATABASE_URL", bare)
    code, _, err = say("analyst", "list")
    assert (code, "chronodesk migrate" in err) == (3, True)


def test_fields_are_declared_and_withdrawn(say: Say) -> None:
    assert say("analyst", "declare", "floor", "--type", "number", "--label", "Floor")[1] == "floor is declared.\n"
    assert (
        say("analyst", "declare", "floor", "--type", "number", "--label", "Floor")[1] == "floor was declared already.\n"
    )
    assert say("analyst", "fields")[1] == "floor  number  Floor\n"
    assert json.loads(say("analyst", "withdraw", "floor", "--json")[1])["events"] == ["reportable_fields.withdrawn.v1"]
    assert say("analyst", "fields")[1] == "None is declared.\n"
    for wrong in (("declare", "Floor", "--label", "x"), ("withdraw", "Floor")):
        assert say("analyst", *wrong)[0] == 2
    assert "reportable_field.is_text" in say("analyst", "declare", "ticket.tags", "--type", "number", "--label", "x")[2]
