"""rebuilder: a process that begins a rebuild at once whenever it is told to, for a test that kills each of them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from threading import Timer

from projections.registry import PROJECTIONS
from replay.rebuild.crew import Crew
from replay.rebuild.fill import wanted
from replay.rebuild.rebuild import rebuild
from replay.rebuild.worker import Done, Share, work


class Alone(Crew):
    """No processes of its own: they would take longer to start than the rest takes."""

    def __init__(self) -> None:
        pass

    def work(self, shares: Iterable[Share], told: Callable[[int], None]) -> list[Done]:
        return [work(share, lambda events: None) for share in shares]


def main(url: str, view: str) -> None:
    """A line in: begin, and kill it after so many seconds. A line out: its exit code."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            rebuild(wanted(url, PROJECTIONS[view], streams=5), Alone(), lambda phase, done, total: None)
            os._exit(0)
        killer = Timer(float(line), os.kill, (child, signal.SIGKILL))
        killer.start()
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        killer.cancel()
        killer.join()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
