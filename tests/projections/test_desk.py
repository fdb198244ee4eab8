"""test_desk: which teams, agents and customers does the view show, and is it the same however it was folded?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates import agent, calendar, customer, team
from aggregates.business_time import Hours, OtherHours, Span, YearlyHoliday
from aggregates.envelope import Recorded
from aggregates.fact import Fact
from aggregates.text import Erased
from projections import desk_queries as queries
from projections.cursor import InvalidCursor
from tests.databases import Database
from tests.projections.harness import Build, asked, build, connected
from tests.projections.histories import AGENTS, LENIENT, START, of, personal, recorded, texts

TEAM, AGENT, CUSTOMER, ORGANISATION, CALENDAR = (UUID(int=n << 96) for n in (1, 2, 3, 4, 5))
DAY = Span(opens=540, closes=1080)
FULL = Hours(
    zone="Europe/Stockholm",
    monday=(DAY, Span(opens=1320, closes=360)),
    holidays=(START.date(),),
    yearly_holidays=(YearlyHoliday(month=12, day=25),),
    exceptions=(OtherHours(day=START.date(), spans=(DAY,)), OtherHours(day=date(2026, 1, 2))),
)
hours = st.sampled_from([FULL, Hours(zone="UTC"), Hours(zone="Asia/Kathmandu", sunday=(DAY,))])
contacts = st.lists(of(customer.Contact, kind="email", value=personal), max_size=2).map(tuple)
instants = st.integers(-1_000_000, 1_500_000).map(lambda hours: START + timedelta(hours=hours))
people = st.sampled_from(AGENTS)
HISTORIES: Sequence[st.SearchStrategy[tuple[UUID, Fact]]] = [
    st.tuples(st.just(id), fact)
    for id, fact in [
        (TEAM, of(team.TeamCreated, name=texts)),
        (TEAM, of(team.TeamRenamed, name=texts)),
        (TEAM, of(team.TeamLeaderChanged, leader=st.none() | people)),
        (TEAM, of(team.TeamMemberAdded, agent=people)),
        (TEAM, of(team.TeamMemberRemoved, agent=people)),
        (TEAM, of(team.TeamDisabled)),
        (AGENT, of(agent.AgentRegistered, name=texts)),
        (AGENT, of(agent.SkillChanged, skill=texts, level=st.integers(0, 5))),
        (AGENT, of(agent.CapacityChanged, capacity=st.integers(0, 9))),
        (AGENT, of(agent.WentOnline)),
        (AGENT, of(agent.AgentDisabled)),
        (CUSTOMER, of(customer.CustomerRegistered, name=personal, language=st.none() | texts, tier="vip")),
        (CUSTOMER, of(customer.CustomerRenamed, name=personal)),
        (CUSTOMER, of(customer.ContactsChanged, contacts=contacts)),
        (CUSTOMER, of(customer.OrganisationChanged, organisation=ORGANISATION)),
        (ORGANISATION, of(customer.OrganisationRegistered, name=texts)),
        (ORGANISATION, of(customer.OrganisationRenamed, name=texts)),
        (CALENDAR, of(calendar.CalendarCreated, name=texts)),
        (CALENDAR, of(calendar.CalendarRenamed, name=texts)),
        (CALENDAR, of(calendar.CalendarPublished, hours=hours, effective_from=st.none() | instants)),
    ]
]


@pytest.fixture(scope="module")
def builds(module_database: Database) -> Iterator[list[Build]]:
    with connected(module_database) as connection:
        three = [build(connection, "desk") for _ in range(3)]
        three[0].enter()
        three[0].go_live()
        yield three


@pytest.fixture
def view(builds: list[Build]) -> Iterator[Build]:
    builds[0].enter()
    yield builds[0]
    builds[0].emptied()


@pytest.fixture
def ask(module_database: Database) -> Any:
    return partial(asked, module_database.app_url)


def numbered(happened: Sequence[tuple[UUID, Fact]]) -> list[Recorded]:
    versions: dict[UUID, int] = {}
    log = []
    for position, (stream, fact) in enumerate(happened, 1):
        versions[stream] = versions.get(stream, 0) + 1
        log.append(recorded(stream, versions[stream], fact, at=START, position=position))
    return log


@given(happened=st.lists(st.one_of(HISTORIES), max_size=25))
@settings(LENIENT, max_examples=40)
def test_one_by_one_at_once_and_from_the_whole_history_agree(
    builds: list[Build], happened: list[tuple[UUID, Fact]]
) -> None:
    alone, together, rebuilt = builds
    log = numbered(happened)
    alone.enter()
    for event in log:
        alone.apply([event])
    rows = dict(alone.projection.load(alone.connection, [stream for stream, _ in happened]))
    together.enter()
    together.apply(log)
    rebuilt.enter()
    assert rebuilt.copy(log) == rows
    assert alone.contents() == together.contents() == rebuilt.contents()
    for each in builds:
        each.emptied()


def test_a_team_shows_its_members_and_an_agent_their_teams(view: Build, ask: Any) -> None:
    joined = [team.TeamCreated(name="2nd line"), *(team.TeamMemberAdded(agent=id) for id in (AGENT, AGENTS[0]))]
    view.apply(numbered([(TEAM, fact) for fact in joined]))
    skilled = [agent.AgentRegistered(name="Ada"), agent.SkillChanged(skill="vpn", level=3), agent.WentOnline()]
    view.apply(numbered([(AGENT, fact) for fact in skilled]))
    found = ask(lambda c: queries.team(c, TEAM))
    assert (found.name, found.members, found.leader, found.enabled, found.version) == (
        "2nd line", sorted([AGENT, AGENTS[0]]), None, True, 3)  # fmt: skip
    ada = ask(lambda c: queries.agent(c, AGENT))
    assert (ada.name, ada.skills, ada.online, ada.capacity, ada.teams) == ("Ada", {"vpn": 3}, True, 20, [TEAM])
    assert ask(lambda c: queries.agent(c, TEAM)) is None


def test_an_erased_customer_shows_as_null(view: Build, ask: Any) -> None:
    known = customer.Contact(kind="email", value=Erased())
    view.apply(
        numbered(
            [
                (CUSTOMER, customer.CustomerRegistered(name=Erased(), tier="vip", organisation=ORGANISATION)),
                (CUSTOMER, customer.ContactsChanged(contacts=(known,))),
                (ORGANISATION, customer.OrganisationRegistered(name="Volvo")),
            ]
        )
    )
    found = ask(lambda c: queries.customer(c, CUSTOMER))
    assert (found.name, found.contacts, found.tier) == (None, [{"kind": "email", "value": None}], "vip")
    assert ask(lambda c: queries.customers(c, 5)).items == (found,)
    assert ask(lambda c: queries.organisation(c, ORGANISATION)).name == "Volvo"


def test_a_calendar_shows_its_latest_hours_and_how_many_there_were(view: Build, ask: Any) -> None:
    view.apply(numbered([(CALENDAR, calendar.CalendarCreated(name="Office"))]))
    bare = ask(lambda c: queries.calendar(c, CALENDAR))
    assert (bare.name, bare.zone, bare.hours_version, bare.hours, bare.effective_from) == (
        "Office",
        None,
        0,
        None,
        None,
    )
    published = [calendar.CalendarPublished(hours=h, effective_from=START) for h in (Hours(zone="UTC"), FULL)]
    happened = numbered([(CALENDAR, calendar.CalendarCreated(name="Office")), *((CALENDAR, f) for f in published)])
    view.apply(happened[1:])
    shown = ask(lambda c: queries.calendar(c, CALENDAR))
    assert (shown.version, shown.zone, shown.hours_version, shown.effective_from) == (3, "Europe/Stockholm", 2, START)
    assert Hours.model_validate(shown.hours) == FULL
    line = ask(lambda c: queries.calendars(c, 5)).items[0]
    assert (line.id, line.name, line.zone, line.hours_version) == (CALENDAR, "Office", "Europe/Stockholm", 2)


def test_lists_come_by_name_in_pages(view: Build, ask: Any) -> None:
    for n, name in enumerate(["b", "a", "c", "a", "d"]):
        view.apply(numbered([(UUID(int=n + 1), team.TeamCreated(name=name))]))
    first = ask(lambda c: queries.teams(c, 2))
    second = ask(lambda c: queries.teams(c, 2, first.next))
    third = ask(lambda c: queries.teams(c, 2, second.next))
    assert [t.name for p in (first, second, third) for t in p.items] == ["a", "a", "b", "c", "d"]
    assert third.next is None
    assert ask(lambda c: queries.agents(c, 2)).items == ()


@pytest.mark.parametrize(
    "nonsense", ["x", "bnVsbA", "WyJhXHUwMDAwIiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIl0"]
)
def test_a_made_up_cursor_is_refused(view: Build, ask: Any, nonsense: str) -> None:
    with pytest.raises(InvalidCursor):
        ask(lambda c: queries.teams(c, 2, nonsense))
