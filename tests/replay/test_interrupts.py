"""test_interrupts: is Ctrl-C told from a failure, even where it comes out as one?"""

from __future__ import annotations

import psycopg
import pytest

from replay.interrupts import interrupted


def cancelled_query() -> None:
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        raise psycopg.OperationalError("canceled") from None


def test_ctrl_c_in_the_midst_of_a_query_is_still_ctrl_c() -> None:
    with pytest.raises(psycopg.OperationalError) as raised:
        cancelled_query()
    assert interrupted(raised.value)


def test_a_failure_is_a_failure() -> None:
    assert not interrupted(psycopg.OperationalError("away"))
