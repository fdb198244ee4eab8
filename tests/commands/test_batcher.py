"""Callers that come at the same time share a round trip, whatever becomes of the first of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from aggregates.errors import Unavailable
from commands.batcher import Batcher

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Slow:
    """Doubles numbers, a batch at a time; an odd batch size fails if told so."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(len(items))
        await asyncio.sleep(0.01)
        if 13 in items:
            raise ValueError("thirteen")
        return [2 * item for item in items]


async def test_who_comes_together_goes_together_and_gets_their_own_answer() -> None:
    slow = Slow()
    batcher = Batcher(slow, 100)
    assert await asyncio.gather(*(batcher.submit(n) for n in range(8))) == [2 * n for n in range(8)]
    assert await asyncio.gather(*(batcher.submit(n) for n in range(8))) == [2 * n for n in range(8)]
    assert slow.batches == [8, 8]


async def test_who_comes_while_a_batch_runs_is_in_the_next_one_up_to_the_limit() -> None:
    slow = Slow()
    batcher = Batcher(slow, 3)
    first = asyncio.create_task(batcher.submit(1))
    await asyncio.sleep(0.005)
    assert await asyncio.gather(*(batcher.submit(n) for n in range(4))) == [0, 2, 4, 6]
    assert await first == 2
    assert slow.batches == [1, 3, 1]


async def test_what_a_batch_raises_all_of_it_get_and_the_next_goes_on() -> None:
    batcher = Batcher(Slow(), 100)
    answers = await asyncio.gather(*(batcher.submit(n) for n in (12, 13, 14)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError] * 3
    assert await batcher.submit(1) == 2


async def test_a_first_caller_who_gives_up_leaves_nobody_waiting() -> None:
    batcher = Batcher(Slow(), 100)
    first, second = asyncio.create_task(batcher.submit(1)), asyncio.create_task(batcher.submit(2))
    await asyncio.sleep(0.005)
    late = asyncio.create_task(batcher.submit(3))
    await asyncio.sleep(0)
    first.cancel()
    answers = await asyncio.wait_for(asyncio.gather(first, second, late, return_exceptions=True), 1)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert isinstance(answers[1], Unavailable)
    assert answers[2] == 6
    assert await batcher.submit(4) == 8
