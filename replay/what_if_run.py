"""How is a whole log asked what if? Page by page, on as many cores as there are, and nothing is written to it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, TextIO

from psycopg import Connection

from aggregates.sla.catalogue import Catalogue
from commands.database import connect
from commands.log import read_head
from projections.sla_catalogue import refresh
from replay.what_if import Asked, Change, Comparison, Findings
from replay.what_if_given import Given
from replay.what_if_read import Range, pages, team_names
from replay.what_if_report import Report, change_told
from replay.what_if_resolve import resolved

Told = Callable[[int, float], None]
"""How many tickets are done, and what fraction of the log that is; may raise to stop."""
NAME = "what-if"
# Below this a second process costs more than it saves: it starts by importing all of this.
WORTH_A_CORE = 20_000


class WorkerDied(Exception):
    """A process that folded a part of the log is gone."""


@dataclass(frozen=True, slots=True)
class Part:
    """A range of tickets, as of position `head`. changes: the file that gets what would have changed, line by line."""

    url: str
    given: Given
    asked: Asked
    head: int
    within: Range
    changes: Path | None = None


def what_if(
    url: str,
    given: Given,
    asked: Asked,
    told: Told = lambda tickets, fraction: None,
    *,
    cores: int = 1,
    changes: Path | None = None,
) -> Report:
    """Fold the past as it was, and by the given rules. Raises Refusal, psycopg.Error, OSError and WorkerDied.

    `changes`: a file that gets all that would have changed as NDJSON, by ticket; it is there only once it is whole.
    """
    started = time.monotonic()
    with closing(connect(url, name=NAME)) as connection:
        head = read_head(connection).position
        # Refused before anything is folded.
        resolved(connection, given, head, asked.now)
    parts = _parts(Part(url, given, asked, head, Range()), cores if head > WORTH_A_CORE else 1, changes)
    findings = Findings()
    with _joined(parts, changes):
        for found in [fold(parts[0], told)] if len(parts) == 1 else _side_by_side(parts, told):
            findings.add(found, asked.keep)
    with closing(connect(url, name=NAME)) as connection:
        teams = {place.team for counts in (findings.before, findings.after) for place, _ in counts}
        names = team_names(connection, (team for team in teams if team is not None))
    return Report(asked, head, findings, names, time.monotonic() - started)


def fold(part: Part, told: Told = lambda tickets, fraction: None) -> Findings:
    """One part, in this process."""
    with ExitStack() as stack:
        connection = stack.enter_context(closing(connect(part.url, name=NAME)))
        out = None if part.changes is None else stack.enter_context(part.changes.open("w", encoding="utf-8"))
        rules = resolved(connection, part.given, part.head, part.asked.now)
        comparison = Comparison(_catalogue(connection), rules, part.asked)
        for page in pages(connection, part.head, part.within, rules):
            comparison.findings.unjudged.update(unreadable=page.unreadable)
            for stream, history in page.histories.items():
                _write(out, comparison.take(stream, history))
            told(comparison.findings.tickets, page.fraction)
    return comparison.findings


def _catalogue(connection: Connection[Any]) -> Catalogue:
    book = Catalogue()
    refresh(book, connection)
    return book


def _write(out: TextIO | None, changes: Iterable[Change]) -> None:
    if out is not None:
        out.writelines(json.dumps(change_told(change)) + "\n" for change in changes)


def _parts(whole: Part, cores: int, changes: Path | None) -> list[Part]:
    ranges = whole.within.split(cores)
    files = [None if changes is None else changes.with_name(f"{changes.name}.part{n}") for n in range(len(ranges))]
    return [
        Part(whole.url, whole.given, whole.asked, whole.head, within, file)
        for within, file in zip(ranges, files, strict=True)
    ]


@contextmanager
def _joined(parts: list[Part], changes: Path | None) -> Iterator[None]:
    """Their files become one when all of them are whole; none is left behind."""
    files = [part.changes for part in parts if part.changes is not None]
    try:
        yield
        if changes is not None:
            with files[0].open("a", encoding="utf-8") as whole:
                for file in files[1:]:
                    whole.writelines(file.open(encoding="utf-8"))
            files[0].replace(changes)
    finally:
        for file in files:
            file.unlink(missing_ok=True)


def _side_by_side(parts: list[Part], told: Told) -> list[Findings]:
    """Each in a process of its own. All of them end with this call, however it ends."""
    context = get_context("spawn")
    running: list[tuple[SpawnProcess, Pipe]] = []
    try:
        for part in parts:
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(part, theirs), daemon=True)
            process.start()
            theirs.close()
            running.append((process, ours))
        return _gathered([pipe for _, pipe in running], told)
    finally:
        for process, pipe in running:
            process.terminate()
            process.join()
            pipe.close()


def _work(part: Part, pipe: Pipe) -> None:
    """In a process of its own: Ctrl-C is the caller's to hear, and a caller that is gone ends it with the next page."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pipe.send(fold(part, lambda tickets, fraction: pipe.send((tickets, fraction))))
    except BrokenPipeError:
        return
    except Exception as error:
        pipe.send(error)


def _gathered(pipes: list[Pipe], told: Told) -> list[Findings]:
    """In order of the pipes, whichever is done first."""
    found: dict[Pipe, Findings] = {}
    done = dict.fromkeys(pipes, (0, 0.0))
    while len(found) < len(pipes):
        for pipe in wait([pipe for pipe in pipes if pipe not in found]):
            assert isinstance(pipe, Pipe)  # noqa: S101
            match _received(pipe):
                case Findings() as findings:
                    found[pipe] = findings
                case Exception() as error:
                    raise error
                case (tickets, fraction):
                    done[pipe] = (tickets, fraction)
        told(sum(tickets for tickets, _ in done.values()), sum(share for _, share in done.values()) / len(pipes))
    return [found[pipe] for pipe in pipes]


def _received(pipe: Pipe) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        raise WorkerDied("a process that folded a part of the log is gone") from None
