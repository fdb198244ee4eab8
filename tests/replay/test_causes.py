"""test_causes: what does the tree say of what a policy did by itself when a promise was broken?"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from aggregates.sla.policies import POLICY_LIST
from aggregates.ticket import events as t
from consumers.positions import wait_for_views
from replay.audit.causes import Node, Tree, causes
from tests.aggregates.lives import terms
from tests.consumers.test_sla_clock import ADA, GOLD, NETWORK, Desk
from tests.databases import Database
from tests.projections.harness import asked
from tests.replay.test_cli import views_of


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        yield Desk(database.app_url, connection)


def test_an_escalation_hangs_on_the_breach_that_the_clock_noted_and_names_its_rule(
    desk: Desk, database: Database
) -> None:
    actions = [{"action": "escalate", "level": 2, "team": str(NETWORK)}, {"action": "tag", "tags": ["late"]}]
    reactions = [{"on": "breach", "actions": actions}]
    desk.publish(GOLD, terms(7_200, "first_reply"))
    desk.publish(GOLD, terms(3_600, "first_reply", reactions=reactions))
    ticket = desk.opened(2, t.Assigned(agent=ADA), policy=2)
    desk.tick()
    escalated = next(event for event in desk.history(ticket) if isinstance(event.fact, t.Escalated))
    with views_of(database):
        assert wait_for_views(desk.connection, ["trail", "desk", "tickets"], 30).caught_up
        tree: Tree = asked(database.app_url, lambda connection: causes(connection, escalated.position))
    assert tree.root.sent is not None
    assert (tree.root.sent.caller, tree.root.sent.events, tree.cut) == ("sla clock", 3, False)
    (breached,) = tree.root.children
    assert [type_of(node) for node in (breached, *breached.children)] == ["sla_breached", "escalated", "tagged"]
    assert [node.asked for node in breached.children] == [True, False]
    published = next(e.position for e in desk.history(POLICY_LIST) if e.version == 2)
    for node in (breached, *breached.children):
        assert node.rule is not None
        assert (node.rule.policy, node.rule.version, node.rule.name) == (GOLD, 2, "Gold")
        assert node.rule.position == published


def type_of(node: Node) -> str:
    assert node.trace is not None
    return node.trace.type.split(".")[1]
