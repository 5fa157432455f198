"""The whole trail checked by anybody who has its rows, its signed heads and the public key.

No secret is needed.  The rows and heads may come from the vault's database; heads that a witness
kept elsewhere are what makes a cut or wholly rebuilt trail visible, so pass them too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

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
    signed: dict[int, set[bytes]] = {}
    count, fault = 0, None
    for head in heads:  # (1)
        count += 1
        if not is_genuine(head, public_key):
            fault = fault or _forged(head)
        signed.setdefault(head.size, set()).add(head.root)
    size, peaks, row_fault = _walk(rows, signed)
    newest = max(signed, default=0)
    fault = row_fault or fault
    beyond = min((known for known in signed if known > size), default=None)
    if fault is None and beyond is not None:  # (5)
        fault = Fault(size, "truncated", f"a signed head covers {beyond} entries; there are {size}")
    elif fault is None and size > newest:
        fault = Fault(newest, "unsigned", f"no signed head covers entry {newest}")
    return Report(size, count, merkle.root_of_peaks(peaks), fault)


def _walk(
    rows: Iterable[Leaf], signed: dict[int, set[bytes]]
) -> tuple[int, merkle.Peaks, Fault | None]:
    size = 0
    peaks: merkle.Peaks = ()
    for row in rows:
        fault = _misplaced(row, size) or _changed(row)  # (2) (3)
        if fault:
            return size, peaks, fault
        peaks = merkle.append(peaks, size, row.leaf_hash)
        size += 1
        if size in signed and signed[size] != {merkle.root_of_peaks(peaks)}:  # (4)
            message = f"the first {size} entries are not those of the head signed over them"
            return size, peaks, Fault(size - 1, "rewritten", message)
    return size, peaks, None


def _misplaced(row: Leaf, expected: int) -> Fault | None:
    if row.position == expected:
        return None
    if row.position > expected:
        return Fault(expected, "deleted", f"entry {expected} is missing before {row.position}")
    return Fault(expected, "reordered", f"entry {row.position} stands where {expected} belongs")


def _changed(row: Leaf) -> Fault | None:
    if hash_entry(row.position, row.month, row.entry, row.commitment) == row.leaf_hash:
        return None
    return Fault(
        row.position, "changed", f"entry {row.position} does not have the hash it was given"
    )


def _forged(head: TreeHead) -> Fault:
    message = f"the head over {head.size} entries was not signed with this key"
    return Fault(max(head.size - 1, 0), "forged head", message)
