"""What caused an event, up to who asked for it, and what else came of that?

A command caused all that it wrote, in however many streams, but for what names another event as its cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from aggregates.envelope import Recorded, recorded
from aggregates.errors import NotFound
from aggregates.sla.policies import POLICY_LIST, PolicyPublished
from aggregates.ticket.events import SlaApplied, SlaBreached
from commands.log import stream_after
from projections.trail_queries import Trace, at_positions, begun_by, called, caused
from replay.audit.said import Told, told
from replay.phrases import Names

DEEPEST, MOST = 100, 200
COMMAND: LiteralString = """
SELECT caller, last_position - first_position + 1 FROM store.commands WHERE command_id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """Who sent a command, and how many events it wrote."""

    caller: str
    events: int


@dataclass(frozen=True, slots=True)
class Published:
    """The version of a policy that an event stands on, and the event that published it."""

    policy: UUID
    version: int
    name: str
    position: int


@dataclass(slots=True)
class Node:
    """A command or an event, and what it caused. Neither: an id that nothing in this log has.

    asked   the event that was asked about
    more    something else that it caused was left out
    """

    id: UUID
    trace: Trace | None = None
    sent: Sent | None = None
    told: Told | None = None
    rule: Published | None = None
    asked: bool = False
    more: bool = False
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Tree:
    """`cut`: there is more than is shown."""

    root: Node
    names: Names
    cut: bool


async def causes(connection: AsyncConnection[Any], position: int, most: int = MOST, deepest: int = DEEPEST) -> Tree:
    """From the first cause down, at most so many events, but always the way to this one. Raises NotFound."""
    found = await at_positions(connection, [position])
    if not found:
        raise NotFound("event.not_found", "The log has no event at this position, or the trail has not come so far.")
    path = await _path(connection, found[0], deepest)
    root = await _root(connection, path[0])
    growth = _Growth(connection, root, path, most)
    growth.nodes[path[-1].id].asked = True
    await growth.grow(deepest)
    names = await _tell(connection, root)
    return Tree(root, names, any(node.more for node in root.walk()))


async def _path(connection: AsyncConnection[Any], trace: Trace, deepest: int) -> list[Trace]:
    """From the first event that caused it to itself. A cause lies before its effect, so this ends."""
    path = [trace]
    while path[0].causation_id is not None and len(path) < deepest:
        above = [one for one in await called(connection, [path[0].causation_id]) if one.position < path[0].position]
        if not above:
            break
        path.insert(0, above[0])
    return path


async def _root(connection: AsyncConnection[Any], first: Trace) -> Node:
    id = first.causation_id or first.command_id
    sent = await (await connection.execute(COMMAND, {"id": id}, prepare=True)).fetchone()
    return Node(id, sent=None if sent is None else Sent(*sent))


class _Growth:
    """A tree that grows a level at a time, each by one question."""

    def __init__(self, connection: AsyncConnection[Any], root: Node, path: Sequence[Trace], most: int) -> None:
        self._connection, self._root, self._room = connection, root, max(most, len(path))
        self.nodes: dict[UUID, Node] = {root.id: root}
        for trace in path:
            self.plant(trace)

    def plant(self, trace: Trace) -> Node | None:
        """Under its cause; None where it stands already or there is no room."""
        if trace.id in self.nodes:
            return None
        parent = self.nodes.get(trace.causation_id or trace.command_id, self._root)
        if self._room == 0:
            parent.more = True
            return None
        self._room -= 1
        node = self.nodes[trace.id] = Node(trace.id, trace)
        parent.children.append(node)
        return node

    async def grow(self, levels: int) -> None:
        level = list(self.nodes)
        for _ in range(levels):
            planted = [self.plant(trace) for trace in await self._below(level)]
            level = [node.id for node in planted if node is not None]
            if not level:
                break
        else:
            self._room = 0
            for trace in await self._below(level):
                self.plant(trace)
        for node in self.nodes.values():
            node.children.sort(key=lambda child: child.trace.position if child.trace else 0)

    async def _below(self, level: Sequence[UUID]) -> list[Trace]:
        # One more than there is room for, or nobody would know that there is more.
        limit = self._room + len(self.nodes) + 1
        found = await caused(self._connection, level, limit)
        if self._root.id in level:
            found += await begun_by(self._connection, self._root.id, limit)
        return sorted(found, key=lambda trace: trace.position)


async def _tell(connection: AsyncConnection[Any], root: Node) -> Names:
    nodes = [node for node in root.walk() if node.trace is not None]
    lines, names = await told(connection, [node.trace for node in nodes if node.trace is not None])
    policies = await _published(connection, lines)
    for node, line in zip(nodes, lines, strict=True):
        node.told, node.rule = line, policies.get(_stands_on(line.event))
    return names


async def _published(
    connection: AsyncConnection[Any], lines: Sequence[Told]
) -> Mapping[tuple[str, int] | None, Published]:
    if not any(_stands_on(line.event) for line in lines):
        return {}
    found: dict[tuple[str, int] | None, Published] = {}
    for event in map(recorded, await stream_after(connection, POLICY_LIST, 0)):
        if isinstance(event.fact, PolicyPublished):
            policy = event.fact.policy
            version = 1 + sum(one.policy == policy for one in found.values())
            found[str(policy), version] = Published(policy, version, event.fact.terms.name, event.position)
    return found


def _stands_on(event: Recorded | None) -> tuple[str, int] | None:
    """The policy and version by which something was done, or which the fact itself names."""
    if event is None:
        return None
    if event.actor.kind == "rule":
        policy, _, version = event.actor.id.rpartition("@")
        return (policy, int(version)) if version.isdigit() else None
    if isinstance(event.fact, SlaApplied | SlaBreached) and event.fact.policy is not None:
        return str(event.fact.policy), event.fact.policy_version
    return None
