"""Who writes while the log is read on? One thread, batch after batch, in the order in which they were put."""

from __future__ import annotations

from collections.abc import Callable
from queue import Queue
from threading import Thread
from types import TracebackType
from typing import Any

from psycopg import Connection

from commands.append import Outcome, append_blocking
from replay.logs.batches import Batch

Settle = Callable[[Batch, list[Outcome]], None]
WAITING = 4


class Appender:
    """Within `with`: `put` waits while four batches are on their way. Leaving waits for all of them."""

    def __init__(self, connection: Connection[Any], settle: Settle) -> None:
        self._connection = connection
        self._settle = settle
        self._queue: Queue[Batch | None] = Queue(WAITING)
        self._failed: BaseException | None = None
        self._thread = Thread(target=self._work, name="appender", daemon=True)

    def put(self, batch: Batch) -> None:
        """Raises what an earlier batch met."""
        if self._failed:
            raise self._failed
        self._queue.put(batch)

    def __enter__(self) -> Appender:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._failed and error is not self._failed:
            raise self._failed

    def _work(self) -> None:
        while (batch := self._queue.get()) is not None:
            if self._failed:
                # Nothing is appended behind a failure; taking it off keeps `put` from waiting for ever.
                continue
            try:
                outcomes = append_blocking(self._connection, batch.commands) if batch.commands else []
                self._settle(batch, outcomes)
            except BaseException as error:
                self._failed = error
