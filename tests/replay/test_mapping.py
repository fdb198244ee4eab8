"""test_mapping: is a mapping that cannot work refused, with the place where it is wrong?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from replay.logs.mapping import BadMapping, field_name, load, shipped

GOOD = """
source = "mine"
case = { id = "id", subject = "Case {id}" }
requester = { placeholder = "Somebody" }
event = { time = "when", status = ["what"] }
"""


def loaded(folder: Path, text: str) -> Any:
    (folder / "m.toml").write_text(text)
    return load(str(folder / "m.toml"))


def test_the_shipped_mappings_are_good() -> None:
    assert shipped() == ["bpi2013", "chronodesk"]
    assert [load(name).source for name in shipped()] == shipped()


def test_it_names_the_attributes_that_the_log_must_have(tmp_path: Path) -> None:
    assert loaded(tmp_path, GOOD).named == {"id": "case.id", "when": "event.time", "what": "event.status"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("source = ", "is not TOML"),
        (GOOD.replace('"mine"', '"Mine Own"'), "source: String should match"),
        (GOOD + 'colour = "red"', "colour: Extra inputs"),
        (GOOD + '[statuses]\nopen = "opened"', "statuses.open.does: Input should be 'in_progress'"),
        (GOOD + "[level]\npattern = '(2'", "level.pattern: Value error, is not a regular expression"),
        (GOOD + "[level]\npattern = '2nd'", "level.pattern: Value error, needs exactly one group"),
        (GOOD.replace('"when"', '"when", zone = "Mars/Base"'), "event.zone: Value error, is not a time zone"),
        (GOOD + "[priority]\nattribute = 'p'\nvalues = { a = 'utmost' }", "priority.values.a: Input should be 'low'"),
        (GOOD + "[fields]\n'Case Owner' = 'Case Owner'", "fields.Case Owner: String should match"),
    ],
)
def test_a_bad_mapping_is_refused_at_its_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(BadMapping) as refused:
        loaded(tmp_path, text)
    assert place in str(refused.value)


def test_a_mapping_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(BadMapping, match="shipped mappings: bpi2013"):
        load("bpi2031")


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("org:role", "org_role"),
        ("  Größe ", "gr_e"),
        ("2nd line", "field_2nd_line"),
        ("!!", "field"),
        ("x" * 99, "x" * 63),
    ],
)
def test_field_names_are_plain(attribute: str, name: str) -> None:
    assert field_name(attribute) == name
