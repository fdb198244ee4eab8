"""Proof over HTTP: what an auditor fetches holds without the server, and heads and proofs carry no text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commands.database import connect
from replay.proof.keys import public_bytes
from replay.proof.merkle import goes_on, includes, leaf_hash
from replay.proof.published import HeadsFile
from replay.proof.witness import Witness
from tests.api.running import Desk
from verify_bundle import check_bundle

KEY = Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def ticket(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its opening under one head, and a note under the next."""
    file = HeadsFile(tmp_path_factory.mktemp("witness") / "heads.jsonl")
    with connect(desk.database.app_url, name="test") as connection:
        assert desk.get("auditor", "/v1/audit/heads/latest").status_code == 404
        ticket = desk.ticket()
        signing = Witness(desk.database.app_url, KEY, file, 60, None).signing(connection)
        signing.sign()
        desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": "canary-9c1"})
        signing.sign()
        yield ticket


def got(desk: Desk, who: str, path: str) -> Any:
    answer = desk.get(who, path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_evidence_holds_offline(desk: Desk, ticket: str, tmp_path: Path) -> None:
    first, newest = got(desk, "ops", "/v1/audit/heads")["heads"]
    answer = desk.get("auditor", f"/v1/tickets/{ticket}/evidence?since={first['tree_size']}")
    bundle = check_bundle(json.loads(answer.text), {public_bytes(KEY)})
    assert (bundle["number"], bundle["head"]) == (ticket, newest)
    assert "canary-9c1" in bundle["events"][-1]["state"]


def test_proofs_lead_to_the_signed_roots(desk: Desk, ticket: str) -> None:
    first, newest = got(desk, "analyst", "/v1/audit/heads")["heads"]
    assert got(desk, "analyst", "/v1/audit/heads/latest") == newest
    assert got(desk, "ops", f"/v1/audit/heads?after={first['tree_size']}")["heads"] == [newest]
    size, root = newest["tree_size"], bytes.fromhex(newest["root"])
    told = got(desk, "ops", f"/v1/audit/proof/inclusion?position={size}&tree_size={size}")
    path = [bytes.fromhex(hash) for hash in told["path"]]
    assert includes(root, size, size - 1, leaf_hash(bytes.fromhex(newest["chain"])), path)
    told = got(desk, "ops", f"/v1/audit/proof/consistency?first={first['tree_size']}&second={size}")
    path = [bytes.fromhex(hash) for hash in told["path"]]
    assert goes_on(first["tree_size"], bytes.fromhex(first["root"]), size, root, path)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/audit/proof/inclusion?position=5&tree_size=4", 422, "proof.beyond_tree"),
        ("/v1/audit/proof/consistency?first=5&second=4", 422, "proof.beyond_tree"),
        ("/v1/audit/proof/inclusion?position=1&tree_size=4000", 404, "head.not_yet"),
        ("/v1/audit/proof/consistency?first=1&second=4000", 404, "head.not_yet"),
        ("/v1/audit/proof/inclusion?position=0&tree_size=4", 422, "request.invalid"),
        ("/v1/tickets/T-999999/evidence", 404, "ticket.not_found"),
    ],
)
def test_what_cannot_be_proven(desk: Desk, ticket: str, path: str, status: int, code: str) -> None:
    answer = desk.get("auditor", path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_no_evidence_of_an_agent_or_a_team(desk: Desk, ticket: str) -> None:
    answer = desk.get("auditor", f"/v1/tickets/{desk.ids['agent']}/evidence")
    assert (answer.status_code, answer.json()["code"]) == (404, "ticket.not_found")


def test_heads_and_proofs_hold_no_text(desk: Desk, ticket: str) -> None:
    for path in ("heads", "heads/latest", "proof/inclusion?position=1&tree_size=4"):
        assert "canary-9c1" not in desk.get("analyst", f"/v1/audit/{path}").text
