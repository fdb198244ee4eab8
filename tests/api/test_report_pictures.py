"""test_report_pictures: is a report's picture served as one that may do nothing, and the same for its position?"""

from __future__ import annotations

import httpx
from lxml import etree

from replay.report.svg import SVG
from tests.api.running import Desk

NAME = "<script>alert(1)</script>"


def picture(desk: Desk, after: httpx.Response, query: str) -> httpx.Response:
    return desk.get("analyst", f"/v1/reports/arrivals.svg?{query}", after)


def test_a_report_is_served_as_a_picture(desk: Desk) -> None:
    team = desk.done("lead", "/v1/teams", {"name": NAME}).json()["id"]
    ticket = desk.ticket(team=team)
    told = desk.done("agent", f"/v1/tickets/{ticket}/claim", {})
    query = f"team={team}&group_by=team&bucket=day&tz=Asia/Tokyo"
    first = picture(desk, told, query)
    assert first.status_code == 200, first.text
    assert first.headers["content-type"] == "image/svg+xml"
    assert first.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert first.headers["x-content-type-options"] == "nosniff"
    root = etree.fromstring(first.content)
    assert root.tag == f"{{{SVG}}}svg"
    assert not list(root.iter(f"{{{SVG}}}script"))
    assert NAME in (root[1].text or "")
    later = desk.done("agent", f"/v1/tickets/{desk.ticket(team=team)}/claim", {})
    assert picture(desk, later, query).content != first.content
    again = picture(desk, later, f"{query}&at_position={first.headers['chronodesk-position']}")
    assert again.content == first.content


def test_what_is_asked_wrongly_is_no_picture(desk: Desk) -> None:
    assert desk.get("analyst", "/v1/reports/luck.svg").json()["code"] == "report.not_found"
    wrong = desk.get("analyst", "/v1/reports/arrivals.svg?tz=Mars")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "report.zone_unknown")
