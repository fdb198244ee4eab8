"""The next ticket: whose is it, which one, and is it ever given twice?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from aggregates.errors import NotFound, Unavailable
from api import giving
from api.config import Key
from api.giving import give_next
from api.offers import Offers
from commands.context import Accepted
from tests.api.running import Desk, key_of, keys, running_desk, served
from tests.databases import Database

MANY = [f"worker{n}" for n in range(50)]
FEW = ["ada", "bob", "cyd", "dan", "eve"]


@pytest.fixture(scope="module")
def desk(module_database: Database) -> Iterator[Desk]:
    more = tuple(Key(key_of(name), "agent", uuid4()) for name in (*MANY, *FEW))
    with running_desk(module_database, keys=(*keys(), *more)) as running:
        for name in (*MANY, *FEW):
            registered = running.call("lead", "PUT", f"/v1/agents/{running.ids[name]}", {"name": name})
            assert registered.is_success, registered.text
        yield running


@pytest.fixture
def team(desk: Desk) -> str:
    return str(desk.done("lead", "/v1/teams", {"name": "next"}).json()["id"])


def changed(desk: Desk, name: str, **what: Any) -> None:
    answer = desk.call("lead", "PATCH", f"/v1/agents/{desk.ids[name]}", what)
    assert answer.is_success, answer.text


def customer(desk: Desk, tier: str) -> str:
    """The desk's view knows them already."""
    answer = desk.done("agent", "/v1/customers", {"name": "Cleo", "tier": tier})
    id = str(answer.json()["id"])
    assert desk.get("agent", f"/v1/customers/{id}", answer).json()["tier"] == tier
    return id


def opened(desk: Desk, team: str | None, **more: Any) -> str:
    """A new ticket's id, which the view knows already."""
    body = {"requester": str(desk.ids["customer"]), "subject": "x", "team": team} | more
    answer = desk.done("agent", "/v1/tickets", body)
    desk.get("agent", "/v1/queues?limit=1", answer).raise_for_status()
    return str(answer.json()["ticket"])


def asked(desk: Desk, who: Sequence[str], team: str, urls: Sequence[str] = (), **headers: str) -> list[httpx.Response]:
    """All at once, spread over the API processes given."""
    places = [f"{url}/v1/queues/{team}/next" for url in urls or [desk.url]] * len(who)
    # A pool that never closes what is left over: httpcore may close what another thread was just handed.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    with httpx.Client(timeout=30, limits=limits) as http, ThreadPoolExecutor(len(who)) as threads:
        own = replace(desk, http=http)
        return list(threads.map(lambda name, place: own.post(name, place, **headers), who, places))


def given(desk: Desk, who: str, team: str, times: int) -> list[str]:
    return [desk.done(who, f"/v1/queues/{team}/next").json()["ticket"] for _ in range(times)]


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("processes", [1, 2])
def test_of_fifty_at_once_nobody_gets_what_another_got(desk: Desk, team: str, processes: int) -> None:
    tickets = {opened(desk, team) for _ in range(60)}
    with ExitStack() as others:
        urls = [desk.url, *(others.enter_context(served(desk.config)) for _ in range(processes - 1))]
        first = asked(desk, MANY, team, urls)
        assert Counter(answer.status_code for answer in first) == {200: 50}, {a.text for a in first}
        rest = asked(desk, MANY[:11], team, urls)
    assert Counter(answer.status_code for answer in rest) == {200: 10, 404: 1}
    assert refused(next(answer for answer in rest if not answer.is_success)) == (404, "queue.empty")
    answers = zip((*MANY, *MANY[:11]), (*first, *rest), strict=True)
    got = {answer.json()["ticket"]: desk.ids[who] for who, answer in answers if answer.is_success}
    assert set(got) == tickets
    for ticket, agent in got.items():
        history = desk.get("agent", f"/v1/tickets/{ticket}/events").json()["events"]
        assigned = [event["fact"]["agent"] for event in history if event["type"] == "ticket.assigned.v1"]
        assert assigned == [str(agent)]


def test_vips_come_before_the_urgent_these_before_those_who_wait_longest(desk: Desk, team: str) -> None:
    vip, premium = customer(desk, "vip"), customer(desk, "premium")
    early, late = opened(desk, team), opened(desk, team)
    low_vip = opened(desk, team, requester=vip, priority="low")
    urgent, high_vip = opened(desk, team, priority="urgent"), opened(desk, team, requester=vip, priority="high")
    best = opened(desk, team, requester=premium)
    assert given(desk, "ada", team, 6) == [high_vip, low_vip, urgent, early, late, best]


