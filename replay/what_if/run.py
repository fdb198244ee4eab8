"""How is a whole log asked what if? Page by page, on as many cores as there are, and nothing is written to it."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from pathlib import Path

from aggregates.sla.catalogue import Catalogue
from commands.database import connect
from commands.log import read_head
from projections.sla_catalogue import refresh
from replay.what_if.changes import form_of, joined, lines
from replay.what_if.cores import Told, nobody, side_by_side
from replay.what_if.folding import Asked, Comparison, Findings
from replay.what_if.given import Given
from replay.what_if.parts import Part
from replay.what_if.read import pages, team_names
from replay.what_if.report import Report
from replay.what_if.resolve import resolved

# Below this a second process costs more than it saves: it starts by importing all of this.
WORTH_A_CORE = 20_000
NAME = "what-if"


def what_if(
    url: str, given: Given, asked: Asked, told: Told = nobody, *, cores: int = 1, changes: Path | None = None
) -> Report:
    """Fold the past as it was, and by the given rules. Raises Refusal, psycopg.Error, OSError and WorkerDied.

    changes  a file that gets all that would have changed, by ticket; CSV if it is called so, else NDJSON. It is there
             only once it is whole
    """
    started = time.monotonic()
    with closing(connect(url, name=NAME)) as connection:
        head = read_head(connection).position
        # Refused before anything is folded.
        resolved(connection, given, head, asked.now)
    parts = Part(url, given, asked, head, changes=changes).split(cores if head > WORTH_A_CORE else 1)
    findings = Findings()
    with joined([part.changes for part in parts if part.changes is not None], changes):
        for found in [fold(parts[0], told)] if len(parts) == 1 else side_by_side(fold, parts, told):
            findings.add(found, asked.keep)
    with closing(connect(url, name=NAME)) as connection:
        names = team_names(connection, {place.team for place in findings.places if place.team is not None})
    return Report(asked, head, findings, names, time.monotonic() - started)


def fold(part: Part, told: Told) -> Findings:
    """One part, in this process."""
    with ExitStack() as stack:
        connection = stack.enter_context(closing(connect(part.url, name=NAME)))
        out = None if part.changes is None else stack.enter_context(part.changes.open("w", encoding="utf-8"))
        rules = resolved(connection, part.given, part.head, part.asked.now)
        book = Catalogue()
        refresh(book, connection)
        comparison = Comparison(book, rules, part.asked)
        for page in pages(connection, part.head, part.within, rules):
            comparison.findings.unjudged.update(unreadable=page.unreadable)
            for stream, history in page.histories.items():
                changes = comparison.take(stream, history)
                if out is not None and part.changes is not None:
                    out.writelines(lines(changes, form_of(part.changes)))
            told(comparison.findings.tickets, page.fraction)
    return comparison.findings
