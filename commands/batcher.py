"""How do callers that come at the same time share one round trip? Those who queue while a batch runs are the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from aggregates.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """`run` gets up to `limit` items and answers one result for each, in order; what it raises, all of them get."""

    def __init__(self, run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], limit: int) -> None:
        self._run = run
        self._limit = limit
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._busy = False
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if not self._busy:
            await self._lead()
        return await future

    async def _lead(self) -> None:
        """Run the first batch oneself: a task for it would cost a lone caller a tenth of the time."""
        self._busy = True
        try:
            # Whoever is about to ask at this moment comes along.
            await asyncio.sleep(0)
            await self._settle(self._next())
        finally:
            if self._waiting:
                self._worker = asyncio.create_task(self._drain())
            else:
                self._busy = False

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._settle(self._next())
        finally:
            self._busy = False

    def _next(self) -> Sequence[tuple[Item, asyncio.Future[Result]]]:
        batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
        return batch

    async def _settle(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._run([item for item, _ in batch])
        except BaseException as error:
            # A leader that is cancelled must not leave the others waiting: they may ask again.
            failure = error if isinstance(error, Exception) else Unavailable("store.unavailable", "Try again.")
            for _, future in batch:
                if not future.done():
                    future.set_exception(failure)
                    # The cancelled leader asks no more: asyncio need not complain that nobody did.
                    future.exception()
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
