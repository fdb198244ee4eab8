"""crew: how do several processes fold shares at the same time, and end with the run whatever ends it?"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from replay.rebuild.worker import Done, Share, work

TICK_SECONDS = 0.5
LAST = 19
# A fork would take over connections, threads and locks.
PROCESSES = multiprocessing.get_context("spawn")


class WorkerDied(Exception):
    """One of the worker processes was killed, or ran out of memory."""


class Stopped(Exception):
    """The run has ended: a share that is half done is of no use."""


class Crew:
    """Worker processes for one run, over all its views."""

    def __init__(self, pool: ProcessPoolExecutor, counter: Synchronized[int]) -> None:
        self._pool, self._counter = pool, counter

    def work(self, shares: Iterable[Share], told: Callable[[int], None]) -> list[Done]:
        """`told` hears twice a second, and at the end, how many events are done. The first failure ends it."""
        self._counter.value = 0
        waiting: set[Future[Done]] = {self._pool.submit(_work, share) for share in shares}
        done: list[Done] = []
        while waiting:
            finished, waiting = wait(waiting, TICK_SECONDS, FIRST_COMPLETED)
            done += [future.result() for future in finished]
            told(self._counter.value)
        return done


@contextmanager
def crew(workers: int) -> Iterator[Crew]:
    """So many processes, gone at the end of the block. To be made by the main thread."""
    counter: Synchronized[int] = PROCESSES.Value("q", 0)
    stopping = PROCESSES.Event()
    pool = ProcessPoolExecutor(workers, PROCESSES, _begin, (counter, stopping))
    try:
        with _ctrl_c_ignored():
            for _ in range(workers):
                pool.submit(_stand_ready)
        yield Crew(pool, counter)
    except BrokenProcessPool:
        raise WorkerDied("a worker process died: nothing was changed, run it again") from None
    finally:
        stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)


def give_way() -> None:
    """This process, and its workers to come, take what those who serve leave of the cores: a rebuild is in no hurry."""
    if sys.platform != "win32":
        os.nice(LAST)


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Whoever is born meanwhile ignores it all its life: it is for the run, which then tells its workers."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# In a worker process.

_counter: Any = None
_stopping: Any = None


def _begin(counter: Synchronized[int], stopping: Any) -> None:
    """If the run is killed, we end with it."""
    global _counter, _stopping
    _counter, _stopping = counter, stopping
    threading.Thread(target=_end_with_parent, name="lifeline", daemon=True).start()
    # Folds make no cycles. To look for some among all the rows that wait to be copied took a third of the time.
    gc.disable()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _stand_ready() -> None:
    """A worker is made with the first thing that it is to do."""


def _work(share: Share) -> Done:
    try:
        return work(share, _count)
    finally:
        gc.collect()


def _count(events: int) -> None:
    if _stopping.is_set():
        raise Stopped
    with _counter.get_lock():
        _counter.value += events
