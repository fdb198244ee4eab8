"""How is the goal list changed?"""

from __future__ import annotations

from uuid import UUID

from aggregates.desk import Desk
from aggregates.goals.goals import GOAL_LIST, GoalCommand, GoalList, decide
from commands.context import Accepted, Context
from commands.handle import Ask, Handler, Seen, Writes
from commands.references import references


async def change_goal(handler: Handler, command: GoalCommand, context: Context, goal: UUID) -> Accepted:
    """`goal`: the one to publish or retire. Raises Refusal."""

    def decision(seen: Seen, desk: Desk) -> Writes:
        return {GOAL_LIST: decide(goals_seen(seen), command, goal, desk, context.now)}

    refers = references(command, context.actor)
    return await handler.handle(Ask(command, context, own=(GOAL_LIST,), decide=decision, refers=refers))


def goals_seen(seen: Seen) -> GoalList:
    known = seen[GOAL_LIST].state
    return known if isinstance(known, GoalList) else GoalList()
