"""test_importing: is what the log says in the store, once, whatever happens on the way?"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from replay.logs.batches import Batch, prepare
from replay.logs.eventlog import BrokenLog, Case
from replay.logs.importing import Import, open_log
from replay.logs.mapping import BadMapping, LogMapping
from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from tests.databases import Database
from tests.replay.logs import BPI, NOW, Desk, desk_on, event, write_xes

SHORT = [event("work"), event("resolve", 5), event("close", 9, who="Siebel")]
LONG = [*SHORT, event("work", 20, who="Bob", team="G2 2nd"), event("resolve", 30, who="Bob", team="G2 2nd")]


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with desk_on(database) as one:
        yield one


def test_teams_agents_and_the_requester_come_before_the_ticket(desk: Desk, tmp_path: Path) -> None:
    account = desk.take(write_xes(tmp_path / "a.xes", {"c1": SHORT}))
    types = [row[0] for row in desk.reading.execute("SELECT topic FROM store.events ORDER BY notification_id")]
    assert set(types[:3]) == {"team.created.v1", "agent.registered.v1", "customer.registered.v1"}
    assert types[3:] == [
        "ticket.opened.v1", "ticket.imported.v1", "ticket.assigned.v1", "ticket.resolved.v1", "ticket.closed.v1",
    ]  # fmt: skip
    assert (account.cases, account.events, account.written, account.tickets) == (1, 3, 8, {"new": 1})


def test_every_envelope_says_by_which_import_for_whom_and_when(desk: Desk, tmp_path: Path) -> None:
    desk.take(write_xes(tmp_path / "a.xes", {"c1": SHORT}))
    facts = desk.facts("c1")
    assert [version for version, _, _ in facts] == [1, 2, 3, 4, 5]
    closed = facts[-1][2]
    assert closed["actor"] == {"kind": "import", "id": "bpi2013:Siebel"}
    assert closed["occurred_at"] == "2012-05-01T10:09:00+02:00"
    assert facts[0][2]["subject"] == facts[0][2]["fact"]["requester"]


def test_the_ticket_is_found_by_its_number_and_by_its_case(desk: Desk, tmp_path: Path) -> None:
    desk.take(write_xes(tmp_path / "a.xes", {"c1": SHORT}))
    number = desk.facts("c1")[0][2]["fact"]["number"]
    rows = desk.reading.execute("SELECT namespace, key, stream FROM store.reservations ORDER BY 1").fetchall()
    assert [(row[0], row[1]) for row in rows] == [("import.bpi2013", b"c1"), ("ticket.number", str(number).encode())]
    assert rows[0][2] == rows[1][2]


def test_importing_twice_adds_nothing(desk: Desk, tmp_path: Path) -> None:
    log = write_xes(tmp_path / "a.xes", {"c1": LONG, "c2": SHORT})
    desk.take(log)
    before = desk.head()
    again = desk.take(log)
    assert (desk.head(), again.written, again.tickets) == (before, 0, {"unchanged": 2})


def test_a_later_export_adds_the_rest(desk: Desk, tmp_path: Path) -> None:
    desk.take(write_xes(tmp_path / "a.xes", {"c1": SHORT, "c2": SHORT}))
    account = desk.take(write_xes(tmp_path / "b.xes", {"c1": LONG, "c2": SHORT, "c3": SHORT}))
    assert account.tickets == {"extended": 1, "unchanged": 1, "new": 1}
    assert desk.story("c1") == ["assigned", "resolved", "closed", "reopened", "escalated", "assigned", "resolved"]


def test_a_later_export_is_added_behind_what_happened_here_meanwhile(desk: Desk, tmp_path: Path) -> None:
    desk.take(write_xes(tmp_path / "a.xes", {"c1": SHORT}))
    note(desk, "c1")
    account = desk.take(write_xes(tmp_path / "b.xes", {"c1": LONG}))
    assert account.tickets == {"extended": 1}
    assert desk.story("c1") == [
        "assigned", "resolved", "closed", "note_added", "reopened", "escalated", "assigned", "resolved",
    ]  # fmt: skip


def test_changed_history_is_reported_and_not_appended(desk: Desk, tmp_path: Path) -> None:
    desk.take(write_xes(tmp_path / "a.xes", {"c1": SHORT, "c2": SHORT}))
    before = desk.head()
    other = [SHORT[0], event("resolve", 6), *LONG[2:]]
    account = desk.take(write_xes(tmp_path / "b.xes", {"c1": other, "c2": SHORT[:2]}))
    assert (desk.head(), account.tickets, account.whole) == (before, {"changed": 2}, False)
    first, second = account.changed
    assert (first.case, first.place, first.stored) == ("c1", 4, "ticket.resolved.v1 at 2012-05-01 10:05:00+02:00")
    assert (second.case, second.place, second.told) == ("c2", 5, "nothing")


def test_one_import_is_the_same_however_often_it_was_killed(
    desk: Desk, module_database: Database, tmp_path: Path
) -> None:
    log = tmp_path / "desk.xes"
    write_log(log, simulate(400, 5))
    with desk_on(module_database) as whole:
        whole.take(log)
        kill_after(desk, log, events=1_200)
        assert 0 < desk.head() < whole.head()
        kill_after(desk, log, events=2_000)
        account = desk.take(log, batch=20)
        assert account.tickets["unchanged"] > 0
        assert desk.versions() == whole.versions()
        assert desk.contents() == whole.contents()


def test_a_case_longer_than_a_command_is_resumed_in_the_middle(desk: Desk, tmp_path: Path) -> None:
    words = ["wait_user", "work"]
    events = [event("work"), *(event(words[n % 2], n // 10 + 1, second=n) for n in range(1_200))]
    log = write_xes(tmp_path / "a.xes", {"c1": events})
    account = desk.take(log)
    commands = desk.reading.execute("SELECT count(*) FROM store.commands WHERE request <> ''").fetchone()
    assert account.written > 2_400
    assert commands is not None
    assert commands[0] >= 5
    assert [version for version, _, _ in desk.facts("c1")] == list(range(1, len(desk.facts("c1")) + 1))
    assert desk.take(log).tickets == {"unchanged": 1}


def test_somebody_who_writes_to_the_ticket_meanwhile_is_not_overwritten(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.take(write_xes(tmp_path / "a.xes", {"c1": SHORT}))
    noted: list[int] = []

    def late(*arguments: Any) -> Batch:
        batch = prepare(*arguments)
        if not noted:
            noted.append(note(desk, "c1"))
        return batch

    monkeypatch.setattr("replay.logs.importing.prepare", late)
    account = desk.take(write_xes(tmp_path / "b.xes", {"c1": LONG}))
    assert (account.tickets, account.cases) == ({"extended": 1}, 1)
    assert desk.story("c1")[3:] == ["note_added", "reopened", "escalated", "assigned", "resolved"]


def test_a_store_that_goes_away_ends_the_import_and_leaves_whole_cases(desk: Desk, tmp_path: Path) -> None:
    log = tmp_path / "a.xes"
    write_log(log, simulate(400, 1))
    run = Import(desk.reading, desk.writing, BPI, NOW, 20, lambda account, _: desk.writing.close())
    with pytest.raises(psycopg.OperationalError):
        run.run(open_log(log, BPI))
    assert run.account.tickets["new"] < 400
    assert all(names == ["opened", "imported"] for names in beginnings(desk))


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.999])
@pytest.mark.parametrize("packed", [False, True])
def test_of_a_truncated_log_the_whole_cases_stay(desk: Desk, tmp_path: Path, cut: float, packed: bool) -> None:
    whole = tmp_path / ("a.xes.gz" if packed else "a.xes")
    write_log(whole, simulate(200, 1))
    data = whole.read_bytes()
    broken = tmp_path / f"broken-{whole.name}"
    broken.write_bytes(data[: int(len(data) * cut)])
    account = desk.take(broken)
    assert account.broken is not None
    assert account.broken.startswith("line ")
    assert not account.whole
    assert account.cases == account.tickets["new"] < 200
    mended = desk.take(whole)
    assert mended.tickets == {"unchanged": account.cases, "new": 200 - account.cases}


def test_the_line_of_a_break_is_true_beyond_65535(desk: Desk, tmp_path: Path) -> None:
    log = tmp_path / "a.xes"
    write_log(log, simulate(2_000, 1))
    lines = log.read_text().splitlines(keepends=True)
    lines[150_000] = "<oops\n"
    log.write_text("".join(lines))
    with pytest.raises(BrokenLog) as broken:
        list(open_log(log, BPI).cases(BPI.case.id))
    assert broken.value.line in (150_001, 150_002)


def test_what_is_not_a_log_says_so(desk: Desk, tmp_path: Path) -> None:
    html = tmp_path / "a.xes"
    html.write_text("<html><body/></html>")
    assert desk.take(html).broken == "line 1: this is XML, but not XES: its root is <html>, not <log>"


def test_a_document_type_is_refused_before_it_can_expand(desk: Desk, tmp_path: Path) -> None:
    bomb = tmp_path / "a.xes"
    bomb.write_text('<!DOCTYPE log [<!ENTITY a "aaaaaaaa"><!ENTITY x SYSTEM "file:///etc/passwd">]>\n<log>&x;&a;</log>')
    assert "document type" in str(desk.take(bomb).broken)


def test_a_mapping_that_names_an_attribute_the_log_lacks_stops_before_the_first_case(
    desk: Desk, tmp_path: Path
) -> None:
    log = write_xes(tmp_path / "a.xes", {"c1": [{k: v for k, v in one.items() if k != "impact"} for one in SHORT]})
    with pytest.raises(BadMapping, match=r"'impact' \(priority.attribute\)"):
        desk.take(log)
    assert desk.head() == 0


def test_a_bad_time_ends_the_import_before_its_case(desk: Desk, tmp_path: Path) -> None:
    bad = [SHORT[0], {**SHORT[1], "time:timestamp": "soon"}]
    account = desk.take(write_xes(tmp_path / "a.xes", {"c1": SHORT, "c2": bad, "c3": SHORT}))
    assert account.tickets == {"new": 1}
    assert "case 'c2', time:timestamp 'soon'" in str(account.broken)


def test_cases_without_events_or_told_twice_are_left_out_and_named(desk: Desk, tmp_path: Path) -> None:
    one = write_xes(tmp_path / "a.xes", {"c1": SHORT, "c2": []}).read_text()
    (tmp_path / "a.xes").write_text(one.replace("</log>", one.partition("<log>\n")[2]))
    account = desk.take(tmp_path / "a.xes")
    assert account.tickets == {"new": 1}
    assert len(account.skipped) == 3
    assert "case 'c1' is told twice" in account.skipped[1]


def test_a_csv_log_becomes_the_same_tickets_as_an_xes_log(
    desk: Desk, module_database: Database, tmp_path: Path
) -> None:
    for name in ("a.xes", "a.csv.gz"):
        write_log(tmp_path / name, simulate(30, 2))
    desk.take(tmp_path / "a.xes")
    before = desk.head()
    account = desk.take(tmp_path / "a.csv.gz")
    assert (desk.head(), account.tickets) == (before, {"unchanged": 30})


def test_interleaved_csv_cases_are_grouped(desk: Desk, tmp_path: Path) -> None:
    write_log(tmp_path / "a.csv", simulate(30, 2))
    header, *rows = (tmp_path / "a.csv").read_text().splitlines()
    rows.sort(key=lambda row: row.split(",")[3])
    (tmp_path / "b.csv").write_text("\n".join([header, *rows]))
    desk.take(tmp_path / "a.csv")
    account = desk.take(tmp_path / "b.csv")
    assert (account.tickets, account.interleaved) == ({"unchanged": 30}, True)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: text.rstrip().rpartition(",")[0].rpartition(",")[0], "line 4: 10 columns, where the header"),
        (lambda text: text + '"c3,open', "line 5: unexpected end of data"),
        (lambda text: text.replace("PROD2", "\udcff"), "line 4: not UTF-8"),
    ],
)
def test_a_broken_csv_names_its_line_and_keeps_the_cases_before(
    desk: Desk, tmp_path: Path, spoil: Any, reason: str
) -> None:
    log = write_csv(tmp_path / "a.csv", {"c1": SHORT[:1], "c2": [SHORT[0], {**SHORT[1], "product": "PROD2"}]})
    log.write_text(spoil(log.read_text()), errors="surrogateescape")
    account = desk.take(log)
    assert str(account.broken).startswith(reason)
    assert account.cases < 2


def test_control_characters_in_a_csv_are_stored_or_replaced(desk: Desk, tmp_path: Path) -> None:
    spoiled = [{**one, "product": "a\x00\x1b[31mb"} for one in SHORT]
    account = desk.take(write_csv(tmp_path / "a.csv", {"c1": spoiled}))
    assert desk.facts("c1")[0][2]["fact"]["fields"]["product"] == "a\ufffd\x1b[31mb"
    assert any("U+0000" in remark.why for remark in account.remarks)


def test_a_csv_of_another_shape_is_a_matter_of_its_mapping(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;when;what\n7;01.02.2020 09:30;start\n7;01.02.2020 10:00;end\n")
    mapping = LogMapping.model_validate({
        "source": "small", "delimiter": ";", "case": {"id": "id", "subject": "Case {id}"},
        "requester": {"placeholder": "Somebody"},
        "event": {"time": "when", "time_format": "%d.%m.%Y %H:%M", "zone": "Europe/Stockholm", "status": ["what"]},
        "statuses": {"start": "in_progress", "end": "resolved"},
    })  # fmt: skip
    assert desk.take(tmp_path / "a.csv", mapping).whole
    opened, _, resolved = desk.facts("7", "small")
    assert opened[2]["occurred_at"] == "2020-02-01T09:30:00+01:00"
    assert resolved[1] == "ticket.resolved.v1"


def write_csv(path: Path, cases: dict[str, list[Any]]) -> Path:
    rows = [{"case:concept:name": case, **one} for case, events in cases.items() for one in events]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def kill_after(desk: Desk, log: Path, events: int) -> None:
    """A first part is in the store, nothing else was done."""
    with pytest.raises(psycopg.OperationalError):
        Import(desk.reading, desk.writing, BPI, NOW, batch=20).run(Torn(log, events))


class Torn:
    """A log whose reader dies after some events."""

    attributes: frozenset[str] | None = None
    format = "XES"

    def __init__(self, path: Path, events: int) -> None:
        self._log, self._left = open_log(path, BPI), events

    def progress(self) -> float:
        return 0.0

    def cases(self, case_id: str) -> Iterator[Case]:
        for case in self._log.cases(case_id):
            if self._left <= 0:
                raise psycopg.OperationalError("killed")
            self._left -= len(case.rows)
            yield case


def beginnings(desk: Desk) -> list[list[str]]:
    rows = desk.reading.execute(
        "SELECT array_agg(topic ORDER BY originator_version) FROM store.events"
        " WHERE topic LIKE 'ticket.%%' GROUP BY originator_id"
    ).fetchall()
    return [[topic.split(".")[1] for topic in topics[:2]] for (topics,) in rows]


def note(desk: Desk, case: str) -> int:
    """An agent writes a note on the imported ticket."""
    row = desk.reading.execute("SELECT stream FROM store.reservations WHERE key = %s", [case.encode()]).fetchone()
    assert row is not None
    return add_note(desk, row[0])


def add_note(desk: Desk, stream: Any) -> int:
    from uuid import uuid4

    from aggregates.envelope import Actor, encode, envelope_of
    from aggregates.ticket.events import NoteAdded
    from commands.append import Append, Write, append_blocking

    command = uuid4()
    envelope = envelope_of("ticket.note_added.v1")(
        actor=Actor(kind="agent", id=str(uuid4())),
        command_id=command,
        correlation_id=command,
        fact=NoteAdded(body="hm"),
    )
    version = desk.versions()[stream]
    write = Write(stream, version, (("ticket.note_added.v1", encode(envelope)),))
    (outcome,) = append_blocking(desk.reading, [Append(command, "agent", b"", (write,))])
    assert outcome.kind == "accepted"
    return version