def test_any_is_of_every_team_and_of_none_and_a_team_only_of_itself(desk: Desk, team: str) -> None:
    changed(desk, "bob", capacity=1_000)
    while desk.post("bob", "/v1/queues/any/next").is_success:
        pass
    other = str(desk.done("lead", "/v1/teams", {"name": "other"}).json()["id"])
    tickets = [opened(desk, team), opened(desk, None), opened(desk, other)]
    assert given(desk, "bob", other, 1) == tickets[2:]
    assert given(desk, "bob", "any", 2) == tickets[:2]
    assert refused(desk.post("bob", "/v1/queues/any/next")) == (404, "queue.empty")


@pytest.mark.parametrize(
    ("skills", "takes"),
    [
        ({}, {"sql 4", "STRASSE 1", "none 2", "sql 9", "dns 1"}),
        ({"SQL": 4}, {"sql 4", "none 2"}),
        ({"sql": 3}, {"none 2"}),
        ({"sql": 5}, {"sql 4", "sql 9", "none 2"}),
        ({"straße": 1, "dns": 1}, {"STRASSE 1", "dns 1"}),
        ({"nothing of it": 1}, set()),
    ],
)
def test_an_agent_gets_what_their_skills_are_for(
    desk: Desk, team: str, skills: dict[str, int], takes: set[str]
) -> None:
    kinds = {"sql 4": "Sql", "STRASSE 1": "STRASSE", "none 2": None, "sql 9": "sql", "dns 1": "dns"}
    tickets = {name: levelled(desk, team, category, int(name[-1])) for name, category in kinds.items()}
    everything = {"sql": 0, "straße": 0, "dns": 0, "nothing of it": 0}
    changed(desk, "cyd", capacity=1_000, skills=everything | {name.lower(): level for name, level in skills.items()})
    got = given(desk, "cyd", team, len(takes))
    assert set(got) == {tickets[name] for name in takes}
    assert refused(desk.post("cyd", f"/v1/queues/{team}/next")) == (404, "queue.empty")


def levelled(desk: Desk, team: str, category: str | None, level: int) -> str:
    ticket = opened(desk, team, category=category)
    if level > 1:
        answer = desk.done("agent", f"/v1/tickets/{ticket}/escalate", {"level": level, "reason": "x"})
        desk.get("agent", "/v1/queues?limit=1", answer).raise_for_status()
    return ticket


def test_who_has_as_many_as_they_can_have_gets_no_more(desk: Desk, team: str) -> None:
    tickets = [opened(desk, team) for _ in range(4)]
    changed(desk, "dan", capacity=2)
    # At once: neither of these requests knows what the view will say of the other.
    answers = asked(desk, ["dan"] * 3, team)
    assert Counter(answer.status_code for answer in answers) == {200: 2, 409: 1}
    told = next(answer for answer in answers if not answer.is_success)
    assert refused(told) == (409, "agent.at_capacity")
    waiting = desk.done("dan", f"/v1/tickets/{tickets[0]}/pending", {}).headers["chronodesk-position"]
    # What waits for somebody else is not counted; only then is there room again.
    desk.done("dan", f"/v1/queues/{team}/next", Chronodesk_After=waiting)
    assert refused(desk.post("dan", f"/v1/queues/{team}/next")) == (409, "agent.at_capacity")
    changed(desk, "dan", capacity=0)
    assert refused(desk.post("dan", f"/v1/queues/{team}/next")) == (409, "agent.at_capacity")


def test_one_agent_at_two_processes_gets_each_ticket_once(desk: Desk, team: str) -> None:
    tickets = {opened(desk, team) for _ in range(12)}
    changed(desk, "cyd", capacity=1_000, skills={"sql": 0, "straße": 0, "dns": 0, "nothing of it": 0})
    with served(desk.config) as other:
        answers = asked(desk, ["cyd"] * 12, team, [desk.url, other])
    assert {answer.json()["ticket"] for answer in answers} == tickets


def test_what_one_process_learns_of_an_agent_the_others_know(desk: Desk, team: str) -> None:
    with served(desk.config) as other:
        ask = f"{other}/v1/queues/{team}/next"
        changed(desk, "cyd", skills={"sql": 1})
        ticket = opened(desk, team, category="dns")
        assert refused(desk.post("cyd", ask)) == (404, "queue.empty")
        changed(desk, "cyd", skills={"dns": 1})
        assert desk.done("cyd", ask).json()["ticket"] == ticket


def test_a_ticket_given_back_is_there_again(desk: Desk, team: str) -> None:
    ticket = opened(desk, team)
    for who in ("ada", "eve"):
        assert given(desk, who, team, 1) == [ticket]
        back = desk.done(who, f"/v1/tickets/{ticket}/unassign", {})
        desk.get("agent", "/v1/queues?limit=1", back).raise_for_status()


