"""child: how does a command that `chronodesk run` started end with it, even after a kill -9 of the runner?"""

from __future__ import annotations

import os
import signal
import threading
import time

GRACE_SECONDS = 10.0


def main() -> None:
    """`python -m chronodesk.child api`: the command itself, with its stdin as the line to the runner."""
    threading.Thread(target=end_with_parent, name="lifeline", daemon=True).start()
    from chronodesk.cli import main as run_command

    run_command()


def end_with_parent() -> None:
    """The runner never writes: reading ends when it closes the pipe or the kernel does it on its death."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
