"""hosting: where does a command find a desk to work on, if none runs here yet?"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from chronodesk.errors import Unavailable
from chronodesk.ready import is_ready, reachable_host
from chronodesk.settings import Settings
from chronodesk.start import loaded
from chronodesk.terminal import errors

START_SECONDS = 120.0
STOP_SECONDS = 60.0
LOG_FILE = "hosted.log"


@contextmanager
def desk_at_hand() -> Iterator[Settings]:
    """The settings of the desk that is configured or runs here; else of one that runs as long as the block does."""
    settings = loaded()
    if settings.database_url is not None:
        yield settings
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    log = settings.data_dir / LOG_FILE
    errors.print(f"No desk runs here: starting one (its log: {log})", markup=False, highlight=False, soft_wrap=True)
    command = [sys.executable, "-m", "chronodesk.child", "run"]
    with log.open("wb") as lines:
        run = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=lines, stderr=lines)  # noqa: S603
        try:
            yield _started(run)
        finally:
            # Its stdin is its lifeline: closed, it stops all that it started.
            run.communicate(timeout=STOP_SECONDS)


def _started(run: subprocess.Popen[bytes]) -> Settings:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        settings = loaded()
        if run.poll() is not None:
            raise Unavailable(f"the desk did not start: {settings.data_dir / LOG_FILE} says why")
        if settings.database_url is not None and is_ready(reachable_host(settings), settings.api_port):
            return settings
        time.sleep(0.2)
    raise Unavailable(f"the desk is not ready after {START_SECONDS:.0f} s")
