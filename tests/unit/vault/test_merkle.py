"""The Merkle tree: published vectors, a second implementation, and proofs that cannot be bent."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from linkage_vault import merkle

# Inputs and roots of the Certificate Transparency reference implementation's Merkle tree test,
# the vectors that RFC 6962 and RFC 9162 implementations share.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

sizes = st.integers(min_value=1, max_value=70)


def _leaves(size: int) -> list[bytes]:
    return [merkle.hash_leaf(b"entry %d" % position) for position in range(size)]


def _second_tree(size: int) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for position in range(size):
        tree.append_entry(b"entry %d" % position)
    return tree


def test_empty_tree_has_the_hash_of_nothing():
    """RFC 9162 §2.1.1: the root of an empty tree is the hash of an empty string."""
    assert sha256(b"").digest() == merkle.root_of_leaves([])


def test_known_vectors():
    """Appending the published inputs one by one gives the published root after each."""
    peaks: merkle.Peaks = ()
    roots = []
    for size, entry in enumerate(INPUTS):
        peaks = merkle.append(peaks, size, merkle.hash_leaf(entry))
        roots.append(merkle.root_of_peaks(peaks).hex())
    assert ROOTS == roots


def test_known_inclusion_path():
    """The published audit path of the first leaf of eight is the one made here."""
    leaves = [merkle.hash_leaf(entry) for entry in INPUTS]
    expected = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert expected == [node.hex() for node in merkle.prove_inclusion(leaves, 0)]


def test_leaf_and_node_hashes_are_kept_apart():
    """A leaf made of two hashes is not their node: RFC 9162 §2.1.1's second-preimage defence."""
    left, right = merkle.hash_leaf(b"a"), merkle.hash_leaf(b"b")
    assert merkle.hash_node(left, right) != merkle.hash_leaf(left + right)


@given(sizes)
def test_roots_equal_those_of_a_second_implementation(size):
    """An independent RFC 9162 tree answers the same root."""
    assert _second_tree(size).get_root(size) == merkle.root_of_leaves(_leaves(size))


@given(st.data(), sizes)
def test_inclusion_proofs_hold_and_agree_with_a_second_implementation(data, size):
    """Every leaf is proven, with the very path that the other implementation gives."""
    index = data.draw(st.integers(0, size - 1))
    leaves = _leaves(size)
    path = merkle.prove_inclusion(leaves, index)
    root = merkle.root_of_leaves(leaves)
    other = _second_tree(size).prove_inclusion(index + 1, size)
    assert other.path[1:] == path
    assert merkle.verify_inclusion(leaves[index], index, size, path, root=root)


@given(st.data(), sizes)
def test_bent_inclusion_proofs_fail(data, size):
    """Another leaf, place or root, and a path changed, longer or shorter, prove nothing."""
    index = data.draw(st.integers(0, size - 1))
    leaves = _leaves(size)
    path = merkle.prove_inclusion(leaves, index)
    root = merkle.root_of_leaves(leaves)
    bent = [_flip(node) if place == 0 else node for place, node in enumerate(path)]
    attempts = [
        merkle.verify_inclusion(_flip(leaves[index]), index, size, path, root=root),
        merkle.verify_inclusion(leaves[index], size, size, path, root=root),
        merkle.verify_inclusion(leaves[index], index, size, [*path, root], root=root),
        merkle.verify_inclusion(leaves[index], index, size, path, root=_flip(root)),
    ]
    if path:
        attempts.append(merkle.verify_inclusion(leaves[index], index, size, bent, root=root))
        attempts.append(merkle.verify_inclusion(leaves[index], index, size, path[1:], root=root))
    assert not any(attempts)


@given(st.data(), sizes)
def test_consistency_proofs_hold_and_bent_ones_fail(data, size):
    """A shorter tree is proven to be the beginning of the longer one, and not another is."""
    first = data.draw(st.integers(1, size))
    leaves = _leaves(size)
    path = merkle.prove_consistency(leaves, first)
    first_root, second_root = (merkle.root_of_leaves(leaves[:n]) for n in (first, size))
    roots = {"first_root": first_root, "second_root": second_root}
    assert merkle.verify_consistency(first, size, path, **roots)
    assert not merkle.verify_consistency(
        first, size, path, first_root=_flip(first_root), second_root=second_root
    )
    assert not merkle.verify_consistency(
        first, size, path, first_root=first_root, second_root=_flip(second_root)
    )
    assert not merkle.verify_consistency(first, size, [*path, first_root], **roots)


def test_the_worked_example_of_the_standard():
    """RFC 9162 §2.1.5 names the nodes of seven leaves and lists the proofs between them."""
    a, b, c, d, e, f, j = _leaves(7)
    g, h, i = merkle.hash_node(a, b), merkle.hash_node(c, d), merkle.hash_node(e, f)
    k, m = merkle.hash_node(g, h), merkle.hash_node(i, j)
    leaves = _leaves(7)
    inclusion = {0: [b, h, m], 3: [c, g, m], 4: [f, j, k], 6: [i, k]}
    consistency = {3: [c, d, g, m], 4: [m], 6: [i, j, k]}
    assert merkle.hash_node(k, m) == merkle.root_of_leaves(leaves)
    assert inclusion == {n: merkle.prove_inclusion(leaves, n) for n in inclusion}
    assert consistency == {n: merkle.prove_consistency(leaves, n) for n in consistency}


@given(st.data(), sizes)
def test_a_second_implementation_agrees_that_the_beginning_is_the_same(data, size):
    """The root of every prefix is the state that the other tree had at that size."""
    first = data.draw(st.integers(1, size))
    assert _second_tree(size).get_root(first) == merkle.root_of_leaves(_leaves(size)[:first])


def test_proofs_of_the_impossible_are_refused():
    """A leaf beyond the tree and a first tree larger than the second are refused."""
    with pytest.raises(ValueError, match="no leaf 3"):
        merkle.prove_inclusion(_leaves(3), 3)
    with pytest.raises(ValueError, match="no tree of 4"):
        merkle.prove_consistency(_leaves(3), 4)
    with pytest.raises(ValueError, match="peaks"):
        merkle.append((), 1, merkle.EMPTY_ROOT)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (-1, 3), (4, 3), (3, 3)])
def test_no_path_proves_a_beginning_that_cannot_be(first, second):
    """An empty tree, one larger than the other, one as large with a path: no, and no error."""
    root = merkle.root_of_leaves(_leaves(3))
    for path in ([], [root], _leaves(2)):
        if path or first != second:
            assert not merkle.verify_consistency(
                first, second, path, first_root=root, second_root=root
            )


def test_a_beginning_is_not_proved_by_nothing():
    """Two trees of different size with one root and an empty path."""
    root = merkle.root_of_leaves(_leaves(3))
    assert not merkle.verify_consistency(2, 3, [], first_root=root, second_root=root)


def _flip(octets: bytes) -> bytes:
    return bytes([octets[0] ^ 1]) + octets[1:]
