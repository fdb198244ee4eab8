"""Is what docs/reporting.md says so, and does what it asks get an answer?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from commands.database import connect
from tests.databases import Database
from tests.replay.rebuilding import all_go_on
from tests.reporting.analyst import Login, a_login
from tests.reporting.docs import FILE, MARK, described

TEXT = FILE.read_text()
QUESTIONS = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def login(module_database: Database) -> Iterator[Login]:
    with closing(connect(module_database.app_url, name="test")) as connection:
        all_go_on(module_database.app_url, connection)
    with a_login(module_database) as login:
        yield login


def test_it_tells_of_each_view_what_the_database_does(login: Login) -> None:
    with login.connect() as analyst:
        assert TEXT.partition(MARK)[2] == described(analyst), "run: python -m tests.reporting.docs"


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_analyst_gets_an_answer(login: Login, question: str) -> None:
    with login.connect() as analyst:
        assert analyst.execute(question.encode()).description


def test_there_are_questions() -> None:
    assert len(QUESTIONS) > 3
