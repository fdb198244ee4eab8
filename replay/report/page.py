"""page: how is an answered report sent to somebody? As one HTML file that asks for nothing and runs nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from projections.metrics.answer import Answer, MetricShown
from replay.report.charts import draw
from replay.report.table import Table, table
from replay.report.words import as_of, scope

HERE = Path(__file__).parent
ROWS = 200
"""What a page shows of a table; files hold the whole of it."""


@dataclass(frozen=True, slots=True)
class Section:
    """A report on a page: where it stands there, what it was asked, its picture and its table."""

    anchor: str
    title: str
    scope: str
    picture: Markup
    table: Table
    left_out: int


def page(title: str, answers: Sequence[Answer]) -> bytes:
    """`answers`: of one position, at least one. The same answers give the same bytes."""
    css = (HERE / "page.css").read_text()
    templates = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = templates.get_template("page.html").render(
        title=title,
        policy=f"default-src 'none'; style-src '{_digest(css)}'; base-uri 'none'; form-action 'none'",
        css=Markup(css),  # noqa: S704  (our own file)
        sections=[_section(answer) for answer in answers],
        metrics=_defined(answers),
        grounds=_grounds(answers),
        as_of=as_of(answers[0]),
    )
    return text.encode()


def _section(answer: Answer) -> Section:
    # Made by us out of escaped text; whatever is no drawing was taken out.
    picture = Markup(draw(answer).decode())  # noqa: S704
    whole = table(answer)
    shown = Table(whole.names, whole.figures, whole.lines[:ROWS], whole.total)
    return Section(answer.report, answer.title, scope(answer), picture, shown, len(whole.lines) - len(shown.lines))


def _defined(answers: Iterable[Answer]) -> list[MetricShown]:
    """Each once, by title."""
    metrics = {metric.name: metric for answer in answers for metric in answer.metrics}
    return sorted(metrics.values(), key=lambda metric: (metric.title, metric.name))


def _grounds(answers: Iterable[Answer]) -> dict[str, list[str]]:
    """Versions of policies and calendars, each once."""
    policies, calendars = set(), set()
    for answer in answers:
        policies |= {f"{policy.id} version {policy.version}" for policy in answer.grounds.policies}
        calendars |= {f"{calendar.id} version {calendar.version}" for calendar in answer.grounds.calendars}
    return {"SLA policies": sorted(policies), "Calendars": sorted(calendars)}


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
