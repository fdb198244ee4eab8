"""test_what_if_real: a slice of two real years under other rules; each figure computed here by hand from the XML."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from lxml import etree

from aggregates.business_time import Hours
from aggregates.sla.defaults import default_policies
from chronodesk.sla_defaults import CALENDAR, weekdays
from replay.what_if.folding import Asked
from replay.what_if.given import Given, GivenPolicy
from replay.what_if.report import Report
from replay.what_if.run import what_if
from tests.databases import Database
from tests.replay import test_real_sla
from tests.replay.judging import defaults, judge
from tests.replay.logs import REAL_LOG, desk_on
from tests.replay.test_real_sla import STOCKHOLM, Window, resolution

pytestmark = pytest.mark.skipif(
    not REAL_LOG.exists() and os.environ.get("CI") != "true", reason="the real log is not on this machine"
)
EVERY = 20
NOW = datetime(2013, 1, 1, tzinfo=UTC)
Cases = dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every twentieth case."""
    path = tmp_path_factory.mktemp("slice") / "slice.xes"
    tree = etree.parse(str(REAL_LOG))
    traces = tree.getroot().findall("trace")
    for place, trace in enumerate(traces):
        if place % EVERY:
            tree.getroot().remove(trace)
    tree.write(str(path), xml_declaration=True, encoding="UTF-8")
    return path


@pytest.fixture(scope="module")
def cases(log: Path) -> Cases:
    found = {}
    for _, trace in etree.iterparse(str(log), tag="trace"):
        events = [{a.get("key"): a.get("value") for a in event} for event in trace.iter("event")]
        found[trace.find("string[@key='concept:name']").get("value")] = events
    return found


@pytest.fixture(scope="module")
def database(module_database: Database, log: Path) -> Database:
    with desk_on(module_database) as desk:
        assert desk.take(log).whole
        defaults(module_database)
        judge(desk)
    return module_database


def under(database: Database, **rules: object) -> Report:
    return what_if(database.app_url, Given.model_validate(rules), Asked(NOW, metric="resolution", keep=50))


def by_hand(cases: Cases) -> Counter[tuple[str, str]]:
    figures = (resolution(events, NOW) for events in cases.values())
    return Counter((f"{figure.at.astimezone(UTC):%Y-%m}", figure.kind) for figure in figures if figure)


def figures(report: Report, side: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for place in report.places:
        kept = getattr(report.row([place]), side)
        found.update({(place.month, "met"): kept.met, (place.month, "breached"): kept.breached})
    return +found


def test_present_rules_given_again_change_nothing(database: Database, cases: Cases) -> None:
    again = [GivenPolicy(terms=terms) for terms in default_policies(CALENDAR).values()]
    for rules in ({"extends": "current"}, {"policies": again}, {"extends": "current", "policies": again[::-1]}):
        report = under(database, **rules)
        assert (report.findings.changed, report.worst, report.findings.unjudged) == (0, [], {})
        assert figures(report, "before") == figures(report, "after") == by_hand(cases)


def test_halved_targets_break_what_is_broken_by_hand(
    database: Database, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    halved = []
    for terms in default_policies(CALENDAR).values():
        told = terms.model_dump(mode="json")
        for target in told["targets"].values():
            target["seconds"] = {priority: seconds // 2 for priority, seconds in target["seconds"].items()}
        halved.append({"terms": told})
    report = under(database, policies=halved)
    assert figures(report, "before") == by_hand(cases)
    monkeypatch.setattr(test_real_sla, "TARGETS", {"Low": 36, "Medium": 12, "High": 2, "Major": 1})
    assert figures(report, "after") == by_hand(cases)
    assert report.findings.moves["resolution", "met", "breached"] > 10


def test_other_hours_count_what_is_open_by_hand(
    database: Database, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = under(database, extends="current", calendars={"Office hours": longer()})
    assert figures(report, "before") == by_hand(cases)
    monkeypatch.setattr(test_real_sla, "windows", seven_to_ten)
    assert figures(report, "after") == by_hand(cases)
    assert report.findings.changed > 5
    for explained in report.worst:
        for side, account in ((explained.change.before, explained.before), (explained.change.after, explained.after)):
            assert account is not None
            assert sum((step.seconds for step in account.steps), timedelta()) == side.elapsed


def longer() -> Hours:
    return weekdays("Europe/Stockholm", "07:00-22:00")


def seven_to_ten(start: datetime, end: datetime) -> Iterator[Window]:
    day = start.astimezone(STOCKHOLM).date()
    while day <= end.astimezone(STOCKHOLM).date():
        opens, closes = max(_local(day, 7), start), min(_local(day, 22), end)
        if day.weekday() < 5 and opens < closes:
            yield opens, closes
        day += timedelta(days=1)


def _local(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), STOCKHOLM).astimezone(UTC)
