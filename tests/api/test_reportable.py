"""Reportable fields over HTTP: declare, list, withdraw."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.running import Desk

FIELDS = "/v1/reportable-fields"
FLOOR = {"name": "floor", "type": "number", "label": "Floor"}


def test_a_field_is_declared_listed_and_withdrawn(desk: Desk) -> None:
    declared = desk.done("lead", FIELDS, FLOOR)
    assert declared.json()["events"] == ["reportable_fields.declared.v1"]
    assert desk.done("lead", FIELDS, FLOOR).json()["events"] == []
    listed = desk.get("analyst", FIELDS)
    assert listed.json() == {"version": declared.json()["version"], "fields": [FLOOR]}
    assert listed.headers["etag"] == declared.headers["etag"]
    gone = desk.call("lead", "DELETE", f"{FIELDS}/floor")
    assert gone.json()["events"] == ["reportable_fields.withdrawn.v1"]
    assert desk.get("analyst", FIELDS).json()["fields"] == []


def test_who_decided_on_an_older_list_is_refused(desk: Desk) -> None:
    first = desk.done("lead", FIELDS, {"name": "a", "label": "A"}).headers["etag"]
    desk.done("lead", FIELDS, {"name": "b", "label": "B"})
    assert desk.post("lead", FIELDS, {"name": "c", "label": "C"}, If_Match=first).status_code == 412


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "ticket.subject", "label": "x"}, "request.invalid"),
        ({"name": "Floor", "label": "x"}, "request.invalid"),
        ({"name": "floor", "label": ""}, "request.invalid"),
        ({"name": "floor", "label": "x", "type": "date"}, "request.invalid"),
        ({"name": "ticket.tags", "label": "x", "type": "number"}, "reportable_field.is_text"),
    ],
)
def test_what_is_no_field_is_refused(desk: Desk, body: dict[str, Any], code: str) -> None:
    answer = desk.post("lead", FIELDS, body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
