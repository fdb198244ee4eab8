"""audit: is the log whole, and is it still what its witnesses said that it was?"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

from psycopg import Connection

from commands.log import read_head
from replay.proof.chain import Checked, Fault, Told, check_chain, link_at
from replay.proof.heads import FalseHead, SignedHead, instant
from replay.proof.merkle import Edge
from replay.proof.published import Published

MOST_FALSE = 20
"""More false heads than these are counted, not told one by one."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found. heads: how many were compared with the log; keys: those that signed them, in hex."""

    checked: Checked
    heads: int
    newest: SignedHead | None
    keys: frozenset[str]

    @property
    def intact(self) -> bool:
        return not self.checked.faults


def audit(
    connection: Connection[object],
    sources: Sequence[Iterable[Published]],
    keys: Set[bytes],
    after: int,
    told: Told = lambda done, fraction: None,
) -> Audit:
    """The chain beyond position `after`, and every head beyond it that these sources hold. No keys: any will do.

    From the beginning, each head's root is built anew from the log: that says more than a consistency proof between
    two heads could. From elsewhere only the chain hashes are compared, which commit to all before them as well.
    """
    witnesses = Witnesses(sources, read_head(connection).log_id, keys, after)
    if after:
        witnesses.begin(link_at(connection, after))
    checked = check_chain(connection, after, told, witnesses.watch)
    if not checked.faults:
        witnesses.end(checked.upto)
    faults = (*checked.faults, *witnesses.faults)
    checked = Checked(checked.after, checked.upto, faults)
    return Audit(checked, witnesses.compared, witnesses.newest, frozenset(witnesses.keys))


class Witnesses:
    """Heads in order of their size, beside a log that is being walked."""

    def __init__(self, sources: Sequence[Iterable[Published]], log_id: UUID, keys: Set[bytes], after: int) -> None:
        self.faults: list[Fault] = []
        self.compared, self.newest, self.keys = 0, None, set[str]()
        self._log_id, self._trusted, self._after = log_id, keys, after
        self._edge = None if after else Edge()
        self._rewritten = False
        self._heads = heapq.merge(*(self._read(source) for source in sources), key=lambda head: head.tree_size)
        self._next: SignedHead | None = None
        self._step()

    newest: SignedHead | None

    def begin(self, chain: bytes) -> None:
        """Heads of no more than what is taken as it stands."""
        while self._next is not None and self._next.tree_size <= self._after:
            if self._next.tree_size == self._after:
                self._compare(self._next, chain)
            self._step()

    def watch(self, position: int, hashes: Sequence[bytes]) -> None:
        """The next stretch of the log, which ends at `position`."""
        before = done = position - len(hashes)
        while self._next is not None and self._next.tree_size <= position:
            size = self._next.tree_size
            self._grow(hashes[done - before : size - before])
            self._compare(self._next, hashes[size - before - 1])
            done = size
            self._step()
        self._grow(hashes[done - before :])

    def end(self, upto: int) -> None:
        """Of a log that is whole up to its end: heads of more than that say that it was cut."""
        last = None
        while self._next is not None:
            last = self._next
            self._step()
        if last is not None and not self._rewritten:
            says = (
                f"a head of {last.tree_size} events was signed at {instant(last.timestamp)}, and the log ends at {upto}"
            )
            self.faults.append(Fault(upto + 1, "cut", f"{says}: its tail was cut"))

    def _grow(self, hashes: Sequence[bytes]) -> None:
        if self._edge is not None:
            self._edge.extend(hashes)

    def _compare(self, head: SignedHead, chain: bytes) -> None:
        if self._rewritten:
            return
        self.compared += 1
        good = self.newest.tree_size if self.newest else 0
        if head.chain == chain.hex() and (self._edge is None or head.root == self._edge.root().hex()):
            self.newest = head
            return
        self._rewritten = True
        # Two heads of one size, of which one fits, are no less a lie of whoever signed them.
        first = min(good + 1, head.tree_size)
        says = f"a head of {head.tree_size} events, signed at {instant(head.timestamp)}, says other hashes"
        said = f"positions {first} to {head.tree_size} were rewritten, or some of them; heads up to {good} fit"
        self.faults.append(Fault(first, "rewritten", f"{says}: {said}"))

    def _step(self) -> None:
        """Past heads that say the same: they come from several places."""
        before = self._next
        self._next = next(self._heads, None)
        while self._next is not None and self._next == before:
            self._next = next(self._heads, None)

    def _read(self, source: Iterable[Published]) -> Iterator[SignedHead]:
        """True heads only; what is wrong with the others becomes a fault."""
        last = 0
        for found in source:
            size = 0
            try:
                head = SignedHead.read(found.line)
                size = head.tree_size
                head.require_true(self._log_id, self._trusted)
                if size < last:
                    raise FalseHead(f"it is of fewer events than the head before it, {size} after {last}")
            except FalseHead as false:
                self._tell(Fault(size, "witness", f"{found.where}: {false}"))
                continue
            last = size
            self.keys.add(head.public_key)
            yield head

    def _tell(self, fault: Fault) -> None:
        if len(self.faults) < MOST_FALSE:
            self.faults.append(fault)
