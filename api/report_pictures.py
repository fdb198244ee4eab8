"""HTTP for pictures: how does a report look?"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Response
from psycopg.errors import QueryCanceled

from api.callers import FigureCaller
from api.reports import BINARY, too_much
from api.reports_asked import Asked
from api.strict import router
from projections.metrics.answer import Answer
from projections.metrics.answering import answered

pictures = router("/reports", "figures")
MEDIA = "image/svg+xml"
DRAWN: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA: BINARY}, "description": "Its picture"}}
# Opened by itself it is a document: one that may do nothing.
ALONE = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}


@pictures.get("/{name}.svg", response_class=Response, responses=DRAWN)
async def get_report_picture(who: FigureCaller, name: str, asked: Asked, response: Response) -> Response:
    """Its figures as a picture, with a title and a description for those who do not see it."""
    settled = await asked.question(name)
    try:
        async with asked.read.services.store.connection() as connection:
            answer = await answered(connection, settled)
    except QueryCanceled:
        raise too_much() from None
    picture = await asyncio.to_thread(_drawn, answer)
    return Response(picture, media_type=MEDIA, headers=dict(response.headers) | ALONE)


def _drawn(answer: Answer) -> bytes:
    # Takes half a second to import, and most of those who serve figures never draw any.
    from replay.report.charts import draw

    return draw(answer)
