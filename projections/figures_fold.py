"""figures_fold: what was measured in a ticket's life? In order of occurrence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, cast
from uuid import UUID

from aggregates.envelope import Actor, Recorded
from aggregates.fact import Fact
from aggregates.sla.clocks import PEOPLE
from aggregates.sla.noting import event_id
from aggregates.ticket.events import (
    Assigned,
    Closed,
    DeEscalated,
    Escalated,
    FieldChanged,
    FollowedUp,
    Imported,
    Linked,
    MarkedSpam,
    Merged,
    MessageReceived,
    NoteAdded,
    Opened,
    Reopened,
    ReplyAdded,
    Resolved,
    Routed,
    SatisfactionRated,
    SatisfactionRequested,
    SlaBreached,
    SlaBreachWithdrawn,
    SlaMet,
    SlaMetWithdrawn,
    SlaWarned,
    TicketFact,
    TimeLogged,
    Unlinked,
    WatcherAdded,
    WatcherRemoved,
)
from projections.figures_stretches import ASSIGNEE, TEAM, Began, Rows, Stretches, spent
from projections.figures_time import UNSPENT, UNTIMED, Policies, Values

PLACES = Decimal("1e-12")
SILENT: frozenset[type[Fact]] = frozenset(
    {FieldChanged, FollowedUp, Imported, Linked, Unlinked, WatcherAdded, WatcherRemoved}
)
"""They change nothing that is measured."""
ALARMS: Mapping[type[Fact], str] = {SlaWarned: "sla_warning", SlaBreached: "sla_breach"}
Cycle = tuple[str, int]


class Asked(NamedTuple):
    """For a rating of this agent's and team's work."""

    began: Began
    agent: UUID | None
    team: UUID | None


class Course:
    """`apply` facts in order of occurrence, `note` what the system notes of them in order of version.

    policies  as they are known: which of them held when is no matter of the course
    figures   rows by kind and version
    spans     rows by the version of the event that began them
    last_at   of the facts
    noted_at  the latest instant of which a note tells: a fact of that instant, or before it, changes what it tells
    """

    def __init__(self, stream: UUID, policies: Policies, figures: Rows, spans: Rows) -> None:
        self.figures = figures
        self.last_at: datetime | None = None
        self.noted_at: datetime | None = None
        self._stream = stream
        self._policies = policies
        self._life = Stretches(spans, self._policies)
        self._opened_by: UUID | None = None
        self._answered = False
        self._replies = self._resolutions = self._teams = self._assignees = 0
        self._team: UUID | None = None
        self._assignee: UUID | None = None
        self._resolved = 0
        self._alarms: list[tuple[int, str]] = []
        self._asked: dict[UUID, Asked] = {}
        self._rated: dict[UUID, int] = {}
        self._outcomes: dict[Cycle, Recorded] = {}

    def go_on(self, figures: Rows, spans: Rows) -> None:
        """With rows that hold the same as those so far."""
        self.figures, self._life.rows = figures, spans

    def apply(self, event: Recorded, at: datetime) -> None:
        """One more fact, no earlier than the last."""
        fact, life = event.fact, self._life
        self.last_at = at
        life.change(cast(TicketFact, fact), at)
        if life.opening is None and type(fact) is Opened:
            life.number, life.opening = fact.number, Began(at, event.version)
            self._opened_by = event.envelope.command_id
            self._add("opened", event, at)
        if life.opening is not None:
            self._measure(event, at)
            self._pass_on(event, at)
            life.see(life.opening, at, event.version)
            if isinstance(fact, Resolved):
                self._resolve_fully(event, at, fact.code)

    def learn(self, event: Recorded, at: datetime) -> None:
        """What facts of higher versions may refer to."""
        fact = event.fact
        if type(fact) in ALARMS:
            self._alarms.append((event.version, ALARMS[type(fact)]))
        elif isinstance(fact, SatisfactionRequested):
            self._asked[fact.request] = Asked(Began(at, event.version), fact.agent, fact.team)

    def note(self, event: Recorded, at: datetime) -> None:
        """Measured of the ticket as it was at the instant that the note tells of, in the course as it is known."""
        match event.fact:
            case SlaMet(metric=metric, cycle=cycle, at=met_at):
                self._outcome(event, (metric, cycle), met_at, 1, self._policies.kept(met_at))
            case SlaBreached(metric=metric, cycle=cycle, due=due, policy=policy, policy_version=version):
                self._outcome(event, (metric, cycle), due, 0, self._policies.broken(policy, version, due))
            case SlaMetWithdrawn(metric=metric, cycle=cycle):
                self._withdraw((metric, cycle), SlaMet)
            case SlaBreachWithdrawn(metric=metric, cycle=cycle):
                self._withdraw((metric, cycle), SlaBreached)
            case SatisfactionRequested(occasion=occasion, agent=agent, team=team):
                dims = self._dims_at(at)
                if dims is not None:
                    held = self._policies.at(at)
                    self._add("rating_requested", event, at, None, occasion, agent, None, _held_by(dims, team), held)

    def _measure(self, event: Recorded, at: datetime) -> None:
        match event.fact:
            case Assigned() | Routed():
                """The most frequent of these facts: each case before their own would cost time."""
            case MessageReceived():
                self._add("message", event, at)
                self._life.waiting = self._life.waiting or Began(at, event.version)
            case ReplyAdded(automatic=automatic):
                if automatic or event.actor.kind not in PEOPLE:
                    self._add("automatic_reply", event, at)
                else:
                    self._reply(event, at)
            case NoteAdded():
                self._add("note", event, at)
            case Resolved(code=code):
                self._resolve(event, at, code)
            case Reopened(cause=cause):
                self._add("reopened", event, at, None, cause)
            case Closed(cause=cause):
                self._close(event, at, cause)
            case MarkedSpam():
                self._close(event, at, "spam")
            case Merged():
                self._close(event, at, "merged")
            case Escalated(from_level=level):
                self._add("escalated", event, at, level, self._why(event))
            case DeEscalated(from_level=level):
                self._add("de_escalated", event, at, level, self._why(event))
            case TimeLogged():
                self._log(event, event.fact, at)
            case SatisfactionRated():
                self._rate(event, event.fact, at)

    def _reply(self, event: Recorded, at: datetime) -> None:
        """A person's. One that came with the opening answers nobody: the next one does, as for the clocks."""
        opening, waiting = self._life.opening, self._life.waiting
        self._life.waiting = None
        self._replies += 1
        if opening is not None and at == opening.at and event.envelope.command_id == self._opened_by:
            self._add("reply", event, at, None, "further")
        elif not self._answered:
            self._answered = True
            self._add("reply", event, at, None, "first", began=opening)
        else:
            self._add("reply", event, at, None, "next" if waiting else "further", began=waiting)

    def _resolve(self, event: Recorded, at: datetime, code: str) -> None:
        self._life.waiting = None
        self._resolutions += 1
        self._add("resolved", event, at, self._resolutions, code, began=self._life.opening)

    def _resolve_fully(self, event: Recorded, at: datetime, code: str) -> None:
        """In the place of the resolution before, with the stretch that this one ended."""
        if self._resolved:
            self.figures.drop(("fully_resolved", self._resolved))
        self._resolved, opening, times = event.version, self._life.opening, spent(self._life.rows, at)
        self._add("fully_resolved", event, at, self._replies, code, began=opening, times=times)

    def _close(self, event: Recorded, at: datetime, how: str) -> None:
        self._life.waiting = None
        self._add("closed", event, at, None, how)

    def _why(self, event: Recorded) -> str:
        """A policy's reaction names the warning or breach that it follows from as its cause."""
        if event.actor.kind not in ("rule", "system"):
            return "import" if event.actor.kind == "import" else "manual"
        cause = event.envelope.causation_id
        alarms = reversed(self._alarms) if cause is not None else ()
        return next((word for version, word in alarms if event_id(self._stream, version) == cause), "rule")

    def _log(self, event: Recorded, fact: TimeLogged, at: datetime) -> None:
        cost, currency = None, None
        if fact.rate is not None and fact.currency is not None:
            cost, currency = (Decimal(fact.seconds * fact.rate) / 3_600).quantize(PLACES), fact.currency
        billable = "billable" if fact.billable else "not_billable"
        self._add("time_logged", event, at, fact.seconds, billable, fact.agent, cost=(cost, currency))

    def _rate(self, event: Recorded, fact: SatisfactionRated, at: datetime) -> None:
        """It takes the place of what was said before to the same request."""
        asked, dims, agent, began = self._asked.get(fact.request), self._life.dims, None, None
        if asked is not None and asked.began.version < event.version:
            dims, agent, began = _held_by(dims, asked.team), asked.agent, asked.began
        before = self._rated.get(fact.request)
        if before is not None:
            self.figures.drop(("rated", before))
        self._rated[fact.request] = event.version
        self._add("rated", event, at, fact.score, mood(fact.score), agent, began, dims)
        if fact.was is not None:
            change = f"{mood(fact.was)}_to_{mood(fact.score)}"
            word = change if change in ("good_to_bad", "bad_to_good") else "other"
            self._add("rating_changed", event, at, fact.score, word, agent, None, dims)

    def _pass_on(self, event: Recorded, at: datetime) -> None:
        """A station is whoever holds the ticket next: getting it back from nobody is none."""
        team, assignee = self._life.ticket.team, self._life.ticket.assignee
        if team is not self._team and team is not None and team != self._team:
            self._team, self._teams = team, self._teams + 1
            self._add("team_station", event, at, self._teams)
        if assignee is not self._assignee and assignee is not None and assignee != self._assignee:
            self._assignee, self._assignees = assignee, self._assignees + 1
            began = self._life.opening if self._assignees == 1 else None
            self._add("assignee_station", event, at, self._assignees, None, assignee, began)

    def _outcome(self, event: Recorded, cycle: Cycle, at: datetime, met: int, policy: Values) -> None:
        before, dims = self._outcomes.pop(cycle, None), self._dims_at(at)
        if before is not None:
            self.figures.drop(("sla", before.version))
        if dims is not None:
            self._outcomes[cycle] = event
            self._add("sla", event, at, met, cycle[0], dims[ASSIGNEE], None, dims, policy)

    def _withdraw(self, cycle: Cycle, outcome: type[Fact]) -> None:
        noted = self._outcomes.get(cycle)
        if noted is not None and type(noted.fact) is outcome:
            del self._outcomes[cycle]
            self.figures.drop(("sla", noted.version))

    def _dims_at(self, at: datetime) -> Values | None:
        self.noted_at = at if self.noted_at is None else max(self.noted_at, at)
        return self._life.dims_at(at)

    def _add(
        self,
        kind: str,
        event: Recorded,
        at: datetime,
        amount: int | None = None,
        detail: str | None = None,
        agent: UUID | None = None,
        began: Began | None = None,
        dims: Values | None = None,
        policy: Values | None = None,
        cost: Values = (None, None),
        times: Values = UNSPENT,
    ) -> None:
        life, policies, actor, version = self._life, self._policies, event.actor, event.version
        timed = UNTIMED if began is None or began.at > at else policies.timed(*began, at, version)
        who = agent or _acting(actor)
        told = (life.number, kind, at, version, *timed, amount, detail, actor.kind, who, *cost, *times)
        self.figures.add((kind, version), (*told, *(dims or life.dims), *(policy or policies.held(at, version))))


def mood(score: int) -> str:
    return "good" if score >= 4 else "bad" if score <= 2 else "neutral"


def _held_by(dims: Values, team: UUID | None) -> Values:
    return (*dims[:TEAM], team, *dims[TEAM + 1 :])


def _acting(actor: Actor) -> UUID | None:
    return _agent(actor.id) if actor.kind == "agent" else None


@lru_cache(10_000)
def _agent(id: str) -> UUID | None:
    return Actor(kind="agent", id=id).agent
