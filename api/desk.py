"""HTTP for the desk's configuration: teams, agents, customers and their organisations."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Response
from pydantic import BaseModel

from aggregates.agent import ChangeAgent, RegisterAgent
from aggregates.customer import (
    ChangeCustomer,
    RegisterCustomer,
    RegisterOrganisation,
    RenameOrganisation,
)
from aggregates.kinds import SINGLE
from aggregates.team import ChangeTeam, CreateTeam
from api.answers import Changed
from api.as_of import Then
from api.asking import Ask, AskAnew, stamp
from api.callers import AgentCaller, FigureCaller, IntakeCaller, LeadCaller, ReaderCaller
from api.reading import Cursor, Limit, Read, found
from api.shown import (
    AgentShown,
    AgentsPage,
    CustomerShown,
    CustomersPage,
    OrganisationShown,
    OrganisationsPage,
    TeamShown,
    TeamsPage,
)
from api.strict import invalid, router
from commands.context import Accepted
from projections import desk_queries
from replay.past.desk import agent_then, customer_then, organisation_then, team_then

teams = router("/teams", "teams")
agents = router("/agents", "agents")
customers = router("/customers", "customers")
organisations = router("/organisations", "customers")
VIEW = "desk"


async def _id(id: Annotated[UUID, Path()]) -> UUID:
    if id.int == 0:
        raise invalid("path.id", "uuid_nil")
    if id in SINGLE:
        # Whoever registered a customer under it would leave the desk without policies for ever.
        raise invalid("path.id", "uuid_reserved")
    return id


Id = Annotated[UUID, Depends(_id)]


class Presence(BaseModel):
    online: bool


@teams.post("", status_code=201)
async def create_team(who: LeadCaller, body: CreateTeam, ask: AskAnew, response: Response) -> Changed:
    """Create a team."""
    context = ask.context(who, body, "team")
    return told(response, await ask.services.configuration.team(None, body, context), "teams")


@teams.put("/{id}", status_code=201)
async def create_team_as(who: LeadCaller, id: Id, body: CreateTeam, ask: AskAnew, response: Response) -> Changed:
    """Create a team under an id of your own choice."""
    context = ask.context(who, body, f"team {id}")
    return told(response, await ask.services.configuration.team(id, body, context), "teams")


@teams.patch("/{id}")
async def change_team(who: LeadCaller, id: Id, body: ChangeTeam, ask: Ask, response: Response) -> Changed:
    """Rename it, change its leader and members, disable or enable it."""
    return told(response, await ask.services.configuration.team(id, body, ask.context(who, body, f"team {id}")))


@teams.get("")
async def list_teams(who: FigureCaller, read: Read, limit: Limit = 50, cursor: Cursor = None) -> TeamsPage:
    """Teams by name."""
    async with read.view(VIEW) as connection:
        return TeamsPage.model_validate(await desk_queries.teams(connection, limit, cursor))


@teams.get("/{id}")
async def get_team(who: FigureCaller, id: Id, read: Read, then: Then) -> TeamShown:
    """One team, as it is now or was at a moment."""
    async with read.view(VIEW, then) as connection:
        if then is not None:
            return TeamShown.model_validate(await team_then(connection, id, then))
        return TeamShown.model_validate(found(await desk_queries.team(connection, id), "team"))


@agents.post("", status_code=201)
async def register_agent(who: LeadCaller, body: RegisterAgent, ask: AskAnew, response: Response) -> Changed:
    """Register an agent."""
    context = ask.context(who, body, "agent")
    return told(response, await ask.services.configuration.agent(None, body, context), "agents")


@agents.put("/{id}", status_code=201)
async def register_agent_as(who: LeadCaller, id: Id, body: RegisterAgent, ask: AskAnew, response: Response) -> Changed:
    """Register an agent under the id that their API key already names."""
    context = ask.context(who, body, f"agent {id}")
    return told(response, await ask.services.configuration.agent(id, body, context), "agents")


@agents.patch("/{id}")
async def change_agent(who: LeadCaller, id: Id, body: ChangeAgent, ask: Ask, response: Response) -> Changed:
    """Change name, skills or capacity, disable or enable them."""
    return told(response, await ask.services.configuration.agent(id, body, ask.context(who, body, f"agent {id}")))


@agents.put("/me/presence", status_code=200)
async def change_presence(who: AgentCaller, body: Presence, ask: AskAnew, response: Response) -> Changed:
    """Say whether you are there to work."""
    command = ChangeAgent(online=body.online)
    context = ask.context(who, command, f"agent {who.id}")
    return told(response, await ask.services.configuration.agent(who.id, command, context))


@agents.get("")
async def list_agents(who: FigureCaller, read: Read, limit: Limit = 50, cursor: Cursor = None) -> AgentsPage:
    """Agents by name."""
    async with read.view(VIEW) as connection:
        return AgentsPage.model_validate(await desk_queries.agents(connection, limit, cursor))


@agents.get("/{id}")
async def get_agent(who: FigureCaller, id: Id, read: Read, then: Then) -> AgentShown:
    """One agent, as it is now or was at a moment."""
    async with read.view(VIEW, then) as connection:
        if then is not None:
            return AgentShown.model_validate(await agent_then(connection, id, then))
        return AgentShown.model_validate(found(await desk_queries.agent(connection, id), "agent"))


@customers.post("", status_code=201)
async def register_customer(who: IntakeCaller, body: RegisterCustomer, ask: AskAnew, response: Response) -> Changed:
    """Register a customer. An e-mail address belongs to one of them only."""
    context = ask.context(who, body, "customer")
    return told(response, await ask.services.configuration.customer(None, body, context), "customers")


@customers.put("/{id}", status_code=201)
async def register_customer_as(
    who: IntakeCaller, id: Id, body: RegisterCustomer, ask: AskAnew, response: Response
) -> Changed:
    """Register a customer under an id of your own choice."""
    context = ask.context(who, body, f"customer {id}")
    return told(response, await ask.services.configuration.customer(id, body, context), "customers")


@customers.patch("/{id}")
async def change_customer(who: AgentCaller, id: Id, body: ChangeCustomer, ask: Ask, response: Response) -> Changed:
    """Change name, contacts, language, tier or organisation."""
    context = ask.context(who, body, f"customer {id}")
    return told(response, await ask.services.configuration.customer(id, body, context))


@customers.get("")
async def list_customers(who: ReaderCaller, read: Read, limit: Limit = 50, cursor: Cursor = None) -> CustomersPage:
    """Customers by name, erased ones first."""
    async with read.view(VIEW) as connection:
        return CustomersPage.model_validate(await desk_queries.customers(connection, limit, cursor))


@customers.get("/{id}")
async def get_customer(who: ReaderCaller, id: Id, read: Read, then: Then) -> CustomerShown:
    """One customer, as it is now or was at a moment."""
    async with read.view(VIEW, then) as connection:
        if then is not None:
            return CustomerShown.model_validate(await customer_then(connection, id, then))
        return CustomerShown.model_validate(found(await desk_queries.customer(connection, id), "customer"))


@organisations.post("", status_code=201)
async def register_organisation(
    who: AgentCaller, body: RegisterOrganisation, ask: AskAnew, response: Response
) -> Changed:
    """Register an organisation."""
    context = ask.context(who, body, "organisation")
    return told(response, await ask.services.configuration.organisation(None, body, context), "organisations")


@organisations.put("/{id}", status_code=201)
async def register_organisation_as(
    who: AgentCaller, id: Id, body: RegisterOrganisation, ask: AskAnew, response: Response
) -> Changed:
    """Register an organisation under an id of your own choice."""
    context = ask.context(who, body, f"organisation {id}")
    return told(response, await ask.services.configuration.organisation(id, body, context), "organisations")


@organisations.patch("/{id}")
async def rename_organisation(
    who: AgentCaller, id: Id, body: RenameOrganisation, ask: Ask, response: Response
) -> Changed:
    """Rename it."""
    context = ask.context(who, body, f"organisation {id}")
    return told(response, await ask.services.configuration.organisation(id, body, context))


@organisations.get("")
async def list_organisations(
    who: ReaderCaller, read: Read, limit: Limit = 50, cursor: Cursor = None
) -> OrganisationsPage:
    """Organisations by name."""
    async with read.view(VIEW) as connection:
        return OrganisationsPage.model_validate(await desk_queries.organisations(connection, limit, cursor))


@organisations.get("/{id}")
async def get_organisation(who: ReaderCaller, id: Id, read: Read, then: Then) -> OrganisationShown:
    """One organisation, as it is now or was at a moment."""
    async with read.view(VIEW, then) as connection:
        if then is not None:
            return OrganisationShown.model_validate(await organisation_then(connection, id, then))
        return OrganisationShown.model_validate(found(await desk_queries.organisation(connection, id), "organisation"))


def told(response: Response, accepted: Accepted, collection: str | None = None) -> Changed:
    stamp(response, accepted)
    if collection is not None:
        response.headers["Location"] = f"/v1/{collection}/{accepted.stream}"
    return Changed(
        id=accepted.stream,
        version=accepted.version,
        position=accepted.position,
        events=accepted.events,
    )
