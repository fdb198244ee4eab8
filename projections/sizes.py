"""sizes: how does an index find what lasted over a point of time, wherever it began?

By the size of what lasted, which is how many binary digits its length has. What is of size n and held at a point began
less than 2^n before it: one range of the index for each size, and only a handful of sizes hold anything.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

MICROSECOND = timedelta(microseconds=1)
BEGINNING = datetime.min.replace(tzinfo=UTC)


def size(length: Any) -> int:
    """0: none; n: at least 2^(n-1) and less than 2^n. Of positions, or of microseconds."""
    return int(length).bit_length()


def before(instant: datetime, size: int) -> datetime:
    """What began then or earlier, and is of this size, was over by the instant."""
    try:
        return instant - (1 << size) * MICROSECOND
    except OverflowError:
        return BEGINNING
