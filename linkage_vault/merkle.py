"""The Merkle tree of RFC 9162 §2.1 over SHA-256: append, roots, proofs and their checks.

Everything here is a function of hashes.  A tree is either the sequence of its leaf hashes, or its
*peaks*: the roots of the complete subtrees from the left, one for each set bit of the size, which
is all that appending needs.
"""

import hashlib
import hmac
from collections.abc import Sequence

Peaks = tuple[bytes, ...]
EMPTY_ROOT = hashlib.sha256(b"").digest()
HASH_SIZE = 32


def hash_leaf(entry: bytes) -> bytes:
    """The hash of one entry: SHA-256(0x00 || entry), RFC 9162 §2.1.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right), RFC 9162 §2.1.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def append(peaks: Peaks, size: int, leaf: bytes) -> Peaks:
    """The peaks after one more leaf: every trailing set bit of the old size merges two trees."""
    if len(peaks) != size.bit_count():
        raise ValueError(f"{len(peaks)} peaks cannot belong to a tree of {size} leaves")
    kept = list(peaks)
    while size & 1:
        leaf = hash_node(kept.pop(), leaf)
        size >>= 1
    return (*kept, leaf)


def joined(peaks: Peaks, size: int, added: Peaks, count: int) -> Peaks:
    """The peaks after `count` more leaves, whose own tree has the peaks `added`.

    `size` is a multiple of a power of two that is no smaller than `count`.
    """
    if count & (count - 1) or not count:  # several subtrees, or none: nothing merges
        return (*peaks, *added)
    kept, root = list(peaks), added[0]
    place = size >> (count.bit_length() - 1)
    while place & 1:
        root, place = hash_node(kept.pop(), root), place >> 1
    return (*kept, root)


def root_of_peaks(peaks: Peaks) -> bytes:
    """The tree's root, folding the peaks from the right."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = hash_node(peak, root)
    return root


def root_of_leaves(leaves: Sequence[bytes]) -> bytes:
    """The tree's root from all its leaf hashes."""
    peaks: Peaks = ()
    for size, leaf in enumerate(leaves):
        peaks = append(peaks, size, leaf)
    return root_of_peaks(peaks)


Range = tuple[int, int]  # leaves from the first up to, not including, the second
Subtree = tuple[int, int]  # level (0: a leaf) and place from the left on that level


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Whose roots make the audit path of leaf `index`, lowest sibling first.

    PATH(m, D_n) of RFC 9162 §2.1.3.1.  Raises ValueError for a leaf beyond the tree.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size} leaves")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_ranges(first: int, size: int) -> list[Range]:
    """Whose roots prove that the first `first` leaves are a prefix of the tree of `size`.

    PROOF(m, D_n) of RFC 9162 §2.1.4.1.  Raises ValueError for an empty or longer tree.
    """
    if not 0 < first <= size:
        raise ValueError(f"no tree of {first} leaves inside one of {size}")
    path = []
    start, end = 0, size
    while first < end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    if start > 0:
        path.append((start, end))
    return path[::-1]


def subtrees(leaves: Range) -> list[Subtree]:
    """The complete subtrees that a range of a proof consists of, from the left.

    Their roots are stored; `root_of_peaks` folds them into the root of the range.
    """
    start, end = leaves
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def complete(peaks: Peaks, size: int, leaf: bytes) -> tuple[Peaks, list[tuple[Subtree, bytes]]]:
    """As `append`, with every inner subtree that the leaf completes, and its root."""
    kept, done = list(peaks), []
    level, place = 0, size
    while place & 1:
        leaf = hash_node(kept.pop(), leaf)
        level, place = level + 1, place >> 1
        done.append(((level, place), leaf))
    return (*kept, leaf), done


def prove_inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf `index` from all leaf hashes, lowest sibling first."""
    return [root_of_leaves(leaves[a:b]) for a, b in inclusion_ranges(index, len(leaves))]


def prove_consistency(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """That the first `first` leaves are a prefix, from all leaf hashes."""
    return [root_of_leaves(leaves[a:b]) for a, b in consistency_ranges(first, len(leaves))]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], *, root: bytes
) -> bool:
    """Whether `path` proves the leaf hash at `index` of a tree of `size`: RFC 9162 §2.1.3.2."""
    if not 0 <= index < size:
        return False
    here, last, computed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            computed = hash_node(sibling, computed)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            computed = hash_node(computed, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and hmac.compare_digest(computed, root)


def verify_consistency(
    first: int, second: int, path: Sequence[bytes], *, first_root: bytes, second_root: bytes
) -> bool:
    """Whether `path` proves the smaller tree to be a prefix of the larger: RFC 9162 §2.1.4.2."""
    if first == second:
        return not path and hmac.compare_digest(first_root, second_root)
    if not 0 < first < second or not path:
        return False
    rest = list(path) if first & (first - 1) else [first_root, *path]
    here, last = first - 1, second - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = rest[0]
    for sibling in rest[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old, new = hash_node(sibling, old), hash_node(sibling, new)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            new = hash_node(new, sibling)
        here, last = here >> 1, last >> 1
    matches = hmac.compare_digest(old, first_root) and hmac.compare_digest(new, second_root)
    return last == 0 and matches


def _split(size: int) -> int:
    """The largest power of two smaller than `size`, where RFC 9162 §2.1.1 cuts a tree."""
    return 1 << ((size - 1).bit_length() - 1)
