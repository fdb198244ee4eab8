"""sla: which promises were kept?"""

from __future__ import annotations

from typing import LiteralString, get_args

from aggregates.ticket.events import Metric as Clock
from aggregates.ticket.events import SlaBreached, SlaBreachWithdrawn, SlaMet, SlaMetWithdrawn
from projections.metrics.definitions.families import count, share
from projections.metrics.measure import Metric, Rows

READS = (SlaMet, SlaBreached, SlaMetWithdrawn, SlaBreachWithdrawn)
WHEN = (
    "A cycle of a clock counts once, when its target was met or, to the microsecond, when it was due. What was "
    "withdrawn because of a fact that became known later does not count from that position of the log on."
)
CLOCK = "the clock: first_reply, next_reply, update, pausable_update, resolution, assignment and so on"
# Written out: what goes into SQL is no string made at run time.
OF: dict[str, tuple[LiteralString, LiteralString]] = {
    "first_reply": ("detail = 'first_reply'", "detail = 'first_reply' AND amount = 1"),
    "next_reply": ("detail = 'next_reply'", "detail = 'next_reply' AND amount = 1"),
    "update": ("detail = 'update'", "detail = 'update' AND amount = 1"),
    "pausable_update": ("detail = 'pausable_update'", "detail = 'pausable_update' AND amount = 1"),
    "resolution": ("detail = 'resolution'", "detail = 'resolution' AND amount = 1"),
    "requester_wait": ("detail = 'requester_wait'", "detail = 'requester_wait' AND amount = 1"),
    "agent_work": ("detail = 'agent_work'", "detail = 'agent_work' AND amount = 1"),
    "assignment": ("detail = 'assignment'", "detail = 'assignment' AND amount = 1"),
    "ownership": ("detail = 'ownership'", "detail = 'ownership' AND amount = 1"),
}
assert set(OF) == set(get_args(Clock))  # noqa: S101
MET = Rows("sla", "amount = 1")

METRICS: tuple[Metric, ...] = (
    count("sla_met", "SLA targets met", MET, f"Targets of SLA clocks that were met in the period. {WHEN}", READS,
          detail=CLOCK),
    count("sla_breached", "SLA targets breached", Rows("sla", "amount = 0"),
          f"Targets of SLA clocks that were breached in the period. {WHEN}", READS, detail=CLOCK),
    share("sla_compliance", "SLA compliance", Rows("sla"), MET,
          f"Of all SLA targets that were met or breached in the period, those met; null if none was. {WHEN}",
          READS, detail=CLOCK),
    *(
        share(
            f"sla_{clock}", f"SLA compliance, {clock.replace('_', ' ')}", Rows("sla", all), Rows("sla", met),
            f"Of the targets of the clock `{clock}` that were met or breached in the period, those met; null if none "
            f"was. {WHEN}",
            READS,
        )
        for clock, (all, met) in OF.items()
    ),
)  # fmt: skip
