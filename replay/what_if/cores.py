"""How do several processes fold one log, each its part of the tickets?"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any

from replay.what_if.folding import Findings
from replay.what_if.parts import Part

Told = Callable[[int, float], None]
"""How many tickets are done, and what fraction of all that is; may raise to stop."""
Fold = Callable[[Part, Told], Findings]


class WorkerDied(Exception):
    """A process that folded a part of the log is gone."""


def nobody(tickets: int, fraction: float) -> None:
    """Is told."""


def side_by_side(fold: Fold, parts: Sequence[Part], told: Told) -> list[Findings]:
    """Each in a process of its own. All of them end with this call, however it ends."""
    context = get_context("spawn")
    running: list[tuple[SpawnProcess, Pipe]] = []
    try:
        for part in parts:
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(fold, part, theirs), daemon=True)
            process.start()
            theirs.close()
            running.append((process, ours))
        return _gathered([pipe for _, pipe in running], told)
    finally:
        for process, pipe in running:
            process.terminate()
            process.join()
            pipe.close()


def _work(fold: Fold, part: Part, pipe: Pipe) -> None:
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