def test_a_retry_gets_its_own_ticket_again_whatever_has_changed(desk: Desk, team: str) -> None:
    tickets = [opened(desk, team) for _ in range(2)]
    changed(desk, "eve", capacity=1)
    path = f"/v1/queues/{team}/next"
    first = desk.done("eve", path, Idempotency_Key="mine")
    assert first.json()["ticket"] == tickets[0]
    assert desk.done("eve", path, Idempotency_Key="mine").json() == first.json()
    changed(desk, "eve", capacity=5)
    assert desk.done("eve", path, Idempotency_Key="mine").json() == first.json()
    assert given(desk, "eve", team, 1) == tickets[1:]
    assert desk.done("eve", path, Idempotency_Key="mine").json() == first.json()
    changed(desk, "eve", enabled=False)
    assert desk.done("eve", path, Idempotency_Key="mine").json() == first.json()
    changed(desk, "eve", enabled=True)
    assert refused(desk.post("eve", "/v1/queues/any/next", Idempotency_Key="mine")) == (422, "idempotency_key.reused")


def test_one_key_sent_by_twenty_at_once_gets_one_ticket(desk: Desk, team: str) -> None:
    tickets = [opened(desk, team) for _ in range(3)]
    with served(desk.config) as other:
        answers = asked(desk, ["ada"] * 20, team, [desk.url, other], Idempotency_Key="at once")
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert set(given(desk, "bob", team, 2)) == set(tickets) - {answers[0].json()["ticket"]}


def test_the_disabled_and_the_unknown_get_and_give_nothing(desk: Desk, team: str) -> None:
    path = f"/v1/queues/{team}/next"
    changed(desk, "ada", enabled=False)
    assert refused(desk.post("ada", path)) == (422, "agent.disabled")
    opened(desk, team)
    assert refused(desk.post("ada", path)) == (422, "agent.disabled")
    changed(desk, "ada", enabled=True)
    assert refused(desk.post("ada", f"/v1/queues/{uuid4()}/next")) == (422, "team.unknown")
    assert desk.call("lead", "PATCH", f"/v1/teams/{team}", {"enabled": False}).is_success
    assert refused(desk.post("ada", path)) == (422, "team.disabled")
    assert desk.post("ada", "/v1/queues/all/next").status_code == 422


class OneTicket:
    """The first claim of it fails when it is told to; the second is accepted."""

    def __init__(self) -> None:
        self.id, self.claims, self.fail = uuid4(), 0, asyncio.Event()

    async def work(self, ticket: UUID, command: object, context: object) -> Accepted:
        self.claims += 1
        if self.claims == 1:
            await self.fail.wait()
            raise Unavailable("store.unavailable")
        return Accepted(ticket, 2, 2, (SimpleNamespace(),))  # type: ignore[arg-type]


def test_none_is_left_only_when_it_is_known_what_became_of_others_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None: ...

    async def page(one: Any, _: object) -> list[UUID]:
        beside = {*one.passed, *one.busy, *one.services.offers.gone(1)}
        return [ticket for ticket in (one.services.tickets.id,) if ticket not in beside]

    monkeypatch.setattr(giving._Giving, "_able", nothing)
    monkeypatch.setattr(giving._Giving, "_require_room", nothing)
    monkeypatch.setattr(giving._Giving, "_page", page)

    async def two_ask() -> list[Any]:
        tickets, offers = OneTicket(), Offers()
        turn: Any = lambda _: asyncio.Lock()  # noqa: E731
        handler = SimpleNamespace(memory=SimpleNamespace(turn=turn), earlier=nothing)
        services: Any = SimpleNamespace(tickets=tickets, offers=offers, handler=handler)
        nobody: Any = None
        both = [asyncio.create_task(give_next(services, nobody, uuid4(), None, nobody)) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert [ask.done() for ask in both] == [False, False]
        tickets.fail.set()
        answers = await asyncio.gather(*both, return_exceptions=True)
        third = await asyncio.gather(give_next(services, nobody, uuid4(), None, nobody), return_exceptions=True)
        return [*answers, *third]

    failed, got, late = asyncio.run(two_ask())
    assert isinstance(failed, Unavailable)
    assert isinstance(got, Accepted)
    assert isinstance(late, NotFound)


def test_what_is_gone_is_remembered_until_the_view_has_passed_it() -> None:
    offers, one, other, agent = Offers(), uuid4(), uuid4(), uuid4()
    offers.took(one, 7, agent)
    offers.took(other, 5, None)
    assert set(offers.gone(4)) == {one, other}
    assert set(offers.gone(6)) == {one}
    assert [offers.is_gone(one, seen) for seen in (6, 7)] == [True, False]
    assert offers.gone(7) == {}
