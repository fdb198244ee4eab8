"""Which read models are there?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from projections.desk import Desk
from projections.figures import Figures
from projections.projection import Projection
from projections.queues import Queues
from projections.reports import Reports
from projections.search import Search
from projections.sla import Sla
from projections.tickets import Tickets
from projections.trail import Trail

PROJECTIONS: Mapping[str, Projection[Any]] = MappingProxyType(
    {
        projection.name: projection
        for projection in (Desk(), Tickets(), Queues(), Reports(), Sla(), Trail(), Search(), Figures())
    }
)
