"""test_merkle: are roots and proofs those of RFC 9162, and does a proof prove nothing else?"""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.proof import merkle
from replay.proof.merkle import Edge, Key, Span, consistency, goes_on, includes, inclusion, leaf_hash, root_of

SIZES = st.integers(1, 1_200)


def mth(data: list[bytes]) -> bytes:
    """The definition in 2.1.1, word for word."""
    if not data:
        return sha256().digest()
    if len(data) == 1:
        return sha256(b"\0" + data[0]).digest()
    k = split(len(data))
    return sha256(b"\1" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: list[bytes]) -> list[bytes]:
    """The definition in 2.1.3.1."""
    if len(data) == 1:
        return []
    k = split(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: list[bytes], known: bool) -> list[bytes]:
    """The definition in 2.1.4.1."""
    if m == len(data):
        return [] if known else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], known), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


def split(n: int) -> int:
    return max(k for k in (1 << bits for bits in range(n.bit_length())) if k < n)


def leaves(size: int) -> list[bytes]:
    return [b"%d" % n for n in range(size)]


def kept(size: int) -> dict[Key, bytes]:
    data = leaves(size)
    return {Key(0, n): leaf_hash(one) for n, one in enumerate(data)} | dict(Edge().extend(data))


def roots(spans: list[Span], size: int) -> list[bytes]:
    held = kept(size)
    return [root_of(span, held) for span in spans]


@given(SIZES)
def test_a_tree_that_grew_leaf_by_leaf_has_the_root_of_the_definition(size: int) -> None:
    edge = Edge()
    edge.extend(leaves(size))
    assert (edge.size, edge.root()) == (size, mth(leaves(size)))
    assert root_of(Span(0, size), kept(size)) == edge.root()


def test_the_empty_tree() -> None:
    assert Edge().root() == mth([]) == merkle.EMPTY


def test_every_eighth_level_is_kept_as_it_becomes_whole() -> None:
    data = leaves(70_000)
    held = dict(Edge().extend(data))
    assert set(held) == {*(Key(1, n) for n in range(70_000 // 256)), Key(2, 0)}
    assert held[Key(1, 3)] == mth(data[768:1024])
    assert held[Key(2, 0)] == root_of(Span(0, 65_536), held)


@given(SIZES, st.data())
def test_inclusion_is_proven_as_by_the_definition(size: int, data: st.DataObject) -> None:
    leaf = data.draw(st.integers(0, size - 1))
    proof = roots(inclusion(leaf, size), size)
    assert proof == path(leaf, leaves(size))
    assert includes(mth(leaves(size)), size, leaf, leaf_hash(b"%d" % leaf), proof)


@given(SIZES, st.data())
def test_consistency_is_proven_as_by_the_definition(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    proof = roots(consistency(old, size), size)
    assert proof == subproof(old, leaves(size), True)
    assert goes_on(old, mth(leaves(old)), size, mth(leaves(size)), proof)


@given(st.integers(2, 300), st.data())
def test_a_proof_proves_no_other_leaf_size_or_root(size: int, data: st.DataObject) -> None:
    leaf = data.draw(st.integers(0, size - 1))
    root, hash, proof = mth(leaves(size)), leaf_hash(b"%d" % leaf), path(leaf, leaves(size))
    assert not includes(root, size, leaf, leaf_hash(b"another"), proof)
    assert not any(includes(root, size, other, hash, proof) for other in range(size) if other != leaf)
    assert not includes(leaf_hash(b"another"), size, leaf, hash, proof)
    assert not includes(root, size, leaf, hash, [*proof, root])
    assert not includes(root, size, leaf, hash, proof[:-1])
    changed = data.draw(st.integers(0, len(proof) - 1))
    assert not includes(root, size, leaf, hash, [*proof[:changed], leaf_hash(b"another"), *proof[changed + 1 :]])


@given(st.integers(2, 300), st.data())
def test_a_log_that_was_rewritten_is_not_consistent(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    rewritten = [*leaves(size)[:changed], b"another", *leaves(size)[changed + 1 :]]
    proof = subproof(old, rewritten, True)
    assert goes_on(old, mth(rewritten[:old]), size, mth(rewritten), proof)
    assert not goes_on(old, mth(leaves(old)), size, mth(rewritten), proof)
    assert not goes_on(old, mth(rewritten[:old]), size, mth(leaves(size)), proof)
    assert not goes_on(old, mth(rewritten[:old]), size, mth(rewritten), [*proof, proof[0] if proof else b""])
    if proof:
        assert not goes_on(old, mth(rewritten[:old]), size, mth(rewritten), proof[:-1])


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_536, 70_000, 10_000_000, 2**40 + 12_345])
def test_a_proof_needs_few_hashes_however_long_the_log(size: int) -> None:
    for leaf in (0, size // 3, size - 1):
        needed = {key for span in inclusion(leaf, size) for key in merkle.keys(span)}
        levels = {key.level for key in needed}
        assert all(sum(key.level == level for key in needed) < 512 for level in levels)


def test_the_tree_of_the_rfc_s_example() -> None:
    """2.1.5: the proofs for seven leaves, and consistency with 3, 4 and 6."""
    assert inclusion(0, 7) == [Span(1, 1), Span(2, 2), Span(4, 3)]
    assert inclusion(3, 7) == [Span(2, 1), Span(0, 2), Span(4, 3)]
    assert inclusion(4, 7) == [Span(5, 1), Span(6, 1), Span(0, 4)]
    assert inclusion(6, 7) == [Span(4, 2), Span(0, 4)]
    assert consistency(3, 7) == [Span(2, 1), Span(3, 1), Span(0, 2), Span(4, 3)]
    assert consistency(4, 7) == [Span(4, 3)]
    assert consistency(6, 7) == [Span(4, 2), Span(6, 1), Span(0, 4)]
