"""progress: how far is it? A bar for people, a line now and then for logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

from chronodesk.terminal import errors

SECONDS_BETWEEN_LINES = 5.0
Told = Callable[[int, float], None]
"""How many are done, and what fraction of the whole that is."""


@contextmanager
def progress(of: str) -> Iterator[Told]:
    """Count, rate and time left, on stderr. `of`: what is counted."""
    if not errors.is_terminal:
        yield _lines(of)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeRemainingColumn(), console=errors, transient=True) as bar:
        task = bar.add_task("reading", total=1.0)
        started = time.monotonic()

        def told(done: int, fraction: float) -> None:
            rate = done / max(time.monotonic() - started, 0.001)
            bar.update(task, completed=fraction, description=f"{done:,} {of}, {rate:,.0f}/s")

        yield told


def _lines(of: str) -> Told:
    """Where nobody sits at a terminal."""
    started = last = time.monotonic()

    def told(done: int, fraction: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < SECONDS_BETWEEN_LINES:
            return
        last, took = now, now - started
        left = took / fraction - took if fraction > 0 else 0.0
        line = f"{done:,} {of}, {done / took:,.0f}/s, {fraction:.0%}, {left:.0f} s left"
        errors.print(line, markup=False, highlight=False)

    return told
