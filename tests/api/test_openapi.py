"""The document: true to what is served, and good enough for a public generator to make a typed client from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from aggregates import agent, calendar, customer, rates, reportable, team
from aggregates.goals import goals
from aggregates.sla import policies as sla
from aggregates.surveys import surveys
from aggregates.ticket import commands
from api import bulk, my, policies, ratings, reports_asked
from api.app import ROUTERS, create_app
from api.examples import EXAMPLES
from replay.what_if import given as what_if_given
from tests.api.running import Desk, api_config, key_of
from tests.databases import Database

METHODS = {"get", "post", "put", "patch"}
DRIVER = Path(__file__).with_name("client_driver.py")


@pytest.fixture(scope="module")
def document(module_database: Database) -> dict[str, Any]:
    return create_app(api_config(module_database)).openapi()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_it_is_openapi_3_1_and_names_operations_as_their_functions(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    names = [operation["operationId"] for operation in operations(document)]
    functions = [r.endpoint.__name__ for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
    assert sorted(names) == sorted(functions)
    assert len(set(names)) == len(names)


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        assert set(operation["tags"]) <= tags
        assert any(status.startswith("2") for status in operation["responses"])
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]


def test_roles_are_in_the_document(document: dict[str, Any]) -> None:
    assert document["paths"]["/v1/tickets/{ticket}/notes"]["post"]["x-roles"] == ["agent", "lead"]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            guarded = path.startswith("/v1/") and not path.startswith("/v1/ratings/")
            assert bool(operation.get("x-roles")) == bool(operation.get("security")) == guarded


def test_no_parameter_may_be_null(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert "null" not in json.dumps(parameter["schema"])


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_what_they_are_examples_of(name: str) -> None:
    configured = (agent, calendar, customer, goals, rates, reportable, sla, surveys, team)
    rooms = (commands, *configured, my, bulk, policies, ratings, reports_asked, what_if_given)
    model = next(getattr(room, name) for room in rooms if hasattr(room, name))
    TypeAdapter(model).validate_python(EXAMPLES[name])


def test_every_body_has_an_example_unless_it_is_empty(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body:
            schema = schemas[body["schema"]["$ref"].rpartition("/")[2]]
            assert schema.get("examples") or len(schema["properties"]) == 1, schema["title"]


def test_the_documentation_is_served(desk: Desk) -> None:
    assert desk.call(None, "GET", "/openapi.json").json()["info"]["title"] == "Chronodesk"
    assert "swagger" in desk.call(None, "GET", "/docs").text


def test_a_generated_client_drives_a_tickets_whole_way(desk: Desk, document: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    # It knows no iCalendar and no pictures: to it they are files.
    (tmp_path / "config.yaml").write_text(
        "post_hooks: []\ncontent_type_overrides:\n"
        "  {text/calendar: application/octet-stream, image/svg+xml: application/octet-stream}\n"
    )
    generated = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--fail-on-warning"),
            *("--config", "config.yaml", "--meta", "none", "--output-path", "desk_client"),
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    said = generated.stdout + generated.stderr
    assert generated.returncode == 0, said
    assert "warning" not in said.lower()
    assert "unable" not in said.lower()
    arguments = [desk.url, key_of("agent"), key_of("customer"), key_of("auditor"), str(desk.ids["customer"])]
    driven = subprocess.run(
        [sys.executable, "-W", "error", str(DRIVER), *arguments],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False, env={"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert driven.returncode == 0, driven.stdout + driven.stderr
    assert driven.stdout.split()[-1] == "closed"
