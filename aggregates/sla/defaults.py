"""Which policies does a new desk get? One a channel that is quicker than the rest, and one for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid5

from aggregates.sla.terms import Condition, Target, Terms, Warning
from aggregates.ticket.events import Channel, Priority

MINUTE, HOUR = 60, 3_600
FIRST_REPLY: Mapping[Priority, int] = {"urgent": 30 * MINUTE, "high": HOUR, "normal": 8 * HOUR, "low": 24 * HOUR}
RESOLUTION: Mapping[Priority, int] = {"urgent": 2 * HOUR, "high": 4 * HOUR, "normal": 24 * HOUR, "low": 72 * HOUR}
CHANNELS: Mapping[Channel, int] = {"chat": 160, "phone": 5 * MINUTE, "email": HOUR, "social": HOUR}
"""First reply on a channel, where the priority does not ask for it sooner."""
DEFAULTS = UUID("0d8a2f0e-5f0c-4f5c-9a3a-6f6f3d3f6c11")


def default_policies(calendar: UUID) -> dict[UUID, Terms]:
    """In their order, in business time of this calendar. Their ids are the same everywhere."""
    by_channel = {_id(channel): _terms(calendar, channel, quickest) for channel, quickest in CHANNELS.items()}
    return by_channel | {_id("standard"): _terms(calendar, None, None)}


def _id(name: str) -> UUID:
    return uuid5(DEFAULTS, name)


def _terms(calendar: UUID, channel: Channel | None, quickest: int | None) -> Terms:
    first_reply = {p: seconds if quickest is None else min(seconds, quickest) for p, seconds in FIRST_REPLY.items()}
    return Terms(
        name="Standard" if channel is None else channel.title(),
        all=() if channel is None else (Condition(attribute="channel", values=(channel,)),),
        calendar=calendar,
        targets={"first_reply": Target(seconds=first_reply), "resolution": Target(seconds=dict(RESOLUTION))},
        warnings=(Warning(percent=80),),
    )
