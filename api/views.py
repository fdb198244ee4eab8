"""HTTP for those who run it: how far is each view?"""

from __future__ import annotations

from fastapi import Response

from api.asking import POSITION
from api.callers import OpsCaller
from api.positions import VIEWS
from api.services import Shared
from api.shown import ViewShown, ViewsShown
from api.strict import router
from consumers.positions import view_positions

views = router("/views", "operations")


@views.get("")
async def list_views(who: OpsCaller, services: Shared, response: Response) -> ViewsShown:
    """Each view's position, the log's head, and the lag between them. A view that is not built is at 0."""
    async with services.store.connection() as connection:
        positions = await view_positions(connection, VIEWS)
    head = await services.tail.head()
    response.headers[POSITION] = str(min((positions.get(view, 0) for view in VIEWS), default=0))
    return ViewsShown(
        views=[
            ViewShown(view=view, position=positions.get(view, 0), head=head, lag=max(0, head - positions.get(view, 0)))
            for view in VIEWS
        ]
    )
