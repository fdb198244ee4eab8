"""figures_by_hand: which figures do these events make, told by somebody who never saw the fold?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from fractions import Fraction
from typing import Any, cast
from uuid import UUID

from aggregates.envelope import Recorded
from aggregates.sla.clocks import in_order, instant
from aggregates.sla.noting import event_id
from aggregates.ticket import events as t
from aggregates.ticket.state import Ticket, replay
from tests.aggregates.lives import NIGHT, OFFICE

Row = dict[str, Any]
DIMENSIONS = ["requester", "channel", "category", "team", "assignee", "priority", "ticket_type", "level"]
MICROSECOND = timedelta(microseconds=1)


class ByHand:
    """What is true of a ticket as far as `told` says. figures by kind and version, spans by where they begin."""

    def __init__(self, told: Sequence[Recorded]) -> None:
        self.told = told
        moving = [e for e in told if not e.fact.bookkeeping or isinstance(e.fact, t.SlaApplied)]
        self.moving = in_order(moving)
        self.notes = [e for e in told if e not in moving]
        openings = [e for e in self.moving if isinstance(e.fact, t.Opened)]
        self.figures: dict[tuple[str, int], Row] = {}
        self.spans: dict[int, Row] = {}
        if openings:
            self.opening = openings[0]
            self.life = self.moving[self.moving.index(self.opening) :]
            self._measure()
            self._see()
            self._spend()

    def _measure(self) -> None:
        for n, event in enumerate(self.life):
            if not isinstance(event.fact, t.SlaApplied):
                for kind, more in self._of(event, self.life[:n]):
                    self.figures[kind, event.version] = self._row(event, kind) | more
        for kind in ("fully_resolved", "rated"):
            for key in [key for key in self.figures if key[0] == kind][:-1]:
                if kind == "fully_resolved" or self._rated_again(key[1]):
                    del self.figures[key]
        self._outcomes()

    def _of(self, event: Recorded, before: Sequence[Recorded]) -> Iterator[tuple[str, Row]]:
        fact, ticket = event.fact, self.ticket(event)
        if event is self.opening:
            yield "opened", {}
        yield from self._stations(event, ticket, before)
        match fact:
            case t.MessageReceived():
                yield "message", {}
            case t.NoteAdded():
                yield "note", {}
            case t.ReplyAdded():
                yield self._reply(event, before) if by_person(event) else ("automatic_reply", {})
            case t.Resolved(code=code):
                nth = 1 + sum(isinstance(e.fact, t.Resolved) for e in before)
                since_opening = self._timed(self.opening, event) | {"detail": code}
                yield "resolved", since_opening | {"amount": nth}
                yield "fully_resolved", since_opening | {"amount": sum(map(by_person, before))}
            case t.Reopened(cause=cause):
                yield "reopened", {"detail": cause}
            case t.Closed(cause=cause):
                yield "closed", {"detail": cause}
            case t.MarkedSpam() | t.Merged():
                yield "closed", {"detail": "spam" if isinstance(fact, t.MarkedSpam) else "merged"}
            case t.Escalated(from_level=left) | t.DeEscalated(from_level=left):
                kind = "escalated" if isinstance(fact, t.Escalated) else "de_escalated"
                yield kind, {"amount": left, "detail": self._why(event)}
            case t.TimeLogged():
                yield "time_logged", logged(fact)
            case t.SatisfactionRated():
                yield from self._rating(event, fact)

    def _stations(self, event: Recorded, ticket: Ticket, before: Sequence[Recorded]) -> Iterator[tuple[str, Row]]:
        so_far = [self.ticket(e) for e in before if not isinstance(e.fact, t.SlaApplied)]
        teams = stations([*(one.team for one in so_far), ticket.team])
        if len(teams) > len(stations([one.team for one in so_far])):
            yield "team_station", {"amount": len(teams)}
        agents = stations([*(one.assignee for one in so_far), ticket.assignee])
        if len(agents) > len(stations([one.assignee for one in so_far])):
            first = self._timed(self.opening, event) if len(agents) == 1 else {}
            yield "assignee_station", first | {"amount": len(agents), "agent": ticket.assignee}

    def _reply(self, event: Recorded, before: Sequence[Recorded]) -> tuple[str, Row]:
        answers = [e for e in before if by_person(e) and not self._came_with_the_opening(e)]
        waits = self._waits(before)
        if self._came_with_the_opening(event):
            return "reply", {"detail": "further"}
        if not answers:
            return "reply", self._timed(self.opening, event) | {"detail": "first"}
        if waits is None:
            return "reply", {"detail": "further"}
        return "reply", self._timed(waits, event) | {"detail": "next"}

    def _came_with_the_opening(self, event: Recorded) -> bool:
        return (event.at, event.envelope.command_id) == (self.opening.at, self.opening.envelope.command_id)

    def _waits(self, facts: Sequence[Recorded]) -> Recorded | None:
        """The oldest message that nobody answered."""
        ends = (t.Resolved, t.Closed, t.MarkedSpam, t.Merged)
        settled = [n for n, e in enumerate(facts) if by_person(e) or isinstance(e.fact, ends)]
        waiting = facts[settled[-1] + 1 :] if settled else facts
        return next((e for e in waiting if isinstance(e.fact, t.MessageReceived)), None)

    def _why(self, event: Recorded) -> str:
        if event.actor.kind in ("agent", "customer", "import"):
            return "import" if event.actor.kind == "import" else "manual"
        causes = {event_id(e.stream, e.version): e for e in self.told}
        cause = causes.get(cast(UUID, event.envelope.causation_id))
        if cause is None or not isinstance(cause.fact, t.SlaWarned | t.SlaBreached):
            return "rule"
        return "sla_warning" if isinstance(cause.fact, t.SlaWarned) else "sla_breach"

    def _rating(self, event: Recorded, fact: t.SatisfactionRated) -> Iterator[tuple[str, Row]]:
        requests = [e for e in self.notes if isinstance(e.fact, t.SatisfactionRequested)]
        asked = [e for e in requests if e.fact.request == fact.request and e.version < event.version]  # type: ignore[attr-defined]
        whose: Row = {}
        if asked:
            request = cast(t.SatisfactionRequested, asked[-1].fact)
            whose = {"agent": request.agent or acting(event), "team": request.team}
        timed = self._timed(asked[-1], event) if asked and asked[-1].at <= event.at else {}
        yield "rated", timed | whose | {"amount": fact.score, "detail": mood(fact.score)}
        if fact.was is not None:
            words = {("good", "bad"): "good_to_bad", ("bad", "good"): "bad_to_good"}
            word = words.get((mood(fact.was), mood(fact.score)), "other")
            yield "rating_changed", whose | {"amount": fact.score, "detail": word}

    def _rated_again(self, version: int) -> bool:
        rated = [e for e in self.life if isinstance(e.fact, t.SatisfactionRated)]
        this = next(e for e in rated if e.version == version)
        same = [e for e in rated if e.fact.request == this.fact.request]  # type: ignore[attr-defined]
        return same[-1] is not this

    def _outcomes(self) -> None:
        standing: dict[tuple[str, int], Recorded] = {}
        for event in self.notes:
            fact = event.fact
            match fact:
                case t.SlaMet() | t.SlaBreached():
                    standing[fact.metric, fact.cycle] = event
                case t.SlaMetWithdrawn() | t.SlaBreachWithdrawn():
                    kept = standing.get((fact.metric, fact.cycle))
                    if kept is not None and isinstance(kept.fact, t.SlaMet) == isinstance(fact, t.SlaMetWithdrawn):
                        del standing[fact.metric, fact.cycle]
                case t.SatisfactionRequested() if event.at >= self.opening.at:
                    whose = {"agent": fact.agent or acting(event), "team": fact.team, "detail": fact.occasion}
                    self._note("rating_requested", event, event.at, self._policies(event.at)[-1:], whose)
        for event in standing.values():
            fact = cast(Any, event.fact)
            at = fact.at if isinstance(fact, t.SlaMet) else fact.due
            if at >= self.opening.at:
                outcome = {"detail": fact.metric, "amount": int(isinstance(fact, t.SlaMet)), "agent": None}
                self._note("sla", event, at, self._judge(fact, at), outcome)
                if isinstance(fact, t.SlaBreached):
                    self.figures["sla", event.version] |= {
                        "policy": fact.policy, "policy_version": fact.policy_version
                    }  # fmt: skip

    def _note(self, kind: str, event: Recorded, at: datetime, policies: Sequence[t.SlaApplied], more: Row) -> None:
        ticket = replay(cast(t.TicketFact, e.fact) for e in self.moving if instant(e) <= at)
        row = self._row(event, kind) | dimensions(ticket) | policy(policies) | {"at": at} | more
        if kind == "sla":
            row["agent"] = ticket.assignee or acting(event)
        self.figures[kind, event.version] = row

    def _judge(self, fact: t.SlaMet | t.SlaBreached, at: datetime) -> list[t.SlaApplied]:
        held = [p for p in self._policies(at) if p.policy is not None]
        if isinstance(fact, t.SlaBreached):
            held = [p for p in held if (p.policy, p.policy_version) == (fact.policy, fact.policy_version)]
        earlier = [p for p in self._policies(at, included=False) if p in held]
        return earlier[-1:] or held[:1]

    def _policies(self, at: datetime, *, included: bool = True) -> list[t.SlaApplied]:
        applied = sorted(
            (e for e in self.told if isinstance(e.fact, t.SlaApplied)), key=lambda e: (instant(e), e.version)
        )
        found = [e for e in applied if instant(e) < at or (included and instant(e) == at)]
        return [cast(t.SlaApplied, e.fact) for e in found]

    def _row(self, event: Recorded, kind: str) -> Row:
        timed = ("started_at", "from_version", "micros", "business_micros", "spent", "business_spent")
        untimed = dict.fromkeys((*timed, "cost", "currency"))
        row = {"number": self.opening.fact.number, "kind": kind, "at": instant(event), "version": event.version}  # type: ignore[attr-defined]
        who = {"actor": event.actor.kind, "agent": acting(event), "amount": None, "detail": None}
        if event in self.notes:
            return row | untimed | who
        return row | untimed | who | dimensions(self.ticket(event)) | policy(self._known_before(event)[-1:])

    def _known_before(self, event: Recorded) -> list[t.SlaApplied]:
        return [cast(t.SlaApplied, e.fact) for e in self._applied_before(event)]

    def _applied(self) -> list[Recorded]:
        applied = [e for e in self.told if isinstance(e.fact, t.SlaApplied)]
        return sorted(applied, key=lambda event: (instant(event), event.version))

    def _applied_before(self, event: Recorded) -> list[Recorded]:
        """What holds since an instant holds for what happened then; of one instant else what was recorded first."""
        applied = sorted(
            (e for e in self.told if isinstance(e.fact, t.SlaApplied)), key=lambda e: (instant(e), e.version)
        )
        return [
            e
            for e in applied
            if instant(e) < instant(event)
            or (instant(e) == instant(event) and (cast(t.SlaApplied, e.fact).since or e.version < event.version))
        ]

    def _timed(self, began: Recorded, ended: Recorded) -> Row:
        micros, business = self._time(began, ended)
        return {
            "started_at": instant(began), "from_version": began.version, "micros": micros, "business_micros": business
        }  # fmt: skip

    def _time(self, began: Recorded, ended: Recorded) -> tuple[int, int | None]:
        """Instant by instant at which another policy came: what was open of each part."""
        start, end = instant(began), instant(ended)
        applied = self._applied_before(ended)
        cuts = sorted({start, end, *(instant(e) for e in applied if start < instant(e) < end)})
        passed: timedelta | None = timedelta()
        for since, until in zip(cuts, cuts[1:] or cuts, strict=False):
            held = [cast(t.SlaApplied, e.fact) for e in applied if instant(e) <= since]
            calendar = held[-1].calendar if held and held[-1].policy is not None else None
            passed = None if calendar is None or passed is None else passed + open_time(calendar, since, until)
        return (end - start) // MICROSECOND, None if passed is None else passed // MICROSECOND

    def ticket(self, event: Recorded) -> Ticket:
        """After it, in the course of events."""
        return replay(cast(t.TicketFact, e.fact) for e in self.moving[: self.moving.index(event) + 1])

    def _see(self) -> None:
        """A stretch begins where something changes, and is none if something else does at once."""
        looks = [(e, self._look(n, e)) for n, e in enumerate(self.life) if not isinstance(e.fact, t.SlaApplied)]
        edges = [edge for n, edge in enumerate(looks) if n == 0 or edge[1] != looks[n - 1][1]]
        for (event, look), following in zip(edges, [*(e for e, _ in edges[1:]), None], strict=True):
            if look is not None and (following is None or instant(following) > instant(event)):
                self.spans[event.version] = self._span(event, look, following)

    def _spend(self) -> None:
        for row in (row for (kind, _), row in self.figures.items() if kind == "fully_resolved"):
            over = [span for span in self.spans.values() if span["to_at"] is not None and span["to_at"] <= row["at"]]
            for name, micros in (("spent", "micros"), ("business_spent", "business_micros")):
                parts = [
                    [span[micros] for span in over if span["status"] in statuses]
                    for statuses in (("new", "open"), ("pending",), ("on_hold",))
                ]
                row[name] = [None if None in part else sum(part) for part in parts]

    def _look(self, n: int, event: Recorded) -> Row | None:
        ticket = self.ticket(event)
        if ticket.status == "closed" or ticket.spam:
            return None
        waits = self._waits(self.life[: n + 1]) is not None
        return dimensions(ticket) | {"status": ticket.status, "unanswered": waits}

    def _span(self, event: Recorded, look: Row, following: Recorded | None) -> Row:
        number = self.opening.fact.number  # type: ignore[attr-defined]
        begins = {"number": number, "opened_at": self.opening.at, "from_at": instant(event)}
        ends: Row = dict.fromkeys(["to_at", "to_version", "micros", "business_micros", "size_at"])
        ends |= policy([])
        if following is not None:
            micros, business = self._time(event, following)
            ends = {
                "to_at": instant(following), "to_version": following.version, "micros": micros,
                "business_micros": business, "size_at": len(f"{micros:b}"),
            } | policy(self._known_before(following)[-1:])  # fmt: skip
        return begins | {"from_version": event.version} | look | ends


def by_person(event: Recorded) -> bool:
    fact = event.fact
    return isinstance(fact, t.ReplyAdded) and not fact.automatic and event.actor.kind in ("agent", "import")


def dimensions(ticket: Ticket) -> Row:
    return {name: getattr(ticket, name) for name in DIMENSIONS} | {"tags": sorted(ticket.tags)}


def policy(applied: Sequence[t.SlaApplied]) -> Row:
    names = ["policy", "policy_version", "calendar", "calendar_version"]
    if not applied or applied[-1].policy is None:
        return dict.fromkeys(names)
    of = applied[-1]
    values = (of.policy, of.policy_version, of.calendar, of.calendar_version if of.calendar else None)
    return dict(zip(names, values, strict=True))


def acting(event: Recorded) -> UUID | None:
    return UUID(event.actor.id) if event.actor.kind == "agent" else None


def logged(fact: t.TimeLogged) -> Row:
    cost = None if fact.rate is None or fact.currency is None else Fraction(fact.seconds * fact.rate, 3600)
    return {
        "amount": fact.seconds, "agent": fact.agent, "detail": "billable" if fact.billable else "not_billable",
        "cost": cost, "currency": None if cost is None else fact.currency,
    }  # fmt: skip


def mood(score: int) -> str:
    return {1: "bad", 2: "bad", 3: "neutral", 4: "good", 5: "good"}[score]


def stations(holders: Sequence[UUID | None]) -> list[UUID]:
    """Without nobody, and without whoever has it back from nobody."""
    known = [holder for holder in holders if holder is not None]
    return [holder for n, holder in enumerate(known) if n == 0 or known[n - 1] != holder]


def open_time(calendar: UUID, start: datetime, end: datetime) -> timedelta:
    """OFFICE is open from nine to six, Monday to Friday; NIGHT for 15 hours from six on Monday and Tuesday. In UTC."""
    passed, day = timedelta(), start.date() - timedelta(days=1)
    while day <= end.date():
        opens, hours = {OFFICE: (9, 9), NIGHT: (18, 15)}[calendar]
        if day.weekday() < {OFFICE: 5, NIGHT: 2}[calendar]:
            begin = datetime.combine(day, time(opens), start.tzinfo)
            since, until = max(begin, start), min(begin + timedelta(hours=hours), end)
            passed += max(until - since, timedelta())
        day += timedelta(days=1)
    return passed
