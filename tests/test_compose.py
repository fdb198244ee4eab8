"""test_compose: is compose.yaml valid, and is it the same desk as `chronodesk run` starts?"""

from __future__ import annotations

from typing import Any

import pytest

from chronodesk.processes import MIGRATE, SERVICES
from tests.compose import FILE, parsed, required

TEXT = FILE.read_text(encoding="utf-8")
VARIABLES = {name: "[]" if name == "CHRONODESK_API_KEYS" else f"some-{name}" for name in required(TEXT)}
OTHERS = {"postgres", "kafka"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = parsed(TEXT, VARIABLES)["services"]
    return found


def test_our_services_are_the_runners_processes_with_the_same_commands(services: dict[str, Any]) -> None:
    ours = {name: tuple(service["command"]) for name, service in services.items() if name not in OTHERS}
    assert ours == {process.name: process.command for process in (MIGRATE, *SERVICES)}


def test_every_service_has_a_health_check(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if not service.get("healthcheck", {}).get("test")] == []


def test_our_services_wait_for_the_migration(services: dict[str, Any]) -> None:
    for process in SERVICES:
        waits_for = services[process.name]["depends_on"]
        assert waits_for["migrate"]["condition"] == "service_completed_successfully"


def test_only_the_api_is_reachable_from_outside_and_only_from_this_machine(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert list(published) == ["api"]
    assert "127.0.0.1" in str(published["api"])


def test_no_service_but_migrate_knows_the_owners_password(services: dict[str, Any]) -> None:
    knows = {name for name, service in services.items() if VARIABLES["OWNER_PASSWORD"] in str(service)}
    assert knows == {"migrate", "postgres"}


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_missing_secret_stops_it(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        parsed(TEXT, {key: value for key, value in VARIABLES.items() if key != name})


def test_the_example_names_every_required_variable() -> None:
    example = FILE.with_name(".env.example").read_text(encoding="utf-8").splitlines()
    named = {line.partition("=")[0] for line in example if line and not line.startswith("#")}
    assert named == required(TEXT)


@pytest.mark.parametrize("fault", ["restart: sometimes", "imagine: this", "ports: [abc]"])
def test_the_parser_notices_a_fault(fault: str) -> None:
    with pytest.raises(ValueError, match=r"line|port|restart"):
        parsed(f"services:\n  a:\n    image: x\n    {fault}\n", {})
