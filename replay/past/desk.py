"""What was a team, agent, customer or organisation at a moment of the past?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, LiteralString, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from aggregates.agent import Agent
from aggregates.customer import Customer, Organisation
from aggregates.envelope import Recorded, Stored, recorded
from aggregates.errors import NotFound
from aggregates.moment import Moment
from aggregates.team import Team
from aggregates.text import shown
from commands.log import whole_streams
from projections.desk import Desk, DeskRow
from projections.desk_queries import AgentView, CustomerView, OrganisationView, TeamView

EntryT = TypeVar("EntryT", Team, Agent, Customer, Organisation)
TEAMS: LiteralString = "SELECT id FROM read.teams ORDER BY id"


async def team_then(connection: AsyncConnection[Any], id: UUID, moment: Moment) -> TeamView:
    row, team = await _then(connection, id, moment, "team", Team)
    return TeamView(id, row.version, team.name, team.leader, sorted(team.members), team.enabled)


async def agent_then(connection: AsyncConnection[Any], id: UUID, moment: Moment) -> AgentView:
    row, a = await _then(connection, id, moment, "agent", Agent)
    teams = await _teams_of(connection, id, moment)
    return AgentView(id, row.version, a.name, dict(a.skills), a.capacity, a.online, a.enabled, teams)


async def customer_then(connection: AsyncConnection[Any], id: UUID, moment: Moment) -> CustomerView:
    row, c = await _then(connection, id, moment, "customer", Customer)
    contacts = [{"kind": contact.kind, "value": shown(contact.value)} for contact in c.contacts]
    return CustomerView(id, row.version, shown(c.name), contacts, c.language, c.tier, c.organisation)  # type: ignore[arg-type]


async def organisation_then(connection: AsyncConnection[Any], id: UUID, moment: Moment) -> OrganisationView:
    row, organisation = await _then(connection, id, moment, "organisation", Organisation)
    return OrganisationView(id, row.version, organisation.name)


async def _then(
    connection: AsyncConnection[Any], id: UUID, moment: Moment, what: str, kind: type[EntryT]
) -> tuple[DeskRow, EntryT]:
    """Raises NotFound."""
    history = _decoded(await whole_streams(connection, [id]))
    row = _row(history, moment)
    if not history or history[0].fact.type_name.partition(".")[0] != what:
        raise NotFound(f"{what}.not_found", f"There is no such {what}.")
    if row is None:
        first, happened = history[0].recorded_at, min(event.at for event in history)
        told = f"It was recorded on {first:%Y-%m-%d %H:%M:%S} UTC and had happened on {happened:%Y-%m-%d %H:%M:%S} UTC."
        raise NotFound(f"{what}.not_known_then", f"This {what} was not known then. {told}")
    assert isinstance(row.entry, kind)  # noqa: S101
    return row, row.entry


async def _teams_of(connection: AsyncConnection[Any], agent: UUID, moment: Moment) -> list[UUID]:
    """Who is in a team is the team's own story."""
    async with connection.cursor(row_factory=scalar_row) as teams:
        await teams.execute(TEAMS)
        ids = await teams.fetchall()
    stories: defaultdict[UUID, list[Recorded]] = defaultdict(list)
    for event in _decoded(await whole_streams(connection, ids)):
        stories[event.stream].append(event)
    rows = [_row(story, moment) for story in stories.values()]
    return sorted(row.stream for row in rows if row and isinstance(row.entry, Team) and agent in row.entry.members)


def _decoded(stored: Sequence[Stored]) -> list[Recorded]:
    return [recorded(event) for event in stored]


def _row(history: Sequence[Recorded], moment: Moment) -> DeskRow | None:
    """What the view of the desk would have held, as of its newest version that counts. None: it was not known yet."""
    facts = moment.facts(history)
    if not facts:
        return None
    row = Desk().refold(facts)
    return DeskRow(row.stream, max(event.version for event in facts), row.entry)
