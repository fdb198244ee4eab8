"""Surveys over HTTP: published by leads in versions that never change, in an order that can be seen."""

from __future__ import annotations

from uuid import uuid4

from aggregates.surveys.surveys import SURVEY_LIST
from tests.api.running import Desk


def test_surveys_are_published_ordered_and_read_back(desk: Desk) -> None:
    made = desk.done("lead", "/v1/surveys", {"terms": {"name": "After each"}}, Idempotency_Key="one")
    again = desk.post("lead", "/v1/surveys", {"terms": {"name": "After each"}}, Idempotency_Key="one")
    assert (made.status_code, again.json()) == (201, made.json())
    assert made.json()["events"] == ["survey_list.published.v1"]
    [each] = made.json()["surveys"]
    assert made.headers["location"] == f"/v1/surveys/{each}/versions"
    quarterly = str(uuid4())
    put = desk.call("lead", "PUT", f"/v1/surveys/{quarterly}", {"terms": {"name": "Quarterly", "every_days": 90}})
    assert put.status_code == 200
    ordered = desk.call("lead", "PUT", "/v1/surveys/order", {"order": [quarterly, each]})
    assert ordered.json()["events"] == ["survey_list.ordered.v1"]
    off = {"terms": {"name": "After each", "enabled": False}}
    tag = {"If-Match": ordered.headers["etag"]}
    last = desk.call("lead", "PUT", f"/v1/surveys/{each}", off, headers=tag)
    assert desk.call("lead", "PUT", f"/v1/surveys/{each}", off, headers={"If-Match": '"1"'}).status_code == 412
    for role in ("analyst", "auditor", "ops"):
        shown = desk.get(role, "/v1/surveys")
        assert shown.headers["etag"] == last.headers["etag"] == f'"{shown.json()["version"]}"'
        told = [(s["id"], s["name"], s["enabled"], len(s["versions"])) for s in shown.json()["surveys"]]
        assert told == [(quarterly, "Quarterly", True, 1), (each, "After each", False, 2)]
    history = desk.get("auditor", f"/v1/surveys/{each}/versions").json()["versions"]
    assert [(v["number"], v["terms"]["enabled"], v["listed"]) for v in history] == [(1, True, 1), (2, False, 4)]
    assert history[0]["published_by"] == {"kind": "agent", "id": str(desk.ids["lead"])}


def test_what_makes_no_sense_is_refused_with_its_field(desk: Desk) -> None:
    never = {"terms": {"name": "x", "all": [{"attribute": "channel", "values": ["pigeon"]}]}}
    refused = desk.post("lead", "/v1/surveys", never)
    assert (refused.status_code, refused.json()["code"]) == (422, "policy.condition_value")
    assert refused.json()["field"] == "terms.all.0.values.0"
    short = {"terms": {"name": "x", "wording": {"question": "?", "scale": ["bad", "good"]}}}
    assert desk.post("lead", "/v1/surveys", short).json()["errors"][0]["field"] == "body.terms.wording.scale"
    order = desk.call("lead", "PUT", "/v1/surveys/order", {"order": [str(uuid4())]})
    assert (order.status_code, order.json()["code"]) == (422, "survey.order_incomplete")
    assert desk.get("lead", f"/v1/surveys/{uuid4()}/versions").json()["code"] == "survey.not_found"


def test_the_lists_own_id_is_taken(desk: Desk) -> None:
    assert desk.call("lead", "PUT", f"/v1/teams/{SURVEY_LIST}", {"name": "x"}).status_code == 422
