"""How is it changed which fields analysts may read?"""

from __future__ import annotations

from aggregates.desk import Desk
from aggregates.reportable import REPORTABLE_FIELDS, ReportableCommand, ReportableFields, decide
from commands.context import Accepted, Context
from commands.handle import Ask, Handler, Seen, Writes


async def change_reportable(handler: Handler, command: ReportableCommand, context: Context) -> Accepted:
    """Declare or withdraw a field. Raises Refusal."""

    def decision(seen: Seen, desk: Desk) -> Writes:
        return {REPORTABLE_FIELDS: decide(reportable_seen(seen), command)}

    return await handler.handle(Ask(command, context, own=(REPORTABLE_FIELDS,), decide=decision))


def reportable_seen(seen: Seen) -> ReportableFields:
    known = seen[REPORTABLE_FIELDS].state
    return known if isinstance(known, ReportableFields) else ReportableFields()
