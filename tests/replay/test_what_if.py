"""test_what_if: is a past told again as it was, but for what the given rules change, and explained to the second?"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregates.business_time import Hours
from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from replay.tickets import Period
from replay.what_if.folding import Asked
from replay.what_if.given import Given
from replay.what_if.report import Report
from replay.what_if.run import what_if
from tests.databases import Database
from tests.replay.judging import GOLD, OFFICE, SILVER, defaults, judge, publish, publish_hours
from tests.replay.logs import Desk, desk_on, event, write_xes

HOUR = 3_600
NOW = datetime(2012, 7, 1, tzinfo=UTC)
TEN = datetime(2012, 5, 1, 8, 0, tzinfo=UTC)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
CASES = {
    "soon": [event("work"), event("resolve", 30)],
    "late": [event("work"), event("resolve", 90)],
    "waited": [event("work"), event("wait_user", 30), event("work", 90), event("resolve", 150)],
    "open": [event("work") | {"time:timestamp": "2012-05-31T23:30:00.000+00:00"}],
}
Ask = Callable[..., Report]


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Iterator[Desk]:
    with desk_on(database) as one:
        assert one.take(write_xes(tmp_path / "log.xes", CASES), now=NOW).whole
        publish(one, GOLD, {"normal": HOUR})
        yield one


@pytest.fixture
def ask(database: Database) -> Ask:
    def ask(rules: Mapping[str, Any], now: datetime = NOW, period: Period | None = None, **more: Any) -> Report:
        asked = Asked(now, period or Period(), keep=more.pop("keep", 99))
        return what_if(database.app_url, Given.model_validate(rules), asked, **more)

    return ask


def rules(seconds: Mapping[str, int] | int, name: str = "Gold", **more: Any) -> dict[str, Any]:
    given = dict.fromkeys(("low", "normal", "high", "urgent"), seconds) if isinstance(seconds, int) else seconds
    time = "business" if "calendar" in more else "calendar"
    outside = {key: more.pop(key) for key in ("calendar", "effective_from", "id") if key in more}
    terms = {"name": name, "targets": {"resolution": {"seconds": given, "time": time}}} | more
    return {"policies": [{"terms": terms, **outside}]}


def moves(report: Report) -> dict[tuple[str, str], int]:
    return {(before, after): n for (_, before, after), n in report.findings.moves.items()}


def totals(report: Report) -> tuple[int, int, int, int]:
    row = report.row(report.places)
    return row.before.met, row.before.breached, row.after.met, row.after.breached


def test_a_stricter_target_breaks_what_took_longer_and_a_looser_one_keeps_it(desk: Desk, ask: Ask) -> None:
    """They took 30, 90 and 30 + 60 minutes; one is open."""
    judge(desk)
    assert totals(ask(rules(1_799))) == (1, 3, 0, 4)
    assert totals(ask(rules(1_800))) == (1, 3, 1, 3)
    assert totals(ask(rules(5_400))) == (1, 3, 3, 1)
    assert moves(ask(rules(5_400))) == {("breached", "met"): 2}
    assert moves(ask(rules(10 * 24 * 365 * HOUR))) == {("breached", "met"): 2, ("breached", "open"): 1}


def test_present_rules_given_again_change_nothing(desk: Desk, ask: Ask) -> None:
    judge(desk)
    for same in ({"extends": "current"}, rules({"normal": HOUR}), {"extends": "current"} | rules({"normal": HOUR})):
        report = ask(same)
        assert (moves(report), report.findings.changed, report.worst) == ({}, 0, [])
        assert totals(report) == (1, 3, 1, 3)


def test_what_was_never_judged_had_no_promise_and_would_have_one(desk: Desk, ask: Ask) -> None:
    report = ask({"extends": "current"})
    assert totals(report) == (0, 0, 1, 3)
    assert report.findings.unjudged == {"never_judged": 4}
    nothing = ask(rules(HOUR, all=[{"attribute": "channel", "values": ["chat"]}]))
    assert nothing.findings.unjudged == {"never_judged": 4, "no_policy_after": 4}


def test_both_explanations_add_up_and_name_what_they_stand_on(desk: Desk, ask: Ask) -> None:
    judge(desk)
    report = ask(rules(5_400))
    assert len(report.worst) == 2
    for explained in report.worst:
        for side, account in ((explained.change.before, explained.before), (explained.change.after, explained.after)):
            assert account is not None
            assert sum((step.seconds for step in account.steps), timedelta()) == side.elapsed == account.elapsed
            assert (account.target, account.state) == (side.target, side.came)
    assert explained.before.steps[0].standing.policy_version == 1  # type: ignore[union-attr]
    assert explained.after.steps[0].standing.policy_version == 2  # type: ignore[union-attr]
    assert explained.after.steps[0].standing.policy_name == "Gold"  # type: ignore[union-attr]


def test_the_furthest_over_its_target_comes_first_and_no_more_are_kept_than_asked(desk: Desk, ask: Ask) -> None:
    judge(desk)
    report = ask(rules(60), keep=2)
    assert [one.change.over.total_seconds() for one in report.worst] == [1_740.0]
    assert moves(report) == {("met", "breached"): 1}
    assert ask(rules(5_400), keep=1).worst == ask(rules(5_400)).worst[:1]
    assert ask(rules(60), keep=0).worst == []


def test_as_of_an_instant_nothing_later_is_known(desk: Desk, ask: Ask) -> None:
    """At 11:20 two are open for 80 minutes, one of which waited for 50 of them."""
    judge(desk)
    at = TEN + timedelta(minutes=80)
    assert totals(ask(rules(HOUR), at, Period(end=at))) == (1, 1, 1, 1)
    assert moves(ask(rules(81 * 60), at, Period(end=at))) == {("breached", "open"): 1}
    assert moves(ask(rules(29 * 60), at, Period(end=at))) == {("met", "breached"): 1, ("open", "breached"): 1}


def test_outcomes_count_in_their_month_with_the_team_that_held_the_ticket(
    database: Database, ask: Ask, tmp_path: Path
) -> None:
    cases = {"moved": [event("work", team="G1"), event("work", 45, team="G2"), event("resolve", 90, team="G2")]}
    with desk_on(database) as desk:
        assert desk.take(write_xes(tmp_path / "log.xes", cases), now=NOW).whole
        publish(desk, GOLD, {"normal": 2_400})
        judge(desk)
    report = ask(rules(2 * HOUR))
    assert [(report.team(place.team), place.month) for place in report.places] == [("G1", "2012-05"), ("G2", "2012-05")]
    (change,) = [one.change for one in report.worst]
    assert (change.before.at, change.after.at) == (TEN + timedelta(minutes=40), TEN + timedelta(minutes=90))


def test_other_hours_count_other_time(desk: Desk, ask: Ask) -> None:
    """Open from noon on in UTC, where it is ten: nothing has passed when all is resolved."""
    publish_hours(desk, hours("08:00-18:00"), datetime(2010, 1, 1, tzinfo=UTC))
    publish(desk, GOLD, {"normal": HOUR}, calendar=OFFICE)
    judge(desk)
    late = {"extends": "current", "calendars": {"Office": hours("12:00-18:00")}}
    by_id = {"extends": "current", "calendars": {str(OFFICE): hours("12:00-18:00")}}
    new = rules({"normal": HOUR}, calendar="Afternoons") | {"calendars": {"Afternoons": hours("12:00-18:00")}}
    same = {"extends": "current", "calendars": {"Office": hours("08:00-18:00")}}
    assert moves(ask(same)) == {}
    for given in (late, by_id, new):
        assert moves(ask(given)) == {("breached", "met"): 2}
        names = {step.standing.calendar_name for one in ask(given).worst for step in one.after.steps}  # type: ignore[union-attr]
        assert names == ({"Afternoons"} if given is new else {"Office"})


def hours(span: str) -> Hours:
    opens, closes = span.split("-")
    return Hours.model_validate({"zone": "UTC"} | {day: [{"opens": opens, "closes": closes}] for day in DAYS})


def test_a_ticket_moves_to_another_given_policy_when_what_conditions_read_changes(
    database: Database, ask: Ask, tmp_path: Path
) -> None:
    cases = {"raised": [event("work"), event("work", 20, impact="High"), event("resolve", 70, impact="High")]}
    with desk_on(database) as desk:
        assert desk.take(write_xes(tmp_path / "log.xes", cases), now=NOW).whole
        publish(desk, GOLD, {"normal": 2 * HOUR, "high": 2 * HOUR})
        judge(desk)
    high = rules(HOUR, "High", all=[{"attribute": "priority", "values": ["high"]}])
    (explained,) = ask({"extends": "current", **high}).worst
    assert explained.after is not None
    assert [step.standing.policy_name for step in explained.after.steps][:2] == ["Gold", "High"]
    assert explained.change.after.at == TEN + timedelta(minutes=60)


def test_only_what_the_rules_change_is_judged_anew(desk: Desk, ask: Ask) -> None:
    """Version 2 came late and reached new tickets only; nobody who changes another policy hears of it."""
    judge(desk)
    publish(desk, GOLD, {"normal": 60})
    publish(desk, SILVER, {"normal": HOUR}, name="Silver", all=[{"attribute": "channel", "values": ["chat"]}])
    assert moves(ask({"extends": "current"})) == {}
    silver = rules(5, "Silver", all=[{"attribute": "channel", "values": ["chat"]}])
    assert moves(ask({"extends": "current", **silver})) == {}
    assert moves(ask({"extends": "current", **rules(60)})) == {("met", "breached"): 1}


def test_a_priority_is_given_at_the_opening_and_later_changes_stand(
    database: Database, ask: Ask, tmp_path: Path
) -> None:
    cases = {"plain": CASES["soon"], "raised": [event("work"), event("work", 5, impact="High"), event("resolve", 30)]}
    with desk_on(database) as desk:
        assert desk.take(write_xes(tmp_path / "log.xes", cases), now=NOW).whole
        publish(desk, GOLD, {"normal": HOUR, "high": 2 * HOUR, "urgent": 600})
        judge(desk)
    urgent = {"extends": "current", "priority": [{"priority": "urgent"}]}
    report = ask(urgent)
    assert moves(report) == {("met", "breached"): 1}
    assert report.worst[0].change.after.target == 600
    pigeons = [{"priority": "urgent", "all": [{"attribute": "category", "values": ["pigeons"]}]}]
    assert moves(ask({"extends": "current", "priority": pigeons})) == {}


def test_nothing_is_written_anywhere(desk: Desk, ask: Ask) -> None:
    judge(desk)
    before = everything(desk)
    ask(rules(60) | {"calendars": {"New": hours("08:00-09:00")}})
    assert everything(desk) == before


def everything(desk: Desk) -> dict[str, Any]:
    """Every row of every table that the desk writes."""
    tables = desk.reading.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables"
        " WHERE table_schema IN ('store', 'consumers') ORDER BY 1"
    ).fetchall()
    digest = "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM"
    return {name: desk.reading.execute(f"{digest} {name} t").fetchone() for (name,) in tables}


def test_the_same_reads_the_same_to_the_byte_on_one_core_and_on_two(
    database: Database, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(tmp_path / "desk.xes", simulate(50, 7))
    with desk_on(database) as desk:
        assert desk.take(tmp_path / "desk.xes").whole
        defaults(database)
        judge(desk)
    monkeypatch.setattr("replay.what_if.run.WORTH_A_CORE", 0)
    now, given = datetime(2025, 1, 1, tzinfo=UTC), rules(4 * HOUR, "Everybody")
    told = [
        json.dumps(ask(given, now, keep=9, cores=cores, changes=tmp_path / f"{cores}{suffix}").as_json())
        for cores, suffix in ((1, ".ndjson"), (2, ".ndjson"), (1, ".csv"))
    ]
    assert told[0] == told[1] == told[2]
    lines = (tmp_path / "1.ndjson").read_text().splitlines()
    assert lines == (tmp_path / "2.ndjson").read_text().splitlines()
    changes = [json.loads(line) for line in lines]
    assert len(changes) == sum(move["clocks"] for move in json.loads(told[0])["moves"])
    assert Counter(one["after"]["came"] for one in changes)["breached"] > 2
    rows = list(csv.DictReader((tmp_path / "1.csv").read_text().splitlines()))
    assert [(row["ticket"], row["after_came"]) for row in rows] == [(c["ticket"], c["after"]["came"]) for c in changes]
    assert sorted(file.name for file in tmp_path.iterdir() if "ndjson" in file.name) == ["1.ndjson", "2.ndjson"]
