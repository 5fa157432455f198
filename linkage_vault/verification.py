"""The whole trail checked by anybody who has its rows, its signed heads and the public key.

No secret is needed.  The rows and heads may come from the vault's database; heads that a witness
kept elsewhere are what makes a cut or wholly rebuilt trail visible, so pass them too.

The trail is checked in pieces of 8,192 entries, each a complete subtree: what is in a piece
(`check_piece`) can be checked anywhere and in any order, and `Joined` holds the pieces against the
heads in their own order, so that the first fault is told however the work was shared out.
"""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from linkage_vault import merkle
from linkage_vault.entries import Leaf
from linkage_vault.trail import hash_entry
from linkage_vault.tree_heads import TreeHead, is_genuine


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where the trail is not what was signed.

    `kind` is one of `changed`, `deleted`, `reordered`, `rewritten`, `truncated`, `unsigned`,
    `forged head`.
    `position` counts from 0; for a head it is the last entry that the head covers.
    """

    position: int
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked: entries, heads, the root over them, and the first fault if there is one."""

    size: int
    heads: int
    root: bytes
    fault: Fault | None


PIECE = 1 << 13
"""Entries in a piece: each begins at a multiple of it."""
Row: TypeAlias = tuple[int, date, bytes, bytes, bytes | None]
"""Position, month, sealed entry, leaf hash and commitment, as they are stored."""


class Piece(NamedTuple):
    """What was found in a piece: its good entries, its first fault, and peaks of its own tree.

    `peaks`: by how many of its entries they are over; those that were asked for, and of all.
    """

    size: int
    peaks: Mapping[int, merkle.Peaks]
    fault: Fault | None


def verify(rows: Iterable[Leaf], heads: Iterable[TreeHead], public_key: Ed25519PublicKey) -> Report:
    """Checks rows, given in order of position, against every head.

    1. Every head carries the vault's signature.
    2. Positions run from 0 without a gap, a repeat or a step back.
    3. Every leaf hash is that of its row.
    4. At every size for which there is a head, the root is the signed one.
    5. No head covers more entries than there are, and no entry stands beyond the newest head:
       an append commits its entries and their head together.

    Heads and rows come from one snapshot of the database.
    It does not check that the newest head is the newest that was ever signed: a witness does.
    """
    joined = Joined(heads, public_key)
    left = map(_bare, rows)
    may_follow = True
    while may_follow:
        rows_of_it = itertools.islice(left, PIECE)
        may_follow = joined.add(check_piece(joined.size, rows_of_it, joined.sizes_in(joined.size)))
    return joined.report()


class Joined:
    """The pieces of a trail put together, in their order, and held against its heads."""

    def __init__(self, heads: Iterable[TreeHead], public_key: Ed25519PublicKey) -> None:
        self.size = 0  # entries that are good so far
        self._peaks: merkle.Peaks = ()
        self._signed: dict[int, set[bytes]] = {}
        self._sizes: dict[int, list[int]] = {}
        self._fault: Fault | None = None
        self._forged: Fault | None = None
        self._heads = 0
        for head in heads:  # (1)
            self._heads += 1
            if not is_genuine(head, public_key):
                self._forged = self._forged or _forged(head)
            self._sign(head)

    @property
    def newest(self) -> int:
        """How many entries the newest head covers."""
        return max(self._signed, default=0)

    def sizes_in(self, first: int) -> list[int]:
        """Of how many entries of the piece that begins at `first` the peaks are needed."""
        return [size - first for size in self._sizes.get(first // PIECE, ())]

    def add(self, piece: Piece) -> bool:
        """Take the next piece; whether one may follow it."""
        before, first = self._peaks, self.size
        for size in sorted(self.sizes_in(first)):  # (4)
            if size > piece.size:
                break
            peaks = merkle.joined(before, first, piece.peaks[size], size)
            if self._signed[first + size] != {merkle.root_of_peaks(peaks)}:
                message = (
                    f"the first {first + size} entries are not those of the head signed over them"
                )
                self._fault = Fault(first + size - 1, "rewritten", message)
                self.size, self._peaks = first + size, peaks
                return False
        self.size += piece.size
        self._peaks = merkle.joined(before, first, piece.peaks[piece.size], piece.size)
        self._fault = piece.fault
        return piece.fault is None and piece.size == PIECE

    def missing_before(self, position: int) -> None:
        """Say that the next entry that is there stands at `position`, beyond the last piece."""
        self._fault = self._fault or _misplaced(position, self.size)

    def report(self) -> Report:
        """What was found."""
        fault, size = self._fault or self._forged, self.size
        beyond = min((known for known in self._signed if known > size), default=None)
        if fault is None and beyond is not None:  # (5)
            fault = Fault(
                size, "truncated", f"a signed head covers {beyond} entries; there are {size}"
            )
        elif fault is None and size > self.newest:
            fault = Fault(self.newest, "unsigned", f"no signed head covers entry {self.newest}")
        return Report(size, self._heads, merkle.root_of_peaks(self._peaks), fault)

    def _sign(self, head: TreeHead) -> None:
        if head.size not in self._signed:
            self._signed[head.size] = set()
            if head.size > 0:
                self._sizes.setdefault((head.size - 1) // PIECE, []).append(head.size)
        self._signed[head.size].add(head.root)


def check_piece(first: int, rows: Iterable[Row], sizes: Collection[int]) -> Piece:
    """Checks up to PIECE rows from position `first`, with the peaks after so many as `sizes` say.

    It knows neither what comes before the piece nor what was signed.
    """
    hashes: list[bytes] = []
    fault = None
    for expected, (position, month, entry, leaf_hash, commitment) in enumerate(rows, first):
        if position != expected:  # (2)
            fault = _misplaced(position, expected)
            break
        if hash_entry(position, month, entry, commitment) != leaf_hash:  # (3)
            fault = _changed(position)
            break
        hashes.append(leaf_hash)
    levels = _levels(hashes)
    wanted = {*(size for size in sizes if size <= len(hashes)), len(hashes)}
    return Piece(len(hashes), {size: _peaks_of(levels, size) for size in wanted}, fault)


def _bare(leaf: Leaf) -> Row:
    return leaf.position, leaf.month, leaf.entry, leaf.leaf_hash, leaf.commitment


def _levels(hashes: Sequence[bytes]) -> list[Sequence[bytes]]:
    """The roots of all complete subtrees, level by level, each level from the left."""
    levels = [hashes]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = zip(below[::2], below[1::2], strict=False)  # the last of an odd number waits
        levels.append([sha256(b"\x01" + left + right).digest() for left, right in pairs])
    return levels


def _peaks_of(levels: Sequence[Sequence[bytes]], size: int) -> merkle.Peaks:
    """The peaks of the tree of the first `size` leaves."""
    return tuple(
        levels[level][(size >> level) - 1]
        for level in reversed(range(size.bit_length()))
        if size >> level & 1
    )


def _misplaced(position: int, expected: int) -> Fault:
    if position > expected:
        return Fault(expected, "deleted", f"entry {expected} is missing before {position}")
    return Fault(expected, "reordered", f"entry {position} stands where {expected} belongs")


def _changed(position: int) -> Fault:
    return Fault(position, "changed", f"entry {position} does not have the hash it was given")


def _forged(head: TreeHead) -> Fault:
    message = f"the head over {head.size} entries was not signed with this key"
    return Fault(max(head.size - 1, 0), "forged head", message)
