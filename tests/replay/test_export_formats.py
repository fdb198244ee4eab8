"""test_export_formats: do others read what we write, as many events, and each as the log has it?"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from lxml import etree

from aggregates.agent import AgentRegistered
from aggregates.envelope import recorded
from aggregates.moment import by_occurrence
from aggregates.team import TeamCreated
from aggregates.ticket.state import replay
from chronodesk.local.postgres import EmbeddedPostgres
from commands.database import connect
from commands.log import read_after
from replay.exports import ocel, parquet, source
from replay.exports.scope import Asked
from replay.logs.mapping import load
from tests.databases import Database, fresh_database
from tests.projections.histories import LENIENT, logs
from tests.replay.exported import INTERNAL, PRIVATE, PUBLIC, exported, import_cases, live, put, stored
from tests.replay.logs import desk_on

# The element structure of IEEE 1849, in our own words.
STRUCTURE = """
<grammar xmlns="http://relaxng.org/ns/structure/1.0" datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes"
         ns="http://www.xes-standard.org/">
 <start><element name="log">
  <attribute name="xes.version" ns=""><data type="decimal"/></attribute>
  <attribute name="xes.features" ns=""><data type="token"/></attribute>
  <zeroOrMore><element name="extension">
   <attribute name="name" ns=""><data type="NCName"/></attribute>
   <attribute name="prefix" ns=""><data type="NCName"/></attribute>
   <attribute name="uri" ns=""><data type="anyURI"/></attribute></element></zeroOrMore>
  <zeroOrMore><element name="global">
   <attribute name="scope" ns=""><choice><value>trace</value><value>event</value></choice></attribute>
   <ref name="attributes"/></element></zeroOrMore>
  <zeroOrMore><element name="classifier">
   <attribute name="name" ns=""><data type="NCName"/></attribute>
   <attribute name="scope" ns=""><data type="NCName"/></attribute>
   <attribute name="keys" ns=""><data type="token"/></attribute></element></zeroOrMore>
  <ref name="attributes"/>
  <zeroOrMore><element name="trace"><ref name="attributes"/>
   <zeroOrMore><element name="event"><ref name="attributes"/></element></zeroOrMore></element></zeroOrMore>
 </element></start>
 <define name="attributes"><zeroOrMore><choice>
  <element name="string"><ref name="key"/><attribute name="value" ns=""><data type="string"/></attribute></element>
  <element name="id"><ref name="key"/><attribute name="value" ns=""><data type="string"/></attribute></element>
  <element name="date"><ref name="key"/><attribute name="value" ns=""><data type="dateTime"/></attribute></element>
  <element name="int"><ref name="key"/><attribute name="value" ns=""><data type="long"/></attribute></element>
  <element name="float"><ref name="key"/><attribute name="value" ns=""><data type="double"/></attribute></element>
  <element name="boolean"><ref name="key"/><attribute name="value" ns=""><data type="boolean"/></attribute></element>
 </choice></zeroOrMore></define>
 <define name="key"><attribute name="key" ns=""><data type="Name"/></attribute></define>
