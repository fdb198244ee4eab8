"""How does a file come to be whole or not at all? Written under another name, then renamed."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path, *, packed: bool, force: bool) -> Iterator[BinaryIO]:
    """Nobody but its owner may read it: it may hold what customers wrote. Raises FileExistsError, and OSError."""
    if path.exists() and not force:
        raise FileExistsError(f"{path} is there already")
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with open(descriptor, "wb") as raw:
            with zipped(raw) if packed else _plain(raw) as file:
                yield file
            raw.flush()
            os.fsync(raw.fileno())
        _publish(part, path, force)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def zipped(raw: BinaryIO) -> Iterator[BinaryIO]:
    """Neither name nor time in the header: the same content is the same file."""
    with gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        yield file  # type: ignore[misc]


@contextmanager
def _plain(raw: BinaryIO) -> Iterator[BinaryIO]:
    yield raw


def _publish(part: Path, path: Path, force: bool) -> None:
    if force:
        part.replace(path)
        return
    try:
        # Unlike a rename, it never takes the place of a file that came meanwhile.
        os.link(part, path)
    except FileExistsError:
        raise FileExistsError(f"{path} is there already") from None
    except OSError:
        if path.exists():
            raise FileExistsError(f"{path} is there already") from None
        part.rename(path)
