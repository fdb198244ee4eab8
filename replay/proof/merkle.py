"""merkle: which few hashes prove that an event is in the log, or that one log goes on from another? RFC 9162, 2.1.

Our own, since pymerkle comes under the GPL. Leaves are counted from 0, so the event at position p is leaf p - 1.
A proof is planned first (`inclusion`, `consistency`: the subtrees whose roots it consists of), then their hashes are
fetched at once, wherever they are kept, and then it is put together: `root_of`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

TILE_BITS = 8
"""Of the tree's inner nodes only each eighth level is kept: one hash for 256 below it."""
EMPTY = sha256(b"").digest()


class Span(NamedTuple):
    """A subtree: the leaves first <= n < first + size. `size` is a power of two but at the tree's right edge."""

    first: int
    size: int


class Key(NamedTuple):
    """A hash that is kept: of the 256**level leaves beginning with leaf place * 256**level."""

    level: int
    place: int


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def inclusion(leaf: int, size: int) -> list[Span]:
    """PATH(leaf, D[size]) of 2.1.3.1, from the leaf upwards."""
    path, first = [], 0
    while size > 1:
        k = _split(size)
        if leaf < first + k:
            path.append(Span(first + k, size - k))
            size = k
        else:
            path.append(Span(first, k))
            first, size = first + k, size - k
    return path[::-1]


def consistency(old: int, size: int) -> list[Span]:
    """PROOF(old, D[size]) of 2.1.4.1, for 0 < old <= size."""
    path, first, known = [], 0, True
    while old != size:
        k = _split(size)
        if old <= k:
            path.append(Span(first + k, size - k))
            size = k
        else:
            path.append(Span(first, k))
            first, old, size, known = first + k, old - k, size - k, False
    return ([] if known else [Span(first, size)]) + path[::-1]


def keys(span: Span) -> list[Key]:
    """The kept hashes that make up a subtree, from left to right: at most 255 of each level."""
    found = []
    (first, size), level = span, max(span.size.bit_length() - 1, 0) // TILE_BITS
    while size:
        width = 1 << TILE_BITS * level
        found += [Key(level, first // width + n) for n in range(size // width)]
        first, size, level = first + size // width * width, size % width, level - 1
    return found


def root_of(span: Span, kept: Mapping[Key, bytes]) -> bytes:
    """MTH of a subtree. KeyError if a hash is not there."""
    edge = Edge()
    for key in keys(span):
        edge.add(kept[key], key.level * TILE_BITS)
    return edge.root()


@dataclass(slots=True)
class Edge:
    """A tree's right edge: the roots of its perfect subtrees, one for each bit of `size`. All that growing needs."""

    size: int = 0
    roots: list[bytes] = field(default_factory=list)

    def add(self, root: bytes, bits: int = 0) -> list[tuple[Key, bytes]]:
        """A leaf, or a perfect subtree of 2**bits leaves; what of it is to be kept."""
        whole: list[tuple[Key, bytes]] = []
        count, self.size = self.size >> bits, self.size + (1 << bits)
        while count & 1:
            root = node_hash(self.roots.pop(), root)
            count, bits = count >> 1, bits + 1
            if not bits % TILE_BITS:
                whole.append((Key(bits // TILE_BITS, count), root))
        self.roots.append(root)
        return whole

    def extend(self, data: Iterable[bytes]) -> list[tuple[Key, bytes]]:
        """Leaves by their content; what of the tree is to be kept."""
        return [kept for one in data for kept in self.add(leaf_hash(one))]

    def root(self) -> bytes:
        if not self.roots:
            return EMPTY
        root = self.roots[-1]
        for left in self.roots[-2::-1]:
            root = node_hash(left, root)
        return root

    def copy(self) -> Edge:
        return Edge(self.size, list(self.roots))


def includes(root: bytes, size: int, leaf: int, hash: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path proves it: 2.1.3.2."""
    if not 0 <= leaf < size:
        return False
    node, last = leaf, size - 1
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            hash = node_hash(sibling, hash)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            hash = node_hash(hash, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and hash == root


def goes_on(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path proves that the tree of `size` begins with that of `old` leaves: 2.1.4.2."""
    if not 0 < old <= size:
        return False
    if old == size:
        return not path and old_root == root
    seeds = [old_root, *path] if old & (old - 1) == 0 else list(path)
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    if not seeds:
        return False
    before = after = seeds[0]
    for sibling in seeds[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and before == old_root and after == root


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1