</grammar>
"""
SCHEMA = etree.RelaxNG(etree.fromstring(STRUCTURE))
X = "{http://www.xes-standard.org/}"
READ_BY_PM4PY = """
import json, sys, warnings
warnings.simplefilter("ignore")
import pm4py
log, objects = pm4py.read_xes(sys.argv[1]), pm4py.read_ocel2_json(sys.argv[2])
print("\\n" + json.dumps({
    "events": len(log), "traces": log["case:concept:name"].nunique(),
    "activities": log["concept:name"].value_counts().to_dict(),
    "instants": sorted(at.isoformat() for at in log["time:timestamp"]),
    "ocel_events": len(objects.events), "ocel_objects": objects.objects["ocel:type"].value_counts().to_dict(),
    "ocel_types": objects.events["ocel:activity"].value_counts().to_dict(),
    "related": len(objects.relations), "o2o": len(objects.o2o), "changes": len(objects.object_changes),
}))
"""


@pytest.fixture(scope="module")
def lived(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    asyncio.run(live(module_database))
    import_cases(module_database, tmp_path_factory.mktemp("cases"))
    return module_database


def at(row: dict[str, Any]) -> datetime:
    told = row["envelope"]["occurred_at"]
    return datetime.fromisoformat(told) if told else row["recorded_at"]


def of_tickets(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["type"].startswith("ticket.")]


def xes(path: Path) -> Any:
    tree = etree.parse(path)
    SCHEMA.assertValid(tree)
    return tree.getroot()


def said(element: Any) -> dict[str, str]:
    return {a.get("key"): a.get("value") for a in element if a.get("key")}


def traces(log: Any) -> dict[str, list[dict[str, str]]]:
    return {
        said(trace)["identity:id"]: [said(event) for event in trace.iter(f"{X}event")]
        for trace in log.iter(f"{X}trace")
    }


def test_xes_holds_every_ticket_as_it_happened(lived: Database, tmp_path: Path) -> None:
    account = exported(lived, tmp_path / "a.xes")
    rows = of_tickets(stored(lived))
    found = traces(xes(tmp_path / "a.xes"))
    for stream in {row["stream"] for row in rows}:
        own = sorted((row for row in rows if row["stream"] == stream), key=lambda row: (at(row), row["version"]))
        events = found.pop(str(stream))
        assert [int(event["cd:version"]) for event in events] == [row["version"] for row in own]
        assert [datetime.fromisoformat(event["time:timestamp"]) for event in events] == [at(row) for row in own]
        assert [event["cd:type"] for event in events] == [row["type"] for row in own]
    assert found == {}
    assert (account.events, account.streams) == (len(rows), len({row["stream"] for row in rows}))


def test_xes_declares_what_it_uses(lived: Database, tmp_path: Path) -> None:
    exported(lived, tmp_path / "a.xes")
    log = xes(tmp_path / "a.xes")
    prefixes = {extension.get("prefix") for extension in log.iter(f"{X}extension")}
    assert {a.get("key").partition(":")[0] for a in log.iter() if a.get("key")} == prefixes
    always = {part.get("scope"): set(said(part)) for part in log.iter(f"{X}global")}
    for scope in ("trace", "event"):
        assert all(always[scope] <= said(element).keys() for element in log.iter(f"{X}{scope}"))
    assert all(set(c.get("keys").split()) <= always["event"] for c in log.iter(f"{X}classifier"))
    assert said(log)["cd:to_position"] == str(len(stored(lived)))


def test_xes_names_who_worked_where_and_never_the_customer(lived: Database, tmp_path: Path) -> None:
    exported(lived, tmp_path / "a.xes")
    events = [event for trace in traces(xes(tmp_path / "a.xes")).values() for event in trace]
    by_type = {event["cd:type"]: event for event in events if event["org:role"] == "agent"}
    note, escalated = by_type["ticket.note_added.v1"], by_type["ticket.escalated.v1"]
    assert (note["org:resource"], note["org:group"], note["cd:status"]) == ("Ada", "Front", "open")
    assert (escalated["cd:assignee"], escalated["cd:stage"]) == ("Bob", "pending")
    assert {event["org:resource"] for event in events if event["org:role"] == "import"} == {"Ann", "Bob", "Eve"}
    theirs = [event for event in events if event["org:role"] == "customer"]
    assert theirs
    assert not any("org:resource" in event for event in theirs)


def test_a_part_of_a_story_knows_how_the_ticket_stood(lived: Database, tmp_path: Path) -> None:
    rows = stored(lived)
    note = next(row["position"] for row in rows if row["type"] == "ticket.note_added.v1")
    asked = Asked(since=rows[note - 1]["recorded_at"])
    exported(lived, tmp_path / "a.xes", asked)
    found = traces(xes(tmp_path / "a.xes"))[str(rows[note - 1]["stream"])]
    assert int(found[0]["cd:position"]) == note
    assert (found[0]["cd:assignee"], found[0]["org:group"]) == ("Ada", "Front")


def test_our_own_importer_reads_it_and_every_ticket_stands_as_it_stood(
    lived: Database, database: Database, tmp_path: Path
) -> None:
    exported(lived, tmp_path / "a.xes")
    with desk_on(database) as desk:
        assert desk.take(tmp_path / "a.xes", load("chronodesk"), now=datetime.now(UTC)).whole
    there, here = (stands(one) for one in (lived, database))
    assert len(here) == 5
    assert sorted(here) == sorted(there)


def stands(database: Database) -> list[tuple[Any, ...]]:
    """Each ticket's status, priority, level's team and assignee by name."""
    with connect(database.app_url, name="test") as connection:
        events = [recorded(row) for row in read_after(connection, 0, 10_000)]
    names = {event.stream: event.fact.name for event in events if isinstance(event.fact, TeamCreated | AgentRegistered)}
    stories: dict[UUID, list[Any]] = {}

    def named(id: UUID | None) -> str | None:
        return None if id is None else names.get(id)

    for event in sorted(events, key=by_occurrence):
        if event.fact.type_name.startswith("ticket."):
            stories.setdefault(event.stream, []).append(event.fact)
    # To an importer, a new ticket that nobody has touched is one in a queue.
    return [
        ("open" if end.status == "new" else end.status, end.priority, str(named(end.team)), str(named(end.assignee)))
        for end in map(replay, stories.values())
    ]


def numbers(database: Database) -> dict[str, str]:
    opened = [row for row in stored(database) if row["type"] == "ticket.opened.v1"]
    return {str(row["stream"]): f"T-{row['envelope']['fact']['number']}" for row in opened}


@pytest.mark.parametrize("format", ["xes", "ocel", "parquet"])
def test_words_stay_unless_they_are_asked_for(lived: Database, tmp_path: Path, format: str) -> None:
    seen = {}
    for texts in ("none", "public", "all"):
        path = tmp_path / f"{texts}.{format}"
        exported(lived, path, texts=texts)
        content = str(pq.read_table(path).to_pylist()) if format == "parquet" else path.read_text()
        seen[texts] = {canary for canary in (INTERNAL, PUBLIC, PRIVATE) if canary in content}
    assert seen == {"none": set(), "public": {PUBLIC}, "all": {INTERNAL, PUBLIC, PRIVATE}}


def test_parquet_has_a_row_for_each_event_typed_and_packed(
    lived: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 10)
    monkeypatch.setattr(parquet, "REMEMBERED", 2)
    monkeypatch.setattr(source, "PAGE", 4)
    exported(lived, tmp_path / "a.parquet", texts="all")
    rows, named = stored(lived), numbers(lived)
    for found, row in zip(pq.read_table(tmp_path / "a.parquet").to_pylist(), rows, strict=True):
        number = named.get(str(row["stream"]))
        assert found == {
            "position": row["position"],
            "stream": str(row["stream"]),
            "number": int(number[2:]) if number else None,
            "version": row["version"],
            "kind": row["type"].split(".")[0],
            "type": row["type"],
            "recorded_at": row["recorded_at"],
            "occurred_at": at(row),
            "actor_kind": row["envelope"]["actor"]["kind"],
            "actor": row["envelope"]["actor"]["id"],
            "command": row["envelope"]["command_id"],
            "correlation": row["envelope"]["correlation_id"],
            "causation": row["envelope"]["causation_id"],
            "subject": row["envelope"]["subject"],
            "fact": json.dumps(row["envelope"]["fact"], ensure_ascii=False),
        }
    file = pq.ParquetFile(tmp_path / "a.parquet")
    column = file.metadata.row_group(0).column(5)
    assert file.metadata.num_row_groups == -(-len(rows) // 10)
    assert (column.compression, "RLE_DICTIONARY" in column.encodings) == ("ZSTD", True)
    assert file.schema_arrow.metadata[b"chronodesk.to_position"] == str(len(rows)).encode()


def test_a_group_of_long_facts_is_a_small_one(lived: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_BYTES", 1_000)
    exported(lived, tmp_path / "a.parquet")
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert file.metadata.num_row_groups > 5
    assert file.metadata.num_rows == len(stored(lived))


def test_ocel_tells_of_events_and_of_what_they_touched(
    lived: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocel, "OBJECTS", 3)
    exported(lived, tmp_path / "a.ocel", texts="all")
    told, rows = json.loads((tmp_path / "a.ocel").read_text()), stored(lived)
    assert_sound(told)
    assert [(event["id"], event["type"]) for event in told["events"]] == [(str(r["position"]), r["type"]) for r in rows]
    kinds = Counter(thing["type"] for thing in told["objects"])
    streams = Counter(row["type"].split(".")[0] for row in rows if row["version"] == 1)
    policies, nobody_registered = 5, 1
    del streams["policy_list"]
    assert kinds == {**streams, "policy": policies, "agent": streams["agent"] + nobody_registered}
    opened = next(event for event in told["events"] if event["type"] == "ticket.opened.v1")
    qualifiers = {relation["qualifier"] for relation in opened["relationships"]}
    assert qualifiers == {"ticket", "actor", "requester", "team"}


def assert_sound(told: dict[str, Any]) -> None:
    """As ocel-standard.org describes it: ids once, nothing undeclared, values of their types, no end left loose."""
    ids = [thing["id"] for thing in told["objects"]]
    assert len(ids) == len(set(ids))
    assert len({event["id"] for event in told["events"]}) == len(told["events"])
    of_type = {"string": str, "integer": int, "boolean": bool, "float": float, "time": str}
    for plural, types in (("events", "eventTypes"), ("objects", "objectTypes")):
        declared = {kind["name"]: {a["name"]: a["type"] for a in kind["attributes"]} for kind in told[types]}
        assert declared.keys() == {item["type"] for item in told[plural]}
        for item in told[plural]:
            assert {relation["objectId"] for relation in item["relationships"]} <= set(ids)
            assert all(relation["qualifier"] for relation in item["relationships"])
            for one in item["attributes"]:
                kind = declared[item["type"]][one["name"]]
                assert type(one["value"]) is of_type[kind] or (kind == "string" and one["value"] == ""), one
            for one in [item, *item["attributes"]] if plural == "events" else item["attributes"]:
                if "time" in one:
                    assert datetime.fromisoformat(one["time"]).tzinfo is not None


def test_a_part_in_ocel_has_no_loose_ends(lived: Database, tmp_path: Path) -> None:
    note = next(row for row in stored(lived) if row["type"] == "ticket.note_added.v1")
    asked = Asked(since=note["recorded_at"], until=note["recorded_at"] + timedelta(microseconds=1))
    exported(lived, tmp_path / "a.ocel", asked)
    told = json.loads((tmp_path / "a.ocel").read_text())
    assert_sound(told)
    assert {thing["type"] for thing in told["objects"]} == {"ticket", "agent"}


@settings(LENIENT, max_examples=6)
@given(log=logs())
def test_any_history_is_whole_in_every_format(migrated: EmbeddedPostgres, tmp_path: Path, log: Any) -> None:
    with fresh_database(migrated) as database:
        put(database, log)
        for name in ("a.xes", "a.ocel", "a.parquet"):
            exported(database, tmp_path / name, texts="all", force=True)
        with connect(database.app_url, name="test") as connection:
            events = [recorded(row) for row in read_after(connection, 0, 10_000)]
    stories: dict[UUID, list[Any]] = {}
    for event in sorted(events, key=by_occurrence):
        stories.setdefault(event.stream, []).append(event)
    found = traces(xes(tmp_path / "a.xes"))
    told = json.loads((tmp_path / "a.ocel").read_text())
    assert_sound(told)
    last = {thing["id"]: {a["name"]: a["value"] for a in thing["attributes"]} for thing in told["objects"]}
    for stream, story in stories.items():
        ticket = replay(event.fact for event in story)
        assert [int(event["cd:position"]) for event in found[str(stream)]] == [event.position for event in story]
        assert (found[str(stream)][-1]["cd:status"], found[str(stream)][-1]["cd:priority"]) == (
            ticket.status,
            ticket.priority,
        )
        now = last[str(stream)]
        assert (now["status"], now["number"], now["level"]) == (ticket.status, ticket.number, ticket.level)
        assert (now.get("team") or None) == (str(ticket.team) if ticket.team else None)
    assert pq.read_table(tmp_path / "a.parquet")["position"].to_pylist() == [event.position for event in events]


@pytest.mark.slow
def test_pm4py_reads_as_much_as_was_written(lived: Database, tmp_path: Path) -> None:
    """In a process of its own: it warns of things that are not ours, and takes seconds to begin."""
    exported(lived, tmp_path / "a.xes")
    exported(lived, tmp_path / "a.ocel")
    arguments = [sys.executable, "-c", READ_BY_PM4PY, str(tmp_path / "a.xes"), str(tmp_path / "a.ocel")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120)
    read, rows = json.loads(done.stdout.splitlines()[-1]), stored(lived)
    own, told = of_tickets(rows), json.loads((tmp_path / "a.ocel").read_text())
    assert (read["events"], read["traces"]) == (len(own), len({row["stream"] for row in own}))
    assert read["activities"] == Counter(row["type"].split(".")[1] for row in own)
    assert [datetime.fromisoformat(one) for one in read["instants"]] == sorted(at(row) for row in own)
    assert read["ocel_events"] == len(rows)
    assert read["ocel_types"] == Counter(row["type"] for row in rows)
    assert read["ocel_objects"] == Counter(thing["type"] for thing in told["objects"])
    # Who acts on themselves is related twice, and it keeps one of the two.
    assert read["related"] == sum(len({r["objectId"] for r in event["relationships"]}) for event in told["events"])
    assert read["o2o"] == sum(len(thing["relationships"]) for thing in told["objects"])
    names = [{a["name"] for a in thing["attributes"]} for thing in told["objects"]]
    assert read["changes"] == sum(len(thing["attributes"]) for thing in told["objects"]) - sum(map(len, names))
