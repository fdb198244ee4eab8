"""test_supervisor: do children come back when they die, and go when we go?"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from chronodesk.local.files import command_line
from chronodesk.processes import Process
from chronodesk.supervisor import STOP_SECONDS, Supervisor

ROOT = Path(__file__).parents[2]
SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
BACK_WITHIN_SECONDS = 10


class Desk:
    """A supervisor of made-up processes, and what they said."""

    def __init__(self, **programs: str) -> None:
        self.lines: list[tuple[str, str]] = []
        processes = [Process(name, (name,)) for name in programs]
        self.supervisor = Supervisor(
            processes,
            dict(os.environ),
            lambda name, line: self.lines.append((name, line)),
            command=lambda process: [sys.executable, "-c", programs[process.name]],
        )

    def said(self, name: str) -> list[str]:
        return [line for who, line in self.lines if who == name]

    def play(self, scene: Callable[[Desk], Awaitable[None]]) -> None:
        asyncio.run(self._play(scene))

    async def _play(self, scene: Callable[[Desk], Awaitable[None]]) -> None:
        stopping = asyncio.Event()
        running = asyncio.create_task(self.supervisor.run(stopping))
        try:
            await scene(self)
        finally:
            stopping.set()
            await running


async def until(true: Callable[[], bool], seconds: float = BACK_WITHIN_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  what is waited for happens in another process
            await asyncio.sleep(0.02)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_child_is_back_within_ten_seconds() -> None:
    async def scene(desk: Desk) -> None:
        await until(lambda: desk.said("relay") == ["up"])
        os.kill(desk.supervisor.pids["relay"], signal.SIGKILL)
        await until(lambda: desk.said("relay").count("up") == 2)
        assert any("SIGKILL" in line for line in desk.said("relay"))

    Desk(relay=SLEEPER).play(scene)


def test_a_child_that_always_fails_is_tried_again_with_longer_and_longer_waits() -> None:
    async def scene(desk: Desk) -> None:
        await until(lambda: len(desk.said("api")) >= 3)
        assert [line.rpartition("again in ")[2] for line in desk.said("api")[:3]] == ["0.5 s", "1 s", "2 s"]
        assert "exit code 3" in desk.said("api")[0]

    Desk(api="raise SystemExit(3)").play(scene)


def test_all_children_end_with_us_and_the_others_run_on_until_then() -> None:
    pids: dict[str, int] = {}

    async def scene(desk: Desk) -> None:
        await until(lambda: len(desk.supervisor.pids) == 2 and len(desk.lines) == 2)
        pids.update(desk.supervisor.pids)
        os.kill(pids["api"], signal.SIGKILL)
        await until(lambda: len(desk.said("api")) >= 2)
        assert is_there(pids["relay"])

    Desk(api=SLEEPER, relay=SLEEPER).play(scene)
    assert not any(is_there(pid) for pid in pids.values())


def test_a_child_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chronodesk.supervisor.STOP_SECONDS", 0.5)
    pids: list[int] = []

    async def scene(desk: Desk) -> None:
        await until(lambda: desk.said("api") == ["up"])
        pids.extend(desk.supervisor.pids.values())

    Desk(api=STUBBORN).play(scene)
    assert not is_there(pids[0])


def test_a_line_longer_than_any_buffer_does_not_end_the_listening() -> None:
    async def scene(desk: Desk) -> None:
        await until(lambda: "after" in desk.said("api"))

    Desk(api="print('x' * 9_000_000); print('after', flush=True); import time; time.sleep(600)").play(scene)


def test_children_end_even_when_the_runner_is_killed() -> None:
    """The runner is a process of its own here, and dies by SIGKILL, so that it cannot tell anybody."""
    program = "import subprocess, sys, time; c = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=-1);"
    program += "print(c.pid, flush=True); time.sleep(600)"
    child = "import threading, time; from chronodesk.child import end_with_parent;"
    child += "threading.Thread(target=end_with_parent, daemon=True).start(); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", program, child], stdout=subprocess.PIPE, cwd=ROOT) as runner:
        assert runner.stdout is not None
        pid = int(runner.stdout.readline())
        time.sleep(1)
        assert is_there(pid)
        runner.kill()
    deadline = time.monotonic() + BACK_WITHIN_SECONDS
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    """A zombie that nobody has collected yet does not run."""
    return command_line(pid) != ""


@pytest.mark.parametrize("turns", range(6))
def test_a_child_that_is_just_being_born_is_stopped_too(turns: int) -> None:
    async def scene(desk: Desk) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    started = time.monotonic()
    Desk(relay=SLEEPER, api=SLEEPER).play(scene)
    assert time.monotonic() - started < STOP_SECONDS
