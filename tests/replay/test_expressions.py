"""test_expressions: does an expression say what Python would say, and is anything else ever refused plainly?"""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from replay.audit.expressions import DEEPEST, LONGEST, BadExpression, Words, expression

NAMES: dict[str, Words] = {"status": ("open", "closed"), "level": None, "tags": None, "subject": None, "fields": None}
VALUES: dict[str, Any] = {
    "status": "open",
    "level": 2,
    "tags": ("fire", "vip"),
    "subject": None,
    "fields": {"floor": 3, "cost": None},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('status == "open" and level > 1', True),
        ('status == "closed" or "vip" in tags', True),
        ('not status == "open"', False),
        ('status in ("open", "closed")', True),
        ('status not in {"closed"}', True),
        ("1 < level <= 2 < 3", True),
        ("level == -2", False),
        ("len(tags) == 2", True),
        ("len(subject) == 0", True),
        ('fields["floor"] >= 3', True),
        ('fields["nowhere"] is None', True),
        ('"floor" in fields', True),
        ("subject is not None", False),
        # Nothing is less than what is missing, nothing more, and nothing is in it.
        ("subject < 3 or subject > 3", False),
        ('"fire" in subject', False),
        ('"fire" not in subject', True),
        ('level < "x"', False),
        ("3 in level", False),
        ("  level == 2  ", True),
        ("tags", True),
        ("True", True),
        ("None", False),
    ],
)
def test_it_says_what_it_says(text: str, holds: bool) -> None:
    assert expression(text, NAMES).holds(VALUES) is holds


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("colour == 3", 1, "no such name. Names: status, level"),
        ("level == 2 and colour", 16, "no such name"),
        ('subject == "ä" and colour', 20, "no such name"),
        ('  status == "resovled"', 13, "never that, only open, closed"),
        ('status in ("open", "shut")', 20, "never that"),
        ('"shut" != status', 1, "never that"),
        ("level.real", 1, "not understood"),
        ("level + 1 > 2", 1, "not understood"),
        ("print(level)", 1, "not understood"),
        ("len(tags, tags)", 1, "not understood"),
        ("len(*tags)", 1, "not understood"),
        ('len("x")', 1, "not understood"),
        ('__import__("os").system("true")', 1, "not understood"),
        ("().__class__", 1, "not understood"),
        ("[one for one in tags]", 1, "not understood"),
        ("lambda: level", 1, "not understood"),
        ("(level := 3)", 2, "not understood"),
        ('f"{level}"', 1, "not understood"),
        ("tags[0]", 1, "not understood"),
        ('tags["x"]', 1, "not understood"),
        ("fields[level]", 1, "not understood"),
        ("level if level else level", 1, "not understood"),
        ("9 ** 9 ** 9", 1, "not understood"),
        ('b"open" == status', 1, "not understood"),
        ("...", 1, "not understood"),
        ("*tags,", 1, "not an expression"),
        ("level is 2", 10, "only None comes after is"),
        ("status ==", 10, "not an expression"),
        ("level = 3", 7, "not an expression"),
        ("import os", 1, "not an expression"),
        ("", 1, "not an expression"),
        ("level\n== 2", 6, "cannot be seen"),
        ("level\x00", 6, "cannot be seen"),
        ("\ud800", 1, "cannot be seen"),
        ("level == 2 or " * 60 + "level", LONGEST + 1, "longer than"),
        ("not " * 30 + "level", 1 + 4 * DEEPEST, "nested"),
        ("(" * 240 + "level" + ")" * 240, 201, "not an expression"),
    ],
)
def test_what_it_is_not_is_refused_with_its_place(text: str, place: int, why: str) -> None:
    with pytest.raises(BadExpression) as refused:
        expression(text, NAMES)
    assert (refused.value.place, why in refused.value.why) == (place, True), str(refused.value)


literals = st.sampled_from(['"open"', '"closed"', "1", "2", "-3", "2.5", "True", "None", "()", '("open", 2)'])
leaves = st.sampled_from(["status", "level", "tags", "subject", "fields", 'fields["floor"]', "len(tags)"]) | literals
comparisons = st.sampled_from(["==", "!=", "in", "not in"])
grown = st.recursive(
    st.tuples(leaves, comparisons, leaves).map(" ".join) | leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: "({} {} {})".format(*parts)),
        inner.map("not ({})".format),
    ),
    max_leaves=12,
)


@given(text=grown)
@settings(deadline=None, max_examples=400)
def test_where_python_has_an_answer_it_is_the_same(text: str) -> None:
    try:
        asked = expression(text, NAMES)
    except BadExpression:
        return
    try:
        answer = bool(eval(text, {"__builtins__": {"len": len}}, VALUES))  # noqa: S307
    except TypeError:
        asked.holds(VALUES)
        return
    assert asked.holds(VALUES) is answer


SCRAPS = """
level status tags __import__ ( ) [ ] { } . : = == < in not and or lambda await yield for if else is * ** - ~ @ -> := ...
# \\ ' " ''' f' b' 0x 1e999 1_0 1j 0777 \uff4cevel \ufb00 len( fields[
"""
scraps = st.sampled_from(["\t", "9" * 60, *SCRAPS.split()])


@given(text=st.lists(scraps | st.text(max_size=3), max_size=60).map(" ".join) | st.text(max_size=600))
@settings(deadline=None, max_examples=1_500)
@example("(" * 500)
@example("-" * 499 + "1")
@example("not " * 124 + "x")
@example("[" * 100 + "]" * 100)
@example("1 if " * 90)
@example("level" + "[0]" * 160)
@example("1or 2")
@example("'\\d' in tags")
@example("9" * 500)
@example("\uff4cevel \uff4cevel 0777")
def test_nobody_can_make_it_fail_run_or_hang(text: str) -> None:
    began = time.monotonic()
    place = 1
    try:
        assert expression(text, NAMES).holds(VALUES) in (True, False)
    except BadExpression as refused:
        place = refused.place
    assert 1 <= place <= len(text) + 2
    assert time.monotonic() - began < 1


def test_a_name_is_asked_for_by_its_value_and_never_looked_up_in_python() -> None:
    class Trap:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was looked at")

    assert expression("level is not None", NAMES).holds({"level": Trap()}) is True
