"""Who plays in these tests?"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from aggregates.agent import Agent
from aggregates.business_time import Hours
from aggregates.calendar import Calendar, Version
from aggregates.customer import Customer, Organisation
from aggregates.desk import Desk
from aggregates.envelope import Actor
from aggregates.team import Team
from aggregates.ticket.events import Opened

ANNA, CARL, ACME = UUID(int=1), UUID(int=2), UUID(int=3)
ADA, BEN, GONE = UUID(int=11), UUID(int=12), UUID(int=13)
SUPPORT, NETWORK, DISSOLVED = UUID(int=21), UUID(int=22), UUID(int=23)
OFFICE, UNKEPT = UUID(int=41), UUID(int=42)
GOLD, SILVER = UUID(int=51), UUID(int=52)
CSAT, PERIODIC = UUID(int=61), UUID(int=62)
TICKET, OTHER, FOLLOW_UP = UUID(int=31), UUID(int=32), UUID(int=33)
NOBODY = UUID(int=99)
NUMBER = 1042
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

AS_ADA = Actor(kind="agent", id=str(ADA))
AS_BEN = Actor(kind="agent", id=str(BEN))
AS_GONE = Actor(kind="agent", id=str(GONE))
AS_NOBODY = Actor(kind="agent", id=str(NOBODY))
AS_SCRIPT = Actor(kind="agent", id="a name that is no id")
AS_ANNA = Actor(kind="customer", id=str(ANNA))
AS_RULE = Actor(kind="rule", id="vip@3")
AS_SYSTEM = Actor(kind="system", id="clock")
AS_IMPORT = Actor(kind="import", id="bpi2013")

DESK = Desk(
    {
        ANNA: Customer(name="Anna"),
        CARL: Customer(name="Carl"),
        ACME: Organisation(name="Acme"),
        ADA: Agent(name="Ada"),
        BEN: Agent(name="Ben"),
        GONE: Agent(name="Gone", enabled=False),
        SUPPORT: Team(name="Support"),
        NETWORK: Team(name="Network"),
        DISSOLVED: Team(name="Dissolved", enabled=False),
        OFFICE: Calendar("Office", (Version(1, Hours(zone="UTC"), None),)),
        UNKEPT: Calendar("Without hours"),
    }
)

OPENED = Opened(number=NUMBER, requester=ANNA, subject="Printer on fire", channel="email")
