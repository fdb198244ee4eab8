"""Figures over HTTP: what they mean, that they are the same whenever asked again, and what they are made of."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import uuid4

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from api.metrics_shown import EvidencePage
from projections.metrics.catalogue import METRICS
from projections.metrics.reports import LISTED
from tests.api.running import Desk

REPORTS = "/v1/reports"


@pytest.fixture(scope="module")
def team(desk: Desk) -> str:
    return str(desk.done("lead", "/v1/teams", {"name": "=Figures"}).json()["id"])


@pytest.fixture(scope="module")
def told(desk: Desk, team: str) -> httpx.Response:
    """The last answer of two tickets' lives: one is solved, the other one lies there."""
    for _ in range(2):
        ticket = desk.ticket(team=team, category="printers")
        desk.done("agent", f"/v1/tickets/{ticket}/claim", {})
        answer = desk.done("agent", f"/v1/tickets/{ticket}/replies", {"body": "Is it still on fire?"})
    return desk.done("agent", f"/v1/tickets/{ticket}/resolve", {"code": "solved"}) and answer


def ask(desk: Desk, told: httpx.Response, path: str, **more: Any) -> httpx.Response:
    return desk.get("lead", f"{REPORTS}/{path}", told, **more)


def test_definitions_are_served_as_they_are(desk: Desk) -> None:
    listed = desk.get("analyst", "/v1/metrics").json()["metrics"]
    assert [metric["name"] for metric in listed] == list(METRICS)
    one = desk.get("ops", "/v1/metrics/first_reply_p90").json()
    assert one in listed
    assert (one["unit"], one["aggregated"], one["business_time"]) == ("seconds", "p90, nearest rank", True)
    assert "ticket.reply_added.v1" in one["reads"]
    assert desk.get("analyst", "/v1/metrics/luck").json()["code"] == "metric.not_found"


def test_every_report_is_answered(desk: Desk, told: httpx.Response) -> None:
    listed = desk.get("analyst", REPORTS).json()["reports"]
    assert [report["name"] for report in listed] == [*(report.name for report in LISTED), "goals"]
    for report in listed[:-1]:
        for time in ("calendar", "business"):
            answer = ask(desk, told, f"{report['name']}?time={time}")
            assert answer.status_code == 200, answer.text
            assert answer.json()["total"]["values"].keys() == set(report["metrics"])
    assert ask(desk, told, "luck").json()["code"] == "report.not_found"


def test_figures_are_what_happened(desk: Desk, team: str, told: httpx.Response) -> None:
    answer = ask(desk, told, f"overview?team={team}").json()
    values = answer["total"]["values"]
    assert (values["arrivals"], values["resolutions"], values["backlog"]) == (2, 1, 1)
    assert 0 < values["first_reply_p50"] <= values["first_reply_p90"] < 60
    assert answer["total"]["change"]["arrivals"] == 2
    grouped = ask(desk, told, f"arrivals?team={team}&group_by=team,category&bucket=none").json()
    (row,) = grouped["rows"]
    assert row["group"] == {"team": team, "category": "printers"}
    assert row["labels"] == {"team": "=Figures", "category": "printers"}


@pytest.mark.parametrize("format", ["json", "csv", "parquet", "arrow"])
def test_asked_again_at_its_position_an_answer_is_the_same_to_the_last_byte(
    desk: Desk, told: httpx.Response, format: str
) -> None:
    query = f"channels?tz=Europe/Stockholm&bucket=day&format={format}"
    first = ask(desk, told, query)
    position = first.headers["chronodesk-position"]
    assert f"position={position}" in first.headers["chronodesk-moment"]
    later = desk.done("agent", f"/v1/tickets/{desk.ticket()}/notes", {"body": "later"})
    assert ask(desk, later, query).content != first.content
    assert ask(desk, later, f"{query}&at_position={position}").content == first.content
    at = ask(desk, told, "channels").json()["as_of"]["at"]
    assert ask(desk, told, f"channels?as_of={at}").status_code == 200


def test_each_format_holds_the_values_of_the_json(desk: Desk, team: str, told: httpx.Response) -> None:
    query = f"leaderboard?team={team}&at_position={told.headers['chronodesk-position']}"
    rows = ask(desk, told, query).json()["rows"]
    as_csv = ask(desk, told, query, Accept="text/csv")
    assert as_csv.headers["content-type"].startswith("text/csv")
    tables = {
        "csv": list(csv.DictReader(io.StringIO(as_csv.text, newline=""))),
        "parquet": pq.read_table(pa.BufferReader(ask(desk, told, f"{query}&format=parquet").content)).to_pylist(),
        "arrow": pa.ipc.open_stream(ask(desk, told, f"{query}&format=arrow").content).read_all().to_pylist(),
    }
    for table in tables.values():
        assert [one["agent"] or None for one in table] == [row["group"]["agent"] for row in rows]
        for name in rows[0]["values"]:
            read = [None if one[name] in ("", None) else float(one[name]) for one in table]
            assert read == [row["values"][name] for row in rows]
    assert "'=Figures" in ask(desk, told, f"team_leaderboard?team={team}&format=csv").text


