"""How is the policy list changed?"""

from __future__ import annotations

from uuid import UUID

from aggregates.desk import Desk
from aggregates.sla.policies import POLICY_LIST, PolicyCommand, decide
from commands.applying import policies_seen
from commands.context import Accepted, Context
from commands.handle import Ask, Handler, Seen, Writes
from commands.references import references


class Policies:
    """Publishing, ordering and retiring policies. Raises Refusal."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def change(self, command: PolicyCommand, context: Context, policy: UUID = POLICY_LIST) -> Accepted:
        """`policy`: the one to publish or retire. What names no instant holds from now on."""

        def decision(seen: Seen, desk: Desk) -> Writes:
            return {POLICY_LIST: decide(policies_seen(seen), command, policy, desk, context.now)}

        refers = references(command, context.actor)
        return await self._handler.handle(Ask(command, context, own=(POLICY_LIST,), decide=decision, refers=refers))
