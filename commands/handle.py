"""One command, start to finish: recall, decide, append. Everything impure comes in as an argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aggregates.desk import Desk
from aggregates.envelope import Envelope, encode, envelope_of, recorded
from aggregates.errors import Refusal, ReusedKey, StaleVersion, Taken, Unavailable
from aggregates.fact import Command, Fact
from aggregates.ticket.events import MessageReceived
from aggregates.ticket.state import Ticket
from commands.append import Append, Outcome, Write
from commands.context import Accepted, Context
from commands.memory import NOTHING, Memory, Remembered
from commands.store import EventStore

TRIES = 5
Writes = Mapping[UUID, tuple[Fact, ...]]
Seen = Mapping[UUID, Remembered]


@dataclass(frozen=True, slots=True)
class Ask:
    """One command on its way.

    own       streams it may write, the one that it is about first; `new` ones do not exist yet
    refers    configuration that the decision stands on
    follow    what else it stands on, which only shows once these are seen
    decide    from states as seen and the desk to facts by stream; raises Refusal
    reserve   (namespace, key, stream) for facts that need a name of their own
    """

    command: Command
    context: Context
    own: tuple[UUID, ...]
    decide: Callable[[Seen, Desk], Writes]
    refers: tuple[UUID, ...] = ()
    follow: Callable[[Seen], tuple[UUID, ...]] = lambda seen: ()
    new: frozenset[UUID] = frozenset()
    reserve: Callable[[UUID, Fact], tuple[tuple[str, bytes, UUID], ...]] = lambda stream, fact: ()

    @property
    def target(self) -> UUID:
        return self.own[0]


class Handler:
    """Runs commands against one desk's store. Safe to share by all requests of a process."""

    def __init__(self, store: EventStore, secret: bytes) -> None:
        self.store = store
        self.memory = Memory(store)
        self.secret = secret

    async def handle(self, ask: Ask) -> Accepted:
        """Append what the decision says. Raises Refusal: the rules', or that the store is away or contended.

        Nothing is refused on remembered state: a refusal is asked again on fresh state, and then whether
        this very command succeeded before. Who wrote in between makes us decide again.
        """
        async with self.memory.turn(ask.own):
            for fresh in (False, *(True,) * TRIES):
                seen = await self._see(ask, fresh)
                try:
                    writes = self._decide(ask, seen)
                except Refusal as refusal:
                    if fresh:
                        return await self.earlier(ask.context) or _raise(refusal)
                    continue
                if not writes:
                    if fresh:
                        return await self.earlier(ask.context) or _already_so(ask, seen)
                    continue
                after = {stream: seen[stream].with_facts(facts, ask.context.now) for stream, facts in writes.items()}
                outcome = await self.store.append(self._append(ask, seen, writes, after))
                if outcome.kind in ("conflict", "stale_read"):
                    continue
                return await self._answer(writes, after, outcome)
        raise Unavailable("command.contended", "Others keep writing to the same ticket; try again.")

    async def _see(self, ask: Ask, fresh: bool) -> Seen:
        known = await self.memory.recall([id for id in (*ask.own, *ask.refers) if id not in ask.new], fresh=fresh)
        seen = known | {id: NOTHING for id in ask.new}
        more = [id for id in ask.follow(seen) if id not in seen]
        return seen | await self.memory.recall(more, fresh=fresh) if more else seen

    def _decide(self, ask: Ask, seen: Seen) -> Writes:
        expected, now = ask.context.expected_version, seen[ask.target]
        if expected is not None and not now.changed <= expected <= now.version:
            raise StaleVersion("version.stale", f"The current version is {now.version}.")
        desk = Desk({id: known.state for id, known in seen.items() if known.version})
        return {stream: facts for stream, facts in ask.decide(seen, desk).items() if facts}

    def _append(self, ask: Ask, seen: Seen, writes: Writes, after: Seen) -> Append:
        return Append(
            command_id=ask.context.command_id,
            caller=ask.context.caller,
            request=ask.context.request,
            writes=tuple(
                Write(stream, seen[stream].version, _events(ask, stream, after[stream].state, facts))
                for stream, facts in writes.items()
            ),
            # What is not there counts, too: the store takes it for version 0.
            reads=tuple((id, known.version) for id, known in seen.items() if id not in ask.own),
            reserve=tuple(
                name for stream, facts in writes.items() for fact in facts for name in ask.reserve(stream, fact)
            ),
        )

    async def _answer(self, writes: Writes, after: Seen, outcome: Outcome) -> Accepted:
        match outcome.kind:
            case "accepted":
                return self._carry_forward(writes, after, outcome)
            case "reserved":
                raise Taken("name.taken", "Somebody else has this name, address or number.")
            case _:
                return await self._again(outcome)

    def _carry_forward(self, writes: Writes, after: Seen, outcome: Outcome) -> Accepted:
        position = outcome.first_position - 1
        for stream, facts in writes.items():
            position += len(facts)
            self.memory.keep(stream, after[stream].placed(position))
        first = next(iter(writes))
        return Accepted(first, after[first].version, outcome.last_position, tuple(writes[first]))

    async def earlier(self, context: Context) -> Accepted | None:
        """What this command wrote when it came before, if it did. Raises ReusedKey."""
        outcome = await self.store.earlier(context.command_id, context.caller, context.request)
        if outcome is None:
            return None
        return await self._again(outcome)

    async def _again(self, outcome: Outcome) -> Accepted:
        if outcome.kind != "duplicate":
            raise ReusedKey("idempotency_key.reused", "This Idempotency-Key came with another request before.")
        return await self._repeat(outcome)

    async def _repeat(self, outcome: Outcome) -> Accepted:
        """The first answer again, read from what the command wrote."""
        count = outcome.last_position - outcome.first_position + 1
        events = [recorded(stored) for stored in await self.store.log(outcome.first_position - 1, count)]
        ours = [event for event in events if event.stream == events[0].stream]
        return Accepted(ours[0].stream, ours[-1].version, outcome.last_position, tuple(event.fact for event in ours))


def _events(ask: Ask, stream: UUID, state: Any, facts: tuple[Fact, ...]) -> tuple[tuple[str, bytes], ...]:
    """`state`: after them all; whose ticket it is never changes."""
    return tuple((fact.type_name, encode(_envelope(ask, stream, state, fact))) for fact in facts)


def _envelope(ask: Ask, stream: UUID, state: Any, fact: Fact) -> Envelope[Fact]:
    context = ask.context
    return envelope_of(fact.type_name)(
        actor=context.actor,
        command_id=context.command_id,
        correlation_id=context.correlation_id,
        causation_id=context.causation_id,
        subject=_subject(stream, state, fact),
        occurred_at=None if fact.status else context.occurred_at,
        fact=fact,
    )


def _subject(stream: UUID, state: Any, fact: Fact) -> UUID | None:
    """Whose personal data it is: a message is its author's, what else is written on a ticket its requester's."""
    if not fact.personal:
        return None
    if isinstance(fact, MessageReceived):
        return fact.author
    return state.requester if isinstance(state, Ticket) else stream


def _already_so(ask: Ask, seen: Seen) -> Accepted:
    now = seen[ask.target]
    return Accepted(ask.target, now.version, now.position, ())


def _raise(refusal: Refusal) -> Accepted:
    raise refusal
