"""cli_report: figures at a terminal, in files, on a page to send, and all of a period in one folder."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chronodesk.cli_sla import instant
from chronodesk.errors import FrontDoorError, UsageError
from chronodesk.progress import progress
from chronodesk.terminal import console, say
from chronodesk.verbs_asked import AsJson

if TYPE_CHECKING:
    from chronodesk.report_asked import Wish
    from projections.metrics.answer import Answer
    from projections.metrics.reports import Report

PACK = "pack"
EVIDENCE = 50
Every = Literal["hour", "day", "week", "month", "quarter", "year", "none"]
Written = tuple[Path, Callable[["Answer"], bytes]]


def register(app: typer.Typer) -> None:
    app.command("report")(report)


def report(
    name: Annotated[
        str | None,
        typer.Argument(help="without one they are listed; pack: all that have data, in --out", show_default=False),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="2012-01-01, a day of --tz, or an instant", show_default=False)
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="up to here, without it", show_default=False)] = None,
    tz: Annotated[str, typer.Option(help="whose days, weeks and hours: Europe/Stockholm")] = "UTC",
    bucket: Annotated[
        Every | None, typer.Option(help="as the report has it, if left out; the pack: month", show_default=False)
    ] = None,
    group_by: Annotated[
        list[str] | None, typer.Option(help="team, agent, priority ..., or none; several times", show_default=False)
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--filter", help="team=Network, tag=vpn ...; of one kind, any of them", show_default=False),
    ] = None,
    time: Annotated[
        Literal["calendar", "business"], typer.Option(help="business: within the hours that the SLA then had")
    ] = "calendar",
    compare: Annotated[bool, typer.Option(help="with the period before, just as long")] = True,
    limit: Annotated[int | None, typer.Option(min=1, max=1_000, help="so many lines", show_default=False)] = None,
    as_of: Annotated[str | None, typer.Option(help="as known at this instant", show_default=False)] = None,
    at_position: Annotated[
        int | None, typer.Option(min=0, help="as of the log's first so many events", show_default=False)
    ] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="METRIC", help="the tickets and events behind it", show_default=False)
    ] = None,
    as_json: AsJson = False,
    csv: Annotated[Path | None, typer.Option(help="into a file; - is standard output", show_default=False)] = None,
    parquet: Annotated[Path | None, typer.Option(help="the same", show_default=False)] = None,
    svg: Annotated[Path | None, typer.Option(help="its picture", show_default=False)] = None,
    html: Annotated[
        Path | None, typer.Option(help="a page to send: picture, table, definitions", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="the folder of the pack", show_default=False)] = None,
    force: Annotated[bool, typer.Option("--force", help="replace files that are there")] = False,
) -> None:
    """Figures of a period as of one position of the log: asked again at that position, they are the same."""
    from chronodesk.report_asked import Wish, report_of

    if name is None:
        _list(as_json)
        return
    lines = limit if explain is None else None
    said = {"from": start, "to": end, "tz": tz, "bucket": bucket, "time": time, "limit": lines}
    query = {key: value for key, value in said.items() if value is not None}
    query |= {"compare": "previous" if compare else "none", **_groups(group_by)}
    wish = Wish(query, _filters(only or ()), None if as_of is None else instant("as-of", as_of), at_position)
    if name == PACK:
        _pack(wish, out, force, as_json)
        return
    wanted = _named(name)
    if explain is not None:
        _explain(wanted, wish, explain, limit or EVIDENCE, as_json)
        return
    files = _files({"csv": csv, "parquet": parquet, "svg": svg, "html": html}, force)
    _tell(report_of(wanted, wish), files, as_json)


def _list(as_json: bool) -> None:
    from chronodesk.report_shown import show_list
    from projections.metrics.reports import REPORTS

    listed = tuple(REPORTS.values())
    if as_json:
        told = [{"name": each.name, "title": each.title, "words": each.words, "metrics": each.names} for each in listed]
        console.print_json(json.dumps(told))
    else:
        show_list(listed)


def _named(name: str) -> Report:
    from aggregates.errors import NotFound
    from projections.metrics.reports import REPORTS
    from projections.metrics.reports import report as named

    try:
        return named(name)
    except NotFound:
        raise UsageError(f"there is no report {name}; there are {', '.join(REPORTS)}") from None


def _groups(named: Sequence[str] | None) -> dict[str, Any]:
    return {} if named is None else {"group_by": [name for name in named if name != "none"]}


def _filters(given: Sequence[str]) -> Mapping[str, list[str]]:
    from projections.metrics.dimensions import DIMENSIONS

    found: dict[str, list[str]] = defaultdict(list)
    for one in given:
        dimension, equals, value = one.partition("=")
        if not equals or dimension not in DIMENSIONS:
            raise UsageError(f"--filter {one}: write it like team=Network; there are {', '.join(DIMENSIONS)}")
        found[dimension].append(value)
    return found


def _files(paths: Mapping[str, Path | None], force: bool) -> list[Written]:
    """Where to write, and what: known before anything is asked."""
    from projections.metrics.files import as_csv, as_parquet

    def svg(answer: Answer) -> bytes:
        from replay.report.charts import draw

        return draw(answer)

    def html(answer: Answer) -> bytes:
        from replay.report.page import page

        return page(answer.title, [answer])

    write: dict[str, Callable[[Answer], bytes]] = {"csv": as_csv, "parquet": as_parquet, "svg": svg, "html": html}
    for kind, path in paths.items():
        if path is not None and str(path) != "-" and path.exists() and not force:
            raise UsageError(f"--{kind} {path} is there already; --force replaces it")
    return [(path, write[kind]) for kind, path in paths.items() if path is not None]


def _tell(answer: Answer, files: Sequence[Written], as_json: bool) -> None:
    from chronodesk.report_shown import show
    from projections.metrics.answer import as_json as written

    for path, write in files:
        _write(path, write(answer))
    if as_json:
        console.print_json(written(answer).decode())
    elif not files:
        show(answer)


def _write(path: Path, content: bytes) -> None:
    if str(path) == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        path.write_bytes(content)
    except OSError as unwritten:
        raise FrontDoorError(f"{path}: {unwritten.strerror or unwritten}") from None
    say(f"{path}: {len(content):,} bytes")


def _explain(wanted: Report, wish: Wish, metric: str, limit: int, as_json: bool) -> None:
    from chronodesk.report_asked import explained
    from chronodesk.report_shown import show_evidence

    found = explained(wanted, wish, metric, limit)
    if as_json:
        console.print_json(json.dumps(found.as_json(), default=str))
    else:
        show_evidence(found)


def _pack(wish: Wish, out: Path | None, force: bool, as_json: bool) -> None:
    """One page and a table each, all as of one position."""
    if {"group_by", "limit"} & wish.query.keys():
        raise UsageError("the pack has its reports as they are: without --group-by and --limit")
    from chronodesk.report_asked import pack_of
    from projections.metrics.reports import REPORTS
    from replay.report.pack import MANIFEST, has_data, packed, write

    if out is None:
        raise UsageError("name a folder for the pack (--out)")
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not force:
        raise UsageError(f"--out {out} is there already and not empty; --force writes into it")
    with progress("reports") as told:
        answers = pack_of(tuple(REPORTS.values()), wish, told)
    found = [answer for answer in answers if has_data(answer)]
    if not found:
        raise FrontDoorError("nothing happened in this period: no report has any data")
    without = [answer.report for answer in answers if not has_data(answer)]
    files = packed(found, without)
    try:
        write(out, files)
    except OSError as unwritten:
        raise FrontDoorError(f"--out {out}: {unwritten.strerror or unwritten}") from None
    if as_json:
        console.print_json(files[MANIFEST].decode())
    else:
        _say_packed(out, found, without, sum(map(len, files.values())))


def _say_packed(out: Path, found: Sequence[Answer], without: Sequence[str], size: int) -> None:
    from replay.report.pack import INDEX
    from replay.report.words import as_of, period

    say(f"{out / INDEX}: {len(found)} reports, {period(found[0])}; with their tables {size:,} bytes")
    if without:
        say(f"Nothing to tell in this period: {', '.join(without)}")
    say(f"{as_of(found[0])}. --at-position {found[0].as_of.position} makes the same pack again.")
