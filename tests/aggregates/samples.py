"""One or more samples of every fact, to write into the golden file; see golden.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

from aggregates.agent import (
    AgentDisabled,
    AgentEnabled,
    AgentRegistered,
    AgentRenamed,
    CapacityChanged,
    SkillChanged,
    WentOffline,
    WentOnline,
)
from aggregates.business_time import Hours, OtherHours, Span, YearlyHoliday
from aggregates.calendar import CalendarCreated, CalendarPublished, CalendarRenamed
from aggregates.customer import (
    AskedToRate,
    Contact,
    ContactsChanged,
    CustomerRegistered,
    CustomerRenamed,
    LanguageChanged,
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationRenamed,
    TierChanged,
)
from aggregates.envelope import Actor, Envelope, envelope_of
from aggregates.fact import Fact
from aggregates.goals.goals import GoalPublished, GoalRetired
from aggregates.goals.terms import Conditions, Figure, GoalTerms, Share
from aggregates.rates import Rates, RatesPublished
from aggregates.reportable import FieldDeclared, FieldWithdrawn
from aggregates.sla.policies import PoliciesOrdered, PolicyPublished, PolicyRetired
from aggregates.sla.terms import (
    Condition,
    EscalateTicket,
    Notify,
    RaisePriority,
    Reaction,
    TagTicket,
    Target,
    Terms,
    Warning,
)
from aggregates.surveys.surveys import SurveyPublished, SurveysOrdered
from aggregates.surveys.terms import SurveyTerms, Wording
from aggregates.team import (
    TeamCreated,
    TeamDisabled,
    TeamEnabled,
    TeamLeaderChanged,
    TeamMemberAdded,
    TeamMemberRemoved,
    TeamRenamed,
)
from aggregates.text import Erased
from aggregates.ticket import events as t

ANNA, ADA, BEN = UUID(int=0xA1), UUID(int=0xB1), UUID(int=0xB2)
SUPPORT, NETWORK, ACME = UUID(int=0xC1), UUID(int=0xC2), UUID(int=0xD1)
OTHER = UUID(int=0xE1)
GOLD, OFFICE = UUID(int=0xF1), UUID(int=0xF2)
REQUEST, SURVEY = UUID(int=0xF3), UUID(int=0xF4)
NOON = datetime(2026, 3, 29, 12, 0, 0, 250_000, tzinfo=UTC)
GONE = Erased()
TEXT = 'Ünïcode \U0001f525, "quoted" \\ /\n\t\x7f\u2028 end'

TICKET: tuple[Fact, ...] = (
    t.Opened(number=1, requester=ANNA, subject=TEXT, channel="email"),
    t.Opened(
        number=9_007_199_254_740_993,
        requester=ANNA,
        subject=GONE,
        channel="web_form",
        category="printers",
        team=SUPPORT,
        priority="urgent",
        ticket_type="incident",
        level=3,
        tags=("fire", "vip"),
        fields={
            "flag": True,
            "whole": 1,
            "big": -(2**53),
            "real": 1.0,
            "tiny": -5e-324,
            "large": 1e22,
            "text": TEXT,
            "null": None,
            "gone": GONE,
        },
        follow_up_of=OTHER,
    ),
    t.Imported(source="bpi2013", case="1-364285768"),
    t.MessageReceived(author=ANNA, body=TEXT, channel="chat"),
    t.MessageReceived(author=ANNA, body=GONE, channel="social"),
    t.ReplyAdded(body=TEXT),
    t.ReplyAdded(body=GONE, automatic=True),
    t.NoteAdded(body=""),
    t.NoteAdded(body=GONE),
    t.Routed(team=SUPPORT),
    t.Routed(team=NETWORK, from_team=SUPPORT, reason=GONE),
    t.Assigned(agent=ADA),
    t.Assigned(agent=BEN, from_agent=ADA, claimed=True),
    t.Unassigned(from_agent=ADA),
    t.Unassigned(from_agent=ADA, reason=GONE),
    t.Escalated(from_level=1, to_level=2, reason="Beyond me"),
    t.Escalated(
        from_level=1,
        to_level=9,
        from_team=SUPPORT,
        to_team=NETWORK,
        from_agent=ADA,
        to_agent=BEN,
        reason=GONE,
    ),
    t.DeEscalated(from_level=2, to_level=1),
    t.DeEscalated(
        from_level=9,
        to_level=1,
        from_team=NETWORK,
        to_team=SUPPORT,
        from_agent=BEN,
        to_agent=ADA,
        reason=GONE,
    ),
    t.PriorityChanged(priority="high", was="low"),
    t.CategoryChanged(category="printers", was=None),
    t.CategoryChanged(category=None, was="printers"),
    t.TypeChanged(ticket_type="problem", was="task"),
    t.Tagged(tags=("fire", "vip")),
    t.Untagged(tags=("vip",)),
    t.FieldChanged(name="floor", value=3),
    t.FieldChanged(name="floor", value=3.0),
    t.FieldChanged(name="flag", value=False),
    t.FieldChanged(name="text", value="3"),
    t.FieldChanged(name="text", value=GONE),
    t.FieldChanged(name="floor", value=None),
    t.PutPending(was="open"),
    t.PutPending(was="new", reason=GONE),
    t.PutOnHold(was="open"),
    t.PutOnHold(was="pending", reason=GONE),
    t.Reopened(was="pending", cause="message"),
    t.Reopened(was="resolved", cause="agent", reason=GONE),
    t.Reopened(was="closed", cause="import"),
    t.Resolved(was="open", code="solved"),
    t.Resolved(was="on_hold", code="duplicate", unanswered="Told on the phone"),
    t.Resolved(was="on_hold", code="duplicate", unanswered=GONE),
    t.Closed(was="resolved", cause="agent"),
    t.Closed(was="resolved", cause="auto"),
    t.Closed(was="resolved", cause="import"),
    t.MarkedSpam(was="new"),
    t.Merged(was="open", into=OTHER, number=1042),
    t.WatcherAdded(watcher=ADA),
    t.WatcherRemoved(watcher=ADA),
    t.Linked(other=OTHER, relation="duplicates"),
    t.Unlinked(other=OTHER, relation="blocked_by"),
    t.FollowedUp(follow_up=OTHER, number=2),
    t.TimeLogged(agent=ADA, seconds=90),
    t.TimeLogged(agent=ADA, seconds=86_400, billable=False, note="Travel"),
    t.TimeLogged(agent=ADA, seconds=86_400, billable=False, note=GONE),
    t.TimeLogged(agent=ADA, seconds=90, rate=6_000, currency="EUR"),
    t.SatisfactionRequested(request=REQUEST, occasion="resolved", expires_at=NOON),
    t.SatisfactionRequested(
        request=REQUEST,
        occasion="survey",
        survey=SURVEY,
        survey_version=2,
        agent=ADA,
        team=SUPPORT,
        expires_at=NOON,
    ),
    t.SatisfactionRated(request=REQUEST, score=2),
    t.SatisfactionRated(request=REQUEST, score=5, was=2, comment="Thank you!"),
    t.SatisfactionRated(request=REQUEST, score=5, was=2, comment=GONE),
    t.SlaApplied(policy=None, list_version=1),
    t.SlaApplied(policy=GOLD, policy_version=2, calendar=OFFICE, calendar_version=3, list_version=4, since=NOON),
    t.SlaWarned(metric="first_reply", cycle=1, target=3_600, percent=80, at=NOON),
    t.SlaWarned(metric="next_reply", cycle=7, target=3_600, left=600, at=NOON),
    t.SlaBreached(metric="resolution", cycle=1, target=3_600, due=NOON, in_status="new", policy=GOLD, policy_version=2),
    t.SlaBreached(
        metric="ownership",
        cycle=2,
        target=3_600,
        due=NOON,
        in_status="on_hold",
        team=SUPPORT,
        agent=ADA,
        policy=GOLD,
        policy_version=2,
    ),
    t.SlaMet(metric="update", cycle=3, target=3_600, at=NOON, elapsed=1_234.5),
    t.SlaBreachWithdrawn(metric="assignment", cycle=1, due=NOON),
    t.SlaMetWithdrawn(metric="requester_wait", cycle=1, at=NOON),
    t.Notified(about="sla_warning", metric="agent_work", cycle=1),
    t.Notified(agents=(ADA,), teams=(SUPPORT,), about="sla_breach", metric="pausable_update", cycle=2),
)
DESK: tuple[Fact, ...] = (
    TeamCreated(name="Support"),
    TeamRenamed(name="First line"),
    TeamLeaderChanged(leader=ADA),
    TeamLeaderChanged(leader=None),
    TeamMemberAdded(agent=ADA),
    TeamMemberRemoved(agent=ADA),
    TeamDisabled(),
    TeamEnabled(),
    AgentRegistered(name="Ada"),
    AgentRenamed(name="Ada L."),
    SkillChanged(skill="sql", level=3),
    CapacityChanged(capacity=0),
    WentOnline(),
    WentOffline(),
    AgentDisabled(),
    AgentEnabled(),
    CustomerRegistered(name="Anna"),
    CustomerRegistered(name=GONE, language="de-AT", tier="vip", organisation=ACME),
    CustomerRenamed(name="Anne"),
    CustomerRenamed(name=GONE),
    ContactsChanged(contacts=()),
    ContactsChanged(contacts=(Contact(kind="email", value="anna@acme.example"), Contact(kind="phone", value=GONE))),
    LanguageChanged(language="de"),
    LanguageChanged(language=None),
    TierChanged(tier="premium", was="standard"),
    OrganisationChanged(organisation=ACME),
    OrganisationChanged(organisation=None),
    AskedToRate(survey=SURVEY, ticket=OTHER, request=REQUEST, at=NOON),
    OrganisationRegistered(name="Acme"),
    OrganisationRenamed(name="Acme & Co"),
    CalendarCreated(name="Office"),
    CalendarRenamed(name="Head office"),
    CalendarPublished(hours=Hours(zone="UTC")),
    CalendarPublished(
        hours=Hours(
            zone="Europe/Stockholm",
            monday=(Span(opens=9 * 60, closes=12 * 60), Span(opens=13 * 60, closes=18 * 60)),
            tuesday=(Span(opens=0, closes=24 * 60),),
            wednesday=(Span(opens=22 * 60 + 30, closes=6 * 60),),
            saturday=(Span(opens=18 * 60, closes=0),),
            holidays=(date(2026, 4, 3), date(2026, 5, 14)),
            yearly_holidays=(YearlyHoliday(month=12, day=25), YearlyHoliday(month=2, day=29)),
            exceptions=(
                OtherHours(day=date(2026, 12, 24), spans=(Span(opens=10 * 60, closes=12 * 60 + 15),)),
                OtherHours(day=date(2026, 12, 31)),
            ),
        ),
        effective_from=datetime(2026, 1, 1, tzinfo=UTC),
    ),
)
TERMS = Terms(
    name="Gold",
    all=(
        Condition(attribute="tier", values=("vip", "premium")),
        Condition(attribute="team", operator="is_not", values=(str(NETWORK), None)),
        Condition(attribute="field", name="floor", values=(True, 3, -(2**53), 3.5, -5e-324, TEXT, None)),
    ),
    any=(Condition(attribute="priority", values=("high",)), Condition(attribute="tag", values=("fire",))),
    calendar=OFFICE,
    targets={
        "first_reply": Target(seconds={"urgent": 1_800, "low": 86_400}),
        "resolution": Target(seconds={"normal": 315_360_000}, time="calendar"),
    },
    pauses=("on_hold", "pending"),
    warnings=(Warning(percent=80), Warning(left=600)),
    reactions=(
        Reaction(
            on="warning",
            metrics=("first_reply", "update"),
            actions=(Notify(agents=(ADA,), teams=(SUPPORT,), assignee=True, leader=True), TagTicket(tags=("late",))),
        ),
        Reaction(
            on="breach",
            actions=(
                EscalateTicket(),
                EscalateTicket(level=3, team=NETWORK, agent=BEN),
                RaisePriority(),
                RaisePriority(priority="urgent"),
            ),
        ),
    ),
    auto_close=None,
)
POLICIES: tuple[Fact, ...] = (
    PolicyPublished(policy=GOLD, terms=Terms(name="Gold"), effective_from=NOON, reach="new", at_once=True),
    PolicyPublished(policy=GOLD, terms=TERMS, effective_from=NOON, reach="open"),
    PoliciesOrdered(order=(GOLD, OTHER), reach="new"),
    PoliciesOrdered(order=(), reach="open"),
    PolicyRetired(policy=GOLD, reach="new"),
    PolicyRetired(policy=GOLD, reach="open"),
)
REPORTABLE: tuple[Fact, ...] = (
    FieldDeclared(name="floor", type="number", label="Floor"),
    FieldDeclared(name="vip", type="boolean", label="Is a VIP"),
    FieldDeclared(name="ticket.category", type="text", label="Category"),
    FieldWithdrawn(name="floor"),
)
SURVEYS: tuple[Fact, ...] = (
    SurveyPublished(survey=SURVEY, terms=SurveyTerms(name="After each resolution")),
    SurveyPublished(
        survey=SURVEY,
        terms=SurveyTerms(
            name="Once a quarter",
            all=(Condition(attribute="tier", values=("vip",)),),
            any=(Condition(attribute="channel", operator="is_not", values=("phone",)),),
            every_days=90,
            delay=0,
            expires_days=30,
            rest_days=7,
            wording=Wording(question="How are we doing?", scale=("1", "2", "3", "4", "5")),
            translations={"de-AT": Wording(question="Passt's?", scale=("Na", "Eher ned", "Geht so", "Eh", "Ja"))},
            enabled=False,
        ),
    ),
    SurveysOrdered(surveys=(SURVEY, OTHER)),
    SurveysOrdered(surveys=()),
)

RATES: tuple[Fact, ...] = (
    RatesPublished(rates=Rates(currency="EUR"), effective_from=NOON, at_once=True),
    RatesPublished(
        rates=Rates(
            currency="JPY",
            levels={1: 6_000, 9: 0},
            teams={SUPPORT: {2: 4_500}},
            visible_to_customers="time_and_cost",
            billable_only=False,
        ),
        effective_from=NOON,
    ),
)
GOALS: tuple[Fact, ...] = (
    GoalPublished(
        goal=GOLD,
        terms=GoalTerms(name="Soon", metric="resolution", target=Share(percent=95, within=86_400)),
        effective_from=NOON,
    ),
    GoalPublished(
        goal=GOLD,
        terms=GoalTerms(
            name="Good",
            team=SUPPORT,
            metric="satisfaction",
            target=Share(percent=99.5, score=4),
            conditions=Conditions(
                ticket_types=("question",),
                channels=("chat", "email"),
                categories=("Printers",),
                priorities=("urgent",),
                tags=("fire",),
            ),
            period="quarter",
            zone="Europe/Stockholm",
            until=datetime(2027, 1, 1, tzinfo=UTC),
        ),
        effective_from=NOON,
    ),
    GoalPublished(
        goal=OTHER,
        terms=GoalTerms(
            name="Soon enough",
            agent=ADA,
            metric="first_reply",
            time="business",
            target=Figure(statistic="p90", value=3_600.5),
            period="day",
        ),
        effective_from=NOON,
    ),
    GoalPublished(
        goal=OTHER,
        terms=GoalTerms(
            name="Kept", metric="sla_compliance", promise="next_reply", target=Share(percent=100), period="week"
        ),
        effective_from=NOON,
    ),
    GoalRetired(goal=GOLD, effective_from=NOON),
)


def envelopes() -> Iterator[Envelope[Fact]]:
    yield from map(_plain, (*TICKET, *DESK, *POLICIES, *SURVEYS, *REPORTABLE, *RATES, *GOALS))
    yield from map(_laden, TICKET[:5])


def _plain(fact: Fact) -> Envelope[Fact]:
    """As a person's command writes it."""
    return envelope_of(fact.type_name)(
        actor=Actor(kind="agent", id=str(ADA)),
        command_id=UUID(int=1),
        correlation_id=UUID(int=2),
        subject=ANNA if fact.personal else None,
        fact=fact,
    )


def _laden(fact: Fact) -> Envelope[Fact]:
    """With all that an envelope can say."""
    return _plain(fact).model_copy(
        update={
            "actor": Actor(kind="import", id="bpi2013 Ü"),
            "causation_id": UUID(int=3),
            "occurred_at": datetime(2012, 5, 1, 13, 37, 59, 123_000, tzinfo=UTC),
        }
    )
