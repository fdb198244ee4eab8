"""supervisor: who keeps the desk's processes running, and ends them all together?"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Callable, Mapping, Sequence

from chronodesk.processes import Process

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 5.0
# A child that lived this long was well: its next death starts with a short wait again.
WELL_SECONDS = 30.0
STOP_SECONDS = 15.0
LONGEST_LINE = 4 * 1024 * 1024

Say = Callable[[str, str], None]


def child_command(process: Process) -> list[str]:
    """The same command as in compose.yaml, by this interpreter and with a line to its parent."""
    return [sys.executable, "-m", "chronodesk.child", *process.arguments]


class Supervisor:
    """Starts processes, starts the dead ones again, and stops all of them when told to."""

    def __init__(
        self,
        processes: Sequence[Process],
        environment: Mapping[str, str],
        say: Say,
        *,
        command: Callable[[Process], list[str]] = child_command,
    ) -> None:
        self._processes = processes
        self._environment = dict(environment)
        self._say = say
        self._command = command
        self._running: dict[str, asyncio.subprocess.Process] = {}

    @property
    def pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self._running.items()}

    async def run(self, stopping: asyncio.Event) -> None:
        """Returns when `stopping` is set and every child has ended."""
        keepers = [asyncio.create_task(self._keep(process, stopping)) for process in self._processes]
        waiting = asyncio.create_task(stopping.wait())
        try:
            # A keeper ends by itself only with an error of ours, which must not leave half a desk.
            await asyncio.wait([waiting, *keepers], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.set()
            waiting.cancel()
            await asyncio.gather(*keepers)

    async def _keep(self, process: Process, stopping: asyncio.Event) -> None:
        wait = FIRST_WAIT_SECONDS
        while not stopping.is_set():
            started = time.monotonic()
            code = await self._run_once(process, stopping)
            if stopping.is_set():
                return
            wait = FIRST_WAIT_SECONDS if time.monotonic() - started > WELL_SECONDS else wait
            self._say(process.name, f"{_ending(code)}; again in {wait:g} s")
            await _sleep_unless(stopping, wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _run_once(self, process: Process, stopping: asyncio.Event) -> int:
        child = await asyncio.create_subprocess_exec(
            *self._command(process),
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            env=self._environment,
            limit=LONGEST_LINE,
            # Ctrl-C reaches only us; the children get their SIGTERM from us.
            start_new_session=True,
        )
        self._running[process.name] = child
        # One for each child, so that a child that was just being born when all were told to stop is told too.
        ending = asyncio.create_task(_end_when(stopping, child))
        try:
            await self._repeat_lines(process.name, child)
            return await child.wait()
        finally:
            ending.cancel()
            self._running.pop(process.name, None)

    async def _repeat_lines(self, name: str, child: asyncio.subprocess.Process) -> None:
        """Until the child closes its output. What it says is never a reason to stop listening: it would block."""
        while child.stdout is not None:
            try:
                line = await child.stdout.readline()
            except ValueError:
                self._say(name, f"(a line of more than {LONGEST_LINE // 1024**2} MiB)")
                continue
            if not line:
                return
            self._say(name, line.decode(errors="replace").rstrip())


async def _end_when(stopping: asyncio.Event, child: asyncio.subprocess.Process) -> None:
    await stopping.wait()
    _signal(child, signal.SIGTERM)
    await asyncio.sleep(STOP_SECONDS)
    _signal(child, signal.SIGKILL)


def _signal(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if child.returncode is None:
        try:
            child.send_signal(number)
        except ProcessLookupError:
            return


def _ending(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


async def _sleep_unless(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
