"""How are surveys changed?"""

from __future__ import annotations

from uuid import UUID

from aggregates.desk import Desk
from aggregates.surveys.surveys import SURVEY_LIST, SurveyCommand, SurveyList, decide
from commands.context import Accepted, Context
from commands.handle import Ask, Handler, Seen, Writes
from commands.references import references


class Surveys:
    """Publishing and ordering surveys. Raises Refusal."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def change(self, command: SurveyCommand, context: Context, survey: UUID = SURVEY_LIST) -> Accepted:
        """`survey`: the one to publish."""

        def decision(seen: Seen, desk: Desk) -> Writes:
            return {SURVEY_LIST: decide(seen[SURVEY_LIST].state or SurveyList(), command, survey, desk)}

        refers = references(command, context.actor)
        return await self._handler.handle(Ask(command, context, own=(SURVEY_LIST,), decide=decision, refers=refers))
