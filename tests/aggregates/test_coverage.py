"""Has every refusal a test, and every command one in which it is accepted? Read from the sources, so it cannot rot."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import aggregates
from aggregates.agent import AgentCommand
from aggregates.calendar import CalendarCommand
from aggregates.customer import CustomerCommand, OrganisationCommand
from aggregates.goals.goals import GoalCommand
from aggregates.rates import PublishRates
from aggregates.reportable import ReportableCommand
from aggregates.sla.policies import PolicyCommand
from aggregates.surveys.surveys import SurveyCommand
from aggregates.team import TeamCommand
from aggregates.ticket.commands import TicketCommand
from aggregates.ticket.rating import Rate

RULES = Path(aggregates.__file__).parent
TESTS = Path(__file__).parent
CODE_AT = {"require": 1, "RuleBroken": 0, "UnknownReference": 0, "Unacceptable": 0, "NotFound": 0, "Gone": 0}
ASKED_ELSEWHERE = {
    "calendar.no_hours",  # api/calendars.py
    "calendar.unknown",
    "organisation.unknown",  # commands/desk.py
    "ticket.unknown",  # commands/tickets.py
}


def test_every_refusal_has_a_test() -> None:
    assert codes_raised() - codes_tested() - ASKED_ELSEWHERE == set(), "refusals without given(...).refused(...)"


def test_no_test_waits_for_a_refusal_that_is_gone() -> None:
    assert codes_tested() - codes_raised() == set()


def test_codes_are_dotted_lower_case_words() -> None:
    assert all(code.replace("_", "").replace(".", "").islower() and code.count(".") == 1 for code in codes_raised())


def test_every_command_has_a_test_in_which_it_is_accepted() -> None:
    people = (TeamCommand, AgentCommand, CustomerCommand, OrganisationCommand)
    desk = (*people, CalendarCommand, PolicyCommand, SurveyCommand, ReportableCommand, GoalCommand)
    commands = {
        command.__name__ for union in (TicketCommand | Rate | PublishRates, *desk) for command in get_args(union)
    }
    assert commands - set(commands_named()) == set()


def codes_raised() -> set[str]:
    """Every code in aggregates/: a literal, or `<kind>.unknown` of desk.py, which is the one place that composes."""
    return {code for path in RULES.rglob("*.py") if path.name != "errors.py" for code in _codes(path)}


def codes_tested() -> set[str]:
    return {
        code.value
        for call in _calls_in_tests()
        if isinstance(call.func, ast.Attribute) and call.func.attr == "refused"
        for code in call.args[:1]
        if isinstance(code, ast.Constant) and isinstance(code.value, str)
    }


def commands_named() -> Iterator[str]:
    """Commands constructed in a test that says `.then(` at least once."""
    for path in TESTS.glob("test_*.py"):
        for test in ast.parse(path.read_text()).body:
            accepts = isinstance(test, ast.FunctionDef) and ".then(" in ast.unparse(test)
            yield from (name.id for name in ast.walk(test) if accepts and isinstance(name, ast.Name))


def _codes(path: Path) -> Iterator[str]:
    for call in _calls(path):
        name = ast.unparse(call.func).rpartition(".")[2]
        if name == "_find":
            yield f"{ast.literal_eval(call.args[2])}.unknown"
        elif name in CODE_AT:
            code = call.args[CODE_AT[name]]
            composed = isinstance(code, ast.JoinedStr) and path.name == "desk.py"
            assert isinstance(code, ast.Constant) or composed, f"{path}:{call.lineno}: a code is a literal"
            if isinstance(code, ast.Constant):
                yield str(code.value)


def _calls_in_tests() -> Iterator[ast.Call]:
    for path in TESTS.glob("test_*.py"):
        yield from _calls(path)


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
