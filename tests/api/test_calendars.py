"""Business calendars over HTTP: hours in versions, holidays from files, and how much business time lies between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from commands.ical import MOST_BYTES
from tests.api.running import Desk, key_of, served
from tests.api.test_bad_input import NIL, is_problem
from tests.commands.test_ical import NONSENSE, SWEDEN

Json = dict[str, Any]
HOUR = 3_600
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def spans(*texts: str) -> list[Json]:
    return [dict(zip(("opens", "closes"), text.split("-"), strict=True)) for text in texts]


def week(*texts: str, days: Sequence[str] = WEEKDAYS, **more: Any) -> Json:
    return {"zone": "Europe/Stockholm", **{day: spans(*texts) for day in days}, **more}


OFFICE = week("09:00-12:00", "13:00-18:00", days=WEEKDAYS[:5])
ALWAYS = week("00:00-24:00")


def created(desk: Desk, hours: Json | None = None, **more: Any) -> str:
    body = {"name": "Office", "hours": hours, "effective_from": "2020-01-01T00:00:00Z"} | more
    return str(desk.done("lead", "/v1/calendars", body).json()["id"])


def published(desk: Desk, calendar: str, hours: Json, **more: Any) -> httpx.Response:
    return desk.call("lead", "PUT", f"/v1/calendars/{calendar}/hours", {"hours": hours, **more})


def imported(desk: Desk, calendar: str, body: str | bytes, kind: str = "text/calendar", **more: str) -> httpx.Response:
    headers = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in more.items()}
    return desk.call("lead", "POST", f"/v1/calendars/{calendar}/holidays/import", headers=headers, content=body)


def business(desk: Desk, calendar: str, **asked: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key_of('analyst')}"}
    names = {"since": "from", "to": "to", "seconds": "seconds"}
    params = {names[name]: value for name, value in asked.items()}
    return desk.http.get(f"/v1/calendars/{calendar}/business-time", params=params, headers=headers)


def seconds(desk: Desk, calendar: str, since: str, to: str) -> int:
    answer = business(desk, calendar, since=since, to=to)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["seconds"])


def until(desk: Desk, calendar: str, since: str, passed: int) -> str | None:
    answer = business(desk, calendar, since=since, seconds=passed)
    assert answer.status_code == 200, answer.text
    told: str | None = answer.json()["until"]
    return told


def history(desk: Desk, calendar: str) -> list[Json]:
    versions: list[Json] = desk.get("auditor", f"/v1/calendars/{calendar}/versions").json()["versions"]
    return versions


def test_a_calendar_is_created_changed_and_read(desk: Desk) -> None:
    made = desk.done("lead", "/v1/calendars", {"name": "Office"})
    calendar, path = made.json()["id"], made.headers["location"]
    assert (path, made.headers["etag"], made.json()["events"]) == (
        f"/v1/calendars/{calendar}", '"1"', ["calendar.created.v1"])  # fmt: skip
    bare = desk.get("ops", path, made).json()
    assert (bare["name"], bare["hours_version"], bare["hours"], bare["zone"]) == ("Office", 0, None, None)
    answer = desk.call("lead", "PATCH", path, {"name": "Head office"}, headers={"If-Match": '"1"'})
    assert answer.json()["events"] == ["calendar.renamed.v1"]
    last = published(desk, calendar, OFFICE)
    shown = desk.get("ops", path, last).json()
    assert (shown["name"], shown["version"], shown["hours_version"]) == ("Head office", 3, 1)
    assert shown["zone"] == "Europe/Stockholm"
    assert shown["hours"]["monday"] == spans("09:00-12:00", "13:00-18:00")
    assert shown["effective_from"] is not None


def test_calendars_are_listed_by_name(desk: Desk) -> None:
    for name in ("zz 2", "zz 1", "zz 3"):
        last = desk.done("lead", "/v1/calendars", {"name": name, "hours": ALWAYS})
    first = desk.get("analyst", "/v1/calendars?limit=1", last).json()
    items, cursor = first["items"], first["next"]
    while cursor:
        page = desk.get("analyst", f"/v1/calendars?limit=2&cursor={cursor}").json()
        items, cursor = [*items, *page["items"]], page["next"]
    assert [item["name"] for item in items if item["name"].startswith("zz")] == ["zz 1", "zz 2", "zz 3"]
    assert all("hours" not in item for item in items)


def test_a_calendar_under_an_id_of_its_own_is_created_once(desk: Desk) -> None:
    path = f"/v1/calendars/{uuid4()}"
    assert desk.call("lead", "PUT", path, {"name": "Office"}).status_code == 201
    assert is_problem(desk.call("lead", "PUT", path, {"name": "Office"}), 409)["code"] == "calendar.already_created"
    agent = f"/v1/calendars/{desk.ids['agent']}"
    assert is_problem(desk.call("lead", "PUT", agent, {"name": "x"}), 404)["code"] == "calendar.not_found"


def test_history_shows_every_version_and_who_published_it(desk: Desk) -> None:
    calendar = created(desk, OFFICE)
    published(desk, calendar, ALWAYS, effective_from="2026-06-01T00:00:00+02:00")
    path = f"/v1/calendars/{calendar}/versions"
    # Read from the log: no waiting for any view.
    one, two = desk.get("analyst", path).json()["versions"]
    assert [(v["number"], v["version"]) for v in (one, two)] == [(1, 2), (2, 3)]
    assert one["hours"]["friday"] == spans("09:00-12:00", "13:00-18:00")
    assert two["hours"]["sunday"] == spans("00:00-24:00")
    assert (one["effective_from"], two["effective_from"]) == ("2020-01-01T00:00:00Z", "2026-06-01T00:00:00+02:00")
    assert one["published_by"] == {"kind": "agent", "id": str(desk.ids["lead"])}
    assert one["published_at"] < two["published_at"]
    assert desk.get("analyst", path).headers["etag"] == '"3"'


def test_each_question_is_answered_by_the_version_in_force_then(desk: Desk) -> None:
    calendar = created(desk, OFFICE)
    published(desk, calendar, ALWAYS, effective_from="2026-06-01T00:00:00Z")
    for day, number, hours in (("2026-05-29", 1, 8), ("2026-06-05", 2, 24), ("2019-05-31", 1, 8)):
        told = business(desk, calendar, since=f"{day}T00:00:00+02:00", to=f"{day}T23:59:59+02:00").json()
        assert (told["hours_version"], -(-told["seconds"] // HOUR)) == (number, hours)


def test_what_another_process_published_is_in_force_at_once(desk: Desk) -> None:
    calendar, day = created(desk, OFFICE), ("2026-06-06T00:00:00Z", "2026-06-07T00:00:00Z")
    assert seconds(desk, calendar, *day) == 0
    with served(desk.config) as url, httpx.Client(base_url=url) as http:
        published(replace(desk, http=http), calendar, ALWAYS, effective_from="2026-06-01T00:00:00Z")
    assert seconds(desk, calendar, *day) == 24 * HOUR


def test_both_changes_of_clocks(desk: Desk) -> None:
    calendar = created(desk, week("00:00-06:00", days=["sunday"]))
    # 2026-03-29 lost the hour from 02:00, 2026-10-25 had it twice.
    assert seconds(desk, calendar, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z") == 5 * HOUR
    assert seconds(desk, calendar, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z") == 7 * HOUR
    assert seconds(desk, calendar, "2026-10-17T12:00:00Z", "2026-10-18T12:00:00Z") == 6 * HOUR
    assert until(desk, calendar, "2026-03-28T12:00:00Z", 4 * HOUR) == "2026-03-29T03:00:00Z"
    assert until(desk, calendar, "2026-10-24T12:00:00Z", 4 * HOUR) == "2026-10-25T02:00:00Z"


def test_a_shift_past_midnight_belongs_to_the_day_it_begins_on(desk: Desk) -> None:
    calendar = created(desk, week("22:00-06:00", days=["friday"], zone="UTC", holidays=["2026-06-12"]))
    assert seconds(desk, calendar, "2026-06-05T00:00:00Z", "2026-06-07T00:00:00Z") == 8 * HOUR
    assert seconds(desk, calendar, "2026-06-06T00:00:00Z", "2026-06-06T05:00:00Z") == 5 * HOUR
    # The holiday takes away the night that begins on it, and all of that.
    assert seconds(desk, calendar, "2026-06-12T00:00:00Z", "2026-06-14T00:00:00Z") == 0
    assert until(desk, calendar, "2026-06-05T23:00:00Z", 7 * HOUR + 1) == "2026-06-19T22:00:01Z"


def test_lunch_is_no_business_time(desk: Desk) -> None:
    calendar = created(desk, OFFICE)
    assert seconds(desk, calendar, "2026-06-01T11:30:00+02:00", "2026-06-01T13:30:00+02:00") == HOUR
    assert seconds(desk, calendar, "2026-06-01T13:30:00+02:00", "2026-06-01T11:30:00+02:00") == -HOUR
    assert until(desk, calendar, "2026-06-01T11:30:00+02:00", HOUR) == "2026-06-01T11:30:00Z"
    # Friday at 17:30 and an hour is Monday at 09:30.
    assert until(desk, calendar, "2026-06-05T17:30:00+02:00", HOUR) == "2026-06-08T07:30:00Z"


def test_what_never_passes_has_no_end(desk: Desk) -> None:
    calendar = created(desk, {"zone": "UTC", "exceptions": [{"day": "2026-06-01", "spans": spans("09:00-10:00")}]})
    assert until(desk, calendar, "2026-01-01T00:00:00Z", HOUR) == "2026-06-01T10:00:00Z"
    assert until(desk, calendar, "2026-01-01T00:00:00Z", HOUR + 1) is None


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"since": "2026-01-01T00:00:00Z"}, 422, "request.invalid"),
        ({"since": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "seconds": 5}, 422, "request.invalid"),
        ({"since": "2026-01-01T00:00:00", "seconds": 5}, 422, "request.invalid"),
        ({"since": "2026-01-01T00:00:00Z", "seconds": -1}, 422, "request.invalid"),
        ({"since": "2026-01-01T00:00:00Z", "seconds": 366 * 86_400 + 1}, 422, "request.invalid"),
        ({"to": "2026-01-01T00:00:00Z"}, 422, "request.invalid"),
        ({"since": "1026-01-01T00:00:00Z", "seconds": 5}, 422, "calendar.beyond_calendars"),
        ({"since": "9999-12-31T23:59:59Z", "seconds": 5}, 422, "calendar.beyond_calendars"),
        ({"since": "0001-01-01T00:00:00+23:59", "to": "0001-01-01T00:00:00Z"}, 422, "calendar.beyond_calendars"),
        ({"since": "2026-01-01T00:00:00Z", "to": "2037-01-01T00:00:00Z"}, 422, "calendar.too_far"),
    ],
)
def test_questions_that_make_no_sense(desk: Desk, asked: Json, status: int, code: str) -> None:
    assert is_problem(business(desk, created(desk, ALWAYS), **asked), status)["code"] == code


def test_there_is_no_business_time_without_hours_or_a_calendar(desk: Desk) -> None:
    asked = {"since": "2026-01-01T00:00:00Z", "seconds": 5}
    assert is_problem(business(desk, created(desk), **asked), 422)["code"] == "calendar.no_hours"
    for nobody in (str(uuid4()), str(desk.ids["agent"])):
        assert is_problem(business(desk, nobody, **asked), 404)["code"] == "calendar.not_found"
        assert is_problem(desk.get("lead", f"/v1/calendars/{nobody}/versions"), 404)["code"] == "calendar.not_found"
        assert is_problem(desk.get("lead", f"/v1/calendars/{nobody}"), 404)["code"] == "calendar.not_found"
    is_problem(desk.get("lead", f"/v1/calendars/{NIL}/versions"), 422)


def test_refused_hours_leave_no_trace(desk: Desk) -> None:
    calendar = created(desk, OFFICE)
    before = desk.get("lead", "/v1/events?limit=1").json()["head"]
    for hours, code, field in (
        (week("09:00-12:00", "11:00-14:00"), "calendar.overlapping_spans", "hours.monday"),
        (week("22:00-06:00", "05:00-09:00"), "calendar.overlapping_spans", "hours.monday"),
        (week("09:00-09:00"), "calendar.empty_span", "hours.monday"),
        ({"zone": "Europe/Atlantis"}, "calendar.unknown_zone", "hours.zone"),
    ):
        told = is_problem(published(desk, calendar, hours), 422)
        assert (told["code"], told["field"]) == (code, field)
    told = is_problem(published(desk, calendar, ALWAYS, effective_from="2201-01-01T00:00:00Z"), 422)
    assert told["code"] == "calendar.beyond_calendars"
    for form in (week("9:00-12:00"), week("09:00-24:01"), week("09:00-12:60"), {}, {"zone": "UTC", "funday": []}):
        is_problem(published(desk, calendar, form), 422)
    assert len(history(desk, calendar)) == 1
    assert desk.get("lead", "/v1/events?limit=1").json()["head"] == before


def test_if_match_and_the_same_key_again(desk: Desk) -> None:
    calendar = created(desk, OFFICE)
    path, body = f"/v1/calendars/{calendar}/hours", {"hours": ALWAYS}
    stale = desk.call("lead", "PUT", path, body, headers={"If-Match": '"1"'})
    assert is_problem(stale, 412)["code"] == "version.stale"
    key = {"Idempotency-Key": f"publish {calendar}"}
    first, again = (desk.call("lead", "PUT", path, body, headers=key) for _ in range(2))
    assert (first.status_code, first.json(), first.headers["etag"]) == (200, again.json(), again.headers["etag"])
    other = desk.call("lead", "PUT", path, {"hours": OFFICE}, headers=key)
    assert is_problem(other, 422)["code"] == "idempotency_key.reused"
    # The same hours once more, without a key and without saying from when: they hold already.
    assert desk.call("lead", "PUT", path, body).json()["events"] == []
    assert [version["number"] for version in history(desk, calendar)] == [1, 2]


def test_holidays_come_from_a_file(desk: Desk) -> None:
    calendar = created(desk, week("09:00-17:00", holidays=["2026-01-06"]))
    answer = imported(desk, calendar, SWEDEN, "text/calendar; charset=utf-8")
    told = answer.json()
    assert answer.status_code == 200, told
    assert told["events"] == ["calendar.published.v1"]
    assert (told["holidays"], told["yearly_holidays"]) == (7, 1)
    assert told["skipped"] == {"timed": 1, "cancelled": 1, "beyond": 0}
    before, after = history(desk, calendar)
    assert before["hours"]["holidays"] == ["2026-01-06"]
    assert after["hours"]["holidays"] == [
        "2025-06-20", "2026-01-06", "2026-04-03", "2026-06-19", "2026-12-24", "2026-12-25", "2026-12-26", "2027-06-25",
    ]  # fmt: skip
    assert after["hours"]["yearly_holidays"] == [{"month": 6, "day": 6}]
    assert after["hours"]["monday"] == before["hours"]["monday"]
    again = imported(desk, calendar, SWEDEN, If_Match=answer.headers["etag"]).json()
    assert (again["events"], again["version"]) == ([], told["version"])


def test_imported_holidays_are_closed(desk: Desk) -> None:
    calendar = created(desk, week("09:00-17:00"))
    christmas = ("2030-12-24T00:00:00Z", "2030-12-26T00:00:00Z")
    asked = ("2026-12-23T00:00:00Z", "2026-12-28T00:00:00Z")
    assert (seconds(desk, calendar, *asked), seconds(desk, calendar, *christmas)) == (5 * 8 * HOUR, 2 * 8 * HOUR)
    answer = desk.call(
        "lead", "POST", f"/v1/calendars/{calendar}/holidays/import?effective_from=2026-06-01T00:00:00Z",
        headers={"Content-Type": "text/calendar"}, content=SWEDEN.encode(),
    )  # fmt: skip
    assert answer.json()["version"] == 3
    assert seconds(desk, calendar, *asked) == 2 * 8 * HOUR
    assert seconds(desk, calendar, *christmas) == 2 * 8 * HOUR
    assert seconds(desk, calendar, "2033-06-05T00:00:00Z", "2033-06-07T00:00:00Z") == 8 * HOUR


@pytest.mark.parametrize("what", sorted(NONSENSE))
def test_a_file_that_cannot_be_read_changes_nothing(desk: Desk, what: str) -> None:
    calendar = created(desk, OFFICE)
    assert is_problem(imported(desk, calendar, NONSENSE[what]), 422)["code"] == "calendar.bad_ical"
    assert len(history(desk, calendar)) == 1


def test_files_are_bounded_and_say_what_they_are(desk: Desk) -> None:
    calendar = created(desk, OFFICE)
    for kind in ("application/json", "text/plain", ""):
        assert is_problem(imported(desk, calendar, SWEDEN, kind), 415)["code"] == "body.not_ical"
    chunks = (b" " * 65_536 for _ in range(MOST_BYTES // 65_536 + 1))
    told = is_problem(imported(desk, calendar, chunks), 422)  # type: ignore[arg-type]
    assert told["code"] == "calendar.bad_ical"
    is_problem(imported(desk, calendar, b"x" * (desk.config.max_body_bytes + 1)), 413)
    many = SWEDEN.replace("DTEND;VALUE=DATE:20261227", "DURATION:P2000D")
    assert is_problem(imported(desk, calendar, many), 422)["code"] == "calendar.too_many_holidays"
    assert is_problem(imported(desk, created(desk), SWEDEN), 409)["code"] == "calendar.nothing_published"
    assert is_problem(imported(desk, str(uuid4()), SWEDEN), 404)["code"] == "calendar.not_found"
    assert len(history(desk, calendar)) == 1