def test_explain_lists_the_events_behind_a_number(desk: Desk, team: str, told: httpx.Response) -> None:
    query = f"first_reply?team={team}&bucket=none"
    values = ask(desk, told, query).json()["total"]["values"]
    first = ask(desk, told, f"{query}&explain=first_reply_avg&page_size=1").json()
    second = ask(desk, told, f"{query}&explain=first_reply_avg&page_size=1&cursor={first['next']}").json()
    TypeAdapter(EvidencePage).validate_python(second | {"items": []})
    assert second["next"] is None
    items = [first["items"][0], second["items"][0]]
    assert sum(item["value"] for item in items) / 2 == pytest.approx(values["first_reply_avg"], abs=1e-6)
    for item in items:
        event = desk.get("lead", f"/v1/tickets/{item['number']}/events").json()["events"][item["version"] - 1]
        assert event["type"] == "ticket.reply_added.v1"
    (open_one,) = ask(desk, told, f"backlog?team={team}&explain=backlog").json()["items"]
    assert open_one["number"] != items[1]["number"]
    assert ask(desk, told, f"{query}&explain=cost").json()["field"] == "explain"
    assert ask(desk, told, f"{query}&explain=first_reply_avg&cursor=x").status_code == 422


def test_what_people_type_is_for_those_who_may_read_tickets_unless_it_is_declared(
    desk: Desk, told: httpx.Response
) -> None:
    shown_by = {
        "ticket.category": ("categories", "arrivals?category=printers"), "ticket.tags": ("tags", "arrivals?tag=x"),
    }  # fmt: skip
    own = {"metrics": ["resolutions"], "group_by": ["detail"]}
    for field, paths in shown_by.items():
        for path in paths:
            refused = desk.get("analyst", f"{REPORTS}/{path}")
            assert (refused.status_code, refused.json()["code"]) == (403, "report.not_reportable")
        desk.done("lead", "/v1/reportable-fields", {"name": field, "label": "Typed"})
        assert {desk.get("analyst", f"{REPORTS}/{path}").status_code for path in paths} == {200}
    assert desk.post("ops", f"{REPORTS}/query", own).status_code == 403
    desk.done("lead", "/v1/reportable-fields", {"name": "ticket.resolution_code", "label": "Code"})
    assert desk.post("ops", f"{REPORTS}/query", own).status_code == 200
    assert desk.get("analyst", f"{REPORTS}/sla?group_by=detail").status_code == 200


def test_a_report_of_ones_own_is_made_of_what_the_catalogue_names(desk: Desk, team: str, told: httpx.Response) -> None:
    body = {"metrics": ["replies", "backlog"], "group_by": ["agent"], "filters": {"team": [team]}, "order": "replies"}
    answer = desk.post("analyst", f"{REPORTS}/query", body, Chronodesk_After=told.headers["chronodesk-position"])
    (row,) = answer.json()["rows"]
    assert row["group"] == {"agent": str(desk.ids["agent"])}
    assert (row["labels"], row["values"], row["rank"]) == ({"agent": "Agent"}, {"replies": 2, "backlog": 1}, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metrics": ["1; DROP TABLE figures"]}, "metrics"),
        ({"metrics": ["arrivals"], "group_by": ["subject"]}, "group_by"),
        ({"metrics": ["arrivals"], "group_by": ["status"]}, "group_by"),
        ({"metrics": ["arrivals"], "filters": {"1=1; --": ["x"]}}, "filters"),
        ({"metrics": ["arrivals"], "filters": {"team": ["1' OR '1'='1"]}}, "team"),
        ({"metrics": ["arrivals"], "from": "yesterday"}, "from"),
        ({"metrics": ["arrivals"], "tz": "../etc/passwd"}, "tz"),
        ({"metrics": ["arrivals"], "order": "backlog"}, "order"),
        ({"metrics": ["arrivals"], "bucket": "hour", "from": "2001-01-01", "to": "2002-01-01"}, "bucket"),
        ({"metrics": ["arrivals"], "at_position": 1, "as_of": "2020-01-01T00:00:00Z"}, "at_position"),
    ],
)
def test_what_makes_no_sense_is_refused_and_says_where(desk: Desk, change: dict[str, Any], field: str) -> None:
    answer = desk.post("analyst", f"{REPORTS}/query", change)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize(
    ("change", "place"),
    [({"metrics": []}, "body.metrics"), ({"metrics": ["arrivals"], "sql": "SELECT 1"}, "body"),
     ({"metrics": ["arrivals"], "bucket": "second"}, "body.bucket"), ({"metrics": ["arrivals"] * 41}, "body.metrics"),
     ({"metrics": ["arrivals"], "limit": 0}, "body.limit")],
)  # fmt: skip
def test_what_has_another_form_is_refused_and_says_where(desk: Desk, change: dict[str, Any], place: str) -> None:
    answer = desk.post("analyst", f"{REPORTS}/query", change)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, place)


def test_nothing_that_a_customer_wrote_is_in_any_figure(desk: Desk) -> None:
    canary = f"canary {uuid4()}"
    ticket = desk.ticket(subject=canary, message=canary)
    last = desk.done("agent", f"/v1/tickets/{ticket}/notes", {"body": canary})
    for report in LISTED:
        for more in ("", "&format=csv", f"&explain={report.names[0]}"):
            assert canary not in ask(desk, last, f"{report.name}?compare=none{more}").text
