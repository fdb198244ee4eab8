"""test_report_pictures: are pictures and pages the same each time, safe with any name, and readable by all?"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser

import pytest
from lxml import etree

from replay.report.charts import draw
from replay.report.page import page
from replay.report.svg import DRAWN, SVG, accessible
from tests.replay.answers import HOSTILE, KEPT, OPENED, P90, answer, by_team, by_team_and_week, row, weeks

EVERYTHING = (OPENED, P90, KEPT)
ANSWERS = {
    "groups in time": by_team_and_week([f"Team {n}" for n in range(12)], 9, EVERYTHING),
    "groups": by_team({f"Team {n}": n for n in range(12)}, EVERYTHING),
    "time": answer(
        [row([n, n * 7_200, 0.9], EVERYTHING, week) for n, week in enumerate(weeks(60))], EVERYTHING, "week"
    ),
    "one number": answer([row([3, 60, 0.5], EVERYTHING)], EVERYTHING),
    "nothing known": by_team({"A": None, "B": None}, EVERYTHING),
    "no rows": answer([]),
    "nought": by_team_and_week(["A"], 1),
    "less than nought": by_team({"A": -5, "B": 3}),
    "hostile": by_team_and_week(HOSTILE, 3, EVERYTHING),
    "hostile bars": by_team(dict.fromkeys(HOSTILE, 4)),
}
PRINT = """
import sys
from tests.replay.test_report_pictures import whole_page
sys.stdout.buffer.write(whole_page())
"""


@cache
def drawn(name: str) -> bytes:
    return draw(ANSWERS[name])


@cache
def whole_page() -> bytes:
    return page("<script>alert(0)</script>", list(ANSWERS.values()))


def parsed(svg: bytes) -> etree._Element:
    return etree.fromstring(svg, etree.XMLParser(resolve_entities=False))


def texts(svg: bytes) -> list[str]:
    return [text.text or "" for text in parsed(svg).iter(f"{{{SVG}}}text")]


@pytest.mark.parametrize("name", ANSWERS)
def test_a_picture_is_only_a_picture(name: str) -> None:
    root = parsed(drawn(name))
    tags = {element.tag for element in root.iter()}
    assert tags <= DRAWN | {f"{{{SVG}}}title", f"{{{SVG}}}desc"}
    names = {str(name) for element in root.iter() for name in element.attrib}
    assert not [name for name in names if name.lower().startswith("on") or name == "style"]
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    everything = etree.tostring(root).decode()
    assert set(re.findall(r'(?:href="#|="url\(#)([^)"]+)', everything)) <= set(ids)
    assert not re.findall(r'href="(?!#)|="url\((?!#)', everything)


def test_it_says_itself_in_words() -> None:
    root = parsed(draw(by_team_and_week([f"Team {n}" for n in range(12)], 4, EVERYTHING)))
    title, described = root[0], root[1]
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", f"{title.get('id')} {described.get('id')}")
    assert title.text == "Arrivals"
    told = described.text or ""
    for part in (
        "2012-04-01 to 2012-04-29, Europe/Stockholm, by week, by team, calendar time.",
        "Tickets opened. Team 11: 120 to 123;",
        "others: 144 to 165.",
        "5 smaller groups are in the table only.",
        "As of position 129,882, 2012-06-01 07:30:00 UTC.",
    ):
        assert part in told


def test_axes_have_units_and_local_names() -> None:
    written = texts(drawn("time"))
    assert "2012-W14" in written
    assert any(re.fullmatch(r"\d+ d", text) for text in written), "durations in days"
    assert any(re.fullmatch(r"\d+%", text) for text in written), "shares in per cent"


@pytest.mark.parametrize("label", HOSTILE)
def test_any_name_is_shown_as_it_is(label: str) -> None:
    assert label in texts(drawn("hostile"))
    assert label in texts(drawn("hostile bars"))


def test_what_is_no_drawing_does_not_get_through() -> None:
    evil = (
        f'<svg xmlns="{SVG}" xmlns:xlink="http://www.w3.org/1999/xlink"><script>1</script><foreignObject/>'
        '<g onload="1" href="x" class="x"><a/><use xlink:href="//evil/x"/>'
        '<text style="fill: red; behavior: x">x</text></g></svg>'
    )
    root = parsed(accessible(evil.encode(), "t\x00", "d"))
    assert [etree.QName(element).localname for element in root.iter()] == ["svg", "title", "desc", "g", "use", "text"]
    assert [element.items() for element in list(root.iter())[3:]] == [[], [], [("fill", "red")]]


def test_the_same_answers_give_the_same_bytes_in_another_process() -> None:
    environment = os.environ | {"PYTHONHASHSEED": "3", "TZ": "Asia/Tokyo", "SOURCE_DATE_EPOCH": "1"}
    again = subprocess.run([sys.executable, "-c", PRINT], env=environment, capture_output=True, check=True)
    assert again.stdout == whole_page()


class Read(HTMLParser):
    """Every tag with its attributes, and what stands between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_a_page_runs_nothing_and_asks_for_nothing() -> None:
    text = whole_page().decode()
    read = Read(text)
    assert not {"script", "iframe", "img", "link", "object", "embed", "form", "base"} & {tag for tag, _ in read.tags}
    for _, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src")]
        assert (attributes.get("href") or "#").startswith("#")
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(set(ids)) >= len(ids) - len(ANSWERS), "all but the reports, which here have one name"
    assert "://" not in re.sub(r'xmlns(:xlink)?="[^"]+"', "", text)
    for label in HOSTILE:
        assert label in read.text


def test_a_page_allows_its_own_style_and_nothing_else() -> None:
    text = page("Arrivals", [ANSWERS["groups"]]).decode()
    (policy,) = (a["content"] for _, a in Read(text).tags if a.get("http-equiv") == "Content-Security-Policy")
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    allowed = f"style-src 'sha256-{digest}'"
    assert policy == f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def test_a_page_holds_the_table_the_definitions_and_the_position() -> None:
    shown = " ".join(Read(page("Arrivals", [ANSWERS["groups"]]).decode()).text)
    for part in ("Team 11", "Of 90 % of them it took no longer.", "first_reply_p90, version 2", "position 129,882"):
        assert part in shown
    assert f"{ANSWERS['groups'].grounds.policies[0].id} version 3" in shown
