"""histories: which lives can a ticket have? Decided ones, and ones that only history could have written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from aggregates.agent import Agent
from aggregates.desk import Desk
from aggregates.envelope import Actor, ActorKind, Envelope, Recorded
from aggregates.errors import Refusal
from aggregates.fact import Fact
from aggregates.team import Team
from aggregates.text import Erased
from aggregates.ticket import commands as asked
from aggregates.ticket import events as facts
from aggregates.ticket.decide import decide
from aggregates.ticket.events import TicketFact
from aggregates.ticket.state import Ticket, evolve, replay
from tests.aggregates.lives import GOLD, OFFICE, Shelf, terms

CANARY = "canary-7f3a"
START = datetime(2024, 3, 1, 9, tzinfo=UTC)
AGENTS = [UUID(int=0xA0 + n) for n in range(3)]
TEAMS = [UUID(int=0xB0 + n) for n in range(3)]
CUSTOMERS = [UUID(int=0xC0 + n) for n in range(2)]
OTHERS = [UUID(int=0xD0 + n) for n in range(2)]
DESK = Desk({**{id: Agent(name="A") for id in AGENTS}, **{id: Team(name="T") for id in TEAMS}})

SINCE = START + timedelta(minutes=2)
ALL_METRICS = get_args(facts.Metric)
BOOK = Shelf(
    {
        (GOLD, 1): terms({"low": 600, "normal": 120, "high": 60}, *ALL_METRICS, warnings=({"percent": 50},)),
        (GOLD, 2): terms(240, "resolution", "next_reply", "ownership", time="business", pauses=("on_hold",)),
    }
)

LENIENT = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)

agents, teams, customers = st.sampled_from(AGENTS), st.sampled_from(TEAMS), st.sampled_from(CUSTOMERS)
priorities = st.sampled_from(["low", "normal", "high", "urgent"])
statuses = st.sampled_from(["new", "open", "pending", "on_hold", "resolved", "closed"])
channels = st.sampled_from(["email", "chat", "phone"])
categories = st.none() | st.sampled_from(["Billing", "Réseau", 'quo"te, \\ {x}'])
types = st.sampled_from(["question", "incident"])
tags = st.lists(st.sampled_from(["a", "vip", 'quo"te', "b,c", "NULL", "{}"]), min_size=1, max_size=3)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
personal = texts | st.just(Erased())
values = (
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | personal
    | st.none()
)
names = st.sampled_from(["floor", "device", "cost"])
levels = st.integers(1, 4)
metrics = st.sampled_from(ALL_METRICS)
relations = st.sampled_from(["relates_to", "blocks"])
actors: st.SearchStrategy[ActorKind] = st.sampled_from(["agent", "agent", "agent", "rule", "import", "system"])
waits: st.SearchStrategy[Any] = st.sampled_from([None, "because"])


def of(model: Any, **parts: Any) -> st.SearchStrategy[Any]:
    return st.builds(
        model, **{name: p if isinstance(p, st.SearchStrategy) else st.just(p) for name, p in parts.items()}
    )


moves = {"from_level": levels, "to_level": levels, "to_team": st.none() | teams, "to_agent": st.none() | agents}
opened = of(
    facts.Opened, number=st.integers(1001, 9999), requester=customers, subject=personal, channel=channels,
    category=categories, team=st.none() | teams, priority=priorities, ticket_type=types, level=levels,
    tags=tags.map(tuple), fields=st.dictionaries(names, values, max_size=2),
    follow_up_of=st.none() | st.sampled_from(OTHERS),
)  # fmt: skip
historic: st.SearchStrategy[TicketFact] = st.one_of(
    of(facts.Imported, source="log", case="SR 1"),
    of(facts.MessageReceived, author=customers, body=personal, channel=channels),
    of(facts.MessageReceived, author=customers, body=personal, channel=channels),
    of(facts.ReplyAdded, body=personal, automatic=st.booleans()),
    of(facts.ReplyAdded, body=personal),
    of(facts.NoteAdded, body=CANARY),
    *(
        of(
            facts.SlaApplied,
            policy=GOLD,
            policy_version=st.integers(1, 2),
            calendar=st.none() | st.just(OFFICE),
            calendar_version=1,
            list_version=3,
            since=since,
        )
        for since in (None, None, SINCE)
    ),
    of(facts.SlaApplied, policy=None, list_version=3),
    of(
        facts.SlaBreached,
        metric=metrics,
        cycle=1,
        target=60,
        due=SINCE,
        in_status="open",
        policy=GOLD,
        policy_version=1,
    ),
    of(facts.SlaBreachWithdrawn, metric=metrics, cycle=1, due=SINCE),
    of(
        facts.SlaMet,
        metric=st.just("update"),
        cycle=st.just(1),
        target=st.just(60),
        at=st.just(START),
        elapsed=st.just(1.5),
    ),
    of(facts.Routed, team=teams),
    of(facts.Assigned, agent=agents),
    of(facts.Unassigned, from_agent=agents),
    of(facts.Escalated, **moves, reason=CANARY),
    of(facts.DeEscalated, **moves),
    of(facts.PriorityChanged, priority=priorities, was="low"),
    of(facts.CategoryChanged, category=categories, was=None),
    of(facts.TypeChanged, ticket_type=types, was="task"),
    of(facts.Tagged, tags=tags.map(tuple)),
    of(facts.Untagged, tags=tags.map(tuple)),
    of(facts.FieldChanged, name=names, value=values),
    of(facts.PutPending, was=statuses),
    of(facts.PutOnHold, was=statuses, reason=CANARY),
    of(facts.Reopened, was=statuses, cause="import"),
    of(facts.Resolved, was=statuses, code="solved", unanswered=CANARY),
    of(facts.Closed, was=statuses, cause="import"),
    of(facts.MarkedSpam, was=statuses),
    of(facts.Merged, was=statuses, into=st.sampled_from(OTHERS), number=1234),
    of(facts.WatcherAdded, watcher=agents),
    of(facts.WatcherRemoved, watcher=agents),
    of(facts.Linked, other=st.sampled_from(OTHERS), relation=relations),
    of(facts.Unlinked, other=st.sampled_from(OTHERS), relation=relations),
    of(facts.FollowedUp, follow_up=st.sampled_from(OTHERS), number=1234),
    of(facts.SatisfactionRequested, request=st.sampled_from(OTHERS), occasion="resolved", expires_at=SINCE),
    of(facts.SatisfactionRated, request=st.sampled_from(OTHERS), score=st.integers(1, 5), comment=texts),
    of(facts.TimeLogged, agent=agents, seconds=st.integers(1, 86_400), note=CANARY),
    opened,
)
command: st.SearchStrategy[Any] = st.one_of(
    of(asked.ReceiveMessage, body=texts.map(lambda t: f"m{t}m")),
    of(asked.AddReply, body="an answer", automatic=st.booleans()),
    of(asked.AddNote, body=CANARY),
    of(asked.Route, team=teams, reason=CANARY),
    of(asked.Assign, agent=agents),
    of(asked.Claim),
    of(asked.Unassign),
    of(asked.Escalate, reason=CANARY, team=st.none() | teams, agent=st.none() | agents),
    of(asked.DeEscalate),
    of(asked.ChangePriority, priority=priorities),
    of(asked.ChangeCategory, category=categories),
    of(asked.ChangeType, ticket_type=types),
    of(asked.ChangeFields, fields=st.dictionaries(names, st.integers(0, 9) | st.none(), min_size=1)),
    of(asked.AddTags, tags=tags.map(frozenset)),
    of(asked.RemoveTags, tags=tags.map(frozenset)),
    of(asked.WaitForRequester, reason=waits),
    of(asked.Hold, reason=waits),
    of(asked.Reopen),
    of(asked.Resolve, unanswered=waits),
    of(asked.Close),
    of(asked.MarkSpam),
    of(asked.Watch, watcher=agents),
    of(asked.Unwatch, watcher=agents),
    of(asked.LogTime, seconds=st.integers(1, 600)),
)


def recorded(
    stream: UUID,
    version: int,
    fact: Fact,
    *,
    at: datetime,
    occurred_at: datetime | None = None,
    position: int | None = None,
    kind: ActorKind = "agent",
    actor: UUID = AGENTS[0],
) -> Recorded:
    who = Actor(kind=kind, id=str(actor))
    envelope = Envelope(
        actor=who, command_id=UUID(int=version), correlation_id=UUID(int=version), occurred_at=occurred_at, fact=fact
    )
    return Recorded(position or version, stream, version, at, envelope)


def story(stream: UUID, *steps: TicketFact, minutes: int = 1) -> list[Recorded]:
    """These facts, one every so many minutes from START on."""
    return [recorded(stream, n + 1, fact, at=START + timedelta(minutes=n * minutes)) for n, fact in enumerate(steps)]


@st.composite
def decided(draw: st.DrawFn, stream: UUID) -> list[Recorded]:
    """What commands led to: what was refused left no trace."""
    history: list[TicketFact] = [draw(opened)]
    ticket = replay(history)
    for wish in draw(st.lists(command, max_size=25)):
        for fact in _outcome(ticket, wish):
            history.append(fact)
            ticket = evolve(ticket, fact)
    return _dated(draw, stream, history, late=False)


@st.composite
def imported(draw: st.DrawFn, stream: UUID) -> list[Recorded]:
    """Anything in any order, some of it late."""
    return _dated(draw, stream, draw(st.lists(historic, min_size=1, max_size=20)), late=True)


def _outcome(ticket: Ticket, wish: Any) -> tuple[TicketFact, ...]:
    try:
        return decide(ticket, wish, Actor(kind="agent", id=str(AGENTS[0])), DESK)
    except Refusal:
        return ()


def _dated(draw: st.DrawFn, stream: UUID, history: list[TicketFact], *, late: bool) -> list[Recorded]:
    events, now = [], START
    for version, fact in enumerate(history, 1):
        now += timedelta(seconds=draw(st.integers(0, 90)), microseconds=draw(st.sampled_from([0, 1, 999_999])))
        earlier = timedelta(seconds=draw(st.integers(0, 200))) if late and draw(st.booleans()) else None
        kind = draw(actors)
        occurred = None if earlier is None else now - earlier
        events.append(recorded(stream, version, fact, at=now, occurred_at=occurred, kind=kind))
    return events


STREAMS = [UUID(int=(n << 96) + 0x1234) for n in (3, 7, 15)]


@st.composite
def logs(draw: st.DrawFn) -> list[Recorded]:
    """The events of a few tickets, interleaved as a log has them. Two of the tickets share a shard."""
    lives = [draw(decided(stream) | imported(stream)) for stream in STREAMS[: draw(st.integers(1, 3))]]
    log: list[Recorded] = []
    while any(lives):
        life = draw(st.sampled_from([life for life in lives if life]))
        event = life.pop(0)
        log.append(Recorded(len(log) + 1, event.stream, event.version, event.recorded_at, event.envelope))
    return log
