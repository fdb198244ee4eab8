"""What does a busy desk's log look like? Drawn from a seed: the same one gives the same log, to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import accumulate
from random import Random

from replay.logs.eventlog import Row

START = datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1)))
LONGEST_SPAN_DAYS = 365
TICKETS_A_DAY = 25
SYSTEM = "Siebel"
# Arrivals by hour of the day and by day of the week: a European office desk with users elsewhere.
HOURS = (1, 1, 1, 1, 1, 2, 5, 12, 22, 26, 24, 20, 15, 21, 23, 20, 15, 9, 5, 3, 2, 2, 1, 1)
WEEKDAYS = (24, 22, 20, 19, 16, 3, 2)
IMPACTS, IMPACT_WEIGHTS = ("Medium", "Low", "High", "Major"), (53, 42, 4, 1)
SITES = (("Sweden", "se"), ("POLAND", "pl"), ("INDIA", "in"), ("Belgium", "be"), ("Brazil", "br"), ("USA", "us"))
SHIFTS = ((7, 16), (8, 17), (8, 17), (9, 18), (12, 21), (22, 6))
WAITS = ("Wait - User", "Wait", "Wait - Implementation", "Wait - Vendor", "Wait - Customer")
WAIT_WEIGHTS, WAIT_HOURS = (63, 23, 7, 5, 2), (30.0, 40.0, 90.0, 120.0, 30.0)
SUFFIX = {1: "", 2: " 2nd", 3: " 3rd"}
# What happens next to a ticket that somebody works on, by the team's line; closing in the call only on the first.
STEPS = ("in_call", "resolve", "up", "down", "sideways", "hand_over", "wait", "touch")
STEP_WEIGHTS = {
    1: (24, 20, 30, 0, 8, 8, 8, 48),
    2: (0, 40, 12, 7, 9, 10, 16, 60),
    3: (0, 44, 0, 12, 7, 9, 16, 60),
}
MOST_STEPS = 60
REOPENED, REOPENED_AFTER_CLOSING, FORGOTTEN = 0.07, 0.02, 0.01

NAMES = (
    "Anna", "Marek", "Priya", "Luc", "Ingrid", "Pawel", "Sofia", "Rahul", "Elin", "Joao", "Kim", "Marta", "Nils",
    "Olga", "Tomasz", "Deepa", "Hugo", "Lena", "Ravi", "Saskia", "Viktor", "Wanda", "Yann", "Zofia",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Agent:
    name: str
    shift: tuple[int, int]
    country: str

    def works_next(self, at: datetime) -> datetime:
        """The same moment within their shift, else the beginning of the next one. Weekends are off, nights are not."""
        first, last = self.shift
        while True:
            since = (at.hour - first) % 24
            begun = at - timedelta(hours=since)
            if since < (last - first) % 24 and begun.weekday() < 5:
                return at
            at = (at + timedelta(hours=24 - since)).replace(minute=at.minute % 20)


@dataclass(frozen=True, slots=True)
class Team:
    name: str
    line: int
    role: str
    organisation: str
    country: str
    agents: tuple[Agent, ...]


@dataclass(frozen=True, slots=True)
class Office:
    """Teams by line; `weights` are cumulative: a few teams have most of the work."""

    lines: dict[int, tuple[Team, ...]]
    weights: dict[int, tuple[float, ...]]
    products: tuple[str, ...]
    product_weights: tuple[float, ...]

    def team(self, random: Random, line: int) -> Team:
        return random.choices(self.lines[line], cum_weights=self.weights[line])[0]


@dataclass(slots=True)
class Journey:
    """One ticket on its way: where it is, and what the log has noted of it."""

    case: str
    product: str
    impact: str
    at: datetime
    team: Team
    agent: Agent
    rows: list[Row] = field(default_factory=list)

    def note(self, status: str, detail: str, by: str | None = None) -> None:
        self.rows.append({
            "case:concept:name": self.case,
            "concept:name": status,
            "lifecycle:transition": detail,
            "time:timestamp": self.at.isoformat(timespec="milliseconds"),
            "org:group": self.team.name,
            "org:resource": by or self.agent.name,
            "org:role": self.team.role,
            "organization involved": self.team.organisation,
            "organization country": self.team.country,
            "resource country": "0" if by else self.agent.country,
            "impact": self.impact,
            "product": self.product,
        })  # fmt: skip

    def take(self, random: Random, agent: Agent, hours: float) -> None:
        """Some agent turns to it, in their own time."""
        self.agent = agent
        self.pass_time(random, hours)

    def pass_time(self, random: Random, hours: float) -> None:
        later = self.at + timedelta(seconds=20 + round(random.expovariate(1 / (hours * 3600))))
        self.at = self.agent.works_next(later)


def simulate(tickets: int, seed: int) -> Iterator[list[Row]]:
    """Cases in order of arrival, each with its events in order of time. Later than the last day nothing is known."""
    random = Random(seed)  # noqa: S311
    office = _office(random, tickets)
    days = min(max(30, tickets // TICKETS_A_DAY), LONGEST_SPAN_DAYS)
    until = START + timedelta(days=days)
    for place, at in enumerate(_arrivals(random, tickets, days), 1):
        # Each ticket draws from a source of its own: what one does never shifts what the next one does.
        own = Random(f"{seed}/{tickets}/{place}")  # noqa: S311
        rows = _journey(own, office, f"{seed}-{tickets}-{place:06}", at, until)
        if rows:
            yield rows


def _arrivals(random: Random, tickets: int, days: int) -> list[datetime]:
    dates = [START + timedelta(days=day) for day in range(days)]
    slots = [(date, hour) for date in dates for hour in range(24)]
    weights = [WEEKDAYS[date.weekday()] * HOURS[hour] for date, hour in slots]
    drawn = random.choices(slots, weights, k=tickets)
    return sorted(date + timedelta(hours=hour, seconds=random.randrange(3600)) for date, hour in drawn)


def _office(random: Random, tickets: int) -> Office:
    sizes = {1: 4 + min(tickets // 250, 40), 2: 4 + min(tickets // 200, 50), 3: 2 + min(tickets // 500, 20)}
    lines = {line: tuple(_team(random, line, n) for n in range(size)) for line, size in sizes.items()}
    weights = {line: _skewed(size, 1.1) for line, size in sizes.items()}
    products = 20 + min(tickets // 12, 680)
    names = tuple(f"PROD{n}" for n in random.sample(range(1, 900), products))
    return Office(lines, weights, names, _skewed(products, 1.0))


def _skewed(n: int, steepness: float) -> tuple[float, ...]:
    return tuple(accumulate(1 / rank**steepness for rank in range(1, n + 1)))


def _team(random: Random, line: int, n: int) -> Team:
    country, code = random.choice(SITES)
    name = f"{'GVS'[line - 1]}{n + 1}{SUFFIX[line]}"
    agents = tuple(
        Agent(f"{random.choice(NAMES)} {name[0]}{n + 1}{chr(65 + i)}", random.choice(SHIFTS), country)
        for i in range(random.randint(3, 9))
    )
    return Team(name, line, f"A2_{random.randint(1, 5)}", f"Org line {random.choice('ABC')}", code, agents)


def _journey(random: Random, office: Office, case: str, at: datetime, until: datetime) -> list[Row]:
    team = office.team(random, 1)
    product = random.choices(office.products, cum_weights=office.product_weights)[0]
    impact = random.choices(IMPACTS, IMPACT_WEIGHTS)[0]
    journey = Journey(case, product, impact, at, team, random.choice(team.agents))
    if random.random() < 0.15:
        journey.note("Queued", "Awaiting Assignment")
        _accept(random, journey)
    else:
        journey.note("Accepted", "In Progress")
    _work(random, office, journey)
    return [row for row in journey.rows if str(row["time:timestamp"]) < until.isoformat(timespec="milliseconds")]


def _accept(random: Random, journey: Journey) -> None:
    """Somebody of the team takes it out of the queue; urgent ones do not wait long."""
    patience = {"Major": 0.2, "High": 1.0, "Medium": 5.0, "Low": 9.0}[journey.impact]
    journey.take(random, random.choice(journey.team.agents), patience * journey.team.line)
    journey.note("Accepted", "In Progress")


def _work(random: Random, office: Office, journey: Journey) -> None:
    if random.random() < FORGOTTEN:
        return
    for _ in range(MOST_STEPS):
        step = random.choices(STEPS, STEP_WEIGHTS[journey.team.line])[0]
        journey.pass_time(random, 0.1 if step == "in_call" else 2.0)
        if step in ("in_call", "resolve"):
            journey.note("Completed", "In Call" if step == "in_call" else "Resolved")
            if not _settled(random, journey):
                return
        else:
            _step(random, office, journey, step)


def _step(random: Random, office: Office, journey: Journey, step: str) -> None:
    match step:
        case "up" | "down" | "sideways":
            line = journey.team.line + {"up": 1, "down": -1, "sideways": 0}[step]
            journey.team = office.team(random, line)
            journey.note("Queued", "Awaiting Assignment")
            _accept(random, journey)
        case "hand_over":
            journey.take(random, random.choice(journey.team.agents), 3.0)
            journey.note("Accepted", random.choice(("In Progress", "Assigned")))
        case "wait":
            kind = random.choices(range(len(WAITS)), WAIT_WEIGHTS)[0]
            journey.note("Accepted", WAITS[kind])
            journey.pass_time(random, WAIT_HOURS[kind])
            journey.note("Accepted", "In Progress")
        case _:
            journey.note("Accepted", "In Progress")


def _settled(random: Random, journey: Journey) -> bool:
    """After a resolution: back to work before or after the system closed it at night, or over (False)."""
    if random.random() < REOPENED:
        journey.pass_time(random, 40.0)
        journey.note("Accepted", "In Progress")
        return True
    night = journey.at + timedelta(days=random.randint(5, 12))
    journey.at = night.replace(hour=1, minute=random.randrange(20, 40), second=random.randrange(60))
    journey.note("Completed", "Closed", by=SYSTEM)
    if random.random() >= REOPENED_AFTER_CLOSING:
        return False
    journey.take(random, random.choice(journey.team.agents), 60.0)
    journey.note("Accepted", "In Progress")
    return True
