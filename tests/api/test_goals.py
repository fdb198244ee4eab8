"""Goals over HTTP: publish, retire, read back; how they stand now and stood then; and which tickets counted."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.api.running import Desk
from tests.replay.test_cli import command, environment

LIST = "/v1/goals"
SOON = {"name": "Soon", "metric": "resolution", "target": {"kind": "share", "percent": 90, "within": 60}}


@pytest.fixture(autouse=True)
def _empty_list(desk: Desk) -> Iterator[None]:
    """Each test leaves a desk that wants nothing."""
    yield
    for goal in desk.get("lead", LIST).json()["goals"]:
        assert desk.call("lead", "DELETE", f"{LIST}/{goal['id']}").status_code == 200


def publish(desk: Desk, **more: Any) -> str:
    return str(desk.done("lead", LIST, {"terms": SOON | more}).json()["goal"])


def solved(desk: Desk, **more: Any) -> tuple[str, Any]:
    ticket = desk.ticket(**more)
    desk.done("agent", f"/v1/tickets/{ticket}/replies", {"body": "Try again."})
    return ticket, desk.done("agent", f"/v1/tickets/{ticket}/resolve", {})


def refused(answer: Any) -> tuple[int, str, str | None]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem.get("field")


def test_a_goal_is_published_and_read_back_at_once(desk: Desk) -> None:
    answer = desk.done("lead", LIST, {"terms": SOON})
    goal = answer.json()["goal"]
    assert (answer.json()["events"], answer.headers["location"]) == (["goal_list.published.v1"], f"{LIST}/{goal}")
    shown = desk.get("analyst", f"{LIST}/{goal}")
    assert shown.headers["etag"] == answer.headers["etag"]
    assert (shown.json()["name"], shown.json()["holds"]) == ("Soon", 1)
    assert [one["id"] for one in desk.get("ops", LIST).json()["goals"]] == [goal]


def test_a_goals_versions_are_all_kept(desk: Desk) -> None:
    goal = str(uuid4())
    for name in ("Soon", "Sooner", "Sooner"):
        assert desk.call("lead", "PUT", f"{LIST}/{goal}", {"terms": SOON | {"name": name}}).status_code == 200
    assert desk.call("lead", "DELETE", f"{LIST}/{goal}").json()["events"] == ["goal_list.retired.v1"]
    assert desk.call("lead", "DELETE", f"{LIST}/{goal}").json()["events"] == []
    told = desk.get("auditor", f"{LIST}/{goal}/versions").json()
    assert [(v["number"], v["terms"]["name"]) for v in told["versions"]] == [(1, "Soon"), (2, "Sooner")]
    by = {"kind": "agent", "id": str(desk.ids["lead"])}
    assert [v["published_by"] for v in told["versions"]] == [by, by]
    assert [r["retired_by"] for r in told["retirements"]] == [by]
    assert goal in [one["id"] for one in desk.get("lead", LIST).json()["retired"]]
    assert desk.get("lead", f"{LIST}/{goal}").json()["holds"] is None


def test_what_is_not_there_is_refused(desk: Desk) -> None:
    nobody = str(uuid4())
    assert refused(desk.post("lead", LIST, {"terms": SOON | {"team": nobody}})) == (422, "team.unknown", "terms.team")
    assert refused(desk.call("lead", "DELETE", f"{LIST}/{nobody}")) == (404, "goal.not_found", None)
    for path in ("", "/versions", "/progress", "/history", "/explain"):
        assert refused(desk.get("lead", f"{LIST}/{nobody}{path}")) == (404, "goal.not_found", None), path


def test_progress_is_of_the_period_that_runs_and_says_by_what(desk: Desk) -> None:
    tag = uuid4().hex
    goal = publish(desk, conditions={"tags": [tag]}, zone="Europe/Stockholm")
    nothing = desk.get("lead", f"{LIST}/{goal}/progress", desk.get("lead", LIST)).json()
    assert nothing["standing"]["standing"] == "nothing_measured"
    assert nothing["standing"]["value"] is None
    solved(desk)
    _, last = solved(desk, tags=[tag])
    told = desk.get("analyst", f"{LIST}/{goal}/progress", last).json()
    standing = told["standing"]
    assert (standing["standing"], standing["value"], standing["wanted"]) == ("on_track", 1.0, 0.9)
    assert (standing["numerator"], standing["denominator"], standing["version"]) == (1, 1, 1)
    assert standing["metric"]["name"] == "full_resolution_avg"
    assert standing["period"]["from"] <= datetime.now(UTC).isoformat() < standing["period"]["to"]
    assert told["as_of"]["position"] >= int(last.headers["chronodesk-position"])
    (same,) = desk.get("lead", f"{LIST}/progress", last).json()["goals"]
    assert same["standing"] == standing


def test_a_reopened_ticket_counts_again_and_the_past_stays_as_it_was(desk: Desk) -> None:
    tag = uuid4().hex
    goal = publish(desk, target={"kind": "share", "percent": 100, "within": 3_600}, conditions={"tags": [tag]})
    ticket, first = solved(desk, tags=[tag])
    before = desk.get("lead", f"{LIST}/{goal}/progress", first).json()
    late = {"terms": SOON | {"target": {"kind": "share", "percent": 100, "within": 1}, "conditions": {"tags": [tag]}}}
    desk.done("agent", f"/v1/tickets/{ticket}/reopen", {})
    again = desk.done("agent", f"/v1/tickets/{ticket}/resolve", {})
    assert desk.get("lead", f"{LIST}/{goal}/progress", again).json()["standing"]["denominator"] == 1
    changed = desk.call("lead", "PUT", f"{LIST}/{goal}", late)
    assert desk.get("lead", f"{LIST}/{goal}/progress", changed).json()["standing"]["version"] == 2
    at = before["as_of"]["position"]
    then = desk.get("lead", f"{LIST}/{goal}/progress?at_position={at}").json()
    assert then["standing"] == before["standing"]
    items = desk.get("lead", f"{LIST}/{goal}/explain?at_position={at}").json()["items"]
    assert [(item["number"], item["version"]) for item in items] == [(ticket, first.json()["version"])]


def test_explained_are_the_tickets_that_counted_for_and_against(desk: Desk) -> None:
    tag = uuid4().hex
    few = {"kind": "figure", "statistic": "count", "value": 1}
    backlog = publish(desk, metric="backlog", target=few, conditions={"tags": [tag]})
    tickets = [desk.ticket(tags=[tag]) for _ in range(3)]
    last = desk.done("agent", f"/v1/tickets/{tickets[0]}/claim")
    told = desk.get("lead", f"{LIST}/{backlog}/explain?limit=2", last).json()
    assert (told["standing"]["standing"], told["standing"]["value"]) == ("behind", 3.0)
    rest = desk.get("lead", f"{LIST}/{backlog}/explain?limit=2&cursor={told['next']}").json()
    assert sorted(item["number"] for item in told["items"] + rest["items"]) == sorted(tickets)
    assert rest["next"] is None
    shares = publish(desk, conditions={"tags": [tag]})
    desk.done("agent", f"/v1/tickets/{tickets[0]}/replies", {"body": "x"})
    done = desk.done("agent", f"/v1/tickets/{tickets[0]}/resolve", {})
    counted = {c: desk.get("lead", f"{LIST}/{shares}/explain?counted={c}", done).json() for c in ("for", "against")}
    assert [(i["number"], i["counted"]) for i in counted["for"]["items"]] == [(tickets[0], "for")]
    assert counted["against"]["items"] == []
    wrong = desk.get("lead", f"{LIST}/{backlog}/explain?counted=for&cursor={told['next']}")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "query.cursor")


def test_history_tells_each_period_by_the_version_of_then(desk: Desk) -> None:
    goal = str(uuid4())
    for since, percent in (("2026-01-10T00:00:00Z", 80), ("2026-03-20T00:00:00Z", 90)):
        terms = SOON | {"target": {"kind": "share", "percent": percent, "within": 60}}
        desk.call("lead", "PUT", f"{LIST}/{goal}", {"terms": terms, "effective_from": since})
    written = desk.get("lead", LIST).headers["chronodesk-position"]
    told = desk.get("lead", f"{LIST}/{goal}/history?from=2026-01-01T00:00:00Z&to=2026-05-01T00:00:00Z", written)
    rows = [(p["period"]["label"], p["version"], p["wanted"], p["standing"]) for p in told.json()["periods"]]
    assert rows == [
        ("2026-01", 1, 0.8, "nothing_measured"), ("2026-02", 1, 0.8, "nothing_measured"),
        ("2026-03", 2, 0.9, "nothing_measured"), ("2026-04", 2, 0.9, "nothing_measured"),
    ]  # fmt: skip
    for query, field in (("from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "query.from"),
                         ("to=0001-01-02T00:00:00Z", "query.to")):  # fmt: skip
        wrong = desk.get("lead", f"{LIST}/{goal}/history?{query}")
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, field)
    daily = {"terms": SOON | {"period": "day"}, "effective_from": "1990-01-01T00:00:00Z"}
    other = desk.call("lead", "PUT", f"{LIST}/{uuid4()}", daily).json()["goal"]
    many = desk.get("lead", f"{LIST}/{other}/history?from=1990-01-01T00:00:00Z", desk.get("lead", LIST))
    assert refused(many) == (422, "goal.too_many_periods", "from")


def test_the_report_of_goals_is_one_like_any_other(desk: Desk) -> None:
    tag, team = uuid4().hex, desk.done("lead", "/v1/teams", {"name": "Network"}).json()["id"]
    publish(desk, name="Ours", team=team, conditions={"tags": [tag]}, period="day")
    publish(desk, name="Everybody's", conditions={"tags": [tag]})
    _, last = solved(desk, tags=[tag], team=team)
    told = desk.get("analyst", "/v1/reports/goals", last).json()
    rows = [
        (row["labels"]["goal"], row["values"]["goal_share"], row["values"]["goal_measured"]) for row in told["rows"]
    ]
    assert sorted(rows) == [("Everybody's", 1.0, 1), ("Ours", 1.0, 1)]
    assert {row["values"]["goal_reached"] for row in told["rows"]} == {None}, "the periods still run"
    mine = desk.get("analyst", f"/v1/reports/goals?team={team}&format=csv", last).text.splitlines()
    assert len(mine) == 2
    assert "Ours" in mine[1]
    wrong = desk.get("analyst", "/v1/reports/goals?group_by=team", last)
    assert refused(wrong) == (422, "report.not_of_goals", "group_by")
    assert "<svg" in desk.get("analyst", "/v1/reports/goals.svg", last).text


def test_the_terminal_tells_the_same(desk: Desk, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        env = environment(desk.database, tmp_path)
        asked = command("goals", *arguments)
        return subprocess.run(asked, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    tag, agent = uuid4().hex, str(desk.ids["agent"])
    goal = publish(desk, name="Soon\x1b[31m", agent=agent, conditions={"tags": [tag]}, period="quarter")
    _, last = solved(desk, tags=[tag])
    over_http = desk.get("lead", f"{LIST}/{goal}/progress", last).json()
    told = json.loads(run("--json").stdout)
    assert [one["standing"] for one in told["goals"]] == [over_http["standing"]]
    (line, as_of) = run().stdout.splitlines()
    label = over_http["standing"]["period"]["label"]
    assert line == f"Soon\ufffd[31m  Agent  {label}  100 %  >= 90 %  1 of 1  on track"
    assert as_of.startswith("As of position ")
    assert run("--as-of", "2999-01-01").returncode == 2


def test_whatever_instant_is_asked_for_a_goal_answers_or_refuses(desk: Desk) -> None:
    goals = [
        desk.call("lead", "PUT", f"{LIST}/{uuid4()}", {"terms": SOON | terms | {"zone": zone}, "effective_from": since})
        for since, zone in (("1900-01-01T00:00:00Z", "Pacific/Apia"), ("2199-12-31T23:59:59Z", "America/Sao_Paulo"))
        for terms in ({"period": "quarter"}, {"period": "day", "until": "2199-12-31T23:59:59Z"})
    ]
    instants = (
        "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "1900-01-01T00:00:00Z", "2011-12-30T10:00:00Z",
        "2200-01-01T00:00:00Z",
    )  # fmt: skip
    names = (("history", "from"), ("history", "to"), ("explain", "in"), ("progress", "as_of"), ("history", "as_of"))
    asked = [f"{path}?{name}={at}" for path, name in names for at in instants]
    for goal in goals:
        assert goal.is_success, goal.text
        for query in (*asked, "history?at_position=0", f"explain?as_of={instants[3]}&basis=occurred"):
            answer = desk.get("lead", f"{LIST}/{goal.json()['goal']}/{query}", goals[-1])
            assert answer.status_code < 500, (query, answer.text)
