"""How is the goal list changed?"""

from __future__ import annotations

from uuid import UUID

from aggregates.desk import Desk
from aggregates.goals.goals import GOAL_LIST, GoalCommand, GoalList, decide
from commands.context import Accepted, Context
from commands.handle import Ask, Handler, Seen, Writes
from commands.references import references


class Goals:
    """Publishing and retiring goals. Raises Refusal."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def change(self, command: GoalCommand, context: Context, goal: UUID) -> Accepted:
        def decision(seen: Seen, desk: Desk) -> Writes:
            return {GOAL_LIST: decide(seen[GOAL_LIST].state or GoalList(), command, goal, desk, context.now)}

        refers = references(command, context.actor)
        return await self._handler.handle(Ask(command, context, own=(GOAL_LIST,), decide=decision, refers=refers))
