"""app: how do routers, limits and shared services become one ASGI application?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import (
    audit,
    bulk,
    calendars,
    desk,
    door,
    events,
    goals,
    health,
    my,
    openapi,
    policies,
    problems,
    proof,
    queues,
    rates,
    ratings,
    report_pictures,
    reportable,
    reports,
    search,
    sla_moves,
    sla_reads,
    surveys,
    ticket_reads,
    ticket_time,
    tickets,
    verbs,
    views,
    what_if,
)
from api.callers import Keyring
from api.config import ApiConfig
from api.metrics import MeasuredStore
from api.services import services_of
from commands.database import pool

ROUTERS = (
    tickets.tickets,
    ticket_reads.ticket_reads,
    ticket_time.ticket_time,
    events.history,
    proof.ticket_evidence,
    verbs.verbs,
    bulk.bulk,
    my.my,
    ticket_time.own_time,
    queues.queues,
    search.search,
    search.own_search,
    search.similar,
    desk.teams,
    desk.agents,
    desk.customers,
    desk.organisations,
    calendars.calendars,
    policies.policies,
    rates.rates,
    goals.goals,
    surveys.surveys,
    ratings.ratings,
    ratings.ticket_ratings,
    ratings.my_ratings,
    reportable.reportable,
    # Before the reports: their names would take `{name}.svg` for another name.
    report_pictures.pictures,
    reports.metrics,
    reports.reports,
    sla_reads.ticket_sla,
    sla_reads.sla,
    sla_moves.moves,
    what_if.what_ifs,
    events.feed,
    audit.causality,
    audit.audit,
    proof.audit,
    views.views,
    health.health,
)


def create_app(config: ApiConfig) -> FastAPI:
    """Everything is opened when the application starts; a database that is away then is waited for by /readyz."""
    app = FastAPI(
        title="Chronodesk",
        version=config.release,
        lifespan=_lifespan,
        redoc_url=None,
    )
    app.state.config, app.state.keyring = config, Keyring(config.keys)
    for router in ROUTERS:
        # Flat: an included router would be matched and resolved anew for each request.
        app.router.routes.extend(router.routes)
    problems.install(app)
    openapi.install(app)
    app.add_middleware(door.BodyLimit, limit=config.max_body_bytes)
    app.add_middleware(door.Observed)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    config: ApiConfig = app.state.config
    connections = pool(config.database_url, name="api", size=config.pool_size)
    await connections.open()
    services = services_of(config, MeasuredStore(connections))
    app.state.services, app.state.stop = services, services.tail.stop
    try:
        yield
    finally:
        await services.tail.close()
        await connections.close()
