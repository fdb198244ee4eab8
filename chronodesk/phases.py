"""phases: how far is long work that has several steps? A bar for people, a line now and then for logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from chronodesk.terminal import errors

SECONDS_BETWEEN_LINES = 5.0
STALLED_SECONDS = 5.0
# The whole is done only when the work returns.
NEARLY = 0.99


class Phases:
    """Counts over all parts of a run, and says when nothing moves. A part is as long as any other."""

    def __init__(self, parts: int, show: Callable[[str, float, bool], None]) -> None:
        self._parts, self._show = parts, show
        self._part, self._phase, self._before = "", "", 0
        self._done, self._moved_at = 0, time.monotonic()
        self._counted, self._began = 0, time.monotonic()
        self._number = 0

    def of(self, part: str) -> Callable[[str, int, int], None]:
        """What the next part tells, by name."""
        self._number += 1
        self._part, self._phase = part, ""
        return self.tell

    def tell(self, phase: str, done: int, total: int) -> None:
        """`done` of `total`, in this phase; total 0: nobody knows how long it takes."""
        now, new = time.monotonic(), phase != self._phase
        if new or done != self._done:
            self._moved_at = now
        if new:
            self._phase, self._done, self._began = phase, 0, now
        self._done = done
        self._show(self._line(done, total, now), self._fraction(done, total), new)

    def _line(self, done: int, total: int, now: float) -> str:
        line = f"{self._part}: {self._phase}"
        if total == 0 or done >= total:
            return line
        took = max(now - self._began, 0.001)
        line += f", {done:,} of {total:,} events, {done / took:,.0f}/s"
        if now - self._moved_at > STALLED_SECONDS:
            return f"{line}, stalled for {now - self._moved_at:.0f} s"
        return line + (f", {took / done * (total - done):.0f} s left" if done else "")

    def _fraction(self, done: int, total: int) -> float:
        within = done / total if total and self._phase == "reading" else 1.0
        return min((self._number - 1 + min(within, NEARLY)) / self._parts, NEARLY)


@contextmanager
def phases(parts: int) -> Iterator[Phases]:
    """On stderr. Never all of it while the work goes on."""
    if not errors.is_terminal:
        yield Phases(parts, _lines())
        return
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.description}"))
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("beginning", total=1.0)
        yield Phases(parts, lambda line, fraction, _: bar.update(task, completed=fraction, description=line))


def _lines() -> Callable[[str, float, bool], None]:
    last = 0.0

    def show(line: str, fraction: float, new: bool) -> None:
        nonlocal last
        now = time.monotonic()
        if new or now - last > SECONDS_BETWEEN_LINES:
            last = now
            errors.print(f"{fraction:4.0%} {line}", markup=False, highlight=False, soft_wrap=True)

    return show
